"""The metrics: one EMF document an invocation, on standard output.

The format is CloudWatch's embedded metric format. docs/reference/metrics.md lists what is in a
document. Dimensions are aws-embedded-metrics' own, never values of a request: each distinct value
of a dimension would be a metric that is billed.

The full app lets aws-embedded-metrics write the document. To import it takes longer than the rest
of a cold start, so for the fast path `_write` writes the same one; a test holds them together.
"""

from __future__ import annotations

import math
import sys
import time

from serving.app.encoder import make_encoder
from serving.app.settings import read_trace_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from serving.app.engines.predictor import Predictor
    from serving.app.settings import Settings

UNITS = {
    "cold_start": "Count",
    "error.count": "Count",
    "input.ink": "None",
    "input.missing": "None",
    "input.num_bytes": "Bytes",
    "input.num_chars": "Count",
    "input.num_images": "Count",
    "input.num_pixels": "Count",
    "input.num_records": "Count",
    "input.num_texts": "Count",
    "input.out_of_range": "None",
    "input.unknown_categories": "None",
    "input.unknown_terms": "None",
    "load_model.duration": "Milliseconds",
    "predict.duration": "Milliseconds",
    "prediction.confidence": "None",
    "prediction.value": "None",
}
PROPERTIES = (
    *("engine", "kernel", "label", "modelVersion", "path", "problem", "requestId", "route"),
    "status",
)


KEPT_PROPERTIES = 1000  # sets, about 1 MB: callers choose the label, of which a model may have many
_encode = make_encoder(", ", ": ", allow_nan=True)


class Measurements:
    """What one invocation has measured so far: names of `UNITS` and `PROPERTIES`, with values."""

    def __init__(
        self, metrics: dict[str, float] | None = None, properties: dict[str, Any] | None = None
    ) -> None:
        self.metrics = metrics or {}
        self.properties = properties or {}

    def copy(self) -> Measurements:
        """What was measured so far, to go on from."""
        return Measurements(self.metrics.copy(), self.properties.copy())

    def take(self, other: Measurements) -> None:
        """Take over what a copy of this one went on to measure."""
        self.metrics = other.metrics
        self.properties = other.properties

    def predict(self, model: Predictor, values: list[Any]) -> list[Any]:
        """Predict, and measure it."""
        start = time.perf_counter_ns()
        predictions = model.predict(values)
        milliseconds = (time.perf_counter_ns() - start) / 1_000_000
        terms = [one.scores.terms for one in predictions if one.scores.terms is not None]
        unknown = sum([one.scores.unknown_terms or 0 for one in predictions])
        self.metrics |= model.input.measure(values)
        if terms:
            total = sum(terms)
            self.metrics["input.unknown_terms"] = unknown / total if total else 1.0
        self.metrics["predict.duration"] = milliseconds
        self.metrics |= model.task.measure(predictions)
        return predictions


class Emitter:
    """Writes measurements as EMF documents."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # Written once: of properties but the request's id, and of metrics, there are few sets.
        self._dimensions = _encode(settings.emf_dimensions)[1:-1]
        self._properties: dict[tuple[tuple[str, Any], ...], str] = {}
        self._metrics: dict[tuple[str, ...], tuple[str, str]] = {}

    def emit(self, measurements: Measurements, *, fast: bool = False) -> None:
        """Write one document. An error here is logged, and does not affect the answer.

        Args:
            measurements: What is in it.
            fast: Without the library.
        """
        try:
            if fast:
                self._write(measurements)
            else:
                from serving.app.telemetry.emf import write  # noqa: PLC0415 - the library

                write(self._settings, measurements.properties, measurements.metrics, UNITS)
        except (Exception, SystemExit) as error:  # noqa: BLE001
            _log(error, measurements)

    def _write(self, measurements: Measurements) -> None:
        """Write what aws-embedded-metrics would write for the same measurements."""
        settings, metrics = self._settings, measurements.metrics
        if not all(map(math.isfinite, metrics.values())):
            raise ValueError("a metric is not finite")
        properties = self._list_properties(measurements.properties)
        if settings.emf_environment == "Lambda" and (trace := read_trace_id()):
            properties += f', "traceId": {_encode(trace)}'
        directive, members = self._list_metrics(tuple(metrics))
        if directive:
            directive += f"{round(time.time() * 1000)}}}"
        written = members % tuple(metrics.values())
        sys.stdout.write(f"{{{self._dimensions}{properties}{directive}{written}}}\n")

    def _list_properties(self, properties: dict[str, Any]) -> str:
        """The members of properties, of which the request's id is first, and the environment's."""
        (first, value), *rest = properties.items()
        if (found := self._properties.get(key := tuple(rest))) is None:
            found = _list_members(dict(rest) | self._settings.emf_properties)
            if len(self._properties) >= KEPT_PROPERTIES:
                self._properties.clear()
            self._properties[key] = found
        return f', "{first}": {_encode(value)}{found}'

    def _list_metrics(self, names: tuple[str, ...]) -> tuple[str, str]:
        """What tells CloudWatch which members are metrics, up to the timestamp; and a template of
        these members.
        """
        if (found := self._metrics.get(names)) is None:
            members = "".join([f', "{name}": %s' for name in names])
            directive = self._write_directive(names) if self._settings.emf_extraction else ""
            found = self._metrics[names] = directive, members
        return found

    def _write_directive(self, names: tuple[str, ...]) -> str:
        directive = {
            "Dimensions": [list(self._settings.emf_dimensions)],
            "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in names],
            "Namespace": self._settings.metrics_namespace,
        }
        whole = _encode({"CloudWatchMetrics": [directive], "Timestamp": 0})
        return f', "_aws": {whole.removesuffix("0}")}'


def _list_members(values: dict[str, Any]) -> str:
    """The members of an object in JSON, a comma before each."""
    return "".join([f", {_encode(name)}: {_encode(value)}" for name, value in values.items()])


def _log(error: BaseException, measurements: Measurements) -> None:
    try:
        # Not through the root logger: Lambda's writes to standard output, and raises, too.
        from serving.app.telemetry.log import log_failure  # noqa: PLC0415 - only after an error

        log_failure(error, measurements.properties.get("requestId"), "metrics not written")
    except Exception:  # noqa: BLE001, S110 - no file can be opened: there is no telling of it
        pass
