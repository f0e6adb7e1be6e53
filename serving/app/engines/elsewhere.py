"""A model on a processor of another kind than the one it was made on.

Sums, products and roots are the same everywhere (IEEE 754); exponentials and logarithms are the C
library's, and what BLAS sums, it sums in an order of its own. So the golden examples are asked
before anybody else is, and one that is answered otherwise ends the matter.
"""

from __future__ import annotations

from serving.bundle.errors import ModelError, ProcessorDiffers
from serving.bundle.files import name_command
from serving.bundle.golden import compare
from serving.bundle.manifest import processor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.app.engines.predictor import Predictor


def check_golden(model: Predictor) -> None:
    """Compare a model's answers to the golden examples with the manifest's.

    Raises:
        ProcessorDiffers: One is answered differently than the manifest says.
        ModelError: Its file is damaged.
    """
    manifest = model.manifest
    for number, example in enumerate(manifest.golden, 1):
        if wrong := _ask(model, example):
            raise ProcessorDiffers(
                f"on {processor()} golden example {number} is answered differently than on "
                f"{manifest.processor}, where the model was made: {wrong}: serve it there "
                "(architecture, serving/deployment/stages.py), or make it here with "
                f"{name_command('train', manifest.name)}"
            )


def _ask(model: Predictor, example: dict[str, Any]) -> str | None:
    """What is wrong with the answer to a golden example; None where nothing is."""
    try:
        (prediction,) = model.predict([model.input.read(example["input"])])
    except ModelError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, elsewhere it answered
        return type(error).__name__
    return compare(example, prediction.answer())
