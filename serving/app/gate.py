"""The gate: from an event to its checked parts, or an error that says what to mend.

What the JSON standard leaves to the reader is refused here, before anything else of the service
sees it: duplicate names, numbers out of range and lone surrogates (RFC 7493, "I-JSON").
"""

from __future__ import annotations

import json
import math

from serving.app.errors import Malformed, RequestError, TooLarge, UnsupportedMedia
from serving.app.settings import MAX_BODY_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

MAX_NAMES = 16  # the contract's bodies have one; each further name costs validation and an error
MAX_DEPTH = (
    8  # the contract's bodies need two; the interpreter's own limit is not the same everywhere
)
MAX_DIGITS = 30  # no field of the contract is a number, and int() is quadratic in the digits


def plain_event(event: Any) -> dict[str, Any]:
    """What routing needs of an event, each value of the type that it should have.

    The body is a placeholder: `read_object` reads the real one where a route wants it.

    Raises:
        RequestError: It is not an API Gateway proxy event (REST API, payload 1.0).
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
        TooLarge: It has more than `MAX_BODY_BYTES` bytes.
        Malformed: It is not strict JSON, or not an object.
    """
    _check_media_type(event)
    text = _read_text(event)
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


def header(event: Mapping[str, Any], name: str) -> str:
    """The value of a header, its name in any case; "" where there is none."""
    headers = event.get("headers")
    if isinstance(headers, dict):
        for key, value in headers.items():
            if str(key).lower() == name and isinstance(value, str):
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


def _check_depth(value: Any, room: int) -> None:
    if isinstance(value, dict | list):
        if not room:
            raise _too_deep()
        for inner in value.values() if isinstance(value, dict) else value:
            _check_depth(inner, room - 1)


def _too_deep() -> Malformed:
    return Malformed(f"The body is nested more than {MAX_DEPTH} deep.")


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
