"""The gate: from an event to its checked parts, or an error that says what to mend.

It reads before anything else of the service does, and looks at sizes before it decodes.
"""

from __future__ import annotations

import json

from serving.app.errors import Malformed, RequestError, TooLarge, UnsupportedMedia
from serving.app.limits import (
    LAMBDA_BYTES,
    MAX_BODY_BYTES,
    MAX_HEADER_CHARS,
    MAX_HEADERS,
    MAX_PARAMETERS,
)
from serving.app.request.strict_json import read_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def plain_event(event: Any) -> dict[str, Any]:
    """What routing needs of an event, each value of the type that it should have.

    The body is a placeholder: `read_object` reads the real one where a route wants it.

    Raises:
        RequestError: It is not an API Gateway proxy event (REST API, payload 1.0), or its query
            has more than `MAX_PARAMETERS`.
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
    if not isinstance(multi, dict) or not multi:
        single = event.get("queryStringParameters")
        single = single if isinstance(single, dict) else {}
        _check_parameters(len(single))
        multi = {name: [value] for name, value in single.items()}
    _check_parameters(len(multi))
    _check_parameters(sum(len(one) for one in multi.values() if isinstance(one, list)))
    return {
        name: values
        for name, values in multi.items()
        if isinstance(name, str)
        and isinstance(values, list)
        and values
        and all(isinstance(value, str) for value in values)
    }


def _check_parameters(count: int) -> None:
    if count > MAX_PARAMETERS:
        raise RequestError(f"The query has more than {MAX_PARAMETERS} parameters.")


def read_object(event: Mapping[str, Any]) -> dict[str, Any]:
    """Read the body of an API Gateway proxy event (REST API, payload 1.0) as one JSON object.

    Raises:
        UnsupportedMedia: The headers say that the body is not plain JSON in UTF-8.
        TooLarge: It has more than `MAX_BODY_BYTES` bytes, or more values than a request has.
        Malformed: It is not strict JSON, or not an object.
        RequestError: The event has more headers than `MAX_HEADERS`, or too long ones.
    """
    check_headers(event)
    _check_media_type(event)
    found = read_json(_read_text(event))
    if not isinstance(found, dict):
        raise Malformed("The body must be a JSON object.")
    return found


def check_headers(event: Mapping[str, Any]) -> None:
    """Refuse more headers than any client sends.

    Raises:
        RequestError: There are more than `MAX_HEADERS`.
    """
    headers = event.get("headers")
    if isinstance(headers, dict) and len(headers) > MAX_HEADERS:
        raise RequestError(f"There are more than {MAX_HEADERS} headers.")


def check_sendable(answer: Mapping[str, Any]) -> None:
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
        RequestError: It is longer than `MAX_HEADER_CHARS`.
    """
    headers = event.get("headers")
    if isinstance(headers, dict):
        for key, value in headers.items():
            # The length first: a name of megabytes takes its time to be lowered.
            if len(key) == len(name) and key.lower() == name and isinstance(value, str):
                if len(value) > MAX_HEADER_CHARS:
                    raise RequestError(f"{name} has more than {MAX_HEADER_CHARS:,} characters.")
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


def _too_large() -> TooLarge:
    return TooLarge(f"The body must have at most {MAX_BODY_BYTES:,} bytes.")
