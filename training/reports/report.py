"""Report: the model in pictures, one page that needs nothing from outside itself.

No step of dvc.yaml: it also measures how long the model takes to load, another time on each run.
"""

import gc
import io
import math
import statistics
import timeit
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from serving.app.engines.terms import Terms
from serving.bundle.errors import ModelError
from serving.bundle.manifest import MANIFEST_NAME, VERSION_DIGITS, read_manifest
from serving.bundle.versions import installed_versions
from training.console import StepError, say
from training.contract import read_source
from training.data.dataset import Example, hash_files, list_rows, read_examples
from training.definition import Definition, read_definition
from training.evaluation.fitted import describe_steps
from training.evaluation.scores import tell_amount
from training.freezing.proof import tell_proof
from training.model_file import load_model, read_checked
from training.paths import Paths, run_for_model
from training.reports import labels, values
from training.reports.drawing import draw, draw_learning_curve
from training.tasks import Gate, apply_gates

LOADS = 9
SHOWN_VALUES = 12
# By task: the module that describes it, and how its templates' names begin.
PARTS = {"classification": (labels, "labels"), "regression": (values, "values")}


def main(paths: Paths) -> None:
    """Write the page.

    Raises:
        StepError: An input is missing, damaged, or of another run than the others.
    """
    for path in list_inputs(paths):
        if not path.exists():
            raise StepError(f"{path} is missing: write it with {paths.make('report')}")
    try:
        page = build_page(paths, measure_load_ms(read_checked(paths)))
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


def measure_load_ms(data: bytes) -> float:
    """The median time of `LOADS` loads of a checked model, after one that imports what it needs."""
    joblib.load(io.BytesIO(data))
    # timeit switches the garbage collector off, the service does not.
    times = timeit.repeat(lambda: joblib.load(io.BytesIO(data)), gc.enable, repeat=LOADS, number=1)
    return 1000 * statistics.median(times)


def build_page(paths: Paths, load_ms: float) -> str:
    """The page: the same inputs and the same `load_ms` give the same text."""
    comparison, evaluation, metrics, data, validation = (
        paths.read_json(path) for path in list_json_inputs(paths)
    )
    definition, model, test = read_definition(paths), load_model(paths), read_examples(paths.test)
    describer, part = PARTS[definition.schema.task]
    inputs = {one.row: one.input for one in test}
    if not describer.is_of(model, evaluation) or not is_of(inputs, evaluation):
        raise StepError(
            f"{paths.evaluation} is of another model or of other examples: "
            f"write it with {paths.make('report')}"
        )
    folder = FileSystemLoader(Path(__file__).parent / "templates")
    pages = Environment(loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    pages.filters["amount"] = tell_amount
    pages.filters["proof"] = tell_proof
    learned = np.genfromtxt(paths.learning_curve, delimiter=",", names=True)
    return pages.get_template("report.html.j2").render(
        **describe_model(paths, metrics, model),
        **describer.describe(definition, model, evaluation, inputs),
        part=part,
        command=paths.make("report").strip("'"),
        load_ms=load_ms,
        loads=LOADS,
        gate=definition.params.evaluate,
        rules=judge(definition, model, metrics, test),
        metrics=metrics,
        evaluation=evaluation,
        comparison=comparison,
        tolerance=definition.params.train.tolerance,
        steps=describe_steps(model),
        scale=make_scale([score for one in comparison["candidates"] for score in one["scores"]]),
        learning_curve=draw(draw_learning_curve, learned),
        learned=learned,
        data=data,
        targets=data["targets"],
        source=read_source(paths.name).description,
        dropped={why: list_rows(rows) for why, rows in data["dropped"].items()},
        doubts=validation["doubts"],
        fields=describe_fields(definition, validation["inputs"].get("missing", {})),
    )


def is_of(inputs: dict[int, Any], evaluation: dict[str, Any]) -> bool:
    """Whether an evaluation is of examples of these rows."""
    shown = evaluation.get("mistakes", evaluation.get("examples", ()))
    return {one["row"] for one in shown} <= inputs.keys()


def describe_fields(definition: Definition, missing: dict[str, dict[str, float]]) -> list[Any]:
    """The fields of records, each with what was seen of it in training."""
    words = {one.name: one for one in definition.schema.fields or ()}
    return [
        {
            **field,
            "title": words[field["name"]].title,
            "description": words[field["name"]].description,
            "seen": tell_seen(field),
            "missing": {part: missing[part].get(field["name"], 0) for part in ("train", "test")},
        }
        for field in definition.input.described.get("fields", ())
    ]


def tell_seen(field: dict[str, Any]) -> str:
    """The range of a number, or the first categories."""
    if "range" in field:
        return "{:,.6g} to {:,.6g}".format(*field["range"])
    found = field.get("values", [])
    more = len(found) - SHOWN_VALUES
    return ", ".join(found[:SHOWN_VALUES]) + (f" and {more} more" if more > 0 else "")


def judge(
    definition: Definition, model: Any, metrics: dict[str, float], test: Sequence[Example]
) -> list[dict[str, Any]]:
    """Each rule of the gate: its bound, what breaks it, and what comes nearest to that."""
    task = definition.task
    scored = task.score(
        model, definition.input.shape(one.input for one in test), task.read_targets(test)
    )
    gates = apply_gates(definition.params.evaluate, task.measure(scored, metrics))
    by_name: dict[str, list[Gate]] = {}
    for gate in gates:
        by_name.setdefault(gate.setting, []).append(gate)
    return [_sum_up(name, same) for name, same in by_name.items()]


def _sum_up(name: str, gates: list[Gate]) -> dict[str, Any]:
    nearest = min(gates, key=lambda one: one.room)
    return {
        "name": name,
        "bound": nearest.bound,
        "side": "at most" if name.startswith("max_") else "at least",
        "failures": [one.found for one in gates if not one.passed],
        "nearest": nearest.found,
    }


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


def make_scale(scores: list[float]) -> dict[str, Any]:
    """An axis around the scores: its round ends, and what puts a score on it, in percent."""
    width = max(map(abs, scores)) or 1
    parts = 10.0 ** (1 - math.floor(math.log10(width))) if width > 1 else 100
    low = math.floor(min(scores) * parts) / parts
    high = max(math.ceil(max(scores) * parts) / parts, low + 1 / parts)
    return {"low": low, "high": high, "place": lambda score: 100 * (score - low) / (high - low)}


if __name__ == "__main__":
    run_for_model(main)
