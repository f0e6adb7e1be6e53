"""Categories to numbers: OneHotEncoder, OrdinalEncoder, TargetEncoder."""

from __future__ import annotations

from serving.app.engines.frozen.rows import Features, check_width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile


def read_codes(op: dict[str, Any]) -> list[tuple[dict[Any, Any], Any]]:
    """Of each column what each category becomes, and what any other one does; None is refused."""
    return [
        (dict(zip(categories, codes, strict=True)), unknown)
        for categories, codes, unknown in zip(
            op["categories"], op["codes"], op["unknown"], strict=True
        )
    ]


def find_code(codes: dict[Any, Any], unknown: Any, value: Any) -> Any:
    """What a category becomes. None and NaN are one missing value.

    Raises:
        ValueError: The category is unknown, and the encoder was fitted to refuse those.
    """
    code = codes.get(None if value != value else value, unknown)  # noqa: PLR0124 - NaN
    if code is None:
        raise ValueError("a category that was not seen in training")
    return code


class OneHot:
    """A column a category, 1 where the value is it: OneHotEncoder.

    Settings: `categories` of each column; `codes`, each one's column in the output, -1 for none;
    `unknown`, the same of any other value, or null if it is refused; `width` of the output;
    `sparse`, whether a sparse row is given.
    """

    takes = "values"

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._columns = read_codes(op)
        self._width: int = op["width"]
        self.gives = "features" if op["sparse"] else "values"
        if self.gives == "values":
            check_width(self._width)

    def __call__(self, row: list[Any]) -> Any:
        places = [
            place
            for (codes, unknown), value in zip(self._columns, row, strict=True)
            if (place := find_code(codes, unknown, value)) >= 0
        ]
        if self.gives == "features":
            return Features(places, [1.0] * len(places))
        found = [0.0] * self._width
        for place in places:
            found[place] = 1.0
        return found


class Codes:
    """A number for each category: OrdinalEncoder, TargetEncoder.

    Settings: `categories` of each column; `codes`, each one's number, or "nan"; `unknown`, the same
    of any other value, or null if it is refused.
    """

    takes, gives = "values", "values"

    def __init__(self, _: FrozenFile, op: dict[str, Any]) -> None:
        self._columns = read_codes(op)

    def __call__(self, row: list[Any]) -> list[float]:
        return [
            float(find_code(codes, unknown, value))
            for (codes, unknown), value in zip(self._columns, row, strict=True)
        ]
