"""A picture as a model sees it: `width` × `height` pixels of a byte.

`resize` keeps what is in the picture. `ink` looks for a drawn sign, such as a digit, and gives it
the form of MNIST: 255 on 0, its longer side 20 of 28 pixels, its centre of mass in the middle
(LeCun, Cortes and Burges, "The MNIST database of handwritten digits", yann.lecun.com/exdb/mnist).

All of it is arithmetic of integers: a picture gives the same bytes on every machine. Time is
bounded: a picture is first reduced by a whole factor, then its ink is looked at closely.
"""

from __future__ import annotations

from serving.app import native
from serving.bundle.inputs import PREPARATIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from serving.app.pictures import Picture


def prepare(picture: Picture, width: int, height: int, preparation: str) -> bytes:
    """What a model sees of a picture.

    Args:
        picture: Of any size from 1 × 1.
        width: Of what is made, in pixels.
        height: Of it, too.
        preparation: One of PREPARATIONS.

    Returns:
        width × height bytes, row by row.

    Raises:
        KeyError: There is no such preparation.
    """
    if preparation not in PREPARATIONS:
        raise KeyError(preparation)
    if native.kernel:
        sizes = (picture.width, picture.height, width, height)
        made: bytes = getattr(native.kernel, preparation)(picture.grey, *sizes)
    else:
        from serving.app.pictures import reference  # noqa: PLC0415 - the kernel does without

        made = getattr(reference, preparation)(picture, width, height)
    return made
