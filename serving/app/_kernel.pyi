"""The kernel's parts. What is no section, shape, size or number that fits is a ValueError."""

from collections.abc import Callable, Mapping
from typing import final

SOURCE: str

def pick(numbers: list[float], places: bytes, /) -> list[float]:
    """The numbers at some places, a byte each.

    Raises:
        IndexError: There are fewer numbers.
    """

def add_up(data: bytes, /) -> int:
    """The sum of bytes."""

def softmax(scores: list[float], /) -> list[float]:
    """What ops/classify.py does for the link of that name."""

def calibrate(slopes: list[float], intercepts: list[float], scores: list[float], /) -> list[float]:
    """What ops/calibrate.py does for one classifier."""

def unfilter(raw: bytes, stride: int, step: int, /) -> bytes:
    """The samples of a PNG's rows, each of which stands behind the byte of its filter.

    Args:
        raw: `stride` and one bytes a row.
        stride: Bytes of a row, without its filter's.
        step: Bytes from a sample to the one of the pixel on its left.
    """

def grey(samples: bytes, channels: int, key: bytes, /) -> bytes:
    """What app/pictures/grey.py makes of pixels.

    Args:
        samples: A byte each, pixel by pixel.
        channels: Samples of a pixel: 2, 3 or 4; of 2 and 4 the last one is alpha.
        key: The colour that is transparent; empty where none is.
    """

def ink(grey: bytes, width: int, height: int, wide: int, high: int, /) -> bytes:
    """What app/pictures/reference.py makes of a picture: a page of `wide` × `high` pixels.

    Raises:
        ValueError: `grey` is not of this size; or it, or the page, has more than 2**26 pixels.
        MemoryError: There is no room for what is between them.
    """

def resize(grey: bytes, width: int, height: int, wide: int, high: int, /) -> bytes:
    """As `ink`."""

@final
class Forest:
    """The trees of ops/trees.py, whose sections it takes in the order that they have there."""

    def __new__(
        cls,
        layout: list[tuple[int, int, int]],
        types: str,
        sections: tuple[memoryview, ...],
        init: list[float],
        divisor: float,
        limit: float,
        whole: bool,
        /,
    ) -> Forest: ...
    def score(self, row: list[float], /) -> list[float]: ...

@final
class Matrix:
    """The matrix of ops/matrix.py; `load` gives an input's weights, and maybe those after it.

    Raises:
        NotImplementedError: The processor has no fused instructions.
    """

    def __new__(
        cls, load: Callable[[int], bytes], inputs: int, intercept: list[float], /
    ) -> Matrix: ...
    def score(self, row: list[float] | bytes, /, *layers: str | Matrix) -> list[float] | None:
        """The sums; None where one is not finite.

        Args:
            row: Numbers, or pixels, of which 255 is 1.
            layers: Functions of ops/matrix.py and matrices in turn, through which the sums go.
        """

@final
class Terms:
    """The vocabulary of ops/vectorize.py; `load` gives the file's blocks, `slots` are kept."""

    def __new__(
        cls,
        load: Callable[[int], bytes],
        slots: int,
        terms: int,
        terms_end: int,
        buckets: int,
        buckets_end: int,
        frequencies: Mapping[int, float],
        norm: int,
        /,
    ) -> Terms: ...
    def weigh(self, terms: list[str] | bytes, /) -> tuple[list[int], list[float], int, int]:
        """Columns, values, how many terms there are, and how many are unknown.

        Args:
            terms: These, or a text, in lower case but for letters of ASCII, of which it is the
                words that features.split_words finds.
        """
    def score(self, terms: list[str] | bytes, weights: Weights, /) -> tuple[list[float], int, int]:
        """Their scores by weights, how many terms there are, and how many are unknown."""
    def keep(self, slots: int, /) -> None: ...

@final
class Weights:
    """The weights of ops/linear.py; `load` gives the file's blocks, of which `slots` are kept."""

    def __new__(
        cls,
        load: Callable[[int], bytes],
        slots: int,
        start: int,
        stop: int,
        intercept: list[float],
        /,
    ) -> Weights: ...
    def score(self, columns: list[int], values: list[float], /) -> list[float]: ...
    def keep(self, slots: int, /) -> None: ...
