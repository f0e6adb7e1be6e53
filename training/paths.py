"""Where the steps of dvc.yaml read and write for a model, relative to the repository's root."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from training.console import StepError, run_step

MODELS = Path("training/models")


class Paths:
    """The files of a model: all of them follow from its name.

    Attributes:
        name: The model's, which is its folder's in training/models.
        params, schema, golden: What a person writes there, besides Python.
        raw: The folder with the data as it was fetched.
        train, test: The prepared parts.
        trials: What the model is scored on besides.
        input: What the training part tells of the input; see training/inputs.
        bundle, model, frozen: What goes into service.
        reports: What the steps found; the attributes after it are its files.
        cold: What `make bench COLD=1` writes, which is no step.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.home = MODELS / name
        self.params = self.home / "params.yaml"
        self.schema = self.home / "schema.json"
        self.golden = self.home / "golden.json"

        self.raw = Path("data", name, "raw")
        self.train = Path("data", name, "prepared/train.jsonl")
        self.test = Path("data", name, "prepared/test.jsonl")
        self.trials = Path("data", name, "prepared/trials.json")
        self.input = Path("data", name, "prepared/input.json")

        self.bundle = Path("serving/app/data", name)
        self.model = self.bundle / "model.joblib"
        self.frozen = self.bundle / "model.frozen"

        self.reports = Path("reports", name)
        self.data_report = self.reports / "data.json"
        self.validation = self.reports / "validation.json"
        self.comparison = self.reports / "candidates.json"
        self.freeze = self.reports / "freeze.json"
        self.metrics = self.reports / "metrics.json"
        self.evaluation = self.reports / "evaluation.json"
        self.plots = self.reports / "plots"
        self.learning_curve = self.reports / "learning_curve.csv"

        self.cold = Path(".local/bench", name, "cold.json")

    def name_step(self, step: str) -> str:
        """What DVC calls a step of this model."""
        return f"{step}@{self.name}"

    def read_json(self, path: Path) -> Any:
        """What a step wrote.

        Raises:
            StepError: It is missing or damaged.
        """
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise StepError(
                f"{path} is missing or damaged: {self.make('train')} writes it; if DVC took it "
                f"from its cache, first remove it there with 'rm -r .dvc/cache {path}'"
            ) from None

    def make(self, target: str) -> str:
        """The command that runs a target for this model, as an error quotes it."""
        return f"'make {target} MODEL={self.name}'"


def list_models() -> list[str]:
    """The names of the models whose folders are here."""
    return sorted(path.parent.name for path in MODELS.glob("*/model.py"))


def find_paths(name: str) -> Paths:
    """The paths of a model that is here.

    Raises:
        StepError: There is none of that name; the message lists those there are.
    """
    models = list_models()
    if name not in models:
        raise StepError(f"there is no model {name!r}: MODEL= one of {', '.join(models)} ({MODELS})")
    return Paths(name)


def run_for_model(work: Callable[[Paths], None]) -> None:
    """Run a main function for the model that the command line names; errors as of `run_step`."""
    run_step(lambda: work(find_paths(" ".join(sys.argv[1:]))))
