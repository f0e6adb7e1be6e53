"""The reader lets through what is strict JSON, and says what is wrong with the rest."""

import base64
import json
from contextlib import nullcontext, suppress

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from serving.app.errors import Malformed, RequestError, TooLarge, UnsupportedMedia
from serving.app.inputs.text import TextInput
from serving.app.limits import MAX_BODY_BYTES, MAX_DEPTH
from serving.app.request import reader, strict_json
from serving.bundle.inputs import MAX_BATCH
from serving.tests.hostile import MEDIA, MULTI_MEDIA, MULTI_TYPES, TYPES

BOUNDS = TextInput().bounds
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
)


@given(text=st.text('[{],"a: ', max_size=9), limit=st.integers(1, 6))
def test_body_that_is_not_counted_has_fewer_marks(text, limit):
    counted = strict_json._may_have(text, limit)
    assert counted or strict_json._count_marks(text, 0, len(text)) < limit


def read_body(sent):
    return reader.read_body(sent, BOUNDS)


def event(body, **members):
    return {"headers": None, "body": body, "isBase64Encoded": False} | members


@given(
    found=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), VALUES, max_size=5),
    ascii_only=st.booleans(),
    encoded=st.booleans(),
)
def test_any_json_object_comes_through_unchanged(found, ascii_only, encoded):
    body = json.dumps(found, ensure_ascii=ascii_only)
    if encoded:
        body = base64.b64encode(body.encode()).decode()
    assume(depth_of(found) <= MAX_DEPTH)
    assert read_body(event(body, isBase64Encoded=encoded)) == found


def depth_of(value):
    if not isinstance(value, dict | list):
        return 0
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth_of, inner), default=0)


@given(body=st.text() | st.binary().map(lambda data: data.decode("latin-1")), encoded=st.booleans())
def test_any_other_body_is_refused_in_words_that_hold_nothing_of_it(body, encoded):
    try:
        found = read_body(event(body, isBase64Encoded=encoded))
    except RequestError as error:
        message = str(error)
        message.encode()
        assert len(message) < 200
    else:
        assert found == json.loads(json.dumps(found))


@given(
    secret=st.text("abcdefghijklmnopqrstuvwxyz", min_size=12, max_size=20),
    tail=st.sampled_from(['"', "}", '": }', '": 1, }', '": "\x01"}', '": "\\q"}', '": tru}']),
)
def test_broken_json_is_refused_without_quoting_it(secret, tail):
    with pytest.raises(Malformed) as raised:
        read_body(event('{"' + secret + tail))
    assert secret not in str(raised.value)


@given(body=st.text(' \t\n\r\x0b\xa0{}[]",:1a', min_size=1))
def test_space_is_taken_and_all_else_refused_where_json_has_it(body):
    try:
        expected = json.loads(body)
    except json.JSONDecodeError as error:
        place = f"at line {error.lineno}, column {error.colno}."
        with pytest.raises(Malformed) as refused:
            read_body(event(body))
        assert str(refused.value).endswith((place, "a name twice in one object."))
    else:
        with suppress(Malformed):  # of a name that is there twice
            assert read_body(event(body)) == expected


def nested(depth):
    return '{"a": ' + "[" * (depth - 1) + "]" * (depth - 1) + "}"


def test_depth_is_limited_at_the_same_place_everywhere():
    assert read_body(event(nested(MAX_DEPTH)))
    for depth in (MAX_DEPTH + 1, 100, 1_900):
        with pytest.raises(Malformed, match="more than 8 deep"):
            read_body(event(nested(depth)))


def count(value):
    """How many values a value has, itself included."""
    if not isinstance(value, dict | list):
        return 1
    return 1 + sum(map(count, value.values() if isinstance(value, dict) else value))


@settings(max_examples=200)
@given(value=st.lists(VALUES, max_size=20), texts=st.text(',[{"\\é', min_size=1, max_size=30))
def test_values_are_limited_and_what_stands_in_texts_is_none(value, texts):
    found = {"a": value, "b": [texts] * 300}
    assume(depth_of(found) <= MAX_DEPTH)
    body = json.dumps(found)
    with pytest.MonkeyPatch.context() as patch:
        # As tight as may be: empty lists and objects count twice.
        patch.setattr(BOUNDS, "values", count(found) + body.count("[]") + body.count("{}"))
        assert read_body(event(body)) == found
        patch.setattr(BOUNDS, "values", count(found) - 1)
        with pytest.raises(TooLarge, match="values"):
            read_body(event(body))


