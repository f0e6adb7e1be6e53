"""What write_png writes is read again as it was, by the service and by Pillow."""

import io

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from serving.app.pictures import Picture
from serving.app.pictures.decode import decode
from training.data.png import write_png

SIDES = st.integers(1, 40)


@st.composite
def pictures(draw):
    width, height = draw(SIDES), draw(SIDES)
    return Picture(width, height, draw(st.binary(min_size=width * height, max_size=width * height)))


@given(pictures())
def test_picture_is_written_is_read_as_it_was(picture):
    written = write_png(picture)
    assert decode(written) == picture
    with Image.open(io.BytesIO(written)) as image:
        assert image.mode == "L"
        assert (*image.size, image.tobytes()) == (picture.width, picture.height, picture.grey)


def test_picture_is_written_twice_the_bytes_are_the_same():
    picture = Picture(28, 28, bytes(range(196)) * 4)
    assert write_png(picture) == write_png(picture)
    assert len(write_png(picture)) < 400
