"""Hostile and odd records, each with the status that it must get; of texts hostile.py has them."""

import json

from serving.app.inputs.record import RecordInput
from serving.app.limits import MAX_BODY_BYTES, MAX_DEPTH, MAX_TOP
from serving.bundle.inputs import MAX_BATCH, MAX_INTEGER, MAX_NUMBER, MAX_TEXT_CHARS
from serving.tests.hostile import FORGED, SECRET, TEXTS, nested
from serving.tests.records import EXAMPLE, FIELDS, make_records
from serving.tests.sample import proxy_event

BOUNDS = RecordInput(FIELDS).bounds
RAW = json.dumps(EXAMPLE)


def but(**values):
    """The example with other values."""
    return EXAMPLE | values


def raw(name, text):
    """The example as text, with a value that json.dumps would not write."""
    return RAW.replace(f'"{name}": {json.dumps(EXAMPLE[name])}', f'"{name}": {text}')


def without(*names):
    return {name: value for name, value in EXAMPLE.items() if name not in names}


def send(body, **members):
    return proxy_event(body=body, **members)


def batch(body, **members):
    return proxy_event(path="/predict/batch", body=body, **members)


def asking(**query):
    values = {name: [one] for name, one in query.items()}
    return send(EXAMPLE, multiValueQueryStringParameters=values)


