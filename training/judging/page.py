"""The report of `make judge` in Markdown. Test examples are named by row: not all may be shown.

GitHub shows it in a comment, so what comes from the data (labels, terms) is escaped.
"""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from serving.bundle.manifest import FROZEN_NAME, MANIFEST_NAME, MODEL_NAME
from training.evaluation.scores import tell_amount
from training.judging import labels, values
from training.judging.committed import Recorded
from training.judging.gates import Gate, Row
from training.judging.served import Served
from training.judging.sides import Side
from training.paths import Paths

TERM_CHARS = 40
# By task, what compares two models, and a template of the same task.
COMPARERS: dict[str, Any] = {"classification": labels, "regression": values}


@dataclass(frozen=True)
class Judgement:
    """All that the report says.

    Attributes:
        paths: The model's files.
        rev: The commit that is compared with.
        side, base: This tree's model; the commit's, or None where it was not looked at.
        recorded: What the commit's manifest says; None where it has none.
        reason: Why `base` is None.
        returns: Whether it was the model of a commit before that one.
        task: What both answer.
        changes: The answers that change, as the task's module has them.
        same_data: Whether the commit's model is of the same examples, training and test part.
        served, served_base: How they would be served.
        start: What is known of this model's cold start.
    """

    paths: Paths
    rev: str
    side: Side
    base: Side | None
    recorded: Recorded | None
    reason: str
    returns: bool
    same_data: bool
    task: str
    changes: Sequence[Any]
    gates: list[Gate]
    served: Served
    served_base: Served | None
    start: str

    @property
    def is_same(self) -> bool:
        return self.recorded is not None and self.recorded.version == self.side.version


def render(found: Judgement, *, charts: bool = True) -> str:
    """The report; without charts where nothing draws them, their numbers in tables."""
    pages = Environment(  # noqa: S701 - Markdown, which has filters of its own
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"plain": plain, "code": code, "amount": tell_amount}
    comparer = COMPARERS[found.task]
    base, changes = found.base, found.changes
    has_base = base is not None and not found.is_same
    return pages.get_template("judge.md.j2").render(
        **vars(found),
        **comparer.show(found.side, base, changes, is_same=found.is_same),
        part=f"{found.task}.md.j2",
        is_same=found.is_same,
        rounding=comparer.measure_rounding(base, found.side, changes) if has_base else None,
        failed=[one for one in found.gates if not one.passed],
        scores=list_scores(found),
        sizes=list_sizes(found),
        charts=charts,
        tested=len(found.side.scored.actual),
        manifest=found.paths.bundle / MANIFEST_NAME,
    )


def list_scores(found: Judgement) -> list[Row]:
    """The scores; the other commit's as they are recorded, where its model was not looked at."""
    recorded = found.recorded.metrics if found.recorded else {}
    old = found.base.metrics if found.base else recorded
    names = [name for name in found.side.metrics if not name.startswith("baseline")]
    return [Row(name, old.get(name), found.side.metrics[name]) for name in names]


def list_sizes(found: Judgement) -> list[Row]:
    """What the files weigh, in MB."""
    old = found.recorded.files[MODEL_NAME].size if found.recorded else None
    frozen = found.served_base.frozen_bytes if found.served_base else None
    sizes = {
        MODEL_NAME: (old, found.side.size),
        FROZEN_NAME: (frozen, found.served.frozen_bytes),
    }
    return [Row(f"MB of {name}", to_mb(a), to_mb(b), 1) for name, (a, b) in sizes.items()]


def to_mb(size: int | None) -> float | None:
    return None if size is None else size / 1e6


def plain(text: Any) -> str:
    """A text as Markdown shows it, in a table, too: on one line, without markup or mentions."""
    line = re.sub(r"([\\`*\[\]<>|~]|\b_|_\b)", r"\\\1", " ".join(str(text).split()))
    return re.sub(r"(@|#|(?<=[a-z]):(?=/))", "\\1\N{WORD JOINER}", line)


def code(term: str) -> str:
    """A term as code, in a table, too: there nobody is mentioned and nothing linked to."""
    short = textwrap.shorten(term, TERM_CHARS, placeholder="…")
    return f"`{short.replace('`', "'").replace('|', '\\|') or ' '}`"
