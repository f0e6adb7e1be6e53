"""The report of `make judge` in Markdown. Documents are named by row: their texts carry no licence.

GitHub shows it in a comment, so what comes from the data (labels, terms) is escaped.
"""

import re
import textwrap
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from serving.bundle.manifest import FROZEN_NAME, MODEL_NAME
from training.judging.committed import Recorded
from training.judging.mermaid import draw_bars, draw_steps
from training.judging.served import Served
from training.judging.sides import SHOWN_FLIPS, Flip, Side
from training.steps.evaluate import reliability

TERM_CHARS = 40
DRAWN_CLASSES = 20  # more cannot be read
ROUNDING = 1e-9  # two machines' fits of one model differ by less, two models by more
FEWEST = 10  # of fewer documents, a share that is right says nothing


class Gate(NamedTuple):
    """A rule of params.yaml: what is asked for, what was found."""

    rule: str
    found: str
    limit: str
    passed: bool


class Row(NamedTuple):
    """A row of a table of numbers: the other commit's and this tree's; None where there is none."""

    name: str
    old: float | None
    new: float | None
    digits: int = 4


@dataclass(frozen=True)
class Judgement:
    """All that the report says.

    Attributes:
        rev: The commit that is compared with.
        side, base: This tree's model; the commit's, or None where it was not looked at.
        recorded: What the commit's manifest says; None where it has none.
        reason: Why `base` is None.
        returns: Whether it was the model of a commit before that one.
        same_data: Whether the commit's model is of the same documents, training and test part.
        served, served_base: How they would be served.
        start: What is known of this model's cold start.
    """

    rev: str
    side: Side
    base: Side | None
    recorded: Recorded | None
    reason: str
    returns: bool
    same_data: bool
    flips: list[Flip]
    gates: list[Gate]
    served: Served
    served_base: Served | None
    start: str

    @property
    def is_same(self) -> bool:
        return self.recorded is not None and self.recorded.version == self.side.version

    @property
    def rounding(self) -> float | None:
        """The largest difference of a probability, where the models differ in nothing else.

        None where one of them offers no probabilities: labels alone do not tell.
        """
        if self.base is None or self.is_same or self.flips:
            return None
        old, new = self.base.scored.probabilities, self.side.scored.probabilities
        if old is None or new is None:
            return None
        worst = float(np.abs(old - new).max())
        return worst if worst <= ROUNDING else None


def render(found: Judgement, *, charts: bool = True) -> str:
    """The report; without charts where nothing draws them, their numbers in tables."""
    pages = Environment(  # noqa: S701 - Markdown, which has filters of its own
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"plain": plain, "code": code}
    flips = found.flips
    pairs = Counter((one.before, one.after) for one in flips)
    return pages.get_template("judge.md.j2").render(
        **vars(found),
        is_same=found.is_same,
        rounding=found.rounding,
        failed=[one for one in found.gates if not one.passed],
        scores=list_scores(found),
        sizes=list_sizes(found),
        classes=list_classes(found),
        class_chart=draw_classes(found),
        drawn=DRAWN_CLASSES,
        fewest=FEWEST,
        reliability_chart=draw_reliability(found.side),
        bins=list_bins(found.side),
        charts=charts,
        shown=flips[:SHOWN_FLIPS],
        pairs=pairs.most_common(SHOWN_FLIPS),
        mended=sum(one.after == one.actual for one in flips),
        broken=sum(one.before == one.actual for one in flips),
        tested=len(found.side.scored.actual),
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


def list_classes(found: Judgement) -> list[Row]:
    """F1 of each class, the worst first."""
    old = found.base.classes if found.base else {}
    rows = [Row(name, old.get(name), f1) for name, f1 in found.side.classes.items()]
    return sorted(rows, key=lambda row: row.new or 0)


def draw_classes(found: Judgement) -> str:
    """F1 of the classes, the worst on top, with the other model's as a line if it is another."""
    rows = list_classes(found)[:DRAWN_CLASSES]
    line = [] if found.is_same else [row.old for row in rows if row.old is not None]
    return draw_bars("F1", [(row.name, row.new or 0) for row in rows], line)


def list_bins(side: Side) -> list[dict[str, Any]]:
    """How sure a model is, and how often it is right then; of few documents only if all are.

    Empty where the classifier offers no probabilities.
    """
    bins = reliability(side.scored)
    return [one for one in bins if one["count"] >= FEWEST] or bins


def draw_reliability(side: Side) -> str | None:
    """How often the model is right when it is this sure: bars under the line are too sure.

    None where the classifier offers no probabilities.
    """
    bins = list_bins(side)
    if not bins:
        return None
    return draw_steps(
        ("probability (documents)", "share right"),
        [(f"{one['confidence']:.2f} ({one['count']:,})", one["accuracy"]) for one in bins],
        [one["confidence"] for one in bins],
    )


def plain(text: Any) -> str:
    """A text as Markdown shows it, in a table, too: on one line, without markup or mentions."""
    line = re.sub(r"([\\`*\[\]<>|~]|\b_|_\b)", r"\\\1", " ".join(str(text).split()))
    return re.sub(r"(@|#|(?<=[a-z]):(?=/))", "\\1\N{WORD JOINER}", line)


def code(term: str) -> str:
    """A term as code, in a table, too: there nobody is mentioned and nothing linked to."""
    short = textwrap.shorten(term, TERM_CHARS, placeholder="…")
    return f"`{short.replace('`', "'").replace('|', '\\|') or ' '}`"