OTHER_TYPES = {
    "null": None,
    "a truth value": True,
    "the other truth value": False,
    "a string": SECRET,
    "a number in a string": "3",
    "an empty string": "",
    "a list": [3],
    "nothing in a list": [],
    "an object": {SECRET: SECRET},
    "nothing in an object": {},
    "a number": 3,
    "a fraction": 1.5,
}
# What a field takes of these: its type's, and null where it may be null.
TAKEN = {
    "area": {"null", "a number", "a fraction"},
    "rooms": {"a number"},
    "garden": {"null", "a truth value", "the other truth value"},
    "kind": {"null", "a string", "a number in a string", "an empty string"},
    "district": {"a number"},
    "words": {"a string", "a number in a string", "an empty string"},
}
OF_TYPES = {
    f"{name} is {what}": (name, value, what in TAKEN[name])
    for name in EXAMPLE
    for what, value in OTHER_TYPES.items()
}
INVALID = {
    "no field": {},
    "one field": {"area": 1.0},
    **{f"all but {name}": without(name) for name in EXAMPLE},
    "another field, too": but(**{SECRET: 1}),
    "a text": {"text": "boat"},
    "records on the route of one": {"records": [EXAMPLE]},
    "a name in capital letters": without("area") | {"Area": 84.5},
    "a name with a space": without("area") | {"area ": 84.5},
    "a name that looks the same": without("area") | {"а" + "rea": 84.5},
    "no name": but(**{"": 1}),
    "names that some objects have": but(__proto__={}, __class__=SECRET),
    "a very long name": but(**{SECRET * 50_000: 1}),
    "as many names as there may be": but(
        **{f"name{number}": SECRET for number in range(BOUNDS.names - len(EXAMPLE))}
    ),
    "more than float32 holds": but(area=MAX_NUMBER * 1.0001),
    "less than float32 holds": but(area=-MAX_NUMBER * 1.0001),
    "nearly more than a double holds": but(area=1.7e308),
    "an integer of 54 bits": but(rooms=MAX_INTEGER + 1),
    "a negative integer of 54 bits": but(rooms=-MAX_INTEGER - 1),
    "an integer of 30 digits": but(rooms=10**29),
    "an integer as a large fraction": raw("rooms", "1e300"),
    "an integer with a small rest": raw("rooms", "3.0000000001"),
    "a category of one character too many": but(kind="a" * (MAX_TEXT_CHARS + 1)),
    "a text of one character too many": but(words="a" * (MAX_TEXT_CHARS + 1)),
    "as deep as may be": RAW.replace("84.5", nested("[", "]", MAX_DEPTH - 1)),
    "all fields wrong": {name: [SECRET] for name in EXAMPLE},
}
GOOD = {
    "the example": EXAMPLE,
    "fields in another order": dict(reversed(EXAMPLE.items())),
    "an integer as a fraction of nothing": raw("rooms", "3.0"),
    "an integer with an exponent": raw("rooms", "3e0"),
    "minus nothing": raw("area", "-0.0"),
    "minus nothing as an integer": raw("rooms", "-0"),
    "the largest number": but(area=MAX_NUMBER),
    "the smallest number": but(area=-MAX_NUMBER),
    "next to nothing": but(area=5e-324),
    "less than a double holds": raw("area", "1e-400"),
    "many digits": raw("area", "84." + "5" * 10_000),
    "the largest integer": but(rooms=MAX_INTEGER),
    "the smallest integer": but(rooms=-MAX_INTEGER),
    "an integer where a number may be": but(area=84),
    "an unknown category": but(kind="castle"),
    "an unknown category of a number": but(district=99),
    "a category in other letters": but(kind="FLAT"),
    "a category with a space": but(kind="flat "),
    "a category that says nan": but(kind="nan"),
    "a category that says None": but(kind="None"),
    "the longest category": but(kind="😀" * MAX_TEXT_CHARS),
    "all nulls that there may be": but(area=None, garden=None, kind=None),
    "names as escapes": RAW.replace("area", "\\u0061rea"),
    "white space all about": json.dumps(EXAMPLE, separators=("\r\n\t ,", " : ")),
}
MALFORMED = {
    "not a number": raw("area", "NaN"),
    "infinity": raw("area", "Infinity"),
    "minus infinity": raw("rooms", "-Infinity"),
    "a number out of range": raw("area", "1e400"),
    "a number of 31 digits": raw("rooms", "1" * 31),
    "a number of a million digits": raw("rooms", "9" * 1_000_000),
    "a leading zero": raw("rooms", "03"),
    "a leading plus": raw("rooms", "+3"),
    "no digit after the point": raw("area", "84."),
    "no digit before the point": raw("area", ".5"),
    "a comma in a number": raw("area", "84,5,"),
    "hexadecimal": raw("rooms", "0x3"),
    "a literal of Python's": raw("garden", "None"),
    "a field twice": RAW[:-1] + ', "area": 1}',
    "a field twice in another spelling": RAW[:-1] + ', "\\u0061rea": 1}',
    "a lone surrogate": raw("kind", '"\\ud800"'),
    "a raw lone surrogate": raw("kind", '"\ud800"'),
    "a list on the route of one": [EXAMPLE],
    "null": "null",
    "a string": f'"{SECRET}"',
    "a number": "84.5",
    "half": RAW[:20],
    "two records": RAW + RAW,
    "records on lines": RAW + "\n" + RAW,
    "a table": "area,rooms\n84.5,3\n",
    "too deep": RAW.replace("84.5", nested("[", "]", MAX_DEPTH)),
    "more names than any": but(**{f"name{number}": 1 for number in range(BOUNDS.names)}),
}
BATCHES = {
    "records": {"records": [EXAMPLE, EXAMPLE]},
    "the bare list": [EXAMPLE, EXAMPLE],
    "one record": [EXAMPLE],
    "fields in all orders": [EXAMPLE, dict(reversed(EXAMPLE.items()))],
    "nothing but nulls in a column": [but(area=None, kind=None, garden=None)] * 3,
    "nulls in some rows": [EXAMPLE, but(area=None, kind=None, garden=None)],
    "unknown categories": [but(kind=SECRET), but(kind="")],
    "as many records as there may be": make_records(MAX_BATCH),
    "as many in an object": {"records": [EXAMPLE] * MAX_BATCH},
}
INVALID_BATCHES = {
    "no records": {"records": []},
    "nothing in the bare list": [],
    "null": {"records": None},
    "a record in place of a list": {"records": EXAMPLE},
    "a record alone": EXAMPLE,
    "nothing": {},
    "texts": {"texts": ["boat"]},
    "null among the records": [EXAMPLE, None],
    "a number among the records": [EXAMPLE, 1],
    "a string among the records": [EXAMPLE, SECRET],
    "a list among the records": [EXAMPLE, [EXAMPLE]],
    "nothing among the records": {"records": [EXAMPLE, {}]},
    "a record with a field too many": [EXAMPLE, but(**{SECRET: 1})],
    "a record with a field too few": [EXAMPLE, without("kind")],
    "a record of another type": [EXAMPLE, but(rooms="3")],
    "one record too many": [EXAMPLE] * (MAX_BATCH + 1),
    "one record too many in an object": {"records": [EXAMPLE] * (MAX_BATCH + 1)},
    "another field, too": {"records": [EXAMPLE], SECRET: 1},
    "a thousand wrong records": [dict.fromkeys(EXAMPLE, SECRET)] * MAX_BATCH,
    "a thousand records of nothing": [{}] * MAX_BATCH,
    "lists": {"records": [[84.5, 3]]},
}
MALFORMED_BATCHES = {
    "null": "null",
    "a string": f'"{SECRET}"',
    "a truth value": "true",
    "not a number in a record": "[" + raw("area", "NaN") + "]",
    "a field twice in a record": "[" + RAW[:-1] + ', "area": 1}]',
    "no end": "[" + RAW + ",",
}
TOO_LARGE = {
    "more values than two batches": batch([EXAMPLE] * (2 * MAX_BATCH + 1)),
    "lists of nothing": batch("[" + "[]," * (MAX_BODY_BYTES // 3 - 1) + "[]]"),
    "objects of nothing": batch("[" + "{}," * (MAX_BODY_BYTES // 3 - 1) + "{}]"),
    "zeros": batch("[" + "0," * (MAX_BODY_BYTES // 2 - 1) + "0]"),
    "names": send("{" + ",".join(f'"{n}":1' for n in range(90_000)) + "}"),
    "a byte too many": send(RAW + " " * (MAX_BODY_BYTES - len(RAW) + 1)),
    "open lists without an end": batch("[" * MAX_BODY_BYTES),
}
QUERIES = {
    "a word for a number": {"top": SECRET},
    "more labels than may be asked for": {"top": str(MAX_TOP + 1)},
    "a word for true": {"explain": "yes"},
}
EXPLAINED = {"all fields": {"explain": "true"}, "perhaps none": {"explain": "false"}}
SECRETS = {
    "a good record": (200, EXAMPLE),
    "a wrong one": (422, but(rooms=SECRET)),
    "a wrong name": (422, but(**{SECRET: 1})),
    "no JSON": (400, SECRET),
}


def hide(body):
    headers = {"Authorization": SECRET, "X-Forged": f"{SECRET}\r\n{FORGED}"}
    return send(body, headers=headers, requestContext={"stage": SECRET, "path": f"/{SECRET}"})


# Each with the status, what makes an event of an item, and the items by name.
GROUPS = [
    ("record", 200, send, GOOD),
    ("text in a record", 200, lambda text: send(but(words=text)), TEXTS),
    ("category in a record", 200, lambda text: send(but(kind=text)), TEXTS),
    ("malformed", 400, send, MALFORMED),
    ("invalid", 422, send, INVALID),
    ("batch", 200, batch, BATCHES),
    ("invalid batch", 422, batch, INVALID_BATCHES),
    ("malformed batch", 400, batch, MALFORMED_BATCHES),
    ("too large", 413, dict, TOO_LARGE),
    ("query", 422, lambda query: asking(**query), QUERIES),
    ("explained", 200, lambda query: asking(**query), EXPLAINED),
]
EVENTS = {
    f"{group}: {name}": (status, make(item))
    for group, status, make, items in GROUPS
    for name, item in items.items()
}
EVENTS |= {
    f"type: {name}": (200 if taken else 422, send(but(**{field: value})))
    for name, (field, value, taken) in OF_TYPES.items()
}
EVENTS |= {f"secret: {name}": (status, hide(body)) for name, (status, body) in SECRETS.items()}
