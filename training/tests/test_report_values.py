"""The report of a regression over records, written from the tests' own model of prices."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from training.data.dataset import read_examples
from training.definition import read_definition
from training.paths import Paths
from training.reports import report, values
from training.steps import (
    bundle,
    evaluate,
    fetch,
    freeze,
    learning_curve,
    prepare,
    train,
    validate,
)
from training.tests.conftest import enter_workspace, run_steps
from training.tests.sample import PRICES
from training.tests.test_report import Elements

PATHS = Paths(PRICES)
STEPS = (fetch, prepare, validate, train, evaluate, freeze, bundle, learning_curve)


@pytest.fixture(scope="module")
def page(tmp_path_factory, sample_archive):
    """The page, beside what it was made of."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        root = tmp_path_factory.mktemp("prices") / "workspace"
        enter_workspace(root, sample_archive, monkeypatch, PRICES)
        run_steps(*STEPS, paths=PATHS)
        yield report.build_page(PATHS, 1.5)


def read_rows(page, section):
    """The cells of the tables of a section of the page."""
    found = re.search(rf'<section id="{section}">.*?</section>', page, re.DOTALL)[0]
    cells = re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>", re.DOTALL)
    return [
        [re.sub(r"<[^>]*>", "", cell).strip() for cell in cells.findall(row)]
        for row in found.split("<tr>")[2:]
    ]


def to_number(text):
    return float(text.replace(",", "").removesuffix(" %"))


def test_page_is_whole_and_needs_nothing_from_outside(page):
    found = Elements(page)
    assert found.open == []
    assert not {"script", "link", "img", "iframe", "object"} & set(found.tags)
    assert page == report.build_page(PATHS, 1.5)


def test_scores_are_those_of_the_steps_held_out_and_in_cross_validation(page):
    metrics = json.loads(PATHS.metrics.read_text())
    words = Elements(page).words
    assert f"R² {metrics['r2']:.4f}" in words
    assert f"Within the interval {100 * metrics['interval_coverage']:.1f} % of 90.0 %" in words
    rmse = to_number(re.search(r"RMSE ([\d,.]+) EUR", words)[1])
    assert rmse == pytest.approx(metrics["rmse"], abs=1)
    best = max(one["mean"] for one in json.loads(PATHS.comparison.read_text())["candidates"])
    found = to_number(re.search(r"In cross-validation (-[\d,.]+)", words)[1])
    assert found == pytest.approx(best, abs=1)
    assert "✓ Passes the gate All 4 rules hold" in words


def test_errors_by_size_and_by_field_are_those_of_the_test_part(page):
    examples = pd.DataFrame(json.loads(PATHS.evaluation.read_text())["examples"])
    quarters = read_rows(page, "coverage")
    assert sum(int(row[1]) for row in quarters) == len(examples)
    kinds = {one.row: one.input["kind"] for one in read_examples(PATHS.test)}
    lofts = examples[[kinds[row] == "loft" for row in examples["row"]]]
    errors = lofts["actual"] - lofts["predicted"]
    (row,) = (row for row in read_rows(page, "segments") if row[:2] == ["kind", "loft"])
    within = lofts["actual"].between(lofts["low"], lofts["high"]).mean()
    expected = [len(lofts), np.sqrt((errors**2).mean()), errors.mean(), 100 * within]
    assert [to_number(one) for one in row[2:]] == pytest.approx(expected, rel=1e-3, abs=1)


def test_segments_are_the_worst_ones_of_enough_examples(page):
    rows = read_rows(page, "segments")
    errors = [to_number(row[3]) for row in rows]
    assert errors == sorted(errors, reverse=True)
    assert all(int(row[2]) >= values.FEWEST for row in rows)


def test_largest_errors_show_their_records_the_farthest_first(page):
    examples = {one.row: one for one in read_examples(PATHS.test)}
    kind = read_definition(PATHS).input
    listed = re.findall(r'row (\d+)</small>.*?<p class="text">(.*?)</p>', page, re.DOTALL)
    found = {one["row"]: one for one in json.loads(PATHS.evaluation.read_text())["examples"]}
    errors = [abs(found[int(row)]["actual"] - found[int(row)]["predicted"]) for row, _ in listed]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] == max(abs(one["actual"] - one["predicted"]) for one in found.values())
    assert [text for _, text in listed] == [
        kind.show(examples[int(row)].input) for row, _ in listed
    ]


def test_fields_are_listed_with_what_was_seen_of_them(page):
    words = Elements(page).words
    assert re.search(r"kind kind category flat, house, loft 0\.0 %", words)
    assert re.search(r"Rooms rooms integer, or null 1 to \d+ \d+\.\d %", words)
    assert re.search(r"Living space size number 2\d\.\d to 199\.\d 0\.0 %", words)


@pytest.mark.parametrize("count", [1, 2, 30])
def test_groups_hold_every_example_once_whatever_the_values(count):
    column = pd.Series([None if n % 7 == 0 else n % count for n in range(40)], dtype="float64")
    examples = pd.DataFrame(dict.fromkeys(("actual", "predicted", "low", "high"), range(40)))
    groups = values.measure_groups("x", values._group(column), examples)
    assert sum(one["count"] for one in groups) == 40
    assert [one["name"] for one in groups].count("missing") == 1
