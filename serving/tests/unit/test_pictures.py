"""Pictures are decoded as Pillow decodes them: by the standard library and by it, both the same."""

import io
import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from serving.app.limits import MAX_SIDE
from serving.app.pictures import DamagedPicture, Picture, UnknownPicture, chunks, decode, pillow
from serving.app.pictures import png as plain
from serving.tests.picture_files import KINDS, ORIENTATIONS, chunk, exif, list_rows, png

SIZES = st.one_of(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.sampled_from([(1, 1), (200, 3), (3, 200), (150, 150), (9, 1), (1, 9), (17, 5)]),
)
SEEDS = st.integers(0, 2**32 - 1)
ORDERS = st.sampled_from(["big", "little"])


def open_image(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def show(image):
    return Picture(*image.size, image.tobytes())


def save(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def make_png(size, kind, seed, *, interlaced=False, **parts):
    """A PNG of noise, whose rows have filters as they come; any bytes are such rows."""
    source = random.Random(seed)
    lengths = list_rows(*size, kind[1], kind[0], interlaced=interlaced)
    rows = [bytes([source.randrange(5)]) + source.randbytes(length) for length in lengths]
    return png(*size, kind[1], kind[0], interlaced=interlaced, pixels=b"".join(rows), **parts)


def make_image(mode, size, seed=0):
    """An image of something: noise of eight pixels' size, as JPEG has no liking for a finer one."""
    width, height = size
    small = (width + 7) // 8, (height + 7) // 8
    source = random.Random(seed)
    data = source.randbytes(small[0] * small[1] * len(Image.new(mode, (1, 1)).tobytes()))
    return Image.frombytes(mode, small, data).resize(size, Image.Resampling.BICUBIC)


def lay_over_white(image):
    white = Image.new("L", image.size, 255)
    return Image.composite(image.convert("L"), white, image.getchannel("A"))


def expect(data):
    """What Pillow makes of a PNG, without a transparent colour, by what it offers to everybody."""
    image = open_image(data)
    if image.mode == "I;16":
        return Picture(*image.size, image.tobytes()[1::2])
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return show(lay_over_white(image) if image.mode in {"LA", "RGBA"} else image.convert("L"))


def read_both_ways(data):
    """What both ways make of a PNG, which has to be the same."""
    found = chunks.parse(data)
    picture = pillow.decode_png(found)
    if not found.interlaced:
        assert plain.decode_plain(found) == picture
    assert decode.decode(data) == picture
    return picture


@pytest.mark.parametrize("kind", KINDS, ids=str)
@given(size=SIZES, seed=SEEDS, interlaced=st.booleans())
def test_png_of_each_kind_is_what_pillow_says_both_ways(kind, size, seed, interlaced):
    data = make_png(size, kind, seed, interlaced=interlaced)
    assert read_both_ways(data) == expect(data)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@given(size=SIZES, seed=SEEDS, data=st.data())
def test_palette_is_of_any_colours_and_alphas_they_are_laid_over_white(depth, size, seed, data):
    colours = 1 << depth
    palette = data.draw(st.binary(min_size=3 * colours, max_size=3 * colours))
    alphas = data.draw(st.binary(min_size=1, max_size=colours))
    before = [chunk(b"tRNS", alphas)]
    file = make_png(size, (3, depth), seed, palette=palette, before=before)
    assert read_both_ways(file) == expect(file)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind[0] in {0, 2}], ids=str)
