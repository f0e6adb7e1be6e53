"""The model report in Markdown: whole tables, safe names, charts that Mermaid can read."""

import re
from copy import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.bundle.versions import installed_versions
from serving.tests.tracked import ROOT
from training.judging.committed import Recorded
from training.judging.gates import Gate
from training.judging.labels import DRAWN_CLASSES, FEWEST, Flip, draw_reliability
from training.judging.page import TERM_CHARS, Judgement, code, plain, render
from training.judging.served import Served
from training.judging.sides import Side
from training.judging.values import Move
from training.tasks import regression
from training.tasks.classification import BINS, Scored
from training.tests.blocks import read_charts
from training.tests.sample import PATHS

SHARE = st.floats(0, 1)
# numpy drops NULs at the end.
NAMES = st.text(st.characters(exclude_characters="\0"), min_size=1) | st.sampled_from(
    ["a|b", "`x`", "```", "<script>", "[l](u)", "a\nb", "@you", "_a_", "\\", "sci.med", "**"]
)


def make_side(version, classes, sure):
    first = classes[0]
    predicted = np.array([first] * len(sure))
    rows = np.zeros((len(sure), len(classes)))
    rows[:, sorted(classes).index(first)] = sure
    return Side(
        version=version,
        size=1_000_000,
        model=None,
        scored=Scored(np.array(sorted(classes)), predicted, predicted, rows),
        metrics={"macro_f1": 0.9, "log_loss": 0.3, "baseline_accuracy": 0.1},
    )


@st.composite
def judgements(draw):
    """With another model, with its recorded scores alone, and with nothing."""
    names = draw(st.lists(NAMES, min_size=1, max_size=DRAWN_CLASSES + 5, unique=True))
    sure = draw(st.lists(SHARE, min_size=1, max_size=30))
    side = make_side(draw(st.sampled_from(["0" * 12, "1" * 12])), names, sure)
    base, recorded = None, draw(st.none() | st.just(make_recorded()))
    if recorded and draw(st.booleans()):
        base = make_side(recorded.version, names, sure)
    label, terms = st.sampled_from(names), st.lists(st.text(min_size=1), max_size=3)
    flip = st.builds(Flip, st.integers(1, 99), label, label, SHARE, label, SHARE, terms)
    gate = st.builds(Gate, NAMES, NAMES, NAMES, st.booleans())
    served = st.builds(Served, NAMES, st.just("frozen"), st.none() | st.integers(0, 10**9))
    return Judgement(
        paths=PATHS,
        rev="main",
        side=side,
        base=base,
        recorded=recorded,
        reason="" if base else draw(NAMES),
        returns=draw(st.booleans()),
        same_data=draw(st.booleans()),
        task="classification",
        changes=draw(st.lists(flip, max_size=12)) if base else [],
        gates=draw(st.lists(gate, min_size=1, max_size=3)),
        served=draw(served),
        served_base=draw(served) if recorded else None,
        start=draw(NAMES),
    )


def make_recorded(**changes):
    return Recorded.model_validate(
        {
            "version": "1" * 12,
            "engine": "frozen",
            "files": {"model.joblib": {"sha256": "1" * 64, "size": 9}},
            "versions": installed_versions(),
            "dataset_sha256": "2" * 64,
            "metrics": {"macro_f1": 0.9},
        }
        | changes
    )


def read_tables(page):
    """The tables, as lists of rows of cells, the line under the head included."""
    tables = [[]]
    for line in re.sub(r"```mermaid.*?```", "", page, flags=re.DOTALL).splitlines():
        if not line.startswith("|"):
            tables.append([])
            continue
        assert line.endswith("|"), line
        tables[-1].append(re.split(r"(?<!\\)(?:\\\\)*\|", line)[1:-1])
    return [one for one in tables if one]


@settings(deadline=None, max_examples=50)
@given(judgements())
def test_any_report_has_whole_tables_and_charts(found):
    page = render(found)
    for rows in read_tables(page):
        assert len(rows) > 1
        assert {len(cells) for cells in rows} == {len(rows[0])}, rows
        assert all(re.fullmatch("-+", cell) for cell in rows[1])
    bars, steps = read_charts(page)
    assert len(bars.names) == min(len(found.side.scored.classes), DRAWN_CLASSES)
    assert ("line" in bars.series) == (found.base is not None and not found.is_same)
    assert set(steps.series) == {"bar", "line"}
    assert page.count("<details") == page.count("</details>") == 2
    assert "\n\n\n\n" not in page


@settings(deadline=None, max_examples=50)
@given(judgements())
def test_any_report_says_what_blocks_and_what_was_not_looked_at(found):
    page = render(found)
    assert ("**Blocked**" in page) == any(not one.passed for one in found.gates)
    assert ("Nothing to compare with" in page) == (found.recorded is None)
    assert ("It is the model of `main`.\n" in page) == found.is_same
    compared = found.base is not None or found.recorded is None or found.is_same
    assert ("**not looked at**" in page) == (not compared)
    assert ("### Labels that change" in page) == (found.base is not None and not found.is_same)


FLIP = Flip(1, "a", "a", 0.5, "b", 0.5, [])


