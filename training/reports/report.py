"""Report: the model in pictures, one page that needs nothing from outside itself.

No step of dvc.yaml: it also measures how long the model takes to load, another time on each run.
"""

import gc
import io
import json
import math
import re
import statistics
import textwrap
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import matplotlib as mpl
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure

from serving.app.engines.terms import Terms
from serving.bundle.errors import ModelError
from serving.bundle.manifest import MANIFEST_NAME, VERSION_DIGITS, installed_versions, read_manifest
from training.console import StepError, say
from training.contract import read_source
from training.data.dataset import hash_files, read_documents
from training.evaluation.fitted import describe_steps
from training.model_file import load_model
from training.paths import Paths, run_for_model
from training.settings.params import Evaluate, read_params
from training.settings.words import read_labels
from training.steps.evaluate import BINS, find_failures
from training.steps.validate import list_rows

LOADS = 9
EXCERPT_CHARS = 240
SHOWN_WORDS = 6
LEFT_OUT = 500  # words of a text, for the time's sake
SHOWN_PAIRS = 5
# What is drawn in one of these becomes a variable of the page's CSS, which knows light from dark.
MUTED, LINE, BLUE = "#59616c", "#dfe2e6", "#0072b2"
VARIABLES = {MUTED: "muted", LINE: "line", BLUE: "blue"}
DRAWING: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": 11,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    **dict.fromkeys(["axes.edgecolor", "grid.color", "xtick.color", "ytick.color"], LINE),
}


def main(paths: Paths) -> None:
    """Write the page.

    Raises:
        StepError: An input is missing, damaged, or of another run than the others.
    """
    params = read_params(paths.params)
    for path in list_inputs(paths):
        if not path.exists():
            raise StepError(f"{path} is missing: write it with {paths.make('report')}")
    try:
        page = build_page(paths, params.evaluate, measure_load_ms(paths.model))
    except ModelError as error:
        raise StepError(str(error)) from None
    written = paths.reports / "report.html"
    written.write_text(page, encoding="utf-8")
    say(f"wrote {written} ({written.stat().st_size / 1000:.0f} kB)")
    say(f"open it in a browser: {written.resolve().as_uri()}")


def list_json_inputs(paths: Paths) -> list[Path]:
    """What the steps reported."""
    found = (paths.comparison, paths.evaluation, paths.metrics, paths.data_report, paths.validation)
    return list(found)


def list_inputs(paths: Paths) -> list[Path]:
    """All that the page is made of."""
    data, manifest = (paths.train, paths.test), paths.bundle / MANIFEST_NAME
    return [*list_json_inputs(paths), paths.learning_curve, *data, paths.model, manifest]


def measure_load_ms(path: Path) -> float:
    """The median time of `LOADS` loads, after a first one that imports and fills caches."""
    joblib.load(path)
    # timeit switches the garbage collector off, the service does not.
    times = timeit.repeat(lambda: joblib.load(path), gc.enable, repeat=LOADS, number=1)
    return 1000 * statistics.median(times)