def test_full_batch_of_commas_is_within_the_limit_of_values():
    texts = [",[{" * 100] * MAX_BATCH
    assert read_body(event(json.dumps({"texts": texts}))) == {"texts": texts}
    with pytest.raises(TooLarge, match=f"more than {BOUNDS.values:,} values"):
        read_body(event(json.dumps({"texts": ["a"] * (BOUNDS.values - 1)})))


def test_answer_is_larger_than_lambda_sends_is_refused(monkeypatch):
    monkeypatch.setattr(reader, "LAMBDA_BYTES", 1_000)
    frame = len(json.dumps({"body": ""}))
    reader.check_sendable({"body": "a" * (1_000 - frame)})
    for body in ("a" * (1_001 - frame), '"' * 500, "é" * 500):
        with pytest.raises(ValueError, match="larger than Lambda sends"):
            reader.check_sendable({"body": body})
    with pytest.raises(UnicodeEncodeError):
        reader.check_sendable({"body": "\ud800"})


@pytest.mark.parametrize("size", [MAX_BODY_BYTES, MAX_BODY_BYTES + 1])
@pytest.mark.parametrize("character", ["a", "é", "😀"])
@pytest.mark.parametrize("encoded", [False, True])
def test_size_is_counted_in_bytes_of_the_decoded_body(size, character, encoded):
    frame = '{"t": ""}'
    room = size - len(frame)
    width = len(character.encode())
    text = character * (room // width) + "a" * (room % width)
    body = json.dumps({"t": text}, ensure_ascii=False)
    assert len(body.encode()) == size
    if encoded:
        body = base64.b64encode(body.encode()).decode()
    sent = event(body, isBase64Encoded=encoded)
    if size > MAX_BODY_BYTES:
        with pytest.raises(TooLarge, match="1,048,576 bytes"):
            read_body(sent)
    else:
        assert read_body(sent) == {"t": text}


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        " application/json ",
        "application/json; profile=x",
        "application/json; charset=utf-8; v=1",
        *TYPES.values(),
    ],
)
@pytest.mark.parametrize("name", ["content-type", "Content-Type", "CONTENT-TYPE"])
def test_content_type_is_json_in_any_spelling_is_taken(content_type, name):
    assert read_body(event("{}", headers={name: content_type})) == {}


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json; charset=utf-16",
        "application/json; v=1; charset=latin-1",
        *MEDIA.values(),
    ],
)
def test_content_type_is_another_is_refused(content_type):
    with pytest.raises(UnsupportedMedia):
        read_body(event("{}", headers={"content-type": content_type}))


TOKENS = st.text("!#$%&'*+-.^_`|~09azAZ", min_size=1, max_size=5)
QUOTED = st.text(st.characters(max_codepoint=0xFF, exclude_characters='"\\'), max_size=8)
ESCAPED = st.sampled_from(['\\"', "\\\\", "\\;", ";", ",", "charset=latin-1", "text/plain"])
VALUES_OF_PARAMETERS = st.one_of(
    TOKENS, st.lists(QUOTED | ESCAPED, max_size=4).map(lambda parts: f'"{"".join(parts)}"')
)
PARAMETERS = st.lists(st.tuples(TOKENS, VALUES_OF_PARAMETERS), max_size=4)


@given(PARAMETERS, st.sampled_from(["utf-8", '"utf-8"', "UTF-8", '"u\\tf-8"', '""']), st.data())
def test_charset_is_read_whatever_the_other_parameters_are(others, charset, data):
    """As RFC 9110 writes parameters (5.6.6); what another one has in quotes says nothing."""
    parameters = [f"{name}={value}" for name, value in others if name.lower() != "charset"]
    place = data.draw(st.integers(0, len(parameters)))
    for named, refused in (charset, False), ("latin-1", True), ('"utf\\-16"', True):
        written = [*parameters[:place], f"charset={named}", *parameters[place:]]
        sent = event("{}", headers={"content-type": "; ".join(["application/json", *written])})
        with pytest.raises(UnsupportedMedia) if refused else nullcontext():
            read_body(sent)


@pytest.mark.parametrize("headers", [None, {}, {"Content-Type": None}, {"X": "text/plain"}])
def test_headers_lack_the_name_the_multi_valued_ones_are_read(headers):
    def send(multi):
        return read_body(event("{}", headers=headers, multiValueHeaders=multi))

    for multi in MULTI_TYPES.values():
        assert send(multi) == {}
    for multi in MULTI_MEDIA.values():
        with pytest.raises(UnsupportedMedia):
            send(multi)


def test_headers_have_the_name_the_multi_valued_ones_are_not_read():
    headers = {"content-type": "application/json", "content-encoding": "identity"}
    multi = {"content-type": ["text/plain"], "content-encoding": ["gzip"]}
    assert read_body(event("{}", headers=headers, multiValueHeaders=multi)) == {}
