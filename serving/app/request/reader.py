"""From an event to its checked body, or an error that says what to change.

It runs before the rest of the service, and checks sizes before it decodes.
"""

from __future__ import annotations

import json
import re

from serving.app import errors
from serving.app.limits import (
    LAMBDA_BYTES,
    MAX_HEADER_CHARS,
    MAX_HEADERS,
)
from serving.app.request.strict_json import read_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from serving.app.limits import Bounds

WARM_UP = "warmup"  # what the metrics name as the route of a warm-up, which has none
_JSON, _FORM = "application/json", "multipart/form-data"
_PICTURES = f"image/png, image/jpeg, {_FORM} or {_JSON}"
# Not compiled here, where each cold start would pay for it.
_QUOTED = r'"((?:[^"\\]|\\.)*+)"'


def strip_base_path(event: Any, base_path: str) -> Any:
    """An event whose path is the route's: a custom domain's base path stands before that.

    API Gateway's own URL of the same API has none.
    """
    if base_path and type(event) is dict:
        path = event.get("path")
        if isinstance(path, str) and f"{path}/".startswith(f"{base_path}/"):
            return event | {"path": path[len(base_path) :] or "/"}
    return event


def is_warm_up(event: Any) -> bool:
    """Whether the event only keeps an environment warm, and is no request.

    It is a scheduled event of EventBridge, whose rules and scheduler send it in one form, or
    {"warmup": true}. What API Gateway sends has a method.
    """
    if not isinstance(event, dict) or "httpMethod" in event:
        return False
    return event.get("detail-type") == "Scheduled Event" or event.get("warmup") is True


def is_head(event: Any) -> bool:
    """Whether the answer goes out without its body (RFC 9110, 9.3.2)."""
    return isinstance(event, dict) and event.get("httpMethod") == "HEAD"


def read_body(event: Mapping[str, Any], bounds: Bounds) -> Any:
    """Read the body of an API Gateway proxy event (REST API, payload 1.0).

    Returns:
        A value of JSON; where the bounds allow pictures, their bytes if the body is one, or a form
        with one.

    Raises:
        UnsupportedMedia: The headers say that the body is neither plain JSON in UTF-8 nor that.
        TooLarge: It has more bytes, or more values, than the bounds.
        Malformed: It is not strict JSON, or not the form that it says it is.
        Invalid: A form has anything but one file.
        RequestError: The event has more headers than `MAX_HEADERS`, or too long ones.
    """
    check_headers(event)
    media_type = _find_media_type(event, pictures=bounds.pictures)
    if media_type == _JSON:
        return read_json(_read_text(event, bounds), bounds)
    data = _read_bytes(event, bounds)
    if media_type != _FORM:
        return data
    from serving.app.request.form import read_file  # noqa: PLC0415 - other bodies do without

    return read_file(data, header(event, "content-type"))


def check_headers(event: Mapping[str, Any]) -> None:
    """Refuse more headers than any client sends.

    Raises:
        RequestError: There are more than `MAX_HEADERS`.
    """
    for name in ("headers", "multiValueHeaders"):
        headers = event.get(name)
        if isinstance(headers, dict) and are_more(headers, MAX_HEADERS):
            raise errors.RequestError(f"There are more than {MAX_HEADERS} headers.")