@given(size=SIZES, seed=SEEDS, interlaced=st.booleans(), place=st.floats(0, 0.999))
def test_colour_is_transparent_its_pixels_are_white_and_no_others(
    kind, size, seed, interlaced, place
):
    depth = kind[1]
    without = make_png(size, kind, seed, interlaced=interlaced)
    grey = read_both_ways(without).grey
    image = open_image(without)
    if kind[0] == 2:
        pixels = list(zip(*[iter(image.tobytes())] * 3, strict=True))
    else:
        pixels = [(value,) for value in grey]
    key = pixels[int(place * len(pixels))]
    scale = 255 // ((1 << min(depth, 8)) - 1)
    samples = [value // scale << max(0, depth - 8) for value in key]
    body = b"".join(sample.to_bytes(2) for sample in samples)
    file = make_png(size, kind, seed, interlaced=interlaced, before=[chunk(b"tRNS", body)])
    pairs = zip(grey, pixels, strict=True)
    assert read_both_ways(file).grey == bytes(255 if one == key else value for value, one in pairs)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@given(
    size=SIZES,
    options=st.fixed_dictionaries(
        {
            "quality": st.integers(1, 100),
            "progressive": st.booleans(),
            "subsampling": st.sampled_from([0, 1, 2]),
        }
    ),
    seed=SEEDS,
)
def test_jpeg_is_what_pillow_says(mode, size, options, seed):
    data = save(make_image(mode, size, seed), "JPEG", **options)
    expected = open_image(data)
    if mode == "CMYK":
        expected = expected.convert("RGB")
    assert decode.decode(data) == show(expected.convert("L"))


def test_jpeg_is_of_red_green_and_blue_as_adobe_says_it_is_not_taken_for_another():
    data = save(make_image("RGB", (30, 20)), "JPEG", keep_rgb=True)
    assert decode.decode(data) == show(open_image(data).convert("L"))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@given(size=SIZES, order=ORDERS)
def test_picture_has_an_orientation_is_turned_upright(orientation, size, order):
    image = make_image("RGB", size)
    block = exif(orientation, order)
    for data in (
        save(image, "JPEG", exif=b"Exif\0\0" + block),
        png(*size, colour=2, pixels=rows_of(image), before=[chunk(b"eXIf", block)]),
    ):
        expected = ImageOps.exif_transpose(open_image(data))
        assert decode.decode(data) == show(expected.convert("L"))


def rows_of(image):
    data, length = image.tobytes(), 3 * image.width
    starts = range(0, len(data), length)
    return b"".join(b"\0" + data[start : start + length] for start in starts)


@pytest.mark.parametrize(
    ("size", "factor"),
    [((512, 512), 1), ((513, 512), 2), ((1001, 701), 2), ((3000, 250), 2), ((MAX_SIDE, 17), 2)],
)
def test_picture_is_large_is_reduced_by_a_whole_factor(size, factor):
    for mode in ("L", "RGB", "LA"):
        image = make_image(mode, size)
        grey = lay_over_white(image) if mode == "LA" else image.convert("L")
        assert decode.decode(save(image, "PNG")) == show(grey.reduce(factor))


def test_picture_is_large_and_lies_on_its_side_is_reduced_and_turned():
    image = make_image("RGB", (1001, 701))
    data = png(1001, 701, 8, 2, pixels=rows_of(image), before=[chunk(b"eXIf", exif(6))])
    expected = image.convert("L").reduce(2).transpose(Image.Transpose.ROTATE_270)
    assert decode.decode(data) == show(expected)


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_is_large_is_nearly_what_a_box_makes_of_it_and_the_same_each_time(progressive):
    data = save(make_image("RGB", (1600, 1000)), "JPEG", quality=95, progressive=progressive)
    picture = decode.decode(data)
    assert (picture.width, picture.height) == (400, 250)
    assert decode.decode(data) == picture
    boxed = open_image(data).convert("L").reduce(4).tobytes()
    differences = [abs(one - other) for one, other in zip(picture.grey, boxed, strict=True)]
    assert sum(differences) / len(differences) < 1


@pytest.mark.slow
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_photograph_is_of_twelve_megapixels_is_read(form):
    data = save(make_image("RGB", (4000, 3000)), form)
    picture = decode.decode(data)
    assert (picture.width, picture.height) in {(500, 375), (572, 429)}


def test_png_is_animated_its_default_image_is_read():
    first, second = make_image("L", (20, 20), 1), make_image("L", (20, 20), 2)
    data = save(first, "PNG", save_all=True, append_images=[second])
    assert decode.decode(data) == show(first)


def test_png_is_small_pillow_stays_out(tmp_path):
    path = tmp_path / "small.png"
    path.write_bytes(png(150, 150, 8, 6))
    code = (
        "import sys\n"
        "from serving.app.pictures.decode import decode\n"
        "decode(open(sys.argv[1], 'rb').read())\n"
        "assert not {'PIL', 'numpy', 're', 'typing'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-S", "-c", code, str(path)], check=True)


@pytest.mark.parametrize("most", [22_500, decode.MAX_PLAIN_PIXELS])
def test_pillow_is_not_there_small_png_are_read_and_others_are_told_so(most, monkeypatch):
    monkeypatch.setattr(decode, "MAX_PLAIN_PIXELS", most)
    small, photograph = png(150, most // 150), save(make_image("L", (8, 8)), "JPEG")
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.delitem(sys.modules, "serving.app.pictures.pillow")
    monkeypatch.delattr("serving.app.pictures.pillow")
    assert decode.decode(small).width == 150
    turned = png(before=[chunk(b"eXIf", exif(6))])
    others = [png(150, most // 150 + 1), png(interlaced=True), turned]
    for data in (*others, photograph):
        with pytest.raises(UnknownPicture, match=f"reads only PNG of at most {most:,} pixels"):
            decode.decode(data)


def test_no_picture_is_read_without_pillow_that_it_would_reduce():
    assert decode.MAX_PLAIN_PIXELS <= pillow.MAX_KEPT_PIXELS


@pytest.mark.parametrize("most", [22_500, decode.MAX_PLAIN_PIXELS])
def test_filter_that_there_is_not_is_refused_in_the_same_words(most, monkeypatch):
    monkeypatch.setattr(decode, "MAX_PLAIN_PIXELS", most)
    for side in (100, 200):
        data = png(side, side, pixels=(b"\x09" + bytes(side)) * side)
        with pytest.raises(DamagedPicture, match="The pixels of the picture must decode"):
            decode.decode(data)


def test_pillow_has_no_room_it_is_no_fault_of_the_picture(monkeypatch):
    def fail(_image):
        raise MemoryError

    monkeypatch.setattr(pillow.PngImageFile, "load", fail)
    with pytest.raises(MemoryError):
        decode.decode(png(600, 600))


def test_pictures_are_equal_by_what_is_in_them():
    one = Picture(1, 2, b"ab")
    assert one == Picture(1, 2, b"ab")
    assert hash(one) == hash(Picture(1, 2, b"ab"))
    assert one != Picture(2, 1, b"ab")
    assert one != (1, 2, b"ab")
    assert repr(one) == "<Picture of 1 × 2>"
