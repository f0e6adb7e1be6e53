"""Images as the array that a pipeline over images was trained on: training and service share it."""

from __future__ import annotations

import numpy as np

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def build_pixels(images: Sequence[bytes]) -> NDArray[np.float64]:
    """A row an image, a column a pixel, from 0 to 1.

    Args:
        images: Of the same size each, a byte a pixel.
    """
    return np.frombuffer(b"".join(images), dtype=np.uint8).reshape(len(images), -1) / 255
