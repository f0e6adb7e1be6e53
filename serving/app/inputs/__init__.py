"""What a kind of input is to the rest of the app, and what the kinds share.

One reading serves the fast path and the full app. Errors are pairs of place and rule, as `Invalid`
has them: places are made of names of the contract, never of what a client made up.
"""

from __future__ import annotations

from serving.app import errors as problems
from serving.bundle.inputs import MAX_BATCH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from typing import Any, Protocol

    from serving.app.limits import Bounds

    Errors = list[tuple[str, str]]

    class Input(Protocol):
        """A kind of input, as the manifest describes it.

        Attributes:
            bounds: What a body may be made of.
        """

        bounds: Bounds

        def read(self, body: Any) -> Any:
            """The value of a body of `POST /predict`, as the reader gives it.

            Raises:
                Malformed: It is no JSON object.
                Invalid: It breaks rules of the schema.
                UnsupportedMedia, TooLarge: It is no picture that is read, or too large a one.
            """
            ...

        def read_batch(self, body: Any) -> list[Any]:
            """The values of a body of `POST /predict/batch`; errors as of `read`."""
            ...

        def measure(self, values: Sequence[Any]) -> dict[str, float]:
            """The metrics of values that were read."""
            ...

        def show_weights(self, weighed: list[tuple[str, float]]) -> list[Any]:
            """What an answer says of the weights that an engine explains a value by."""
            ...


MISSING = "Field required"
# What a place may name, though the body should not have it.
_WORDS = frozenset({"text", "texts", "records", "image", "images", "top", "explain"})


def check_object(body: Any) -> None:
    """Refuse a body of another type.

    Raises:
        Malformed: It is no object.
    """
    if not isinstance(body, dict):
        raise problems.Malformed("The body must be a JSON object.")


def raise_any(errors: Errors) -> None:
    """Raise what was found, if anything was.

    Raises:
        Invalid: Something was.
    """
    if errors:
        raise problems.Invalid(errors)


def check_names(found: Collection[str], known: Collection[str], place: str, errors: Errors) -> None:
    """Note names that a body should not have, without saying which: they are the client's."""
    rule = "No other fields than the documented ones are taken"
    unknown = [name for name in found if name not in known]
    places = [f"{place}.{name}" if name in _WORDS else place for name in unknown]
    errors += [(one, rule) for one in dict.fromkeys(places)]


def read_list(
    found: Any, place: str, errors: Errors, read: Callable[[Any, str, Errors], Any]
) -> list[Any]:
    """The values of a batch's list, each read by `read`; what is wrong is noted."""
    if not isinstance(found, list):
        errors.append((place, "Input should be a valid list"))
        return []
    if not 0 < len(found) <= MAX_BATCH:
        bound = f"at most {MAX_BATCH} items" if found else "at least 1 item"
        errors.append((place, f"List should have {bound} after validation, not {len(found)}"))
        return []
    return [read(value, f"{place}[{number}]", errors) for number, value in enumerate(found)]


def read_batch(
    body: dict[str, Any], name: str, read: Callable[[Any, str, Errors], Any]
) -> list[Any]:
    """The values of a body that has one member, a list.

    Raises:
        Invalid: It has not, or a value of the list breaks rules.
    """
    errors: Errors = []
    values = []
    if name in body:
        values = read_list(body[name], f"body.{name}", errors, read)
    else:
        errors.append((f"body.{name}", MISSING))
    check_names(body, (name,), "body", errors)
    raise_any(errors)
    return values


def find_input(described: dict[str, Any]) -> Input:
    """What reads the input that a manifest describes; a cold start pays for no other kind."""
    if described["kind"] == "text":
        from serving.app.inputs.text import TextInput  # noqa: PLC0415

        return TextInput()
    if described["kind"] == "image":
        from serving.app.inputs.image import ImageInput  # noqa: PLC0415

        return ImageInput(described)
    from serving.app.inputs.record import RecordInput  # noqa: PLC0415

    return RecordInput(described["fields"])
