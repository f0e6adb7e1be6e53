"""What a model sees: of any picture the right number of pixels, of a sign MNIST's form."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.app.pictures import Picture
from serving.app.pictures.levels import find_threshold
from serving.app.pictures.pixels import reduce, scale
from serving.app.pictures.prepare import prepare
from serving.app.pictures.reference import SEARCHED
from serving.bundle.inputs import PREPARATIONS

SIDE = 28
SEVEN = (
    "##########",
    "##########",
    "........##",
    ".......##.",
    "......##..",
    ".....##...",
    "....##....",
)


@st.composite
def pictures(draw):
    """Pictures of any bytes, of few levels, and of one level alone."""
    width, height = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    size = width * height
    levels = draw(
        st.sampled_from([range(256), (0, 255), (254, 255), (200, 210, 30), (0, 128, 255), (7,)])
    )
    seed = draw(st.binary(min_size=1, max_size=200))
    some = bytes(levels[one % len(levels)] for one in seed)
    return Picture(width, height, (some * (size // len(some) + 1))[:size])


def draw_sign(width, height, left, top, scale, *, paper=0, ink=255):  # noqa: PLR0913
    """A seven in a picture of one level, each of its pixels `scale` × `scale` ones."""
    grey = bytearray([paper]) * (width * height)
    for y, row in enumerate(SEVEN):
        for x, one in enumerate(row):
            if one == "#":
                for line in range(top + y * scale, top + (y + 1) * scale):
                    start = line * width + left + x * scale
                    grey[start : start + scale] = bytes([ink]) * scale
    return Picture(width, height, bytes(grey))


def change(picture, table):
    return Picture(picture.width, picture.height, picture.grey.translate(bytes(table)))


def differ(one, other):
    """The mean difference of two pictures, in levels."""
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)


@given(pictures(), st.integers(1, 40), st.integers(1, 40), st.sampled_from([*PREPARATIONS]))
@settings(deadline=None, max_examples=50)
def test_any_picture_gives_the_frames_pixels_the_same_each_time(picture, width, height, name):
    found = prepare(picture, width, height, name)
    assert type(found) is bytes
    assert len(found) == width * height
    assert prepare(picture, width, height, name) == found


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 255))
@settings(deadline=None, max_examples=50)
def test_blank_picture_gives_no_ink_and_its_own_level(width, height, level):
    picture = Picture(width, height, bytes([level]) * (width * height))
    assert prepare(picture, SIDE, SIDE, "ink") == bytes(SIDE * SIDE)
    assert prepare(picture, SIDE, SIDE, "resize") == bytes([level]) * (SIDE * SIDE)


@given(pictures())
@settings(deadline=None, max_examples=50)
def test_resized_picture_keeps_within_its_levels(picture):
    found = prepare(picture, SIDE, SIDE, "resize")
    assert min(picture.grey) <= min(found)
    assert max(found) <= max(picture.grey)


@given(pictures(), st.integers(1, 30), st.integers(1, 30))
@settings(deadline=None, max_examples=50)
def test_scaled_picture_keeps_its_mean(picture, width, height):
    found = scale(picture, width, height).grey
    assert abs(sum(found) / len(found) - sum(picture.grey) / len(picture.grey)) <= 0.51


@pytest.mark.parametrize("factor", [2, 3, 16, 17, 40])
def test_reduced_picture_has_the_mean_of_each_square(factor):
    width, height = 2 * factor + 1, 3 * factor + factor // 2
    grey = hashlib.shake_256(b"levels").digest(width * height)
    found = reduce(Picture(width, height, grey), factor)
    assert (found.width, found.height) == (2, 3)
    for row in range(3):
        for column in range(2):
            square = [
                grey[y * width + x]
                for y in range(row * factor, (row + 1) * factor)
                for x in range(column * factor, (column + 1) * factor)
            ]
            assert found.grey[row * 2 + column] == sum(square) // factor**2


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (3, 2000), (1000, 20)])
@pytest.mark.parametrize("name", PREPARATIONS)
def test_very_long_picture_is_prepared(size, name):
    width, height = size
    grey = bytes([250]) * (width * height)
    grey = grey[: len(grey) // 2] + bytes(len(grey) // 4) + grey[: len(grey) - len(grey) * 3 // 4]
    assert len(prepare(Picture(width, height, grey[: width * height]), SIDE, SIDE, name)) == SIDE**2


@pytest.mark.parametrize("scale", [1, 2, 5, 9])
def test_sign_has_its_longer_side_in_20_of_28_pixels_and_its_mass_in_the_middle(scale):
    found = prepare(draw_sign(130, 140, 13, 40, scale), SIDE, SIDE, "ink")
    rows = [found[start : start + SIDE] for start in range(0, len(found), SIDE)]
    columns = [found[start::SIDE] for start in range(SIDE)]
    assert sum(map(any, columns)) == 20
    assert sum(map(any, rows)) == 14
    mass = sum(found)
    assert abs(sum(y * sum(row) for y, row in enumerate(rows)) / mass - SIDE / 2) <= 0.5
    assert abs(sum(x * sum(column) for x, column in enumerate(columns)) / mass - SIDE / 2) <= 0.5
    assert max(found) == 255


def test_sign_as_mnist_has_it_stays_as_it_is():
    once = prepare(draw_sign(130, 140, 13, 40, 6), SIDE, SIDE, "ink")
    assert prepare(Picture(SIDE, SIDE, once), SIDE, SIDE, "ink") == once


@given(
    st.integers(2, 6),
    st.integers(0, 40),
    st.integers(0, 40),
    st.integers(0, 60),
    st.integers(0, 60),
)
@settings(deadline=None, max_examples=50)
def test_sign_elsewhere_in_a_larger_page_is_the_same(scale, left, top, right, below):
    wide, high = 10 * scale, 7 * scale
    small = draw_sign(wide + 20, high + 20, 10, 10, scale, paper=240, ink=20)
    large = draw_sign(
        wide + 20 + left + right,
        high + 20 + top + below,
        left + 10,
        top + 10,
        scale,
        paper=240,
        ink=20,
    )
    found = [prepare(one, SIDE, SIDE, "ink") for one in (small, large)]
    assert differ(*found) < 8


@given(st.integers(2, 8), st.integers(0, 90), st.integers(160, 255))
@settings(deadline=None, max_examples=50)
def test_inverted_picture_is_nearly_the_same(scale, dark, light):
    picture = draw_sign(110, 100, 12, 15, scale, paper=light, ink=dark)
    inverted = change(picture, range(255, -1, -1))
    assert differ(*(prepare(one, SIDE, SIDE, "ink") for one in (picture, inverted))) < 3


@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (0, 255), (200, 120), (90, 160)])
def test_ink_of_any_contrast_is_full(paper, ink):
    black = prepare(draw_sign(90, 90, 12, 15, 5), SIDE, SIDE, "ink")
    found = prepare(draw_sign(90, 90, 12, 15, 5, paper=paper, ink=ink), SIDE, SIDE, "ink")
    assert differ(found, black) < 3


def test_light_from_one_side_is_taken_out():
    even = draw_sign(90, 90, 12, 15, 5, paper=240, ink=60)
    uneven = bytes(max(0, one - place % 90) for place, one in enumerate(even.grey))
    found = [prepare(one, SIDE, SIDE, "ink") for one in (even, Picture(90, 90, uneven))]
    assert differ(*found) < 8


def test_lines_of_a_sheet_are_taken_out():
    even = draw_sign(90, 90, 12, 15, 5, paper=240, ink=40)
    ruled = bytearray(even.grey)
    for line in range(7, 90, 18):
        start = line * 90
        ruled[start : start + 90] = bytes(min(one, 150) for one in ruled[start : start + 90])
    found = [prepare(one, SIDE, SIDE, "ink") for one in (even, Picture(90, 90, bytes(ruled)))]
    assert differ(*found) < 8


def test_specks_far_from_the_sign_are_left_out():
    even = draw_sign(90, 90, 30, 30, 4, paper=240, ink=40)
    spotted = bytearray(even.grey)
    for place in (5 * 90 + 5, 80 * 90 + 70, 81 * 90 + 20):
        spotted[place : place + 2] = bytes(2)
    assert prepare(Picture(90, 90, bytes(spotted)), SIDE, SIDE, "ink") == prepare(
        even, SIDE, SIDE, "ink"
    )


def test_large_page_shows_as_much_as_a_small_one():
    found = [
        prepare(draw_sign(80 * k, 80 * k, 12 * k, 15 * k, 5 * k), SIDE, SIDE, "ink")
        for k in (1, 3, SEARCHED // 8)
    ]
    assert differ(found[0], found[1]) < 4
    assert differ(found[0], found[2]) < 4


def test_thin_pen_is_as_strong_as_a_thick_one():
    grey = bytearray([250]) * (150 * 150)
    for y in range(20, 130):
        grey[y * 150 + 75 : y * 150 + 77] = bytes(2)
    found = prepare(Picture(150, 150, bytes(grey)), SIDE, SIDE, "ink")
    assert max(found) >= 224
    assert sum(found) > 20 * 255


@given(st.lists(st.integers(0, 50), min_size=256, max_size=256))
def test_threshold_is_where_the_variance_between_the_classes_is_largest(counts):
    def between(level):
        low, high = counts[: level + 1], counts[level + 1 :]
        if not sum(low) or not sum(high):
            return 0.0
        means = [
            sum(i * one for i, one in enumerate(low)) / sum(low),
            sum(i * one for i, one in enumerate(high, level + 1)) / sum(high),
        ]
        return sum(low) * sum(high) * (means[0] - means[1]) ** 2

    assert between(find_threshold(counts)) == pytest.approx(max(map(between, range(256))))


@pytest.mark.parametrize("dark", [True, False])
def test_sign_in_the_edge_of_a_shadow_is_found_whole(dark):
    even = draw_sign(150, 150, 32, 40, 8, paper=230 if dark else 20, ink=30 if dark else 120)
    lit = [one * (10 if place % 150 < 75 else 6) // 10 for place, one in enumerate(even.grey)]
    if not dark:  # a lamp's spot on a blackboard
        lit = [one + (0 if place % 150 < 75 else 60) for place, one in enumerate(even.grey)]
    found = [prepare(one, SIDE, SIDE, "ink") for one in (even, Picture(150, 150, bytes(lit)))]
    assert differ(*found) < 20


def test_dark_table_beside_the_sheet_is_no_ink():
    even = draw_sign(150, 150, 32, 40, 7, paper=230, ink=30)
    beside = bytes(10 if place % 150 < 9 else one for place, one in enumerate(even.grey))
    found = [prepare(one, SIDE, SIDE, "ink") for one in (even, Picture(150, 150, beside))]
    assert differ(*found) < 8
