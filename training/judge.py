"""Hold this tree's model against another commit's, and against the gates: `make judge`.

The report, in Markdown, is what a pull request shows. No stage of dvc.yaml: what it says depends
on the other commit, too.
"""

import argparse
import hashlib
import io
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from serving.app.manifest import VERSION_DIGITS
from training.committed import MANIFEST, NotComparable, read_manifest_of, read_model_of
from training.console import StageError, run_stage, say
from training.dataset import Document, read_documents
from training.evaluate import Scored, baseline_predictions, per_class, score, summarize
from training.model_file import load_model
from training.params import Params, read_params
from training.paths import MODEL, REPORTS, TEST, TRAIN
from training.report import leading_terms

PAGE = REPORTS / "judge.md"
SHOWN_FLIPS = 10


class Gate(NamedTuple):
    """A rule of params.yaml: what is asked for, what was found."""

    rule: str
    found: str
    limit: str
    passed: bool


class Flip(NamedTuple):
    """A test document that gets another label, and the terms that led to it.

    Attributes:
        row: Its line in the source's file.
        actual, before, after: Its label; the labels that the models give.
        was_sure, is_sure: Their probabilities.
        terms: The heaviest first.
    """

    row: int
    actual: str
    before: str
    was_sure: float
    after: str
    is_sure: float
    terms: list[str]


@dataclass(frozen=True)
class Side:
    """A model, and what it says of the test part.

    Attributes:
        version: As in a manifest.
        size: Of model.joblib, in bytes.
        metrics, classes: The scores; those of each class, by label.
    """

    version: str
    size: int
    pipeline: Any
    scored: Scored
    metrics: dict[str, float]
    classes: dict[str, float]


def main() -> None:
    """Write the report, and print it.

    Raises:
        StageError: A gate is not passed, or a model cannot be had.
    """
    parser = argparse.ArgumentParser(prog="make judge", description=__doc__)
    parser.add_argument("--base", default="main", help="the commit to compare with")
    parser.add_argument("--allow-flips", action="store_true", help="any share of labels may change")
    options = parser.parse_args()
    documents = read_documents(TEST)
    side = look_at(load_model(), MODEL.read_bytes(), documents)
    manifest = read_manifest_of(options.base)
    base, reason = None, ""
    try:
        data = read_model_of(options.base, manifest)
        base = look_at(joblib.load(io.BytesIO(data)), data, documents)
    except NotComparable as error:
        reason = str(error)
    flips = find_flips(base, side, documents) if base else []
    gates = judge(read_params(), side, manifest)
    if base:
        gates.append(judge_flips(flips, documents, read_params(), allowed=options.allow_flips))
    page = render(options.base, (base, side), reason, flips, gates)
    PAGE.write_text(page, encoding="utf-8")
    say(page)
    failed = [f"{one.rule}: {one.found}, not {one.limit}" for one in gates if not one.passed]
    if failed:
        raise StageError("the model does not pass (params.yaml):\n  " + "\n  ".join(failed))


def look_at(pipeline: Any, data: bytes, documents: list[Document]) -> Side:
    """Predict the test part with a model, whose file is `data`."""
    scored = score(pipeline, documents)
    return Side(
        version=hashlib.sha256(data).hexdigest()[:VERSION_DIGITS],
        size=len(data),
        pipeline=pipeline,
        scored=scored,
        metrics=summarize(scored, baseline_predictions(read_documents(TRAIN), documents)),
        classes={one["label"]: one["f1"] for one in per_class(scored)},
    )


def find_flips(base: Side, side: Side, documents: list[Document]) -> list[Flip]:
    """The documents that get another label, those first of which the models are surest."""
    before, after = base.scored, side.scored
    changed = np.flatnonzero(before.predicted != after.predicted)
    sure = before.confidence[changed] + after.confidence[changed]
    flips: list[Flip] = []
    for index in changed[np.argsort(-sure, kind="stable")]:
        label, shown = str(after.predicted[index]), len(flips) < SHOWN_FLIPS
        flips.append(
            Flip(
                row=documents[index].row,
                actual=documents[index].label,
                before=str(before.predicted[index]),
                was_sure=float(before.confidence[index]),
                after=label,
                is_sure=float(after.confidence[index]),
                terms=leading_terms(side.pipeline, documents[index].text, label) if shown else [],
            )
        )
    return flips


def judge(params: Params, side: Side, other: dict[str, Any] | None) -> list[Gate]:
    """The gates of this model, the loss to another one's recorded score among them."""
    gate, limits, metrics = params.evaluate, params.judge, side.metrics
    worst = min(side.classes, key=lambda label: side.classes[label])
    gain = metrics["accuracy"] - metrics["baseline_accuracy"]
    gates = [
        at_least("macro-F1", metrics["macro_f1"], gate.min_macro_f1),
        at_least(f"F1 of the worst class, {worst}", side.classes[worst], gate.min_class_f1),
        at_least("accuracy over the baseline's", gain, gate.min_gain_over_baseline),
        at_most("MB of model.joblib", side.size / 1e6, limits.max_model_mb),
        judge_bundle(side),
    ]
    if other:
        drop = other["metrics"]["macro_f1"] - metrics["macro_f1"]
        gates.append(at_most("macro-F1 lost", drop, limits.max_drop))
    return gates


def judge_flips(
    flips: list[Flip], documents: list[Document], params: Params, *, allowed: bool
) -> Gate:
    """Whether more labels change than may."""
    share, most = len(flips) / len(documents), params.judge.max_flips
    limit = f"≤ {most:.1%}" + (" (more is allowed here)" if allowed else "")
    return Gate("labels that change", f"{share:.2%}", limit, allowed or share <= most)


def judge_bundle(side: Side) -> Gate:
    """Whether the bundle is of this model: it is only written where the service answers alike."""
    rule, limit = "the service answers as the model", "proved"
    manifest = json.loads(MANIFEST.read_bytes()) if MANIFEST.exists() else {}
    if manifest.get("version") != side.version:
        return Gate(rule, "no manifest of this model: 'make train'", limit, passed=False)
    if manifest["engine"] != "frozen":
        return Gate(rule, "not frozen: scikit-learn serves", limit, passed=True)
    worst = manifest["frozen"]["worst_probability_difference"]
    found = f"frozen; of {manifest['frozen']['texts']:,} texts probabilities differ by {worst:g}"
    return Gate(rule, found, limit, passed=True)


def at_least(rule: str, value: float, limit: float) -> Gate:
    return Gate(rule, f"{value:.4f}", f"≥ {limit:g}", value >= limit)


def at_most(rule: str, value: float, limit: float) -> Gate:
    return Gate(rule, f"{value:.4f}", f"≤ {limit:g}", value <= limit)


def render(
    rev: str, sides: tuple[Side | None, Side], reason: str, flips: list[Flip], gates: list[Gate]
) -> str:
    """The report in Markdown. Documents are named by row: their texts carry no licence."""
    pages = Environment(  # noqa: S701 - Markdown
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    side, pairs = sides[1], Counter((one.before, one.after) for one in flips)
    return pages.get_template("judge.md.j2").render(
        rev=rev,
        base=sides[0],
        side=side,
        reason=reason,
        flips=flips,
        shown=flips[:SHOWN_FLIPS],
        pairs=pairs.most_common(SHOWN_FLIPS),
        gates=gates,
        mended=sum(one.after == one.actual for one in flips),
        broken=sum(one.before == one.actual for one in flips),
        tested=len(side.scored.actual),
    )


if __name__ == "__main__":
    run_stage(main)
