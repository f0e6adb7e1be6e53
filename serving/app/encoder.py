"""Encoders of JSON that are made once: `json.dumps` makes one for each call, which takes longer
than most of ours take to write.
"""

from __future__ import annotations

from json import JSONEncoder, encoder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def make_encoder(between: str, after_name: str, *, allow_nan: bool) -> Callable[[Any], str]:
    """What writes a value in ASCII as `json.dumps` does, with these separators.

    It raises what `json.dumps` raises; for a value that holds itself RecursionError.
    """
    encode = encoder.c_make_encoder(  # type: ignore[attr-defined]
        markers=None,
        default=JSONEncoder().default,
        encoder=encoder.encode_basestring_ascii,
        indent=None,
        key_separator=after_name,
        item_separator=between,
        sort_keys=False,
        skipkeys=False,
        allow_nan=allow_nan,
    )
    return lambda value: "".join(encode(value, 0))
