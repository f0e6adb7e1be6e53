"""What a model is asked: to the steps, every kind of input is one of these modules' classes."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from serving.app.errors import RequestError
from serving.app.inputs import find_input
from training.console import StepError
from training.data.dataset import Example
from training.paths import Paths
from training.settings.params import Params, Validate
from training.settings.schema import Schema

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


class Input(Protocol):
    """What the steps ask of a kind of input. `values` are inputs in scikit-learn's form.

    Attributes:
        described: What the service is told of it: a manifest's `input`, without words for people.
    """

    described: dict[str, Any]

    def shape(self, inputs: Iterable[Any]) -> Any:
        """The form that a pipeline takes: an array of texts or of pixels, or a table."""
        ...

    def read(self, value: Any) -> Any:
        """An input as the service's input kind reads it, for an engine."""
        ...

    def identify(self, value: Any) -> Hashable | None:
        """The same for two inputs that the model cannot tell apart; None where it reads nothing."""
        ...

    def has_content(self, value: Any) -> bool:
        """Whether there is anything in it, for the model to read or not."""
        ...

    def repeats_are_mistakes(self, train: Sequence[Example]) -> bool:
        """Whether two equal inputs are one that is there twice; in some tables they are many."""
        ...

    def check_form(self, examples: Iterable[Example]) -> list[str]:
        """Which inputs the service would refuse, one sentence a problem."""
        ...

    def find_problems(
        self, train: Sequence[Example], test: Sequence[Example], limits: Validate
    ) -> list[str]:
        """What is wrong with the inputs, one sentence a problem."""
        ...

    def find_doubts(self, train: Sequence[Example], test: Sequence[Example]) -> list[str]:
        """What a person should look at, though a model can be trained: a sentence each."""
        ...

    def measure(self, train: Sequence[Example], test: Sequence[Example]) -> dict[str, Any]:
        """What the validation's report says of the inputs."""
        ...

    def profile(self, model: Any, inputs: Sequence[Any]) -> dict[str, Any]:
        """What held-out inputs look like, for drift."""
        ...

    def make_body(self, value: Any) -> dict[str, Any]:
        """A body of `POST /predict`."""
        ...

    def read_body(self, body: dict[str, Any]) -> Any:
        """The input of a body that the service takes."""
        ...

    def show(self, value: Any) -> str:
        """An input on one line, for a person."""
        ...

    def draw(self, value: Any) -> str | None:
        """What the model sees, as the data URL of a picture; None of what is no picture."""
        ...

    def describe(self, schema: Schema, example: dict[str, Any]) -> dict[str, Any]:
        """The manifest's `input`, with words for people and an example: a body of a request."""
        ...


def describe_input(schema: Schema, train: Sequence[Example]) -> dict[str, Any]:
    """What the training part tells of the input, beyond what the schema says."""
    if schema.image is not None:
        return {"kind": "image", **schema.image.model_dump(), "example": ""}
    if schema.fields is None:
        return {"kind": "text", "example": ""}
    from training.inputs.record import complete_fields  # noqa: PLC0415 - pandera takes seconds

    return {"kind": "record", "fields": complete_fields(schema.fields, train)}


def make_input(described: dict[str, Any], params: Params) -> Input:
    """The kind of input that was described."""
    if described["kind"] == "text":
        from training.inputs.text import TextInput  # noqa: PLC0415 - the other kind does without

        return TextInput(described, params.train)
    if described["kind"] == "image":
        from training.inputs.image import ImageInput  # noqa: PLC0415 - as above

        return ImageInput(described)
    from training.inputs.record import RecordInput  # noqa: PLC0415 - pandera takes seconds

    return RecordInput(described)


def read_input(paths: Paths, params: Params) -> Input:
    """The input as the step `prepare` has described it.

    Raises:
        StepError: It has not.
    """
    return make_input(paths.read_json(paths.input), params)


def read_golden_inputs(golden: list[dict[str, Any]], kind: Input, paths: Paths) -> list[Any]:
    """The inputs of golden examples, read as strictly as the service reads a request.

    Raises:
        StepError: The service would refuse one of them.
    """
    reader = find_input(kind.described)
    for number, one in enumerate(golden):
        try:
            reader.read(one["input"])
        except RequestError as error:
            raise StepError(
                f"{paths.golden}: {number}.input: the service would refuse it: {tell(error)}"
            ) from None
    return [kind.read_body(one["input"]) for one in golden]


def tell(error: RequestError) -> str:
    """Which rules of the contract an input breaks."""
    broken = getattr(error, "rules", None) or [("body", str(error))]
    return "; ".join(f"{place}: {rule}" for place, rule in broken)


def find_quantiles(values: Sequence[float] | Sequence[int]) -> dict[str, float]:
    """The quantiles that a profile has, by name."""
    found = np.quantile(values, QUANTILES)
    return {f"p{100 * q:g}": float(value) for q, value in zip(QUANTILES, found, strict=True)}
