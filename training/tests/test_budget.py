"""The budget of instructions that `make check` holds, and what counts them."""

import json

import pytest

from bench import budget, counts
from bench.contenders import read_kernel
from training.console import StepError

PYTHON = "CPython 3.13.0, GCC 12.2.0, x86_64"
COUNTS = {
    "version": "0" * 12,
    "empty": {"cold": 1_000_000, "warm": 1_000},
    "native": {"cold": 1_200_000, "warm": 2_000},
    "python": {"cold": 1_300_000, "warm": 4_000},
}


def change(**members):
    return {"churn": {**COUNTS, **members}}


def hold(found, python=PYTHON):
    return list(budget.compare({"python": PYTHON, "models": change()}, python, found))


def test_counts_are_those_of_the_budget_nothing_is_broken():
    assert hold(change()) == []


def test_margin_is_kept_nothing_is_broken():
    assert hold(change(native={"cold": 1_223_000, "warm": 2_039})) == []


@pytest.mark.parametrize(
    ("counted", "what"),
    [
        ({"native": {"cold": 1_225_000, "warm": 2_000}}, "native, cold"),
        ({"native": {"cold": 1_200_000, "warm": 2_041}}, "native, warm"),
        ({"python": {"cold": 1_300_000, "warm": 4_081}}, "python, warm"),
    ],
)
def test_more_is_taken_than_the_margin_allows_it_is_named(counted, what):
    (said,) = hold(change(**counted))
    assert said.startswith(f"churn, {what}")


def test_the_empty_handler_takes_more_too_nothing_is_broken():
    found = {
        name: {what: number * 2 for what, number in COUNTS[name].items()}
        for name in ("empty", "native", "python")
    }
    assert hold(change(**found)) == []


def test_python_is_another_build_the_margin_is_wider_and_that_is_said(capsys):
    more = change(native={"cold": 1_300_000, "warm": 2_000})
    assert hold(more)
    assert hold(more, "CPython 3.13.9, Clang 21, x86_64") == []
    assert "the budget is of CPython 3.13.0" in capsys.readouterr().out
    assert hold(
        change(native={"cold": 1_400_000, "warm": 2_000}), "CPython 3.13.9, Clang 21, x86_64"
    )


def test_model_is_another_one_than_the_budgets_the_margin_is_wider_and_that_is_said(capsys):
    assert hold(change(version="1" * 12, native={"cold": 1_300_000, "warm": 2_200})) == []
    assert "is not the budget's" in capsys.readouterr().out
    (said,) = hold(change(version="1" * 12, native={"cold": 1_200_000, "warm": 2_400}))
    assert said.startswith("churn, native, warm")


def test_model_has_no_budget_it_is_not_counted_and_that_is_said(monkeypatch, capsys):
    monkeypatch.setattr(budget, "can_count", lambda: True)
    monkeypatch.setattr(budget, "list_models", lambda: ["shops"])
    monkeypatch.setattr(budget, "count_all", None)  # to call it would be an error
    monkeypatch.setattr("sys.argv", ["budget"])
    budget.main()
    said = capsys.readouterr().out
    assert "shops has no budget and is NOT held" in said
    assert "SKIPPED: no frozen model that has a budget is here" in said


def test_kernel_was_not_counted_the_rest_is_held():
    found = {"version": COUNTS["version"], "empty": COUNTS["empty"]}
    found["python"] = {"cold": 1_400_000, "warm": 4_000}
    (said,) = hold({"churn": found})
    assert said.startswith("churn, python, cold")


def test_there_is_no_valgrind_that_is_said_loudly(monkeypatch, capsys):
    monkeypatch.setattr(budget, "can_count", lambda: False)
    monkeypatch.setattr("sys.argv", ["budget"])
    budget.main()
    assert "NOT held" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["budget", "--write"])
    with pytest.raises(StepError, match="valgrind is not installed"):
        budget.main()


def test_budget_is_damaged_the_command_that_mends_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(budget, "BUDGET", tmp_path / "budget.json")
    with pytest.raises(StepError, match="'make budget'"):
        budget.read_budget()


def test_counts_are_read_in_the_order_in_which_they_were_written(tmp_path):
    for number in range(1, 12):
        (tmp_path / f"counts.{number}").write_text(f"events: Ir\ntotals: {number}\n")
    (tmp_path / "counts").write_text("totals: 99\n")
    assert counts.read_totals(tmp_path) == [*range(1, 12)]


def test_process_says_which_arithmetic_ran():
    lines = [json.dumps({"status": 200, "kernel": kernel}) for kernel in ("python", "native")]
    assert read_kernel("\n".join(lines).encode()) == "native"
    assert read_kernel(b"") is None
