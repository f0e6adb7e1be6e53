"""Hostile and odd requests with pictures, each with the status that it must get.

The files are those of hostile_pictures.py; what is here is how they come. Forms: RFC 7578, and RFC
2046, 5.1, but strictly: a preamble, an epilogue, padding and bare line feeds are sent by no client
of HTTP. Data URLs: RFC 2397, whose letters may be of either case.
"""

import base64
import gzip
import json

from serving.app.limits import MAX_FORM_PARTS, MAX_PICTURE_BODY_BYTES, MAX_TOP
from serving.bundle.inputs import MAX_BATCH, MAX_PICTURE_BYTES, MAX_PICTURE_CHARS
from serving.tests.hostile import FORGED, SECRET, encoded
from serving.tests.hostile_pictures import PICTURES, SIDE
from serving.tests.images import encode, make_pictures
from serving.tests.picture_files import chunk, png
from serving.tests.sample import proxy_event

BOUNDARY = "----a-boundary"
_, NEW = make_pictures(12, seed=8)
PICTURE = NEW[0]
TEXT = encode(PICTURE)
URL = f"data:image/png;base64,{TEXT}"
PIXEL, LARGEST = encode(png(1, 1)), encode(png(SIDE, SIDE, 1))


def post(data, media_type="image/png", **members):
    """The event of a body that is no text."""
    return encoded(data, **({"headers": {"Content-Type": media_type}} | members))


def write_form(*parts, boundary=BOUNDARY):
    """A form of pairs of header and content."""
    lines = [
        f"--{boundary}\r\n{header}\r\n\r\n".encode() + data + b"\r\n" for header, data in parts
    ]
    return b"".join(lines) + f"--{boundary}--\r\n".encode()


def name_file(name="file", file="seven.png"):
    return f'Content-Disposition: form-data; name="{name}"; filename="{file}"'


def post_form(*parts, **members):
    return post_raw_form(write_form(*parts), **members)


def post_raw_form(data, **members):
    return post(data, f"multipart/form-data; boundary={BOUNDARY}", **members)


def bounded(boundary, parameters):
    """A form of one file, its boundary, and what the header says of it."""
    data = write_form((name_file(), PICTURE), boundary=boundary)
    return post(data, f"multipart/form-data{parameters}")


def send(image, **members):
    return proxy_event(body={"image": image}, **members)


def batch(images, **members):
    return proxy_event(path="/predict/batch", body={"images": images}, **members)


def with_types(*types):
    return post(PICTURE, headers=None, multiValueHeaders={"Content-Type": [*types]})


def post_file(data):
    """A file as the body, said to be what it begins like."""
    return post(data, "image/jpeg" if data.startswith(b"\xff\xd8") else "image/png")


def ask(make, **query):
    """An event of each way to send a picture, under a query."""
    values = {name: [value] for name, value in query.items()}
    return make(multiValueQueryStringParameters=values)


