"""A form with one file: multipart/form-data (RFC 7578; RFC 2046, 5.1)."""

from __future__ import annotations

import re

from serving.app.errors import Invalid, Malformed
from serving.app.limits import MAX_FORM_PARTS

MAX_PART_HEADER_BYTES = 4096
# A header's parameters, each with its quoted value or the other one (RFC 9110, 5.6.6).
_PARAMETER = r';\s*([^\s=;,"]+)=(?:"((?:[^"\\]|\\.)*+)"|([^\s;,"]*))(?=\s*(?:[;,]|$))'
# RFC 2046, 5.1.1: up to 70 characters, some of them only in quotes, a space not at the end.
_QUOTED = r"[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]"
_PLAIN = r"[\w'+.-]{1,70}"
# What stands in quotes is passed over whole.
_FILE = rb"""(?ix)(?:^|\r\n) content-disposition:
    (?:[^"\r\n] | "(?:[^"\\\r\n] | \\[^\r\n])*+")*? ;[ \t]*filename\*?="""
_CODED = rb"""(?ix)(?:^|\r\n) content-transfer-encoding:[ \t]*+
    (?!(?:7bit | 8bit | binary)[ \t]*(?:\r\n|$))"""


def read_file(data: bytes, content_type: str) -> bytes:
    """The one file of a form, whatever its field and the file are called.

    Args:
        data: The body.
        content_type: The header, which holds the boundary.

    Raises:
        Malformed: The body is not such a form.
        Invalid: It has no file, several, or another field.
    """
    files = others = 0
    content = b""
    for header, value in _split(data, content_type):
        if re.search(_CODED, header):
            raise Malformed("A part of the form has a Content-Transfer-Encoding.")
        if re.search(_FILE, header):
            files, content = files + 1, value
        else:
            others += 1
    if files != 1 or others:
        raise Invalid([("body", "The form should have one file and no other field")])
    return content


def _split(data: bytes, content_type: str) -> list[tuple[bytes, bytes]]:
    """The header and the content of each part.

    Raises:
        Malformed: The body is not what the boundary says, or has too much of something.
    """
    delimiter = f"\r\n--{_find_boundary(content_type)}".encode()
    before, *parts = (b"\r\n" + data).split(delimiter, MAX_FORM_PARTS + 1)
    if before or not parts:
        raise Malformed("The form does not begin with its boundary.")
    if len(parts) > MAX_FORM_PARTS:
        raise Malformed(f"The form has more than {MAX_FORM_PARTS - 1} parts.")
    if parts.pop().rstrip(b" \t\r\n") != b"--":
        raise Malformed("The form does not end with its boundary.")
    return [_split_part(part) for part in parts]


def _find_boundary(content_type: str) -> str:
    """The boundary that a header names, once or each time the same.

    Raises:
        Malformed: It names none that there may be, or several.
    """
    found = {
        (quoted or plain, _QUOTED if quoted else _PLAIN)
        for name, quoted, plain in re.findall(_PARAMETER, content_type)
        if name.lower() == "boundary"
    }
    values: set[str] = {value for value, _ in found}
    if len(values) != 1 or not all(re.fullmatch(rule, one, re.ASCII) for one, rule in found):
        raise Malformed("The Content-Type of a form must name its boundary, and one only.")
    return values.pop()


def _split_part(part: bytes) -> tuple[bytes, bytes]:
    end = part.find(b"\r\n\r\n", 0, MAX_PART_HEADER_BYTES)
    if end < 0 or not part.startswith(b"\r\n"):
        raise Malformed("A part of the form has no header, or one that is too long.")
    header = re.sub(rb"\r\n[ \t]+", b" ", part[2:end])  # its folded lines
    return header, part[end + 4 :]
