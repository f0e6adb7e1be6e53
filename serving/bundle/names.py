"""What a model may be called.

Its name is a part of the names of its stack, function, log groups, dashboard and images: of AWS's
rules for these, the strictest that they have in common (CloudFormation's letters, Lambda's length).
Its folder is a Python package, too, so there are no hyphens: mypy would check nothing any more.
"""

from __future__ import annotations

MAX_MODEL_CHARS = 32  # a function's name has 64: room for ours before it and a stage's after it
_FIRST = frozenset("abcdefghijklmnopqrstuvwxyz")
_OTHERS = _FIRST | frozenset("0123456789")


def check_name(name: str) -> None:
    """Look whether a model may be called so.

    Raises:
        ValueError: It may not; the message says what a name is made of.
    """
    if (
        not 0 < len(name) <= MAX_MODEL_CHARS
        or name[0] not in _FIRST
        or not _OTHERS.issuperset(name)
    ):
        raise ValueError(
            f"a model cannot be called {name!r}: a name has at most {MAX_MODEL_CHARS} lower-case "
            "letters (a-z) and digits, and begins with a letter"
        )
