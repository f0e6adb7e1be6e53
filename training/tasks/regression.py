"""The task `regression`: a value."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import KFold, cross_val_predict

from training.console import StepError
from training.data.dataset import Example, list_rows
from training.settings.params import Interval, Params, Validate
from training.settings.schema import Schema
from training.tasks import Measured, Metrics, Mistaken
from training.tasks.conformal import apply_interval, make_interval
from training.tasks.tables import write_table

SHOWN_ERRORS = 20
FEW = 100
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """What a model said of examples.

    Attributes:
        actual: The true values; shape (n_examples,).
        predicted: The predicted values; shape (n_examples,).
    """

    actual: Numbers
    predicted: Numbers


class Regression:
    """What the steps ask of it; see `tasks.Task`."""

    trial_metric = "rmse"

    def __init__(self, schema: Schema) -> None:
        self._target = schema.target

    def read_targets(self, examples: Sequence[Example]) -> Numbers:
        return np.array([one.target for one in examples], dtype=np.float64)

    def make_folds(self, targets: Numbers, count: int, seed: int) -> KFold:
        if len(targets) < count:
            raise StepError(
                f"params.yaml: {count} folds are more than there are training examples "
                f"({len(targets)})"
            )
        return KFold(count, shuffle=True, random_state=seed)

    def find_problems(
        self, train: Sequence[Example], test: Sequence[Example], _: Validate
    ) -> list[str]:
        if not train or not test:
            return ["there are no training examples" if not train else "there are no test examples"]
        found = []
        wrong = [one.row for one in [*train, *test] if not _is_value(one.target)]
        if wrong:
            found.append(f"examples whose target is no finite number: rows {list_rows(wrong)}")
        elif len({one.target for one in train}) == 1:
            found.append(f"all training examples have the target {train[0].target}")
        elif len({one.target for one in test}) == 1:
            found.append(f"all test examples have the target {test[0].target}: no error says much")
        return found

    def check_params(self, params: Params, targets: Numbers) -> None:
        """Whether there can be an interval as it is asked for.

        Raises:
            StepError: There cannot.
        """
        make_interval(targets, targets, params.evaluate.interval or Interval())

    def count(self, examples: Sequence[Example]) -> dict[str, float]:
        """The number of examples, and what their targets are like."""
        # Those that are no numbers are for `find_problems` to name.
        targets = [float(one.target) for one in examples if _is_value(one.target)]
        if not targets:
            return {"count": len(examples)}
        spread = {"low": min(targets), "mean": float(np.mean(targets)), "high": max(targets)}
        return {"count": len(examples), **spread}

    def take_few(self, examples: Sequence[Example]) -> list[Example]:
        return list(examples[:FEW])

    def score(self, model: Any, values: Any, targets: Numbers) -> Scored:
        return Scored(targets, np.asarray(model.predict(values), dtype=np.float64))

    def calibrate(self, candidate: Any, values: Any, targets: Numbers, params: Params) -> Any:
        """The interval, by the folds of the comparison."""
        train = params.train
        folds = self.make_folds(targets, train.folds, train.seed)
        held_out = cross_val_predict(candidate, values, targets, cv=folds, n_jobs=-1)
        return make_interval(targets, held_out, params.evaluate.interval or Interval())

    def score_trial(self, scored: Scored) -> float:
        return float(root_mean_squared_error(scored.actual, scored.predicted))

    def summarize(self, scored: Scored, trained: Numbers, calibrated: Any) -> Metrics:
        baseline = np.full(len(scored.actual), trained.mean())
        low, high = apply_interval(calibrated, scored.predicted)
        return {
            "rmse": float(root_mean_squared_error(scored.actual, scored.predicted)),
            "mae": float(mean_absolute_error(scored.actual, scored.predicted)),
            "r2": float(r2_score(scored.actual, scored.predicted)),
            "interval_coverage": float(np.mean((low <= scored.actual) & (scored.actual <= high))),
            "interval_width": float(np.mean(high - low)),
            "baseline_rmse": float(root_mean_squared_error(scored.actual, baseline)),
            "baseline_mae": float(mean_absolute_error(scored.actual, baseline)),
        }

    def measure(self, _: Scored, metrics: Metrics) -> list[Measured]:
        baseline = metrics["baseline_rmse"]
        saved = 1 - metrics["rmse"] / baseline if baseline else 0.0
        return [
            Measured("max_rmse", "RMSE", metrics["rmse"]),
            Measured("max_mae", "MAE", metrics["mae"]),
            Measured("min_r2", "R²", metrics["r2"]),
            Measured("min_gain_over_baseline", "share of the baseline's RMSE saved", saved),
            Measured("min_coverage", "coverage of the intervals", metrics["interval_coverage"]),
            *(
                Measured("max_trials_rmse", "RMSE in trials", value)
                for name, value in metrics.items()
                if name == "trials_rmse"
            ),
        ]

    def describe(self, scored: Scored, rows: Sequence[int], calibrated: Any) -> dict[str, Any]:
        low, high = apply_interval(calibrated, scored.predicted)
        examples = [
            dict(zip(("row", "actual", "predicted", "low", "high"), one, strict=True))
            for one in zip(
                rows,
                *(one.tolist() for one in (scored.actual, scored.predicted, low, high)),
                strict=True,
            )
        ]
        order = np.argsort(-np.abs(scored.actual - scored.predicted), kind="stable")
        return {
            "interval": calibrated,
            "examples": examples,
            "largest_errors": [examples[index] for index in order[:SHOWN_ERRORS]],
        }

    def write_plots(self, scored: Scored, folder: Path) -> None:
        pairs = zip(scored.actual.tolist(), scored.predicted.tolist(), strict=True)
        rows = [{"actual": actual, "predicted": predicted} for actual, predicted in pairs]
        write_table(folder / "values.csv", ["actual", "predicted"], rows)

    def tell(self, metrics: Metrics) -> str:
        return (
            f"RMSE {metrics['rmse']:,.6g}, MAE {metrics['mae']:,.6g}, R² {metrics['r2']:.4f}, "
            f"{metrics['interval_coverage']:.1%} within their intervals "
            f"(baseline RMSE {metrics['baseline_rmse']:,.6g})"
        )

    def choose_golden(
        self, golden: list[dict[str, Any]], _: Numbers, __: Path
    ) -> list[dict[str, Any]]:
        return golden

    def answer_golden(self, golden: dict[str, Any], scored: Scored, index: int) -> dict[str, Any]:
        low, high = golden["between"]
        value = float(scored.predicted[index])
        if not low <= value <= high:
            raise Mistaken(f"{value:,.6g} is not between {low:,.6g} and {high:,.6g}")
        return {"value": value}

    def profile(self, scored: Scored) -> dict[str, Any]:
        found = np.quantile(scored.predicted, QUANTILES).tolist()
        names = (f"p{100 * one:g}" for one in QUANTILES)
        return {"value": dict(zip(names, found, strict=True))}

    def describe_answers(self, _: Any, evaluation: dict[str, Any]) -> dict[str, Any]:
        target = self._target.model_dump() if self._target else None
        interval = evaluation["interval"]
        # Without any error on held-out data, the answers are the model's own: nothing is known.
        known = interval["low"] < interval["high"]
        return {"labels": (), "target": target, "interval": interval if known else None}


def _is_value(target: object) -> bool:
    if isinstance(target, bool) or not isinstance(target, int | float):
        return False
    return abs(target) <= sys.float_info.max  # NaN is not, nor is a whole number of any length