def build_page(paths: Paths, gate: Evaluate, load_ms: float) -> str:
    """The page: the same inputs and the same `load_ms` give the same text."""
    comparison, evaluation, metrics, data, counts = map(read_json, list_json_inputs(paths))
    pipeline = load_model(paths)
    folder = FileSystemLoader(Path(__file__).parent / "templates")
    pages = Environment(loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    learned = np.genfromtxt(paths.learning_curve, delimiter=",", names=True)
    return pages.get_template("report.html.j2").render(
        **describe_model(paths, metrics, pipeline),
        load_ms=load_ms,
        loads=LOADS,
        labels=read_labels(paths),
        gate=gate,
        rules=judge(metrics, evaluation["per_class"], gate),
        metrics=metrics,
        evaluation=evaluation,
        comparison=comparison,
        steps=describe_steps(pipeline),
        scale=make_scale([score for one in comparison["candidates"] for score in one["scores"]]),
        confusion=shade(np.array(evaluation["confusion"])),
        pairs=most_confused(evaluation["confusion"], evaluation["labels"]),
        reliability=evaluation["reliability"] and draw(draw_reliability, evaluation["reliability"]),
        learning_curve=draw(draw_learning_curve, learned),
        learned=learned,
        mistakes=explain_mistakes(paths, evaluation, pipeline),
        data=data,
        source=read_source(paths.name).description,
        dropped={why: list_rows(rows) for why, rows in data["dropped"].items()},
        counts=counts,
    )


def read_json(path: Path) -> Any:
    """Read what a step reported; StepError if it is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StepError(f"{path} is not JSON ({error}): write it with 'make report'") from None


def describe_model(paths: Paths, metrics: dict[str, float], pipeline: Any) -> dict[str, Any]:
    """What identifies the model, and whether the manifest beside it is its own."""
    manifest, terms = read_manifest(paths.bundle), Terms.find(pipeline)
    sha256, dataset_sha256 = hash_files(paths.model), hash_files(paths.train, paths.test)
    pins = {name: pin.sha256 for name, pin in manifest.files.items()}
    found = (pins.get(paths.model.name), manifest.dataset_sha256, manifest.metrics)
    # A model below the gate gets no manifest: the one that lies there is an older model's.
    bundled = found == (sha256, dataset_sha256, metrics)
    return {
        "manifest": manifest,
        "bundled": bundled,
        "version": sha256[:VERSION_DIGITS],
        "versions": manifest.versions if bundled else installed_versions(),
        "sha256": sha256,
        "dataset_sha256": dataset_sha256,
        "size": paths.model.stat().st_size,
        "terms": None if terms is None else len(terms.vocabulary),
    }


def judge(
    metrics: dict[str, float], classes: list[dict[str, Any]], gate: Evaluate
) -> list[dict[str, Any]]:
    """Each rule of the gate by itself: what it asks, what breaks it, and its lowest value.

    `find_failures` alone knows the rules: it is asked with the others off, and it says every
    value that a rule looks at when none is high enough.
    """
    off = dict.fromkeys(Evaluate.model_fields, -math.inf)

    def ask(name: str, least: float) -> list[str]:
        asked = gate.model_copy(update=off | {name: least})
        return [one.partition(", below ")[0] for one in find_failures(metrics, classes, asked)]

    return [
        {
            "name": name,
            "least": least,
            "failures": ask(name, least),
            "lowest": min(ask(name, math.inf), key=lambda said: float(said.split()[-1])),
        }
        for name, least in gate
    ]


def make_scale(scores: list[float]) -> dict[str, Any]:
    """An axis around the scores: its ends, hundredths, and what puts a score on it, in percent."""
    low = math.floor(100 * min(scores)) / 100
    high = max(math.ceil(100 * max(scores)) / 100, low + 0.01)
    return {"low": low, "high": high, "place": lambda score: 100 * (score - low) / (high - low)}


def shade(counts: np.ndarray[Any, Any]) -> dict[str, list[list[float]]]:
    """Of each cell the count, the share of its row, and how much colour it gets, from 0 to 1.

    Mistakes are measured against the worst one: beside the diagonal they would all be pale.
    """
    shares = counts / counts.sum(axis=1, keepdims=True)
    right = np.eye(len(counts), dtype=bool)
    weights = np.where(right, shares, shares / (shares[~right].max() or 1))
    return {"counts": counts.tolist(), "shares": shares.tolist(), "weights": weights.tolist()}


def most_confused(confusion: list[list[int]], labels: list[str]) -> list[tuple[int, str, str]]:
    """Count, actual and predicted label of the most frequent kinds of mistake."""
    pairs = [
        (count, actual, predicted)
        for actual, row in zip(labels, confusion, strict=True)
        for predicted, count in zip(labels, row, strict=True)
        if actual != predicted and count
    ]
    return sorted(pairs, key=lambda pair: -pair[0])[:SHOWN_PAIRS]


def explain_mistakes(
    paths: Paths, evaluation: dict[str, Any], pipeline: Any
) -> list[dict[str, Any]]:
    """The mistakes with an excerpt and the words that led to them; StepError if not this run's."""
    texts = {one.row: one.text for one in read_documents(paths.test)}
    rows = {one["row"] for one in evaluation["mistakes"]}
    if evaluation["labels"] != pipeline.classes_.tolist() or not rows <= texts.keys():
        raise StepError(
            f"{paths.evaluation} is of another model or of other documents: "
            f"write it with {paths.make('report')}"
        )
    return [
        {
            **one,
            "excerpt": textwrap.shorten(texts[one["row"]], EXCERPT_CHARS, placeholder=" …"),
            "words": leading_words(pipeline, texts[one["row"]], one["predicted"]),
        }
        for one in evaluation["mistakes"]
    ]


def leading_words(pipeline: Any, text: str, label: str) -> list[str]:
    """The words without which `label` would lose most of its probability, the first one most.

    Each is left out once, wherever it stands, which holds for any model. None where all that are
    left out change nothing, or the classifier offers no probabilities.
    """
    pieces = re.split(r"(\w+)", text)
    words = list(dict.fromkeys(one.lower() for one in pieces[1::2]))[:LEFT_OUT]
    if not words or not hasattr(pipeline, "predict_proba"):
        return []
    without = ["".join(one for one in pieces if one.lower() != word) for word in words]
    column = pipeline.classes_.tolist().index(label)
    whole, *left = pipeline.predict_proba([text, *without])[:, column]
    lost = whole - np.array(left)
    order = np.argsort(-lost, kind="stable")[:SHOWN_WORDS]
    return [words[index] for index in order if lost[index] > 0]


def draw[T](plot: Callable[[Figure, T], None], values: T) -> str:
    """Draw a figure as SVG to stand in the page, in the page's colours."""
    drawn = io.StringIO()
    metadata = dict.fromkeys(["Creator", "Date", "Format", "Type"])
    with mpl.rc_context(DRAWING | {"svg.hashsalt": plot.__name__}):
        figure = Figure(figsize=(5.2, 4.2), layout="constrained")
        plot(figure, values)
        figure.savefig(drawn, format="svg", transparent=True, metadata=metadata)
    svg = drawn.getvalue()
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg[svg.index("<svg") :])  # not unique in a page of two
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    return svg