WAYS = {
    "a body": lambda **members: post(PICTURE, **members),
    "a form": lambda **members: post_form((name_file(), PICTURE), **members),
    "JSON": lambda **members: send(TEXT, **members),
    "a data URL": lambda **members: send(URL, **members),
}
BROKEN = {
    "no picture": (415, post(b"not a picture")),
    "a GIF": (415, post(b"GIF89a" + bytes(20), "image/gif")),
    "half a picture": (422, post(NEW[0][: len(NEW[0]) // 2])),
    "of another type": (415, post(NEW[0], "text/plain")),
    "of curl's own type": (415, post(NEW[0], "application/x-www-form-urlencoded")),
    "of two types": (415, post(NEW[0], "image/png, multipart/form-data")),
    "to the batch": (415, post(NEW[0], path="/predict/batch")),
    "not in base64": (
        400,
        proxy_event(headers={"Content-Type": "image/png"}, body="\ufffdPNG", isBase64Encoded=True),
    ),
    "spoilt on the way": (
        415,
        proxy_event(headers={"Content-Type": "image/png"}, body="\ufffdPNG"),
    ),
    "nothing": (400, proxy_event(headers={"Content-Type": "image/png"})),
    "too many bytes": (413, post(bytes(MAX_PICTURE_BODY_BYTES + 1))),
    "more bytes than a picture may have": (413, post(bytes(MAX_PICTURE_BYTES + 1))),
    "a form without a boundary": (400, post(NEW[0], "multipart/form-data")),
    "a form that is none": (400, post(NEW[0], f"multipart/form-data; boundary={BOUNDARY}")),
    "a form without a file": (422, post_form(("Content-Disposition: form-data; name=a", b"1"))),
    "a form of two files": (422, post_form((name_file(), NEW[0]), (name_file(), NEW[1]))),
    "a form with another field": (
        422,
        post_form((name_file(), NEW[0]), ("Content-Disposition: form-data; name=a", b"1")),
    ),
    "a form of many parts": (400, post_form(*[(name_file(), b"")] * (MAX_FORM_PARTS + 1))),
    "a form with a long header": (400, post_form((name_file(file="x" * 5000), NEW[0]))),
    "a form in base64": (
        400,
        post_form((f"{name_file()}\r\nContent-Transfer-Encoding: base64", NEW[0])),
    ),
    "a form that is cut off": (
        400,
        post(
            write_form((name_file(), NEW[0]))[:-8],
            f"multipart/form-data; boundary={BOUNDARY}",
        ),
    ),
    "a path as a file name": (200, post_form((name_file(file="../../etc/passwd"), NEW[0]))),
    "no JSON": (400, proxy_event(body="{")),
    "no member": (422, proxy_event(body={})),
    "another member": (422, proxy_event(body={"image": encode(NEW[0]), "text": "a"})),
    "a number": (422, proxy_event(body={"image": 7})),
    "no base64": (422, proxy_event(body={"image": "****"})),
    "lines of base64": (422, proxy_event(body={"image": encode(NEW[0]) + "\n"})),
    "a URL": (422, proxy_event(body={"image": "data:image/png,abc"})),
    "an empty string": (422, proxy_event(body={"image": ""})),
    "a batch of nothing": (422, proxy_event(path="/predict/batch", body={"images": []})),
    "a batch with a broken one": (
        422,
        proxy_event(path="/predict/batch", body={"images": [encode(NEW[0]), encode(NEW[0][:50])]}),
    ),
    "a batch with a text": (
        415,
        proxy_event(path="/predict/batch", body={"images": [encode(NEW[0]), encode(b"text")]}),
    ),
}
BOUNDARIES = {
    "of 70 characters": bounded("b" * 70, f"; boundary={'b' * 70}"),
    "of one character": bounded("b", "; boundary=b"),
    "in quotes": bounded("b", '; boundary="b"'),
    "with a space in quotes": bounded("a b", '; boundary="a b"'),
    "of all that there may be, in quotes": bounded(
        "aZ09'()+_,-./:=?", '; boundary="aZ09\'()+_,-./:=?"'
    ),
    "named in capital letters": bounded("b", "; BOUNDARY=b"),
    "behind another parameter": bounded("b", "; charset=utf-8; boundary=b"),
    "before another parameter": bounded("b", "; boundary=b; a=1"),
    "behind a quoted one": bounded("b", '; a="; boundary=c"; boundary=b'),
    "the same twice": bounded("b", '; boundary=b; boundary="b"'),
    "without spaces": bounded("b", ";boundary=b"),
    "in a type of capital letters": post(
        write_form((name_file(), PICTURE)), f"Multipart/Form-Data; boundary={BOUNDARY}"
    ),
}
BAD_BOUNDARIES = {
    "of 71 characters": bounded("b" * 71, f"; boundary={'b' * 71}"),
    "of 71 characters in quotes": bounded("b" * 71, f'; boundary="{"b" * 71}"'),
    "of nothing": bounded("", "; boundary="),
    "of nothing in quotes": bounded("", '; boundary=""'),
    "without a value": bounded("b", "; boundary"),
    "of another form": bounded("b", "; boundary=c"),
    "in other letters": bounded("b", "; boundary=B"),
    "with a space at the end": bounded("b ", '; boundary="b "'),
    "with a slash that is not quoted": bounded("a/b", "; boundary=a/b"),
    "with a star": bounded("a*b", "; boundary=a*b"),
    "with a quoted star": bounded("a*b", '; boundary="a*b"'),
    "with a letter beyond ASCII": bounded("é", "; boundary=é"),
    "with a digit of another script": bounded("٣", '; boundary="٣"'),
    "with a line break": bounded("a\r\nb", '; boundary="a\r\nb"'),
    "with a NUL": bounded("a\0b", '; boundary="a\0b"'),
    "with a lone surrogate": post(PICTURE, "multipart/form-data; boundary=\ud800"),
    "of two minds": bounded("b", "; boundary=b; boundary=c"),
    "of two minds, the other way": bounded("b", "; boundary=c; boundary=b"),
    "whose quotes do not end": bounded("b", '; boundary="b'),
    "in another parameter": bounded("b", '; a="; boundary=b"'),
    "named otherwise": bounded("b", "; xboundary=b"),
    "in its continuations": bounded("b", "; boundary*0=b"),
    "of a thousand parameters": bounded("b", "; a=1" * 1000),
}
FORM = write_form((name_file(), PICTURE))
OPENING = f"--{BOUNDARY}\r\n".encode()
BAD_FORMS = {
    "line feeds alone": FORM.replace(b"\r\n", b"\n"),
    "a preamble": b"This is a form.\r\n" + FORM,
    "a line before": b"\r\n" + FORM,
    "an epilogue": FORM + SECRET.encode(),
    "a form behind it": FORM + FORM,
    "padding behind the boundary": FORM.replace(OPENING, OPENING[:-2] + b" \r\n"),
    "no end": FORM.replace(b"--\r\n", b"\r\n"),
    "one hyphen at the end": FORM.replace(b"--\r\n", b"-\r\n"),
    "the end alone": f"--{BOUNDARY}--\r\n".encode()[2:],
    "the boundary alone": OPENING,
    "the boundary without hyphens": FORM.replace(b"--" + BOUNDARY.encode(), BOUNDARY.encode()),
    "another boundary that begins alike": FORM.replace(OPENING, OPENING[:-2] + b"x\r\n"),
    "a thousand parts": write_form(*[(name_file(), PICTURE)] * 1000),
    "as many boundaries as bytes allow": (b"\r\n" + OPENING) * 100_000,
    "no blank line": OPENING + name_file().encode() + b"\r\n" + FORM[-20:],
    "a header of 4 KB": write_form((name_file(file="x" * 4096), PICTURE)),
    "a header of a megabyte": write_form(("X: " + "y" * 1_000_000, PICTURE)),
    "hyphens": b"-" * 1_000_000,
    "line breaks": b"\r\n" * 500_000,
    "a picture": PICTURE,
    "JSON": json.dumps({"image": TEXT}).encode(),
}
FIELD = "Content-Disposition: form-data; name="
INNER = write_form((name_file(), PICTURE), boundary="inner")
MIXED = "\r\nContent-Type: multipart/mixed; boundary=inner"
CODING = "\r\nContent-Transfer-Encoding: "
NOT_ONE_FILE = {
    "of no header": write_form(("", PICTURE)).replace(b"\r\n\r\n\r\n", b"\r\n\r\n"),
    "of another header": write_form(("X-File: a.png", PICTURE)),
    "of a type alone": write_form(("Content-Type: image/png", PICTURE)),
    "of a field": write_form((f"{FIELD}file", PICTURE)),
    "of a field whose name has a file name in it": write_form(
        (f'{FIELD}"; filename=a.png"', PICTURE)
    ),
    "of a file name in another header": write_form(
        (f"{FIELD}a\r\nX: form-data; filename=a.png", PICTURE)
    ),
    "of forms in a form": write_form((f"{FIELD}files{MIXED}", INNER)),
    "of an empty file": write_form((name_file(file=""), b"")),
    "of two files": write_form(*[(name_file(), PICTURE)] * 2),
    "of as many files as may be": write_form(*[(name_file(), PICTURE)] * (MAX_FORM_PARTS - 1)),
    "of no part": f"--{BOUNDARY}--\r\n".encode(),
    "of a secret field besides": write_form((name_file(), PICTURE), (f"{FIELD}{SECRET}", b"1")),
}
CODINGS = ("base64", "BASE64", "quoted-printable", "x-gzip", "binary7", "binary, base64", SECRET)
FILES = {
    "a path up": name_file(file="../../../../etc/passwd"),
    "a path of Windows": name_file(file="C:\\temp\\a.png"),
    "a NUL": name_file(file="a\0.png"),
    "a quote": name_file(file='a\\".png'),
    "a percent and a quote": name_file(file="a%22.png"),
    "no name": name_file(file=""),
    "nearly 4 KB": name_file(file="x" * 3900),
    "another script": name_file(file="sieben七😀.png"),
    "a secret": name_file(name=SECRET, file=f"{SECRET}.png"),
    "a metric": name_file(file=FORGED.replace('"', "%22")),
    "an ending of a program": name_file(file="a.png.php"),
    "no quotes": f"{FIELD}file; filename=a.png",
    "a star": f"{FIELD}file; filename*=UTF-8''a%20b.png",
    "a star and none": f"{name_file()}; filename*=UTF-8''a.png",
    "no field's name": "Content-Disposition: form-data; filename=a.png",
    "an attachment": "Content-Disposition: attachment; filename=a.png",
    "capital letters": name_file().upper(),
    "small letters": name_file().lower(),
    "a folded header": f"{FIELD}file;\r\n filename=a.png",
    "a header folded twice": "Content-Disposition: form-data;\r\n\tname=a;\r\n filename=a.png",
    "headers twice": f"{name_file()}\r\n{name_file()}",
    "a type": f"{name_file()}\r\nContent-Type: image/png",
    "another type": f"{name_file()}\r\nContent-Type: text/html; charset={SECRET}",
    "types twice": f"{name_file()}\r\nContent-Type: image/png\r\nContent-Type: text/plain",
    "a length that is not": f"{name_file()}\r\nContent-Length: 1",
    "the type first": f"Content-Type: image/png\r\n{name_file()}",
    "a coding of none": f"{name_file()}{CODING}binary",
    "a coding of eight bits": f"{name_file()}{CODING}8BIT",
    "a coding without a space": f"{name_file()}{CODING.strip(' ')}binary ",
}
URLS = {
    "as it should be": URL,
    "without a type": f"data:;base64,{TEXT}",
    "of another type": f"data:text/html;base64,{TEXT}",
    "of the other format": f"data:image/jpeg;base64,{TEXT}",
    "with a charset": f"data:image/png;charset=utf-8;base64,{TEXT}",
    "with a secret": f"data:image/png;name={SECRET};base64,{TEXT}",
    "of no type that there is": f"data:{URL}",
    "in capital letters": f"DATA:IMAGE/PNG;BASE64,{TEXT}",
    "a megabyte before it": f"data:image/png;a={'b' * 1_000_000};base64,{TEXT}",
}
BAD_URLS = {
    "the scheme alone": "data:",
    "no type and nothing": "data:,",
    "nothing": "data:image/png;base64,",
    "no comma": f"data:image/png;base64{TEXT}",
    "no base64": f"data:image/png,{TEXT}",
    "base64 behind the comma": f"data:image/png,a;base64,{TEXT}",
    "base64 not at the end": f"data:image/png;base64;charset=utf-8,{TEXT}",
    "base64 with a space": f"data:image/png;base64 ,{TEXT}",
    "a space before": f" {URL}",
    "a space behind the comma": f"data:image/png;base64, {TEXT}",
    "escapes": f"data:image/png;base64,{TEXT.replace('=', '%3D').replace('i', '%69')}",
    "a URL in a URL": f"data:image/png;base64,{URL}",
    "a fragment": f"{URL}#a",
    "a URL in base64": encode(b"") + base64.b64encode(URL.encode()).decode() + "*",
    "an address": f"https://127.0.0.1/{SECRET}.png",
    "a file": "file:///etc/passwd",
    "a path": "../../etc/passwd",
    "an address of a cloud's metadata": "http://169.254.169.254/latest/meta-data/",
    "one comma too many": URL.replace(",", ",,"),
}
NOT_BASE64 = {
    "blanks": " ".join([TEXT[:40], TEXT[40:]]),
    "lines of 76": "\r\n".join(TEXT[at : at + 76] for at in range(0, len(TEXT), 76)),
    "letters for URLs": "_-" + TEXT[2:],
    "no padding": encode(b"\x89PNG")[:-2],
    "too much padding": TEXT.rstrip("=") + "=====",
    "padding within": "iVBO====" + TEXT,
    "padding first": "=" + TEXT,
    "two pictures": encode(b"\x89PNG") + TEXT,
    "one letter": "i",
    "five letters": "iVBOR",
    "letters beyond ASCII": "é" + TEXT,
    "wide letters": "ｉＶＢＯ",
    "a NUL": TEXT + "\0",
    "a secret": f"{SECRET}!",
    "a pickle": "cos\nsystem\n(S'true'\ntR.",
    "markup": f"<img src={SECRET}>",
    "bytes in hexadecimal": "\\x89PNG",
    "a character too many": "A" * (MAX_PICTURE_CHARS + 1),
}
RAW = json.dumps({"image": TEXT})
MALFORMED = {
    "a list": [TEXT],
    "a string": json.dumps(TEXT),
    "null": "null",
    "base64 alone": TEXT,
    "a data URL alone": URL,
    "a picture as text": PICTURE.decode("latin-1"),
    "twice": RAW[:-1] + f', "image": "{PIXEL}"}}',
    "twice in another spelling": RAW[:-1] + f', "im\\u0061ge": "{PIXEL}"}}',
    "half": RAW[:-9],
    "a lone surrogate": '{"image": "\\ud800"}',
    "a raw line break": RAW.replace(TEXT[40:50], "\n"),
    "not a number": '{"image": NaN}',
    "bytes of Python's": '{"image": b""}',
}
INVALID = {
    "null": {"image": None},
    "a truth value": {"image": True},
    "a list": {"image": [TEXT]},
    "an object": {"image": {"base64": TEXT}},
    "bytes as numbers": {"image": list(PICTURE[:500])},
    "another name": {SECRET: TEXT},
    "a name in capital letters": {"Image": TEXT},
    "a secret besides": {"image": TEXT, SECRET: 1},
    "a batch": {"images": [TEXT]},
    "a text": {"text": "boat"},
    "no name": {"": TEXT},
}
BATCHES = {
    "one": [TEXT],
    "all forms of text": [TEXT, *URLS.values()],
    "a thousand pictures of a pixel": [PIXEL] * MAX_BATCH,
    "a thousand pictures": [TEXT] * MAX_BATCH,
    "the largest that there is": [LARGEST],
}
BAD_BATCHES = {
    "one picture too many": [PIXEL] * (MAX_BATCH + 1),
    "null": None,
    "a picture in place of a list": TEXT,
    "null among them": [TEXT, None],
    "a number among them": [TEXT, 1],
    "a list among them": [TEXT, [TEXT]],
    "objects": [{"image": TEXT}],
    "a text that is no base64": [TEXT, SECRET + "!"],
    "an empty one": [TEXT, ""],
    "a thousand that are empty": [""] * MAX_BATCH,
    "a thousand wrong ones": [1] * MAX_BATCH,
    "a thousand halves": [encode(PICTURE[:60])] * MAX_BATCH,
}
LARGE_BATCHES = {
    "a large one first": [LARGEST, PIXEL],
    "a large one last": [PIXEL, LARGEST],
    "a large one among small ones": [*[PIXEL] * 500, LARGEST, *[PIXEL] * 499],
    "large ones alone": [LARGEST] * MAX_BATCH,
    "more values than two batches": [PIXEL] * (2 * MAX_BATCH + 1),
    "a picture of 2^32 - 1 in both": [PIXEL, encode(PICTURES["2^32 - 1 in both"][1])],
}
TYPES = {
    "capital letters": post(PICTURE, "IMAGE/PNG"),
    "another picture": post(PICTURE, "image/webp"),
    "a picture of text": post(PICTURE, "image/svg+xml"),
    "a charset": post(PICTURE, "image/png; charset=utf-8"),
    "the same twice": post(PICTURE, "image/png, image/png"),
    "bytes": post(PICTURE, "application/octet-stream"),
    "of many values": with_types("image/png"),
    "of many values, the same twice": with_types("image/png", "image/png"),
    "of one value, and of many": post(
        PICTURE, multiValueHeaders={"Content-Type": ["text/plain", "image/png"]}
    ),
    "a form's of many values": post(
        FORM,
        headers=None,
        multiValueHeaders={"content-type": [f"multipart/form-data; boundary={BOUNDARY}"] * 2},
    ),
    "JSON in base64": encoded(RAW.encode()),
    "JSON of a data URL in base64": encoded(json.dumps({"image": URL}).encode()),
    "JSON without a type": proxy_event(body=RAW, headers={}),
    "no coding": post(PICTURE, headers={"Content-Type": "image/png", "Content-Encoding": ""}),
}
OTHER_TYPES = {
    "JSON said to be a picture": proxy_event(body=RAW, headers={"Content-Type": "image/png"}),
    "JSON said to be bytes": encoded(
        RAW.encode(), headers={"Content-Type": "application/octet-stream"}
    ),
    "a form said to be a picture": post(FORM),
    "a picture in base64 twice": post(base64.b64encode(PICTURE)),
    "a picture in base64 that is not said to be": proxy_event(
        body=TEXT, headers={"Content-Type": "image/png"}
    ),
    "two pictures": post(PICTURE, "image/png, image/jpeg"),
    "different ones of many values": with_types("image/png", "image/jpeg"),
    "JSON and a picture of many values": with_types("application/json", "image/png"),
    "a film": post(PICTURE, "video/mp4"),
    "any": post(PICTURE, "*/*"),
    "a picture's without the slash": post(PICTURE, "image"),
    "a secret": post(PICTURE, SECRET),
    "a form of another kind": post(FORM, f"multipart/mixed; boundary={BOUNDARY}"),
    "gzip": post(
        gzip.compress(PICTURE, mtime=0),
        headers={"Content-Type": "image/png", "Content-Encoding": "gzip"},
    ),
    "gzip, which it is not": post(
        PICTURE, headers={"Content-Type": "image/png", "Content-Encoding": "gzip"}
    ),
    "a form in gzip": post(
        gzip.compress(FORM, mtime=0),
        headers={
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "Content-Encoding": "gzip",
        },
    ),
    "a data URL as the body": post(URL.encode()),
    "a form to the batch": post(
        FORM, f"multipart/form-data; boundary={BOUNDARY}", path="/predict/batch"
    ),
}
UNREADABLE = {
    "a picture said to be JSON": post(PICTURE, "application/json"),
    "a picture without a type": post(PICTURE, headers={}),
    "a form said to be JSON": post(FORM, "application/json"),
    "a picture that is no base64": proxy_event(
        body=TEXT[:-1] + "*", headers={"Content-Type": "image/png"}, isBase64Encoded=True
    ),
    "base64 in lines": proxy_event(
        body=TEXT + "\r\n", headers={"Content-Type": "image/png"}, isBase64Encoded=True
    ),
    "a body of an object": post(PICTURE) | {"body": {"image": TEXT}},
    "a lone surrogate": proxy_event(body="\ud800", headers={"Content-Type": "image/png"}),
}
TOO_LARGE = {
    "a URL of 10 MB": send(f"data:image/png;{'a' * 10_000_000};base64,{TEXT}"),
    "a picture of a byte too many": post(png(after=[chunk(b"teXt", bytes(MAX_PICTURE_BYTES))])),
    "the same in a form": post_form(
        (name_file(), png(after=[chunk(b"teXt", bytes(MAX_PICTURE_BYTES))]))
    ),
    "zeros in JSON": proxy_event(body='{"image": [' + "0," * 1_000_000 + "0]}"),
    "lists": proxy_event(body="[" * 5_000_000),
    "base64 by far": proxy_event(
        body="A" * 6_000_000 * 4, headers={"Content-Type": "image/png"}, isBase64Encoded=True
    ),
}
HIDDEN = png(8, 8, before=[chunk(b"tEXt", f"Comment\0{SECRET}".encode())])
SECRETS = {
    "a picture": (200, post(HIDDEN, headers={"Content-Type": "image/png", "Cookie": SECRET})),
    "half a picture": (422, post(HIDDEN[:-20])),
    "no picture": (415, post(SECRET.encode())),
    "a form": (200, post_form((f"{name_file(SECRET, SECRET)}\r\nX: {SECRET}", HIDDEN))),
    "no form": (400, post(f"--{SECRET}".encode(), f"multipart/form-data; boundary={SECRET}")),
    "a path": (404, post(PICTURE, path=f"/{SECRET}")),
    "a method": (405, post(PICTURE, httpMethod=SECRET)),
}


def pick(number):
    """Every fifth of the files, whose status is the same however they come."""
    return dict([*PICTURES.items()][number::5])


def send_pictures(make, files):
    return {name: (status, make(data)) for name, (status, data) in files.items()}


BODIES = send_pictures(post_file, PICTURES)
BODIES["empty"] = (400, BODIES["empty"][1])  # then there is no body
CUSTOM = [
    ("picture", BODIES),
    ("picture in a form", send_pictures(lambda one: post_form((name_file(), one)), pick(0))),
    ("picture in JSON", send_pictures(lambda one: send(encode(one)), pick(1))),
    ("picture in a batch", send_pictures(lambda one: batch([encode(one)]), pick(2))),
    ("broken", BROKEN),
    ("secret", SECRETS),
]
# Each with the status, what makes an event of an item, and the items by name.
GROUPS = [
    ("boundary", 200, dict, BOUNDARIES),
    ("wrong boundary", 400, dict, BAD_BOUNDARIES),
    ("wrong form", 400, post_raw_form, BAD_FORMS),
    ("form", 422, post_raw_form, NOT_ONE_FILE),
    (
        "coding of a part",
        400,
        lambda coding: post_form((f"{name_file()}{CODING}{coding}", PICTURE)),
        dict(zip(CODINGS, CODINGS, strict=True)),
    ),
    ("file's header", 200, lambda header: post_form((header, PICTURE)), FILES),
    ("form within a form", 415, post_raw_form, {"as a file": write_form((name_file(), INNER))}),
    ("data URL", 200, send, URLS),
    ("wrong data URL", 422, send, BAD_URLS),
    ("not base64", 422, send, NOT_BASE64),
    ("malformed", 400, lambda body: proxy_event(body=body), MALFORMED),
    ("invalid", 422, lambda body: proxy_event(body=body), INVALID),
    ("batch", 200, batch, BATCHES),
    ("invalid batch", 422, batch, BAD_BATCHES),
    ("large batch", 413, batch, LARGE_BATCHES),
    ("type", 200, dict, TYPES),
    ("wrong type", 415, dict, OTHER_TYPES),
    ("unreadable", 400, dict, UNREADABLE),
    ("too large", 413, dict, TOO_LARGE),
    ("explained", 200, lambda make: ask(make, top=str(MAX_TOP), explain="true"), WAYS),
    ("wrong query", 422, lambda make: ask(make, top=SECRET), WAYS),
    ("wrong path", 404, lambda make: make(path="/predict/image"), WAYS),
    ("wrong method", 405, lambda make: make(httpMethod="PUT"), WAYS),
]
EVENTS = {
    f"{group}: {name}": (status, make(item))
    for group, status, make, items in GROUPS
    for name, item in items.items()
} | {f"{group}: {name}": one for group, events in CUSTOM for name, one in events.items()}
