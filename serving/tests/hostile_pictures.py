"""Hostile and odd pictures, each with the status that it must get.

200: it is read. 413: its header announces too much. 415: it is of a kind that is not read. 422: it
is PNG or JPEG, and wrong. The statuses are what the formats' specifications and decode's docstring
ask for, not what was once answered.
"""

import io
import random
import zipfile
import zlib
from itertools import accumulate

from serving.app.limits import MAX_PIXELS, MAX_SIDE
from serving.app.pictures.jpeg import MAX_SCANNED_COMPONENTS
from serving.tests.picture_files import (
    EOI,
    JFIF,
    ORIENTATIONS,
    QUANTIZATION,
    SIGNATURE,
    SOI,
    TABLES,
    chunk,
    exif,
    frame,
    header,
    huffman,
    jpeg,
    list_segments,
    png,
    progressive,
    scan,
    segment,
)

ROWS = bytes(8 * 9)
PACKED = zlib.compress(ROWS)
DICTIONARY = zlib.compressobj(zdict=ROWS)
END = chunk(b"IEND")
NOISE = random.Random(0).randbytes(1000)
SCRIPT = b"<html><script>alert(1)</script></html>"
KEY = chunk(b"tRNS", bytes(2))
SIDE = 4096  # the largest square


def raw_png(*chunks):
    return SIGNATURE + b"".join(chunks)


def with_header(data, **options):
    return raw_png(chunk(b"IHDR", data, **options), chunk(b"IDAT", PACKED), END)


def with_pixels(*chunks):
    return raw_png(chunk(b"IHDR", header()), *chunks, END)


def make_zip():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a.txt"), SCRIPT)
    return file.getvalue()


