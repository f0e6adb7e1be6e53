"""What a model answers: to the steps, every task is one of these modules' classes."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from training.data.dataset import Example
from training.settings.params import Evaluate, Params, Validate
from training.settings.schema import Schema

Metrics = dict[str, float]


class Measured(NamedTuple):
    """What one gate looks at.

    Attributes:
        setting: The gate's name in the section `evaluate`: min_… is the least that is asked for,
            max_… the most.
        what: In words.
        value: What was found.
    """

    setting: str
    what: str
    value: float


class Gate(NamedTuple):
    """A gate that is asked for, and what was found."""

    setting: str
    what: str
    value: float
    bound: float

    @property
    def passed(self) -> bool:
        return self.room >= 0

    @property
    def room(self) -> float:
        """How far the value is from failing: below zero, it has."""
        room = self.bound - self.value
        return room if self.setting.startswith("max_") else -room

    @property
    def found(self) -> str:
        """What was found."""
        return f"{self.what} is {self.value:,.4f}"

    @property
    def failure(self) -> str:
        """What is wrong with a gate that is not passed."""
        side = "above" if self.setting.startswith("max_") else "below"
        return f"{self.found}, {side} {self.setting} ({self.bound:g})"


class Task(Protocol):
    """What the steps ask of a task.

    Attributes:
        trial_metric: What a trial is scored by.
    """

    trial_metric: str

    def read_targets(self, examples: Sequence[Example]) -> NDArray[Any]:
        """The targets, as scikit-learn takes them; shape (n_examples,)."""
        ...

    def make_folds(self, targets: NDArray[Any], count: int, seed: int) -> Any:
        """What splits the training part for cross-validation.

        Raises:
            StepError: There are more folds than that part allows.
        """
        ...

    def find_problems(
        self, train: Sequence[Example], test: Sequence[Example], limits: Validate
    ) -> list[str]:
        """What is wrong with the targets, one sentence a problem."""
        ...

    def check_params(self, params: Params, targets: NDArray[Any]) -> None:
        """Hold what is asked for against the training part's targets.

        Raises:
            StepError: These examples do not allow it.
        """
        ...

    def count(self, examples: Sequence[Example]) -> Any:
        """What of the targets the data report and the validation's say."""
        ...

    def take_few(self, examples: Sequence[Example]) -> list[Example]:
        """A few examples of all kinds, for a rehearsal."""
        ...

    def score(self, model: Any, values: Any, targets: NDArray[Any]) -> Any:
        """What a model says of inputs in scikit-learn's form, beside what is true."""
        ...

    def calibrate(self, candidate: Any, values: Any, targets: NDArray[Any], params: Params) -> Any:
        """What of the training part, held out fold by fold, tells of the answers; JSON, or None.

        `candidate` is what was chosen, not fitted.
        """
        ...

    def score_trial(self, scored: Any) -> float:
        """The score of a group of trials."""
        ...

    def summarize(self, scored: Any, trained: NDArray[Any], calibrated: Any) -> Metrics:
        """The scores by name, the most telling first, and the same of a baseline."""
        ...

    def measure(self, scored: Any, metrics: Metrics) -> list[Measured]:
        """What the gates look at."""
        ...

    def describe(self, scored: Any, rows: Sequence[int], calibrated: Any) -> dict[str, Any]:
        """All else that the report says of the test part, as JSON; `rows` are the examples'."""
        ...

    def write_plots(self, scored: Any, folder: Path) -> None:
        """Write the tables that DVC plots."""
        ...

    def tell(self, metrics: Metrics) -> str:
        """The scores as a line of progress has them."""
        ...

    def choose_golden(
        self, golden: list[dict[str, Any]], trained: NDArray[Any], place: Path
    ) -> list[dict[str, Any]]:
        """The golden examples that concern a model of these targets.

        Raises:
            StepError: None of them does.
        """
        ...

    def answer_golden(self, golden: dict[str, Any], scored: Any, index: int) -> dict[str, Any]:
        """What the model answers to a golden example.

        Raises:
            Mistaken: It is not what a person expects.
        """
        ...

    def profile(self, scored: Any) -> dict[str, Any]:
        """What held-out answers look like, for drift."""
        ...

    def describe_answers(self, model: Any, evaluation: dict[str, Any]) -> dict[str, Any]:
        """The manifest's members that are the task's: `labels`, `target` and `interval`."""
        ...


class Mistaken(Exception):
    """The model answers a golden example otherwise than a person expects; the message says how."""


def find_task(schema: Schema) -> Task:
    """The task that a schema tells of."""
    # Each imports what it needs of scikit-learn, and this module.
    from training.tasks.classification import Classification  # noqa: PLC0415
    from training.tasks.regression import Regression  # noqa: PLC0415

    if schema.target is None:
        return Classification(schema)
    return Regression(schema)


def apply_gates(asked: Evaluate, measured: Iterable[Measured]) -> list[Gate]:
    """The gates that are asked for."""
    bounds = {name: bound for name, bound in asked if isinstance(bound, int | float)}
    return [Gate(*one, bounds[one.setting]) for one in measured if one.setting in bounds]
