"""The gate: from an event to its checked parts, or an error that says what to mend.

What the JSON standard leaves to the reader is refused here, before anything else of the service
sees it: duplicate names, numbers out of range and lone surrogates (RFC 7493, "I-JSON").
"""

from __future__ import annotations

import json
import math
import re

from serving.app.errors import Malformed, RequestError, TooLarge, UnsupportedMedia
from serving.app.settings import (
    LAMBDA_BYTES,
    MAX_BATCH_TEXTS,
    MAX_BODY_BYTES,
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_HEADER_CHARS,
    MAX_HEADERS,
    MAX_NAMES,
    MAX_VALUES,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

# A string of JSON, up to the end of the text where it is not closed: from each quote on it is read
# once. Compiled where it is needed, which is seldom.
_STRING = r'"[^"\\]*+(?:\\.?+[^"\\]*+)*+"?+'


def plain_event(event: Any) -> dict[str, Any]:
    """What routing needs of an event, each value of the type that it should have.

    The body is a placeholder: `read_object` reads the real one where a route wants it.

    Raises:
        RequestError: It is not an API Gateway proxy event (REST API, payload 1.0), or has more
            parameters in its query than `MAX_NAMES`.
    """
    if not isinstance(event, dict):
        raise RequestError("The event is not an API Gateway proxy event.")
    method, path = event.get("httpMethod"), event.get("path")
    if not isinstance(method, str) or not isinstance(path, str):
        raise RequestError("The event is not an API Gateway proxy event of payload version 1.0.")
    about = event.get("requestContext")
    about = about if isinstance(about, dict) else {}
    return {
        "httpMethod": method,
        "path": path,
        "headers": {"content-type": "application/json"},
        "multiValueQueryStringParameters": _query(event),
        "requestContext": {
            key: about[key] if isinstance(about.get(key), str) else "" for key in ("path", "stage")
        },
        "body": "{}",
        "isBase64Encoded": False,
    }


def _query(event: Mapping[str, Any]) -> dict[str, list[str]]:
    """The query's names and values, of the multi-valued form where there is one."""
    multi = event.get("multiValueQueryStringParameters")
    if not isinstance(multi, dict):
        single = event.get("queryStringParameters")
        multi = {k: [v] for k, v in single.items()} if isinstance(single, dict) else {}
    if len(multi) > MAX_NAMES or any(
        isinstance(values, list) and len(values) > MAX_NAMES for values in multi.values()
    ):
        raise RequestError(f"The query has more than {MAX_NAMES} parameters.")
    return {
        name: values
        for name, values in multi.items()
        if isinstance(name, str)
        and isinstance(values, list)
        and values
        and all(isinstance(value, str) for value in values)
    }


def read_object(event: Mapping[str, Any]) -> dict[str, Any]:
    """Read the body of an API Gateway proxy event (REST API, payload 1.0) as one JSON object.

    Raises:
        UnsupportedMedia: The headers say that the body is not plain JSON in UTF-8.
        TooLarge: It has more than `MAX_BODY_BYTES` bytes, or `MAX_VALUES` values.
        Malformed: It is not strict JSON, or not an object.
        RequestError: The event has more headers than `MAX_HEADERS`, or too long ones.
    """
    _check_media_type(event)
    text = _read_text(event)
    _check_count(text)
    try:
        found = json.loads(
            text,
            object_pairs_hook=_unique_names,
            parse_constant=_refuse_constant,
            parse_float=_finite_float,
            parse_int=_short_int,
        )
        if "\\u" in text:  # escapes can spell a lone surrogate
            json.dumps(found, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise Malformed(
            f"The body is not JSON: {error.msg.removesuffix(' at')}, "
            f"at line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise _too_deep() from None
    except UnicodeEncodeError:
        raise Malformed("The body holds a lone surrogate, which is no character.") from None
    if not isinstance(found, dict):
        raise Malformed("The body must be a JSON object.")
    _check_depth(found, MAX_DEPTH)
    return found


def to_json(body: Any) -> str:
    """What goes out: JSON that every client and the Lambda runtime can read, ASCII without NaN.

    Raises:
        ValueError: There is NaN or an infinity in it.
    """
    return json.dumps(body, separators=(",", ":"), allow_nan=False)


def check_answer(answer: Mapping[str, Any]) -> None:
    """Refuse a proxy response that the Lambda runtime cannot send, and would end by.

    Raises:
        ValueError: It is larger than `LAMBDA_BYTES`, or no UTF-8 can hold its body.
    """
    body = answer["body"]
    # The runtime puts the body into JSON once more, where a character takes six bytes at most.
    if not body.isascii() or len(body) > LAMBDA_BYTES // 8:
        size = len(json.dumps(answer, ensure_ascii=False).encode())
        if size > LAMBDA_BYTES:
            raise ValueError("the answer is larger than Lambda sends")


def header(event: Mapping[str, Any], name: str) -> str:
    """The value of a header, its name in any case; "" where there is none.

    Raises:
        RequestError: There are more headers than `MAX_HEADERS`, or this one is too long.
    """
    headers = event.get("headers")
    if not isinstance(headers, dict):
        return ""
    if len(headers) > MAX_HEADERS:
        raise RequestError(f"There are more than {MAX_HEADERS} headers.")
    for key, value in headers.items():
        if str(key).lower() == name and isinstance(value, str):
            if len(value) > MAX_HEADER_CHARS:
                raise RequestError(f"A header has more than {MAX_HEADER_CHARS:,} characters.")
            return value.strip()
    return ""


def _check_media_type(event: Mapping[str, Any]) -> None:
    """Refuse what says that it is anything but JSON; a body that says nothing is taken as JSON."""
    media_type, _, parameters = header(event, "content-type").lower().partition(";")
    if media_type.strip() not in ("application/json", ""):
        raise UnsupportedMedia("The Content-Type must be application/json.")
    for parameter in parameters.split(";"):
        name, _, charset = parameter.partition("=")
        if name.strip() == "charset" and charset.strip('" ') not in ("utf-8", "utf8"):
            raise UnsupportedMedia("The charset must be utf-8.")
    if header(event, "content-encoding").lower() not in ("", "identity"):
        raise UnsupportedMedia("The body must be sent without Content-Encoding.")


def _read_text(event: Mapping[str, Any]) -> str:
    body = event.get("body")
    if body is None or body == "":
        raise Malformed('The body is empty: send a JSON object, such as {"text": "…"}.')
    if not isinstance(body, str):
        raise Malformed("The body must be text.")
    encoded = event.get("isBase64Encoded") is True
    # Before anything is decoded: base64 writes three bytes as four characters.
    if len(body) > (MAX_BODY_BYTES * 4 // 3 + 4 if encoded else MAX_BODY_BYTES):
        raise _too_large()
    try:
        data = _decode(body) if encoded else body.encode()
        text = data.decode()
    except UnicodeError:
        raise Malformed("The body is not UTF-8.") from None
    except ValueError:
        raise Malformed("The body is not base64, as the event says it is.") from None
    if len(data) > MAX_BODY_BYTES:
        raise _too_large()
    return text


def _decode(body: str) -> bytes:
    from binascii import a2b_base64  # noqa: PLC0415 - plain bodies do without

    return a2b_base64(body, strict_mode=True)


def _check_count(text: str) -> None:
    """Refuse more values than any request has, before they are made.

    Made of a body of empty lists, they would take a third of a second.
    """
    if text.count(",") <= MAX_VALUES:  # all but the first value come after a comma or a bracket
        return
    commas = end = 0
    for number, string in enumerate(re.finditer(_STRING, text, re.DOTALL)):
        commas += text.count(",", end, string.start())
        end = string.end()
        if commas > MAX_VALUES or number > 2 * MAX_VALUES:
            raise _too_many()
    if commas + text.count(",", end) > MAX_VALUES:
        raise _too_many()


def _check_depth(value: Any, room: int) -> None:
    if isinstance(value, dict | list):
        if not room:
            raise _too_deep()
        for inner in value.values() if isinstance(value, dict) else value:
            _check_depth(inner, room - 1)


def _too_deep() -> Malformed:
    return Malformed(f"The body is nested more than {MAX_DEPTH} deep.")


def _too_many() -> TooLarge:
    return TooLarge(
        f"The body must have at most {MAX_VALUES:,} values, a batch {MAX_BATCH_TEXTS:,} texts."
    )


def _too_large() -> TooLarge:
    return TooLarge(f"The body must have at most {MAX_BODY_BYTES:,} bytes.")


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_NAMES:
        raise Malformed(f"The body has an object of more than {MAX_NAMES} names.")
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("The body has a name twice in one object.")
    return found


def _refuse_constant(_: str) -> NoReturn:
    raise Malformed("The body holds NaN or Infinity, which are not JSON.")


def _finite_float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise Malformed("The body holds a number that is out of range.")
    return value


def _short_int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise Malformed(f"The body holds a number of more than {MAX_DIGITS} digits.")
    return int(digits)
