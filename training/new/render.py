"""The files of a new model that are made of templates, as this repository's formatter has them."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

LINE_CHARS = 100
# A text that YAML reads as one without quotes: no number, no truth, no null.
PLAIN = re.compile(r"(?!true$|false$|null$|yes$|no$|on$|off$)[a-z][a-z0-9_/]{2,}(\.[a-z]+)?")
FILES = ("features.py", "model.py", "source.py", "params.yaml", "README.md")


def render(context: Mapping[str, Any]) -> dict[str, str]:
    """The files by name."""
    filled = {**context, "lists": _write_lists(context), "encoders": _list_encoders(context)}
    return fill(Path(__file__).with_name("templates"), filled)


def fill(templates: Path, context: Mapping[str, Any]) -> dict[str, str]:
    """The files that the templates of a folder make, by name."""
    environment = Environment(  # noqa: S701 - these are no web pages
        loader=FileSystemLoader(templates),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "flow": write_flow,
        "quote": quote,
        "line": lambda text: " ".join(str(text).split()).replace("\\", " ").replace('"', "'"),
        "code": lambda text: f"`{_cell(text)}`",
        "cell": _cell,
        "percent": lambda share: f"{share:.0%}",
    }
    return {name: environment.get_template(f"{name}.j2").render(context) for name in FILES}


def quote(value: Any) -> str:
    """A value as Python and YAML read it."""
    written = json.dumps(value, ensure_ascii=False)
    return "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in written)


def write_flow(value: Any) -> str:
    """A value as YAML writes it on a line; the names of members are ours, and plain."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key}: {write_flow(one)}' for key, one in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(write_flow, value))}]"
    return value if isinstance(value, str) and PLAIN.fullmatch(value) else quote(value)


def _cell(text: Any) -> str:
    """A text in a cell of a Markdown table."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("`", "'")


def _list_encoders(context: Mapping[str, Any]) -> list[str]:
    needed = {
        "FunctionTransformer": context["dates"],
        "OneHotEncoder": context["categories"],
        "OrdinalEncoder": context["categories"],
        "StandardScaler": context["numbers"] or context["dates"],
    }
    return [name for name, columns in needed.items() if columns]


def _write_lists(context: Mapping[str, Any]) -> str:
    names = {"NUMBERS": "numbers", "CATEGORIES": "categories", "DATES": "dates"}
    lists = {name: context[columns] for name, columns in names.items()}
    return "\n".join(_write_list(name, items) for name, items in lists.items() if items)


def _write_list(name: str, items: Sequence[str]) -> str:
    written = [quote(item) for item in items]
    line = f"{name} = [{', '.join(written)}]"
    if len(line) <= LINE_CHARS:
        return line
    return "\n".join([f"{name} = [", *(f"    {one}," for one in written), "]"])
