"""How a picture is to be turned, by its EXIF."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

# TIFF 6.0, section 2: a header of 8 bytes, and in a directory entries of 12.
ORDERS: "dict[bytes, Literal['little', 'big']]" = {b"II*\0": "little", b"MM\0*": "big"}
ENTRY_BYTES = 12
SHORT = 3
ORIENTATION = 274  # EXIF 2.32, 4.6.4 A: a SHORT from 1 to 8


def read_orientation(exif: bytes) -> int:
    """The orientation that a block of EXIF (a TIFF file) tells, 1 to 8; 1 is upright.

    What makes no sense tells nothing, and so is 1: the block is often cut off or wrong, and the
    pixels are none the worse for it. One directory is read, and no offset followed but its own.
    """
    order = ORDERS.get(exif[:4])
    if order is None:
        return 1
    start = int.from_bytes(exif[4:8], order)
    count = int.from_bytes(exif[start : start + 2], order)
    entries = exif[start + 2 : start + 2 + count * ENTRY_BYTES]
    for place in range(0, len(entries), ENTRY_BYTES):
        tag, kind, value = (
            int.from_bytes(entries[place + first : place + first + 2], order) for first in (0, 2, 8)
        )
        if tag == ORIENTATION:
            return value if kind == SHORT and 1 <= value <= 8 else 1  # noqa: PLR2004
    return 1