@pytest.mark.parametrize(
    ("shift", "flips", "is_rounding"),
    [(4e-16, [], True), (9e-10, [], True), (2e-9, [], False), (4e-16, [FLIP], False)],
)
def test_models_differ_in_rounding_alone_is_told_from_other_models(shift, flips, is_rounding):
    side, base = (make_side(version, ["a", "b"], [0.7, 0.4]) for version in ("0" * 12, "1" * 12))
    base.scored.probabilities[0, 0] += shift
    found = Judgement(
        paths=PATHS,
        rev="main",
        side=side,
        base=base,
        recorded=make_recorded(),
        reason="",
        same_data=True,
        task="classification",
        changes=flips,
        returns=False,
        gates=[Gate("rule", "found", "limit", passed=True)],
        served=Served("frozen", "frozen", 2_000_000),
        served_base=Served("frozen", "frozen", 2_000_000),
        start="1.10×",
    )
    page = render(found)
    assert ("but for **rounding**" in page) == is_rounding
    kept = f"`git checkout main -- dvc.lock {PATHS.metrics} {PATHS.bundle}/manifest.json`"
    assert (kept in page) == is_rounding


@settings(deadline=None)
@given(NAMES)
def test_plain_text_has_no_markup_left_and_stays_on_its_line(text):
    shown = plain(text)
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*\[\]<>|~]", shown)
    assert plain("log_loss of 'make train', ≥ 0.92") == "log_loss of 'make train', ≥ 0.92"
    assert plain("_a_") == "\\_a\\_"


@settings(deadline=None)
@given(st.text())
def test_term_is_code_of_one_piece(term):
    shown = code(term)
    assert shown.count("`") == 2
    assert not re.search(r"(?<!\\)\|", shown)
    assert len(shown.replace("\\|", "|")) <= TERM_CHARS + 2


def test_scores_that_only_one_of_the_two_has_are_no_error():
    side = make_side("0" * 12, ["a"], [0.7])
    found = Judgement(
        paths=PATHS,
        rev="main",
        side=side,
        base=None,
        recorded=make_recorded(engine="sklearn", frozen={"refused": "no such form"}),
        reason="why",
        same_data=True,
        task="classification",
        changes=[],
        returns=False,
        gates=[Gate("rule", "found", "limit", passed=True)],
        served=Served("frozen", "frozen", 2_000_000),
        served_base=Served("not frozen: no such form", "sklearn"),
        start="1.10×",
    )
    page = render(found)
    assert "| log_loss | - | 0.3000 | - |" in page
    assert "| Frozen or not | not frozen: no such form | frozen | |" in page
    assert "| MB of model.frozen | - | 2.0 | - |" in page
    assert "(111111111111, recorded)" in page
    assert "of other examples" in render(replace(found, same_data=False))
    assert "of other examples" not in page
    assert "**not looked at**: why." in page


@settings(deadline=None)
@given(st.lists(SHARE, min_size=1, max_size=60))
def test_bars_of_few_documents_are_left_out_unless_there_are_no_others(sure):
    (chart,) = read_charts(draw_reliability(make_side("0" * 12, ["a"], sure)))
    counts = [int(re.search(r"\((\d+)\)", name)[1]) for name in chart.names]
    bins = np.bincount(np.minimum((np.array(sure) * BINS).astype(int), BINS - 1))
    assert counts == ([one for one in bins if one >= FEWEST] or [one for one in bins if one])


def test_example_in_the_documents_is_a_whole_report():
    page = (ROOT / "docs/model-report.md").read_text()
    assert len(read_charts(page)) == 2
    assert all({len(cells) for cells in rows} == {len(rows[0])} for rows in read_tables(page))
    assert "hold 1.25×" in page


def make_regression(version, shift=0.0):
    actual = np.array([10.0, 20.0, 30.0])
    scored = regression.Scored(actual, actual + 1 + shift)
    metrics = {"rmse": 1.0 + shift, "baseline_rmse": 9.0}
    return Side(version=version, size=1_000_000, model=None, scored=scored, metrics=metrics)


@pytest.mark.parametrize(
    ("shift", "moves"), [(0.0, []), (5.0, [Move(7, 10.0, 11.0, 16.0, 5 / 11)])]
)
def test_report_of_values_says_how_far_they_move(shift, moves):
    page = render(
        Judgement(
            paths=PATHS,
            rev="main",
            side=make_regression("0" * 12, shift),
            base=make_regression("1" * 12),
            recorded=make_recorded(metrics={"rmse": 1.0}),
            reason="",
            same_data=True,
            task="regression",
            changes=moves,
            returns=False,
            gates=[Gate("rule", "found", "limit", passed=True)],
            served=Served("frozen", "frozen", 2_000_000),
            served_base=Served("frozen", "frozen", 2_000_000),
            start="1.10×",
        )
    )
    assert ("but for **rounding**" in page) == (not moves)
    assert f"### Values that move: {len(moves)} of 3" in page
    assert ("| 7 | 10 | 11 | 16 | 45.5 % |" in page) == bool(moves)
    for rows in read_tables(page):
        assert {len(cells) for cells in rows} == {len(rows[0])}, rows