def are_more(members: Mapping[str, Any], limit: int) -> bool:
    """Whether there are more names than the limit, or more values of multi-valued ones."""
    if len(members) > limit:
        return True
    count = 0
    for values in members.values():
        if type(values) is list:
            count += len(values)
    return count > limit


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

    Several values are one list (RFC 9110, 5.3). `multiValueHeaders` is asked where `headers` has
    none: of two values API Gateway puts the last one there, and a load balancer may put nothing.

    Raises:
        RequestError: It is longer than `MAX_HEADER_CHARS`.
    """
    found = [value for value in _find(event.get("headers"), name) if isinstance(value, str)]
    if not found:
        lists = _find(event.get("multiValueHeaders"), name)
        values = [one for values in lists if isinstance(values, list) for one in values]
        found = [value for value in values if isinstance(value, str)]
    if not found:
        return ""
    if sum([len(value) for value in found]) > MAX_HEADER_CHARS:
        raise errors.RequestError(f"{name} has more than {MAX_HEADER_CHARS:,} characters.")
    return ", ".join(found)


def _find(headers: Any, name: str) -> list[Any]:
    if not isinstance(headers, dict):
        return []
    size = len(name)
    # The length first: a name of megabytes takes its time to be lowered.
    return [headers[key] for key in headers if len(key) == size and key.lower() == name]


def _find_media_type(event: Mapping[str, Any], *, pictures: bool) -> str:
    """The media type of a body; without a Content-Type it is JSON.

    A type that is given more than once must be the same each time (RFC 9110, 8.3). Which kind of
    picture it is, its content says.

    Raises:
        UnsupportedMedia: It is none that is taken here.
    """
    given = header(event, "content-type").lower()
    found = _JSON if given == _JSON else _read_media_type(given, pictures=pictures)
    if given := header(event, "content-encoding"):
        for coding in given.lower().split(","):
            if coding.strip() not in ("identity", ""):
                raise errors.UnsupportedMedia("The body must be sent without Content-Encoding.")
    return found


def _read_media_type(given: str, *, pictures: bool) -> str:
    """The media type that a Content-Type names, in lower case."""
    found = []
    for media_type in _unquote(given).split(","):
        kind, *parameters = map(str.strip, media_type.split(";"))
        if kind not in (_JSON, "") and not (pictures and _may_be_picture(kind)):
            raise errors.UnsupportedMedia(
                f"The Content-Type must be {_PICTURES if pictures else _JSON}."
            )
        found += [kind] * bool(kind)
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            # Without a value it names no charset.
            if name.strip() == "charset" and value.strip() not in ("utf-8", "utf8", ""):
                raise errors.UnsupportedMedia("The charset must be utf-8.")
    if len(set(found)) > 1:
        raise errors.UnsupportedMedia("The Content-Type must be one.")
    return found[0] if found else _JSON


def _may_be_picture(media_type: str) -> bool:
    return media_type.startswith("image/") or media_type in (_FORM, "application/octet-stream")


def _unquote(value: str) -> str:
    """A header's value without quoted strings (RFC 9110, 5.6.4), in whose place their content is.

    Content with a delimiter becomes "_": no value that is compared has one.
    """
    return re.sub(_QUOTED, _take_content, value) if '"' in value else value


def _take_content(quoted: re.Match[str]) -> str:
    content = re.sub(r"\\(.)", r"\1", quoted[1])
    return "_" if re.search("[,;=/]", content) else content


def _read_text(event: Mapping[str, Any], bounds: Bounds) -> str:
    try:
        return _read_bytes(event, bounds).decode()
    except UnicodeError:
        raise errors.Malformed("The body is not UTF-8.") from None


def _read_bytes(event: Mapping[str, Any], bounds: Bounds) -> bytes:
    body, limit = event.get("body"), bounds.body_bytes
    if body is None or body == "":
        raise errors.Malformed(f"The body is empty: send a JSON object, such as {bounds.sample}.")
    if not isinstance(body, str):
        raise errors.Malformed("The body must be text.")
    encoded = event.get("isBase64Encoded") is True
    # Before anything is decoded: base64 writes three bytes as four characters.
    if len(body) > (limit * 4 // 3 + 4 if encoded else limit):
        raise _too_large(limit)
    try:
        data = _decode(body) if encoded else body.encode()
    except UnicodeError:
        raise errors.Malformed("The body is not UTF-8.") from None
    except ValueError:
        raise errors.Malformed("The body is not base64, as the event says it is.") from None
    if len(data) > limit:
        raise _too_large(limit)
    return data


def _decode(body: str) -> bytes:
    from binascii import a2b_base64  # noqa: PLC0415 - plain bodies do without

    return a2b_base64(body, strict_mode=True)


def _too_large(limit: int) -> errors.TooLarge:
    return errors.TooLarge(f"The body must have at most {limit:,} bytes.")
