"""Records and pictures as the rows that a pipeline was trained on, as engines/frame.py and
engines/pixels.py make them.
"""

from __future__ import annotations

from math import nan

from serving.app import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile

SHARES = [number / 255 for number in range(256)]


class Fields:
    """A record to its values: numbers and truth values as doubles, null among them as NaN.

    Settings: `numbers`, of each field whether it is one of these; others stay texts or None.
    """

    takes, gives = "record", "values"

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._numbers: list[bool] = op["numbers"]

    def __call__(self, record: tuple[Any, ...]) -> list[Any]:
        return [
            (nan if value is None else float(value)) if number else value
            for value, number in zip(record, self._numbers, strict=True)
        ]


class Pixels:
    """A picture to its pixels, from 0 to 1."""

    takes, gives = "image", "values"

    def __init__(self, _: FrozenFile, __: dict[str, Any]) -> None:
        self._pick = native.kernel.pick if native.kernel else _pick

    def __call__(self, image: Any) -> list[float]:
        return self._pick(SHARES, image.pixels)


def _pick(numbers: list[float], places: bytes) -> list[float]:
    return list(map(numbers.__getitem__, places))
