"""Mutants of valid events: bytes flipped, cut, doubled, inserted, and taken from other events."""

import base64
import json
import zlib
from pathlib import Path
from random import Random

from serving.bundle.inputs import make_batch
from serving.hosts.proxy import body_members
from serving.tests.hostile import SECRET
from serving.tests.picture_files import SIGNATURE
from serving.tests.sample import proxy_event
from tools.fuzz.inputs import list_names, make_bodies

EVENTS = Path(__file__).parents[2] / "serving/tests/events"
# What parsers trip over; the names of the model's own fields come with them.
TOKENS = [
    *(bytes([code]) for code in b"\0\t\n\r \"'\\/{}[]:,+-.eE0123456789"),
    *(b"null", b"true", b"false", b"NaN", b"Infinity", b"-0", b"1e999", b"-1e-999", b"9" * 40),
    *(b"\\u0000", b"\\ud800", b"\\udc00", b"\\ud83d\\ude00", b"\\x41", b"\\", b'\\"', b"\\u"),
    *(b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\xe2\x80\xae"),
    *('{"text": "boat"}', '[["a"]]', '{"a": {}}', "😀", "İ", "é", "\u2028"),
    *(b"application/json", b"text/plain", b"charset=utf-16", b"gzip", b"POST", b"GET", b"/predict"),
    *(b"HEAD", b"warmup", b"multiValueHeaders", b"identity", b'";"'),
    *(
        b"2.0",
        b"elb",
        b"http",
        b"rawPath",
        b"rawQueryString",
        b"requestContext",
        b"%",
        b"%2f",
        b"&",
    ),
    *(b"/predict/batch", b"/docs", b"top", b"explain", b"isBase64Encoded", b"[" * 20, b"{" * 20),
]
TOKENS = [one.encode() if isinstance(one, str) else one for one in TOKENS]


def seeds(described):
    """The valid events, and the odd ones, that mutants descend from.

    Args:
        described: The model's input, as its manifest has it.
    """
    bodies = make_bodies(described)
    batch = make_batch(described, bodies)
    files = sorted(EVENTS.glob("*.json"))
    found = [
        {"body": None} | json.loads(path.read_text(encoding="utf-8"))["event"] for path in files
    ]
    if described["kind"] != "text":  # those in the files are texts
        found = [
            one | {"body": json.dumps(bodies[0]), "isBase64Encoded": False} if one["body"] else one
            for one in found
        ]
    found += [proxy_event(body=body) for body in bodies]
    found.append(proxy_event(path="/predict/batch", body=batch))
    if described["kind"] == "image":
        found += _send_files([base64.b64decode(one["image"]) for one in bodies])
    for one in found:
        one["headers"] = (one.get("headers") or {}) | {"Authorization": SECRET}
    for query in ({"top": ["3"], "explain": ["true"]}, {"explain": ["true"]}):
        found.append(proxy_event(body=bodies[0], multiValueQueryStringParameters=query))
    encoded = base64.b64encode(json.dumps(bodies[0]).encode()).decode()
    found.append(proxy_event(body=encoded, isBase64Encoded=True))
    return found + [proxy_event("GET", path) for path in ("/model", "/labels", "/openapi.json")]


def _send_files(pictures):
    """Events of pictures as bodies, and in forms."""
    part = b'--b\r\nContent-Disposition: form-data; name="a"; filename="a.png"\r\n\r\n'
    files = [(one, "image/png") for one in pictures]
    files += [
        (part + one + b"\r\n--b--\r\n", "multipart/form-data; boundary=b") for one in pictures
    ]
    for data, media_type in files:
        body = base64.b64encode(data).decode()
        headers = {"Content-Type": media_type}
        yield proxy_event(body=body, headers=headers, isBase64Encoded=True)


def mend_checksums(data: bytes) -> bytes:
    """Bytes with the right checksums in the chunks of the PNG that is in them, if one is."""
    start = data.find(SIGNATURE)
    if start < 0:
        return data
    mended, place = bytearray(data), start + len(SIGNATURE)
    while (end := place + 12 + int.from_bytes(mended[place : place + 4])) <= len(mended):
        mended[end - 4 : end] = zlib.crc32(mended[place + 4 : end - 4]).to_bytes(4)
        place = end
    return bytes(mended)


def _decode_files(events):
    return [base64.b64decode(one["body"]) for one in events if one["isBase64Encoded"]]


class Mutator:
    """Makes mutants, the same ones of the same seed.

    Args:
        seed: Any number.
        described: The model's input, as its manifest has it.
    """

    def __init__(self, seed: int, described: dict) -> None:
        self._random = Random(seed)
        self._events = seeds(described)
        names = list_names(described)
        self._tokens = TOKENS + [json.dumps(one, ensure_ascii=False).encode() for one in names]
        self._whole = [json.dumps(one).encode() for one in self._events]
        self._bodies = [one["body"].encode() for one in self._events if one["body"]]
        self._files = [] if described["kind"] != "image" else _decode_files(self._events)

    def mutate(self) -> bytes:
        """An event as the runtime client gets it: JSON mostly, though not always."""
        if self._random.random() < 0.4:
            return self._change(self._random.choice(self._whole), self._whole)
        # As a client sends it: only the body is wrong, and API Gateway packs it.
        event = self._random.choice(self._events)
        body, encoded = event["body"], event["isBase64Encoded"]
        if encoded and self._files and self._random.random() < 0.9:
            return json.dumps(event | {"body": self._change_file(base64.b64decode(body))}).encode()
        body = self._change((body or "{}").encode(), self._bodies)
        if encoded:
            members = {"body": body.decode("latin-1")}
        else:
            text, encoded = body_members(body, binary=False)
            members = {"body": text, "isBase64Encoded": encoded}
        return json.dumps(event | members).encode()

    def _change_file(self, data: bytes) -> str:
        changed = self._change(data, self._files)
        if self._random.random() < 0.7:  # else most would be refused for their checksums
            changed = mend_checksums(changed)
        return base64.b64encode(changed).decode()

    def _change(self, data: bytes, others: list[bytes]) -> bytes:
        changed = bytearray(data)
        for _ in range(self._random.randint(1, 4)):
            self._random.choice(self._CHANGES)(self, changed, others)
        return bytes(changed)

    def _span(self, data: bytearray) -> slice:
        start = self._random.randrange(len(data) + 1)
        length = self._random.choice((1, 2, 4, 16, 64))
        return slice(start, start + self._random.randint(1, length))

    def _flip(self, data: bytearray, _: list[bytes]) -> None:
        if data:
            data[self._random.randrange(len(data))] ^= 1 << self._random.randrange(8)

    def _overwrite(self, data: bytearray, _: list[bytes]) -> None:
        if data:
            data[self._random.randrange(len(data))] = self._random.randrange(256)

    def _insert(self, data: bytearray, _: list[bytes]) -> None:
        place = self._random.randrange(len(data) + 1)
        data[place:place] = self._random.choice(self._tokens)

    def _replace(self, data: bytearray, _: list[bytes]) -> None:
        data[self._span(data)] = self._random.choice(self._tokens)

    def _cut(self, data: bytearray, _: list[bytes]) -> None:
        del data[self._span(data)]

    def _repeat(self, data: bytearray, _: list[bytes]) -> None:
        span = self._span(data)
        data[span] = data[span] * self._random.choice((2, 2, 3, 50, 2000))

    def _splice(self, data: bytearray, others: list[bytes]) -> None:
        other = bytearray(self._random.choice(others))
        data[self._span(data)] = other[self._span(other)]

    def _end(self, data: bytearray, _: list[bytes]) -> None:
        del data[self._random.randrange(len(data) + 1) :]

    _CHANGES = (_flip, _flip, _overwrite, _insert, _insert, _replace, _cut, _repeat, _splice, _end)