def cut(parts, names):
    """A file cut off before each of its parts but the first, and in the middle of each of these."""
    *starts, end = accumulate(map(len, parts))
    ends = [*starts[1:], end]
    whole = b"".join(parts)
    before = {f"before {name}": whole[:start] for name, start in zip(names, starts, strict=True)}
    middles = [(start + end) // 2 for start, end in zip(starts, ends, strict=True)]
    inside = {f"within {name}": whole[:at] for name, at in zip(names, middles, strict=True)}
    return before | inside


def break_checksum(name):
    parts = {
        "IHDR": chunk(b"IHDR", header(colour=3)),
        "PLTE": chunk(b"PLTE", bytes(3)),
        "tRNS": chunk(b"tRNS", b"\0"),
        "IDAT": chunk(b"IDAT", PACKED),
        "IEND": END,
    }
    broken = parts[name][:-1] + bytes([parts[name][-1] ^ 1])
    return raw_png(*(parts | {name: broken}).values())


PARTS = [SIGNATURE, chunk(b"IHDR", header(colour=3)), chunk(b"PLTE", bytes(3))]
PARTS += [chunk(b"tRNS", b"\0"), chunk(b"tEXt", b"a\0b"), chunk(b"IDAT", PACKED), END]
PART_NAMES = ["IHDR", "PLTE", "tRNS", "tEXt", "IDAT", "IEND"]
SEGMENTS = list_segments(64, 64, 3)
SEGMENT_NAMES = ["APP0", "DQT", "DHT of DC", "DHT of AC", "SOF", "SOS", "EOI"]

OTHER_FORMATS = {
    "text": b"seven",
    "JSON": b'{"image": ""}',
    "HTML": SCRIPT,
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h9"/></svg>',
    "GIF": b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
    "WebP": b"RIFF\x1a\0\0\0WEBPVP8L\r\0\0\0/\0\0\0\x10\7\x10\x11\x11\x88\x88\xfe\7\0",
    "BMP": b"BM:\0\0\0\0\0\0\x006\0\0\0(\0\0\0\1\0\0\0\1\0\0\0\1\0\x18\0" + bytes(28),
    "TIFF, little-endian": b"II*\0\x08\0\0\0" + bytes(100),
    "TIFF, big-endian": b"MM\0*\0\0\0\x08" + bytes(100),
    "ICO": b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0" + bytes(100),
    "ICO that holds a PNG": b"\0\0\1\0\1\0\x08\x08\0\0\1\0\x20\0\x45\0\0\0\x16\0\0\0" + png(),
    "PSD": b"8BPS\0\1" + bytes(100),
    "PDF": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n",
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(50),
    "AVIF": b"\0\0\0\x1cftypavif\0\0\0\0mif1avif" + bytes(50),
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(50),
    "a code stream of JPEG 2000": b"\xff\x4f\xff\x51" + bytes(50),
    "JPEG XL": b"\xff\x0a" + bytes(50),
    "JPEG XR": b"II\xbc\x01\x08\0\0\0" + bytes(50),
    "MNG": b"\x8aMNG\r\n\x1a\n" + bytes(50),
    "JNG": b"\x8bJNG\r\n\x1a\n" + bytes(50),
    "PPM": b"P6 1 1 255 abc",
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "a zip": make_zip(),
    "gzip": b"\x1f\x8b\x08" + bytes(50),
    "a program": b"\x7fELF" + bytes(50),
    "one byte of nought": b"\0",
    "one byte of a JPEG": b"\xff",
    "three bytes of a PNG": SIGNATURE[:3],
    "noise": NOISE,
    "a PNG behind a byte order mark": b"\xef\xbb\xbf" + png(),
    "a PNG behind a line": b"\n" + png(),
    "a PNG in base64": b"iVBORw0KGgoAAAANSUhEUgAAAAgAAAAIAQAAAADsdIMmAAAAC0lEQVQI12NgwAcAAB4A",
    "a PNG without the first byte": png()[1:],
    "a JPEG without the first byte": jpeg()[1:],
    "a data URL": b"data:image/png;base64,iVBORw0KGgo=",
}
DAMAGED_PNG = {
    "empty": b"",
    **{f"a PNG cut off {name}": file for name, file in cut(PARTS, PART_NAMES).items()},
    **{f"wrong checksum of {name}": break_checksum(name) for name in PART_NAMES if name != "tEXt"},
    "a PNG of its signature alone": SIGNATURE,
    "half a signature": SIGNATURE[:4],
    "a PNG without its last byte": png()[:-1],
    "a PNG sent as text": png().replace(b"\r\n", b"\n"),
    "a PNG of seven bits": bytes(byte & 127 if place else byte for place, byte in enumerate(png())),
    "the signature twice": SIGNATURE + png(),
    "the signature and a JPEG": SIGNATURE + jpeg(),
    "the signature and noise": SIGNATURE + NOISE,
    "no header": raw_png(chunk(b"IDAT", PACKED), END),
    "no chunk but the last": raw_png(END),
    "a text before the header": raw_png(chunk(b"tEXt", b"a\0b")) + png()[8:],
    "two headers": raw_png(chunk(b"IHDR", header())) + png()[8:],
    "a header behind the pixels": png(after=[chunk(b"IHDR", header())]),
    "an empty header": with_header(b""),
    "a header of 12 bytes": with_header(header()[:12]),
    "a header of 14 bytes": with_header(header() + b"\0"),
    "a header that says it is longer": with_header(header(), length=14),
    "a header that says it is shorter": with_header(header(), length=12),
    "a header that says it has 4 GB": with_header(header(), length=2**32 - 1),
    **{f"a depth of {bits}": with_header(header(depth=bits)) for bits in (0, 3, 7, 9, 32, 255)},
    **{f"colours of type {kind}": with_header(header(colour=kind)) for kind in (1, 5, 7, 255)},
    "colours of 4 bits": with_header(header(depth=4, colour=2)),
    "a palette of 16 bits": with_header(header(depth=16, colour=3)),
    "grey of 4 bits with alpha": with_header(header(depth=4, colour=4)),
    "another compression": with_header(header(methods=(1, 0, 0))),
    "another method of filters": with_header(header(methods=(0, 1, 0))),
    "interlaced in another way": with_header(header(methods=(0, 0, 2))),
    "no width": with_header(header(width=0)),
    "no height": with_header(header(height=0)),
    "neither width nor height": with_header(header(0, 0)),
    "no width, and a height of 2^32 - 1": with_header(header(0, 2**32 - 1)),
    "no pixels": with_pixels(),
    "pixels of no bytes": png(packed=b""),
    "pixels that are not packed": png(packed=ROWS),
    "pixels packed without a header": png(packed=PACKED[2:]),
    "pixels packed by gzip": png(packed=zlib.compress(ROWS, wbits=31)),
    "pixels packed with a dictionary": png(packed=DICTIONARY.compress(ROWS) + DICTIONARY.flush()),
    "packed pixels cut off": png(packed=PACKED[:-5]),
    "packed pixels without a checksum": png(packed=PACKED[:-4]),
    "packed pixels with a wrong checksum": png(packed=PACKED[:-1] + b"\xff"),
    "a byte of pixels too few": png(pixels=ROWS[:-1]),
    "a byte of pixels too many": png(pixels=ROWS + b"\0"),
    "a row too few": png(pixels=ROWS[:-9]),
    "a hundred rows too many": png(pixels=ROWS + bytes(900)),
    "no rows": png(pixels=b""),
    "a row too few of a large one": png(600, 400, pixels=bytes(601 * 399)),
    "a row too many of a large one": png(600, 400, pixels=bytes(601 * 401)),
    "a large one whose packed pixels are cut off": png(
        600, 400, packed=zlib.compress(bytes(601 * 400))[:-9]
    ),
    "a large one with a wrong checksum": png(
        600, 400, packed=zlib.compress(bytes(601 * 400))[:-1] + b"\xff"
    ),
    "interlaced, of the size of one that is not": png(interlaced=True, pixels=ROWS),
    "a filter that there is not": png(pixels=ROWS[:-9] + b"\5" + bytes(8)),
    "the filter 255": png(pixels=b"\xff" + ROWS[1:]),
    "a filter that there is not in a large one": png(600, 400, pixels=b"\5" + bytes(601 * 400 - 1)),
    "a text between the pixels": with_pixels(
        chunk(b"IDAT", PACKED[:5]), chunk(b"tEXt", b"a\0b"), chunk(b"IDAT", PACKED[5:])
    ),
    "an unknown critical chunk": png(before=[chunk(b"ABCD")]),
    "what Apple's tools make of a PNG": raw_png(chunk(b"CgBI", bytes(4))) + png()[8:],
    "a chunk without a name": png(before=[chunk(bytes(4))]),
    "no palette": raw_png(chunk(b"IHDR", header(colour=3)), chunk(b"IDAT", PACKED), END),
    "an empty palette": png(colour=3, palette=b""),
    "a palette of four bytes": png(colour=3, palette=bytes(4)),
    "a palette of 257 colours": png(colour=3, palette=bytes(3 * 257)),
    "a palette of three colours, in one bit": png(depth=1, colour=3, palette=bytes(9)),
    "two palettes": png(colour=3, before=[chunk(b"PLTE", bytes(3))]),
    "the palette behind the pixels": with_pixels(
        chunk(b"IDAT", PACKED), chunk(b"PLTE", bytes(3))
    ).replace(chunk(b"IHDR", header()), chunk(b"IHDR", header(colour=3))),
    "an index beyond the palette": png(colour=3, palette=bytes(6), pixels=ROWS[:-1] + b"\2"),
    "an index beyond the palette of a large one": png(
        600, 400, colour=3, palette=bytes(6), pixels=bytes(601 * 400 - 1) + b"\2"
    ),
    "transparency of no bytes": png(before=[chunk(b"tRNS")]),
    "transparency of grey, of three bytes": png(before=[chunk(b"tRNS", bytes(3))]),
    "transparency of a colour, of two": png(colour=2, before=[KEY]),
    "transparency of more than the palette": png(
        colour=3, palette=bytes(3), before=[chunk(b"tRNS", bytes(2))]
    ),
    "transparency before the palette": raw_png(
        chunk(b"IHDR", header(colour=3)),
        chunk(b"tRNS", bytes(1)),
        chunk(b"PLTE", bytes(3)),
        chunk(b"IDAT", PACKED),
        END,
    ),
    "transparency twice": png(before=[KEY, KEY]),
    "transparency behind the pixels": png(after=[KEY]),
    "a bomb: 16 million zeros for 64 pixels": png(packed=zlib.compress(bytes(1 << 24))),
    "a bomb for a large one": png(600, 400, packed=zlib.compress(bytes(1 << 24))),
}
LARGE_PNG = {
    "a width of 2^31": with_header(header(width=2**31)),
    "a height of 2^31 - 1": with_header(header(height=2**31 - 1)),
    "a width of 2^32 - 1": with_header(header(width=2**32 - 1)),
    "2^32 - 1 in both": with_header(header(2**32 - 1, 2**32 - 1)),
    "a width of one too many": png(MAX_SIDE + 1, 1),
    "a height of one too many": png(1, MAX_SIDE + 1),
    "a row of pixels too many": png(SIDE, SIDE + 1, packed=b""),
    "16,384² of deflate's zeros": png(16384, 16384, depth=1, pixels=bytes(2049 * 16384)),
    "16,384² of colours, cut off behind the header": png(16384, 16384, colour=6, packed=b"")[:33],
    "20,000² of one colour": png(20000, 20000, depth=1, pixels=bytes(2501 * 20000)),
    "a JPEG of 65,535²": b"".join([SOI, *TABLES, frame(65535, 65535), scan(), EOI]),
    "a JPEG of a column too many": b"".join([SOI, *TABLES, frame(MAX_SIDE + 1, 1), scan(), EOI]),
    "a JPEG of pixels too many": b"".join([SOI, *TABLES, frame(SIDE, SIDE + 1), scan(), EOI]),
    "a JPEG of 65,535², cut off behind the frame": SOI + frame(65535, 65535),
}
GOOD_PNG = {
    "the smallest": png(1, 1, 1),
    "a row": png(MAX_SIDE, 1),
    "a column": png(1, MAX_SIDE),
    "interlaced, of one pixel": png(1, 1, interlaced=True),
    "interlaced, of two columns": png(2, 5, 16, 6, interlaced=True),
    "the largest, grey": png(SIDE, SIDE, 1),
    "the largest, of 8 bytes a pixel": png(SIDE, SIDE, 16, 6),
    "the largest, interlaced": png(SIDE, SIDE, 8, 6, interlaced=True),
    "the largest, with a transparent colour": png(
        SIDE, SIDE, 8, 2, before=[chunk(b"tRNS", bytes(6))]
    ),
    "the largest, long": png(MAX_SIDE, MAX_PIXELS // MAX_SIDE),
    "pixels in chunks of a byte": with_pixels(
        *(chunk(b"IDAT", PACKED[at : at + 1]) for at in range(len(PACKED)))
    ),
    "large, in chunks of a byte": raw_png(
        chunk(b"IHDR", header(700, 500, 1)),
        *(chunk(b"IDAT", bytes([byte])) for byte in zlib.compress(bytes(89 * 500), 0)),
        END,
    ),
    "empty chunks of pixels": with_pixels(
        *[chunk(b"IDAT")] * 1000, chunk(b"IDAT", PACKED), chunk(b"IDAT")
    ),
    "bytes behind the packed pixels": png(packed=PACKED + NOISE),
    "50,000 small chunks": png(before=[chunk(b"tEXt", b"")] * 50_000),
    "50,000 small chunks in a large one": png(600, 400, after=[chunk(b"abCd", b"")] * 50_000),
    "text behind the end": png() + SCRIPT,
    "a PNG that is a zip": png() + make_zip(),
    "a PNG behind a PNG": png() + png(1, 1),
    "a program in a text": png(before=[chunk(b"tEXt", b"Comment\0" + SCRIPT)]),
    "a bomb in a profile": png(
        600, 400, before=[chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(1 << 26)))]
    ),
    "a bomb in a text": png(
        600, 400, before=[chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 26)))]
    ),
    "a bomb in a bomb": png(
        before=[chunk(b"zTXt", b"a\0\0" + zlib.compress(zlib.compress(bytes(1 << 26))))]
    ),
    "a bomb in a text of Unicode": png(
        interlaced=True, before=[chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(1 << 26)))]
    ),
    "a profile that is none": png(600, 400, before=[chunk(b"iCCP", NOISE)]),
    "a gamma of nought": png(600, 400, before=[chunk(b"gAMA", bytes(4))]),
    "a density of nought": png(600, 400, before=[chunk(b"pHYs", bytes(9))]),
    "chunks of the wrong lengths": png(
        600, 400, before=[chunk(name) for name in (b"gAMA", b"cHRM", b"pHYs", b"sRGB", b"bKGD")]
    ),
    "a wrong checksum of a text": png(before=[chunk(b"tEXt", b"a\0b", checksum=0)]),
    "a palette for colours": png(colour=2, palette=bytes(3)),
    "transparency besides alpha": png(colour=6, before=[KEY]),
    "a palette of one colour": png(colour=3, palette=bytes(3)),
    "a palette of nothing but the transparent": png(
        depth=1, colour=3, palette=bytes(6), before=[chunk(b"tRNS", bytes(2))]
    ),
    "a transparent colour that no pixel can have": png(before=[chunk(b"tRNS", b"\xff\xff")]),
    "animated": png(
        before=[chunk(b"acTL", bytes([0, 0, 0, 2, 0, 0, 0, 0])), chunk(b"fcTL", bytes(26))],
        after=[chunk(b"fcTL", bytes(26)), chunk(b"fdAT", bytes(4) + PACKED)],
    ),
    "animated, of 4 billion frames": png(
        600, 400, before=[chunk(b"acTL", b"\xff" * 8), chunk(b"fcTL", b"\xff" * 26)]
    ),
    "animated, large, its frames damaged": png(
        600,
        400,
        before=[chunk(b"acTL", bytes([0, 0, 0, 2, 0, 0, 0, 0]))],
        after=[chunk(b"fcTL", b"a"), chunk(b"fdAT"), chunk(b"fdAT", NOISE)],
    ),
    **{
        f"a PNG of the orientation {orientation}": png(before=[chunk(b"eXIf", exif(orientation))])
        for orientation in (0, 6, 9, 65535)
    },
    "a PNG with EXIF of noise": png(before=[chunk(b"eXIf", NOISE)]),
}
LOOP = exif(6)[:-4] + (8).to_bytes(4)  # the next directory is the same one again
FAR = b"MM\0*" + (2**32 - 1).to_bytes(4)
MANY = b"II*\0\x08\0\0\0\xff\xff" + bytes(60_000)


