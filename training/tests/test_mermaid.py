"""Mermaid's charts: well formed, whatever the names and the values."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.judging.mermaid import LABEL_CHARS, draw_bars, draw_steps, quote
from training.tests.blocks import read_charts

SHARE = st.floats(0, 1)
HOSTILE = ['"', "```", "%%{init: {}}%%", "a]\nbar [9]", "#quot;", "<b>", "", "a;b", "\\", "---"]
NAMES = st.text() | st.sampled_from(HOSTILE)
BARS = st.lists(st.tuples(NAMES, SHARE), min_size=1, max_size=25)


@settings(deadline=None)
@given(BARS, st.data())
def test_lying_bars_are_well_formed_and_none_is_without_length(bars, data):
    size = len(bars)
    line = data.draw(st.just([]) | st.lists(SHARE, min_size=size, max_size=size))
    (chart,) = read_charts(draw_bars("F1", bars, line))
    assert chart.series["bar"] == pytest.approx([value for _, value in bars], abs=1e-4)
    assert chart.series.get("line", []) == pytest.approx(line, abs=1e-4)
    assert min(value for _, value in bars) > chart.low or chart.low == 0


@settings(deadline=None)
@given(BARS)
def test_standing_bars_are_well_formed(bars):
    (chart,) = read_charts(draw_steps(("sure", "right"), bars, [value for _, value in bars]))
    assert (chart.low, chart.high) == (0, 1)
    assert chart.series["line"] == chart.series["bar"]


@settings(deadline=None)
@given(st.floats(0.5, 0.99), st.floats(0.01, 0.01))
def test_bars_that_differ_by_a_hundredth_differ_to_the_eye(low, gap):
    (chart,) = read_charts(draw_bars("F1", [("a", low), ("b", low + gap)]))
    assert gap / (chart.high - chart.low) > 0.05


@settings(deadline=None)
@given(NAMES)
def test_quoted_name_is_short_safe_and_not_empty(name):
    quoted = quote(name)
    assert 3 <= len(quoted) <= LABEL_CHARS + 2
    assert not set(quoted[1:-1]) & set('"`%{};#<>\n\\[]')


def test_usual_names_are_left_as_they_are():
    assert quote("rec.sport.baseball") == '"rec.sport.baseball"'
    assert quote("Géologie (2024), a/b & c's") == '"Géologie (2024), a/b & c\'s"'
