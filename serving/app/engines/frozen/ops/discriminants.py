"""How likely labels are: Gaussian and categorical naive Bayes, quadratic discriminants."""

from __future__ import annotations

from functools import cached_property
from itertools import accumulate
from math import sumprod
from operator import add, mul, sub

from serving.app.engines.frozen.rows import check_scores

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile

F64 = 8


class Gaussian:
    """A constant a label less the squares of how far a row is from its mean, each weighted.

    Settings: `constants`, a number a label; `inputs`, numbers a row. Sections means and weights:
    f64, label by label.
    """

    takes, gives = "values", "values"

    def __init__(self, file: FrozenFile, op: dict[str, Any]) -> None:
        self._file = file
        self._constants: list[float] = op["constants"]
        self._inputs: int = op["inputs"]
        self._sections: dict[str, list[int]] = op["sections"]
        for start, stop in self._sections.values():
            if stop - start != self._size(len(self._constants)):
                raise ValueError("sections of another shape")

    def _size(self, labels: int) -> int:
        return labels * self._inputs * F64

    def __call__(self, row: list[float]) -> list[float]:
        found = []
        for constant, mean, weights in zip(
            self._constants, self._read("means"), self._read("weights"), strict=True
        ):
            far = list(map(sub, row, mean))
            found.append(constant - sumprod(map(mul, far, far), weights))
        return found

    def check(self, labels: int) -> None:
        """Refuse what would answer with labels that there are not.

        Raises:
            ValueError: The scores are not one a label.
        """
        check_scores(len(self._constants), 1, labels)

    def _read(self, name: str) -> list[list[float]]:
        return self._all[name]

    @cached_property
    def _all(self) -> dict[str, list[list[float]]]:
        return {name: self._cut(*places) for name, places in self._sections.items()}

    def _cut(self, start: int, stop: int) -> list[list[float]]:
        numbers: Any = self._file.read_whole(start, stop).cast("d")
        width = self._inputs
        return [numbers[at : at + width].tolist() for at in range(0, len(numbers), width)]


class Quadratic(Gaussian):
    """A constant a label less half of how far a row is from its mean, squared, along its axes.

    Settings: as `Gaussian`. Sections: means, as there; axes, of each label f64 an axis, of as many
    axes as there are inputs, axis by axis.
    """

    def __init__(self, file: FrozenFile, op: dict[str, Any]) -> None:
        axes = op["sections"]["axes"]
        super().__init__(file, op | {"sections": {"means": op["sections"]["means"]}})
        if axes[1] - axes[0] != self._size(len(self._constants)) * self._inputs:
            raise ValueError("axes of another shape")
        self._sections["axes"] = axes

    def __call__(self, row: list[float]) -> list[float]:
        axes, width, found = self._read("axes"), self._inputs, []
        for label, (constant, mean) in enumerate(
            zip(self._constants, self._read("means"), strict=True)
        ):
            far = list(map(sub, row, mean))
            along = [sumprod(far, axis) for axis in axes[label * width : (label + 1) * width]]
            found.append(constant - 0.5 * sumprod(along, along))
        return found


class CategoryLogs:
    """What each column's category adds to each label's: CategoricalNB, in its own order.

    Settings: `counts`, of categories a column; `intercept`, a number a label. Section logs: f64 a
    label, category by category, column by column.

    Raises:
        ValueError: A value is no category.
    """

    takes, gives = "values", "values"

    def __init__(self, file: FrozenFile, op: dict[str, Any]) -> None:
        self._file = file
        self._intercept: list[float] = op["intercept"]
        self._start, stop = op["sections"]["logs"]
        counts: list[int] = op["counts"]
        self._columns = list(zip(accumulate(counts, initial=0), counts))  # noqa: B905 - the end
        self._bytes = len(self._intercept) * F64
        if min(counts) < 0 or stop - self._start != sum(counts) * self._bytes:
            raise ValueError("logarithms of another shape")

    def __call__(self, row: list[float]) -> list[float]:
        total = [0.0] * len(self._intercept)
        for value, (first, count) in zip(row, self._columns, strict=True):
            category = int(value)  # as numpy casts: -0.5 is 0
            if not 0 <= category < count:
                raise ValueError(f"{value} is no category")
            start = self._start + (first + category) * self._bytes
            logs = memoryview(self._file.read(start, start + self._bytes)).cast("d")
            total = list(map(add, total, logs))
        return list(map(add, total, self._intercept))

    def check(self, labels: int) -> None:
        """Refuse what would answer with labels that there are not.

        Raises:
            ValueError: The scores are not one a label.
        """
        check_scores(len(self._intercept), 1, labels)
