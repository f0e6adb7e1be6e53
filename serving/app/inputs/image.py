"""The input kind `image`: a picture as the body, in a form, or in base64; `{"images": ["…", …]}`.

What was read is what the model sees of a picture: it is decoded and prepared here, by the same code
in training and in service.
"""

from __future__ import annotations

from serving.app import errors as problems
from serving.app import native
from serving.app.inputs import MISSING, check_names, check_object, raise_any, read_batch
from serving.app.limits import MAX_PIXELS, Bounds
from serving.app.pictures import PictureError, PictureTooLarge, UnknownPicture
from serving.app.pictures.decode import decode
from serving.app.pictures.prepare import prepare
from serving.bundle.inputs import MAX_PICTURE_BYTES, MAX_PICTURE_CHARS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from serving.app.inputs import Errors

SUMMED = 256  # bytes: 256 × 255 is below 65,521, by which Adler's sums are taken modulo
HEAT_SIDE = 7  # blocks in each row and column of a heat map


class Image:
    """What was read.

    Attributes:
        pixels: What the model sees, a byte a pixel, row by row.
        num_bytes: Of the picture as it was sent.
        num_pixels: Of the picture as it was sent.
    """

    __slots__ = ("num_bytes", "num_pixels", "pixels")

    def __init__(self, pixels: bytes, num_bytes: int, num_pixels: int) -> None:
        self.pixels = pixels
        self.num_bytes = num_bytes
        self.num_pixels = num_pixels


class ImageInput:
    """Reads pictures; its methods are those of `inputs.Input`.

    Args:
        described: The manifest's description of the input.
    """

    def __init__(self, described: dict[str, Any]) -> None:
        self.bounds = Bounds("images", '{"image": "<base64>"}', pictures=True)
        self._width, self._height = described["width"], described["height"]
        self._preparation = described["preparation"]

    def read(self, body: Any) -> Image:
        if isinstance(body, bytes):
            return self.read_picture(body, "body", MAX_PIXELS)
        check_object(body)
        errors: Errors = []
        data = b""
        if "image" in body:
            data = _read_base64(body["image"], "body.image", errors)
        else:
            errors.append(("body.image", MISSING))
        check_names(body, ("image",), "body", errors)
        raise_any(errors)
        return self.read_picture(data, "body.image", MAX_PIXELS)

    def read_batch(self, body: Any) -> list[Image]:
        if isinstance(body, bytes):
            raise problems.UnsupportedMedia("The Content-Type of a batch must be application/json.")
        check_object(body)
        pictures = read_batch(body, "images", _read_base64)
        images: list[Image] = []
        room = MAX_PIXELS  # of all of them: so many pixels are read in a bounded time
        for number, data in enumerate(pictures):
            # The first damaged one ends it: it may have been unpacked whole before that was known.
            images.append(self.read_picture(data, f"body.images[{number}]", room))
            room -= images[-1].num_pixels
        return images

    def read_picture(self, data: bytes, place: str, room: int) -> Image:
        """What the model sees of a picture.

        Args:
            data: The picture.
            place: Where it was, for errors.
            room: The most pixels that it may have.

        Raises:
            UnsupportedMedia: It is none that is read here.
            TooLarge: It has too many bytes or pixels.
            Invalid: It is damaged, or empty.
        """
        if len(data) > MAX_PICTURE_BYTES:
            raise problems.TooLarge(f"A picture must have at most {MAX_PICTURE_BYTES:,} bytes.")
        try:
            picture = decode(data, room)
        except UnknownPicture as error:
            raise problems.UnsupportedMedia(str(error)) from None
        except PictureTooLarge as error:
            raise problems.TooLarge(str(error)) from None
        except PictureError as error:
            raise problems.Invalid([(place, str(error))]) from None
        pixels = prepare(picture, self._width, self._height, self._preparation)
        return Image(pixels, len(data), picture.sent)

    def measure(self, values: Sequence[Image]) -> dict[str, float]:
        ink = _add_up(b"".join([one.pixels for one in values]))
        return {
            "input.num_images": len(values),
            "input.num_bytes": sum(one.num_bytes for one in values),
            "input.num_pixels": sum(one.num_pixels for one in values),
            "input.ink": ink / (255 * self._width * self._height * len(values)),
        }

    def show_weights(self, weighed: list[tuple[str, float]]) -> list[Any]:
        """A coarse map: rows of blocks of pixels, each with the sum of its pixels' weights."""
        sides = min(HEAT_SIDE, self._height), min(HEAT_SIDE, self._width)
        rows = [[0.0] * sides[1] for _ in range(sides[0])]
        for name, weight in weighed:
            y, x = divmod(int(name), self._width)
            rows[y * sides[0] // self._height][x * sides[1] // self._width] += weight
        return rows


def _add_up(data: bytes) -> int:
    """The sum of bytes: the lower half of Adler's checksum of a few of them (RFC 1950, 8.2)."""
    if native.kernel:
        return native.kernel.add_up(data)  # type: ignore[no-any-return]
    from zlib import adler32  # noqa: PLC0415 - what reads a PNG has it

    parts = range(0, len(data), SUMMED)
    return sum([adler32(data[start : start + SUMMED], 0) & 0xFFFF for start in parts])


def _read_base64(value: Any, place: str, errors: Errors) -> bytes:
    if not isinstance(value, str):
        errors.append((place, "Input should be a valid string"))
        return b""
    if len(value) > MAX_PICTURE_CHARS:
        errors.append((place, f"String should have at most {MAX_PICTURE_CHARS} characters"))
        return b""
    from binascii import a2b_base64  # noqa: PLC0415 - a picture as the body does without

    encoded = value
    if value[:5].lower() == "data:":
        # Of a data URL (RFC 2397) what stands before the comma says nothing here but that.
        about, _, encoded = value.partition(",")
        if about[-7:].lower() != ";base64" or not encoded:
            encoded = "-"  # no base64
    try:
        return a2b_base64(encoded, strict_mode=True)
    except ValueError:
        errors.append((place, "Input should be base64, or a data URL in base64"))
        return b""
