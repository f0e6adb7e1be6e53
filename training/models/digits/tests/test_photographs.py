"""Drawn photographs: the same for a seed, and none that is scored is like one to learn from."""

from collections import Counter

import pytest

from training.models.digits.photographs import DIGITS, FONTS, GROUPS, WRITTEN, take
from training.models.digits.strokes import WAYS, trace


def test_same_seed_gives_the_same_pictures_another_one_others():
    first, second, other = (list(take(20, seed)) for seed in (1, 1, 2))
    assert first == second
    assert first != other


def test_every_digit_is_in_every_group():
    found = Counter((one.digit, one.group) for one in take(DIGITS * len(GROUPS), 1))
    assert set(found.values()) == {1}
    assert len(found) == DIGITS * len(GROUPS)


def test_groups_can_be_chosen():
    assert {one.group for one in take(40, 1, groups=("plain", "lined"))} == {"plain", "lined"}


def test_pictures_are_whole_and_have_ink_on_them():
    for one in take(DIGITS * len(GROUPS), 5):
        picture = one.picture
        assert len(picture.grey) == picture.width * picture.height
        assert max(picture.grey) - min(picture.grey) > 40


def test_sets_have_neither_fonts_nor_hands_in_common():
    assert not {*FONTS["learnt"]} & {*FONTS["scored"]}
    assert not {*WRITTEN["learnt"]} & {*WRITTEN["scored"]}
    used = sorted(WRITTEN["learnt"] + WRITTEN["scored"])
    assert all(used == [*range(len(ways))] for ways in WAYS.values())


@pytest.mark.parametrize("digit", range(DIGITS))
def test_written_digits_fill_their_square(digit):
    for way in WAYS[digit]:
        curves = [trace(stroke) for stroke in way]
        assert min(curve.min() for curve in curves) > -0.12
        assert max(curve.max() for curve in curves) < 1.12
        assert max(curve[:, 1].max() for curve in curves) > 0.85
        assert min(curve[:, 1].min() for curve in curves) < 0.15
