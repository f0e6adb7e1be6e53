"""The input kind `image`.

An input is {"image": …, "pixels": …}, both in base64: the picture as a request has it, and what the
service's own code has made of it for the model. So a picture is prepared once, not in each step.
"""

from base64 import b64decode, b64encode
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.app.engines.pixels import build_pixels
from serving.app.inputs import find_input
from serving.app.inputs.image import Image
from serving.app.pictures import Picture
from training.data.dataset import Example, list_rows
from training.data.png import write_png
from training.inputs import find_quantiles
from training.settings.params import Validate
from training.settings.schema import Image as Described
from training.settings.schema import Schema


def prepare_image(image: Described, picture: bytes) -> dict[str, str]:
    """An example's input.

    Args:
        image: What the model sees of a picture.
        picture: The file, PNG or JPEG.

    Raises:
        RequestError: The service would refuse it.
    """
    reader = find_input({"kind": "image", **image.model_dump()})
    return _write(picture, reader.read(picture).pixels)


def _write(picture: bytes, pixels: bytes) -> dict[str, str]:
    return {"image": b64encode(picture).decode(), "pixels": b64encode(pixels).decode()}


class ImageInput:
    """What the steps ask of it; see `inputs.Input`."""

    def __init__(self, described: dict[str, Any]) -> None:
        self.described = described
        self._reader = find_input(described)
        self._size = described["width"] * described["height"]

    def shape(self, inputs: Iterable[dict[str, str]]) -> NDArray[np.float64]:
        return build_pixels([b64decode(one["pixels"]) for one in inputs])

    def read(self, value: dict[str, str]) -> Image:
        return Image(b64decode(value["pixels"]), 0, 0)

    def identify(self, value: dict[str, str]) -> Hashable | None:
        return value["pixels"] if self.has_content(value) else None

    def has_content(self, value: dict[str, str]) -> bool:
        return any(b64decode(value["pixels"]))

    def repeats_are_mistakes(self, _: Sequence[Example]) -> bool:
        return True

    def check_form(self, examples: Iterable[Example]) -> list[str]:
        wrong = [one.row for one in examples if not self._is_image(one.input)]
        size = f"{self.described['width']} × {self.described['height']} pixels"
        return [f"examples whose input is no image of {size}: rows {list_rows(wrong)}"] * bool(
            wrong
        )

    def _is_image(self, value: Any) -> bool:
        try:
            return bool(len(b64decode(value["pixels"], validate=True)) == self._size)
        except (KeyError, TypeError, ValueError):
            return False

    def find_problems(
        self, train: Sequence[Example], test: Sequence[Example], limits: Validate
    ) -> list[str]:
        del train, test, limits
        return []

    def find_doubts(self, train: Sequence[Example], test: Sequence[Example]) -> list[str]:
        blank = [one.row for one in [*train, *test] if not self.has_content(one.input)]
        return [f"images of which the model sees nothing: rows {list_rows(blank)}"] * bool(blank)

    def measure(self, train: Sequence[Example], test: Sequence[Example]) -> dict[str, Any]:
        parts = {"train": train, "test": test}
        return {
            "ink": {
                part: float(self._measure_ink(examples).mean()) for part, examples in parts.items()
            }
        }

    def _measure_ink(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        return self.shape(one.input for one in examples).mean(axis=1)

    def profile(self, _: Any, inputs: Sequence[dict[str, str]]) -> dict[str, Any]:
        return {
            "num_bytes": find_quantiles([len(b64decode(one["image"])) for one in inputs]),
            "ink": find_quantiles(self.shape(inputs).mean(axis=1).tolist()),
        }

    def make_body(self, value: dict[str, str]) -> dict[str, Any]:
        return {"image": value["image"]}

    def read_body(self, body: dict[str, Any]) -> dict[str, str]:
        return _write(b64decode(body["image"].rpartition(",")[2]), self._reader.read(body).pixels)

    def show(self, value: dict[str, str]) -> str:
        return f"a picture of {len(b64decode(value['image'])):,} bytes"

    def draw(self, value: dict[str, str]) -> str:
        width, height = self.described["width"], self.described["height"]
        seen = Picture(width, height, b64decode(value["pixels"]))
        return f"data:image/png;base64,{b64encode(write_png(seen)).decode()}"

    def describe(self, _: Schema, example: dict[str, Any]) -> dict[str, Any]:
        return {**self.described, "example": example["image"]}
