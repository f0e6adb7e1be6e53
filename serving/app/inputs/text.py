"""The input kind `text`: `{"text": "…"}`, and `{"texts": ["…", …]}`."""

from __future__ import annotations

from serving.app.inputs import MISSING, check_names, check_object, raise_any, read_batch
from serving.app.limits import MAX_EXPLAINED_TERMS, Bounds
from serving.bundle.inputs import MAX_TEXT_CHARS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from serving.app.inputs import Errors


class TextInput:
    """Reads texts; its methods are those of `inputs.Input`."""

    def __init__(self) -> None:
        self.bounds = Bounds("texts", '{"text": "…"}')

    def read(self, body: Any) -> str:
        check_object(body)
        errors: Errors = []
        text = ""
        if "text" in body:
            text = _read_text(body["text"], "body.text", errors)
        else:
            errors.append(("body.text", MISSING))
        check_names(body, ("text",), "body", errors)
        raise_any(errors)
        return text

    def read_batch(self, body: Any) -> list[str]:
        check_object(body)
        return read_batch(body, "texts", _read_text)

    def measure(self, values: Sequence[str]) -> dict[str, float]:
        return {"input.num_chars": sum(map(len, values)), "input.num_texts": len(values)}

    def show_weights(self, weighed: list[tuple[str, float]]) -> list[dict[str, Any]]:
        """The heaviest terms; those that count against what is predicted are left out."""
        heaviest = weighed[:MAX_EXPLAINED_TERMS]
        return [{"term": term, "weight": weight} for term, weight in heaviest if weight > 0]


def _read_text(value: Any, place: str, errors: Errors) -> str:
    if not isinstance(value, str):
        errors.append((place, "Input should be a valid string"))
        return ""
    if not value:
        errors.append((place, "String should have at least 1 character"))
    elif len(value) > MAX_TEXT_CHARS:
        errors.append((place, f"String should have at most {MAX_TEXT_CHARS} characters"))
    return value
