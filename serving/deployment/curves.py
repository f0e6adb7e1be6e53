"""The handler's metrics as the dashboard draws them, and so how many a model has.

A row is a curve. What a model's service measures follows from its input kind and its task; a row
with neither is of every service. A test holds the rows against what the handler writes.
"""

from typing import NamedTuple

GREEN, ORANGE, RED, BLUE, GREY = "#2ca02c", "#ff7f0e", "#d62728", "#1f77b4", "#7f7f7f"

REQUESTS, REFUSED, ENVIRONMENTS = "Requests a minute", "Refused and failed", "Environments"
SPEED, LOADING = "Of the function (ms)", "Loading the model (ms)"
CONFIDENCE, VALUE = "Confidence", "Predicted value"
TERMS, UNSEEN = "Share of unknown terms", "Share of values that the model has not met"
CHARS = "Characters a request"
INK, BYTES, PIXELS = "Share of ink", "Bytes of pictures a request", "Pixels of pictures a request"
SHARES = {CONFIDENCE, INK, TERMS, UNSEEN}  # diagrams whose axis ends at 1


class Curve(NamedTuple):
    """A curve of a diagram.

    Attributes:
        diagram: Its title.
        metric, statistic: What is drawn.
        label, color: How.
        of: The input kind, or the task, that has the metric; "": each.
    """

    diagram: str
    metric: str
    statistic: str
    label: str
    color: str
    of: str = ""


CURVES = (
    Curve(REQUESTS, "input.num_texts", "Sum", "texts", GREY, "text"),
    Curve(REQUESTS, "input.num_records", "Sum", "records", GREY, "record"),
    Curve(REQUESTS, "input.num_images", "Sum", "images", GREY, "image"),
    Curve(REFUSED, "error.count", "Sum", "by the handler", GREY),
    Curve(ENVIRONMENTS, "cold_start", "Sum", "cold starts", BLUE),
    Curve(SPEED, "predict.duration", "p50", "predict p50", GREY),
    Curve(LOADING, "load_model.duration", "Maximum", "max", BLUE),
    Curve(CONFIDENCE, "prediction.confidence", "Average", "mean", GREEN, "classification"),
    Curve(CONFIDENCE, "prediction.confidence", "p10", "lowest tenth", ORANGE, "classification"),
    Curve(VALUE, "prediction.value", "Average", "mean", GREEN, "regression"),
    Curve(VALUE, "prediction.value", "p10", "lowest tenth", GREY, "regression"),
    Curve(VALUE, "prediction.value", "p90", "highest tenth", ORANGE, "regression"),
    Curve(TERMS, "input.unknown_terms", "Average", "mean", BLUE, "text"),
    Curve(TERMS, "input.unknown_terms", "p90", "highest tenth", ORANGE, "text"),
    Curve(UNSEEN, "input.missing", "Average", "missing", BLUE, "record"),
    Curve(UNSEEN, "input.unknown_categories", "Average", "unknown categories", ORANGE, "record"),
    Curve(UNSEEN, "input.out_of_range", "Average", "out of range", RED, "record"),
    Curve(INK, "input.ink", "Average", "mean", BLUE, "image"),
    Curve(INK, "input.ink", "p10", "lowest tenth", ORANGE, "image"),
    Curve(BYTES, "input.num_bytes", "p50", "p50", BLUE, "image"),
    Curve(BYTES, "input.num_bytes", "p99", "p99", GREY, "image"),
    Curve(PIXELS, "input.num_pixels", "p50", "p50", BLUE, "image"),
    Curve(PIXELS, "input.num_pixels", "p99", "p99", GREY, "image"),
    Curve(CHARS, "input.num_chars", "p50", "p50", BLUE, "text"),
    Curve(CHARS, "input.num_chars", "p99", "p99", GREY, "text"),
)


def list_curves(kind: str, task: str) -> dict[str, list[Curve]]:
    """The curves of an input kind and a task, by the title of their diagram."""
    found: dict[str, list[Curve]] = {}
    for curve in CURVES:
        if curve.of in ("", kind, task):
            found.setdefault(curve.diagram, []).append(curve)
    return found


def count_metrics(kind: str, task: str) -> int:
    """How many metrics are made, each of which is charged."""
    return len({one.metric for curves in list_curves(kind, task).values() for one in curves})
