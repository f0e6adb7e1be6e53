"""The check of what a person writes: an error names the file, the place and what is wrong there."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from training.console import StepError


def check_form[T](form: type[T], value: object, where: Path | str) -> T:
    """The value of a file, or of a part of it, in the form that it must have.

    Raises:
        StepError: It has another one.
    """
    try:
        return TypeAdapter(form).validate_python(value)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}"
            for one in error.errors()
        )
        raise StepError(f"{where}: {wrong}") from None


def read_json(path: Path) -> Any:
    """Read a file that a person writes.

    Raises:
        StepError: It is missing, or no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StepError(
            f"{path} is missing: take it back with 'git checkout' or write it"
        ) from None
    except ValueError as error:
        raise StepError(f"{path} is not JSON: {error}") from None