def with_exif(block):
    return jpeg(before=[segment(0xE1, b"Exif\0\0" + block)])


def without(*numbers):
    return b"".join(part for place, part in enumerate(list_segments()) if place not in numbers)


def in_kind(kind, **options):
    return b"".join([SOI, *TABLES, frame(kind=kind, **options), scan(packed=b"\0"), EOI])


def scans_of_four(scans):
    """The largest progressive JPEG of four components, each scan of all four."""
    more = scan((1, 2, 3, 4), last=0, approximation=0x10)
    first = scan((1, 2, 3, 4), last=0)
    head = (SOI, *TABLES, frame(SIDE, SIDE, 4, kind=0xC2))
    return b"".join([*head, first, *[more] * (scans - 1), EOI])


DAMAGED_JPEG = {
    **{f"a JPEG cut off {name}": file for name, file in cut(SEGMENTS, SEGMENT_NAMES).items()},
    "a JPEG's first two bytes": SOI,
    "a JPEG's first three bytes": b"\xff\xd8\xff",
    "a beginning and an end": SOI + EOI,
    "the start of a JPEG and a PNG": SOI + b"\xff" + png(),
    "the start of a JPEG and a text": SOI + SCRIPT,
    "two starts": SOI + jpeg(),
    "no tables of quantization": without(2),
    "no frame": without(5),
    "no scan": without(6),
    "two frames": jpeg(before=[frame()]),
    "a second frame of 65,535²": jpeg(after=[frame(65535, 65535)]),
    "a frame behind the scan": b"".join([SOI, *TABLES, scan(packed=b"\0"), frame(), EOI]),
    "a frame of no components": in_kind(0xC0, components=0),
    "a frame of no width": in_kind(0xC0, width=0),
    "a frame of no height": in_kind(0xC0, height=0),
    "an empty frame": b"".join([SOI, *TABLES, segment(0xC0), scan(), EOI]),
    "a frame of more components than it has": jpeg(components=3).replace(
        frame(components=3), frame(components=3)[:-3]
    ),
    "factors of nought": in_kind(0xC0, factors=0),
    "factors of fifteen": in_kind(0xC0, factors=0xFF),
    "a scan of no components": b"".join([SOI, *TABLES, frame(), scan(()), EOI]),
    "a scan of an unknown component": b"".join([SOI, *TABLES, frame(), scan((9,)), EOI]),
    "a scan of five components": b"".join([SOI, *TABLES, frame(), scan((1,) * 5), EOI]),
    "an empty scan": b"".join([SOI, *TABLES, frame(), segment(0xDA), EOI]),
    "a table of more codes than there are": jpeg().replace(
        TABLES[1], segment(0xC4, b"\0" + b"\xff" * 16 + bytes(255 * 16))
    ),
    "a table of three codes of a bit": jpeg().replace(
        TABLES[1], segment(0xC4, b"\0\3" + bytes(15 + 3))
    ),
    "a table of Huffman that is cut off": jpeg().replace(
        TABLES[1], segment(0xC4, b"\0\1" + bytes(15))
    ),
    "the table of Huffman number 9": jpeg().replace(TABLES[1], huffman(0x09, 0)),
    "the table of quantization number 9": jpeg().replace(
        QUANTIZATION, segment(0xDB, b"\x09" + bytes([1] * 64))
    ),
    "a table of quantization that is cut off": jpeg().replace(
        QUANTIZATION, segment(0xDB, bytes(30))
    ),
    "a segment of no length": jpeg(before=[segment(0xE5, length=0)]),
    "a segment of one byte": jpeg(before=[segment(0xE5, length=1)]),
    "a segment beyond the end": jpeg(after=[segment(0xFE, length=60_000)]),
    "a frame beyond the end": SOI + segment(0xC0, b"\x08", length=60_000),
    "a reserved marker": jpeg(before=[segment(0x02, b"a")]),
    "a start within": jpeg(after=[SOI]),
    "scans too many": progressive(scans=MAX_SCANNED_COMPONENTS + 1),
    "scans too many of the largest": progressive(SIDE, SIDE, MAX_SCANNED_COMPONENTS + 1),
    "40,000 scans": progressive(scans=40_000),
    "scans too many, of four components": scans_of_four(MAX_SCANNED_COMPONENTS // 4 + 1),
}
UNKNOWN_JPEG = {
    "arithmetic coding": in_kind(0xC9),
    "arithmetic coding, progressive": in_kind(0xCA),
    "lossless": in_kind(0xC3),
    "hierarchical": in_kind(0xC5),
    "JPEG-LS": SOI + segment(0xF7, bytes(9)) + frame(kind=0xC7) + EOI,
    "12 bits": in_kind(0xC1, bits=12),
    "two components": in_kind(0xC0, components=2),
    "255 components": in_kind(0xC0, components=255),
}
GOOD_JPEG = {
    "a JPEG of one pixel": jpeg(1, 1),
    "a JPEG of a row": jpeg(MAX_SIDE, 1),
    "a JPEG of three components": jpeg(components=3),
    "a JPEG of four components": jpeg(components=4),
    "a JPEG of extended code": in_kind(0xC1),
    "the largest JPEG": jpeg(SIDE, SIDE, 3),
    "the largest JPEG of four components": jpeg(SIDE, SIDE, 4),
    "as many scans as there may be": progressive(scans=MAX_SCANNED_COMPONENTS),
    "as many scans of the largest": progressive(SIDE, SIDE, MAX_SCANNED_COMPONENTS),
    "as many scans of the largest, of four components": scans_of_four(MAX_SCANNED_COMPONENTS // 4),
    "no JFIF": without(1),
    "no tables of Huffman, as frames of Motion JPEG have none": without(3, 4),
    "a JFIF that is cut off": jpeg(before=[segment(0xE0, b"JFIF")]),
    "an Adobe that is cut off": jpeg(before=[segment(0xEE, b"Adobe")]),
    "a comment of 60 KB": jpeg(before=[segment(0xFE, bytes(60_000))]),
    "comments of 600 KB": jpeg(before=[segment(0xFE, bytes(60_000))] * 10),
    "a comment that holds an end": jpeg(before=[segment(0xFE, EOI)]),
    "50,000 empty comments": jpeg(before=[segment(0xFE)] * 50_000),
    "a JPEG with HTML in it": jpeg(before=[segment(0xFE, SCRIPT)]),
    "HTML behind a JPEG": jpeg() + SCRIPT,
    "a JPEG that is a zip": jpeg() + make_zip(),
    "a JPEG behind a JPEG": jpeg() + jpeg(),
    "fill bytes before a marker": jpeg(before=[b"\xff" * 1000]),
    "profiles of colour that are none": jpeg(
        before=[segment(0xE2, b"ICC_PROFILE\0" + bytes([number, 9])) for number in range(9)]
    ),
    "several pictures, it says": jpeg(before=[segment(0xE2, b"MPF\0" + NOISE)]),
    "a resource of Photoshop that is damaged": jpeg(
        before=[segment(0xED, b"Photoshop 3.0\0" + b"8BIM" * 100)]
    ),
    "no pixels of a JPEG": b"".join([SOI, JFIF, *TABLES, frame(), scan(), EOI]),
    "too many pixels of a JPEG": jpeg(8, 8).replace(EOI, bytes(10_000) + EOI),
    "restarts that nobody announced": jpeg(64, 64).replace(EOI, b"\xff\xd0\xff\xd5" + EOI),
    **{
        f"a JPEG of the orientation {orientation}": with_exif(exif(orientation))
        for orientation in (*ORIENTATIONS, 0, 9, 65535)
    },
    "an orientation that is a text": with_exif(exif(6, kind=2)),
    "EXIF of no bytes": with_exif(b""),
    "EXIF of its header alone": with_exif(b"II*\0"),
    "EXIF of noise": with_exif(NOISE),
    "EXIF whose directory is in a loop": with_exif(LOOP),
    "EXIF whose directory is far away": with_exif(FAR),
    "EXIF of 65,535 entries": with_exif(MANY),
    "EXIF that is cut off": with_exif(exif(6)[:15]),
    "EXIF of two minds": jpeg(before=[segment(0xE1, b"Exif\0\0" + exif(turn)) for turn in (6, 3)]),
}
GROUPS = [(415, OTHER_FORMATS), (422, DAMAGED_PNG), (413, LARGE_PNG), (200, GOOD_PNG)]
GROUPS += [(422, DAMAGED_JPEG), (415, UNKNOWN_JPEG), (200, GOOD_JPEG)]
PICTURES = {name: (status, data) for status, files in GROUPS for name, data in files.items()}
