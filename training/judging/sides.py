"""Two models side by side: what each says of the test part."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from serving.bundle.manifest import VERSION_DIGITS
from training.data.dataset import Example, read_examples
from training.definition import Definition
from training.judging.committed import Recorded, predict_as, read_model_of
from training.paths import Paths


@dataclass(frozen=True)
class Side:
    """A model, and what it says of the test part.

    Attributes:
        version: As in a manifest.
        size: Of model.joblib, in bytes.
        model: None for another commit's, which is never loaded here.
        scored: As its task has it.
        metrics: The scores.
    """

    version: str
    size: int
    model: Any
    scored: Any
    metrics: dict[str, float]


@dataclass(frozen=True)
class Test:
    """What two models are compared on.

    Attributes:
        definition: This tree's.
        examples: The test part.
        values: Their inputs in scikit-learn's form.
        targets: Of each.
        trained: The training part's targets.
    """

    definition: Definition
    examples: Sequence[Example]
    values: Any
    targets: NDArray[Any]
    trained: NDArray[Any]


def read_test(paths: Paths, definition: Definition) -> Test:
    """The test part of this tree."""
    task, examples = definition.task, read_examples(paths.test)
    return Test(
        definition,
        examples,
        definition.input.shape(one.input for one in examples),
        task.read_targets(examples),
        task.read_targets(read_examples(paths.train)),
    )


def look_at(paths: Paths, model: Any, test: Test) -> Side:
    """Predict the test part with this tree's model."""
    scored = test.definition.task.score(model, test.values, test.targets)
    return sum_up(paths, paths.model.read_bytes(), scored, test, model)


def look_at_base(
    paths: Paths, rev: str, manifest: Recorded | None, test: Test, restore: Callable[[Any], Any]
) -> Side:
    """Predict this tree's test part with the model of another commit.

    Raises:
        NotComparable: The commit has no model, or one that cannot predict these examples.
        StepError: Its model cannot be fetched.
    """
    data = read_model_of(rev, manifest, paths)
    found = predict_as(rev, data, test.definition.input, [one.input for one in test.examples])
    return sum_up(paths, data, restore(found), test)


def sum_up(paths: Paths, data: bytes, scored: Any, test: Test, model: Any = None) -> Side:
    """What a model's predictions amount to; an interval is this tree's."""
    evaluation = paths.read_json(paths.evaluation)
    return Side(
        version=hashlib.sha256(data).hexdigest()[:VERSION_DIGITS],
        size=len(data),
        model=model,
        scored=scored,
        metrics=test.definition.task.summarize(scored, test.trained, evaluation.get("interval")),
    )