def draw_reliability(figure: Figure, bins: list[dict[str, float]]) -> None:
    """Accuracy by confidence, and under it how many documents each dot stands for."""
    above, below = figure.subplots(2, sharex=True, height_ratios=(3, 1))
    names = ("confidence", "accuracy", "count")
    sure, right, count = ([one[name] for one in bins] for name in names)
    above.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    above.plot(sure, right, color=BLUE, marker="o", linewidth=1.8, clip_on=False)
    above.set(xlim=(0, 1), ylim=(0, 1), ylabel="share right")
    middles = [(min(int(one * BINS), BINS - 1) + 0.5) / BINS for one in sure]
    bars = below.bar(middles, count, width=0.8 / BINS, color=BLUE)
    below.bar_label(bars, fmt="{:,.0f}", fontsize=8.5, padding=2)
    below.set(xlabel="probability of the predicted label", ylabel="documents", yticks=[])
    below.margins(y=0.3)
    below.grid(visible=False)
    figure.align_ylabels()


def draw_learning_curve(figure: Figure, learned: Any) -> None:
    """Scores by number of training documents, on these and on held-out ones."""
    axes = figure.subplots()
    for name, colour, marker in (("training", MUTED, "s--"), ("validation", BLUE, "o-")):
        axes.plot(learned["documents"], learned[f"{name}_score"], marker, color=colour)
    axes.set(xlabel="training documents", ylabel="score", xlim=(0, None))
    axes.locator_params(axis="x", nbins=5)
    axes.xaxis.set_major_formatter("{x:,.0f}")


if __name__ == "__main__":
    run_for_model(main)
