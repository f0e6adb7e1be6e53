"""PNG and JPEG files, made a chunk or a segment at a time, so that each can be wrong."""

import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
KINDS = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16)]  # types of colour, with depths
KINDS += [(3, 1), (3, 2), (3, 4), (3, 8), (4, 8), (4, 16), (6, 8), (6, 16)]
# First column and row, and the steps, of the passes that Adam7 has, PNG 8.1.
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2)]
ADAM7 += [(0, 1, 1, 2)]
ORIENTATIONS = range(1, 9)


def chunk(name, body=b"", checksum=None, length=None):
    """A chunk of PNG, whose checksum and length may be others than they should."""
    right = zlib.crc32(name + body)
    return (
        (len(body) if length is None else length).to_bytes(4)
        + name
        + body
        + (right if checksum is None else checksum).to_bytes(4)
    )


def header(width=8, height=8, depth=8, colour=0, methods=(0, 0, 0)):
    return width.to_bytes(4) + height.to_bytes(4) + bytes([depth, colour, *methods])


def list_rows(width, height, depth, colour, *, interlaced=False):
    """How many bytes each row has that the file holds, without the one of its filter."""
    rows = []
    for left, top, across, down in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        columns = len(range(left, width, across))
        if columns:
            bits = columns * depth * CHANNELS[colour]
            rows += [(bits + 7) // 8] * len(range(top, height, down))
    return rows


def png(  # noqa: PLR0913
    width=8,
    height=8,
    depth=8,
    colour=0,
    *,
    interlaced=False,
    pixels=None,
    packed=None,
    palette=None,
    before=(),
    after=(),
):
    """A PNG: right, as long as what is handed in is. Its pixels are zeros unless they are given,
    with the filters of the rows, packed by deflate or to be. Chunks go before and after them.
    """
    if pixels is None:
        rows = list_rows(width, height, depth, colour, interlaced=interlaced)
        pixels = bytes(len(rows) + sum(rows))
    packed = zlib.compress(pixels, 1) if packed is None else packed
    if palette is None and colour == 3:
        palette = bytes(range(3 << depth)) if depth < 8 else bytes(range(256)) * 3
    return b"".join(
        [
            SIGNATURE,
            chunk(b"IHDR", header(width, height, depth, colour, (0, 0, int(interlaced)))),
            *([chunk(b"PLTE", palette)] if palette is not None else ()),
            *before,
            chunk(b"IDAT", packed),
            *after,
            chunk(b"IEND"),
        ]
    )


def exif(orientation, order="big", kind=3):
    """A block of EXIF that says an orientation."""
    start = b"MM\0*" if order == "big" else b"II*\0"
    entry = ((274, 2), (kind, 2), (1, 4), (orientation, 2), (0, 2))
    numbers = ((8, 4), (1, 2), *entry, (0, 4))
    return start + b"".join(number.to_bytes(size, order) for number, size in numbers)


def segment(kind, body=b"", length=None):
    """A segment of JPEG, whose length may be another than it should."""
    size = len(body) + 2 if length is None else length
    return bytes([0xFF, kind]) + size.to_bytes(2) + body


def frame(width=8, height=8, components=1, kind=0xC0, *, bits=8, factors=0x11):  # noqa: PLR0913
    """The header of a frame, whose components all take the first table of quantization."""
    listed = b"".join(bytes([number, factors, 0]) for number in range(1, components + 1))
    size = bytes([bits]) + height.to_bytes(2) + width.to_bytes(2) + bytes([components])
    return segment(kind, size + listed)


def huffman(kind, *symbols):
    """A table of Huffman: of one symbol the code is 0, of two they are 0 and 10."""
    counts = bytes(1 if length < len(symbols) else 0 for length in range(16))
    return segment(0xC4, bytes([kind]) + counts + bytes(symbols))


def scan(components=(1,), first=0, last=63, packed=b"", approximation=0):
    """A scan's header, and its packed pixels."""
    listed = b"".join(bytes([number, 0]) for number in components)
    rest = bytes([first, last, approximation])
    return segment(0xDA, bytes([len(components)]) + listed + rest) + packed


SOI, EOI = b"\xff\xd8", b"\xff\xd9"
JFIF = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
QUANTIZATION = segment(0xDB, b"\0" + bytes([1] * 64))
# A block of pixels is then of two bits, 00: no difference to the one before, and no more of it.
TABLES = [QUANTIZATION, huffman(0x00, 0), huffman(0x10, 0)]


def list_segments(width=8, height=8, components=1):
    """The parts of a baseline JPEG of one grey."""
    blocks = -(-width // 8) * -(-height // 8) * components
    packed = bytes(-(-blocks * 2 // 8))
    parts = [SOI, JFIF, *TABLES, frame(width, height, components)]
    return [*parts, scan(range(1, components + 1), packed=packed), EOI]


def jpeg(width=8, height=8, components=1, before=(), after=()):
    """A baseline JPEG of one grey, 128; chroma of none; with segments before and after the rest."""
    start, *rest, end = list_segments(width, height, components)
    return b"".join([start, *before, *rest, *after, end])


def progressive(width=8, height=8, scans=1):
    """A progressive JPEG of one grey whose scans after the first are of a few bytes each."""
    blocks = -(-width // 8) * -(-height // 8)
    first = scan(last=0, packed=bytes(-(-blocks // 8)))
    # Each run ends the band in 2^14 blocks and some: the code 0, and 14 bits of nought.
    runs = -(-blocks // (1 << 14))
    more = scan(first=1, packed=bytes(-(-runs * 15 // 8)))
    tables = [QUANTIZATION, huffman(0x00, 0), huffman(0x10, 0xE0)]
    parts = [SOI, JFIF, *tables, frame(width, height, kind=0xC2), first, *[more] * (scans - 1), EOI]
    return b"".join(parts)
