"""The work of a worker process: from raw rows to a part of the output file, as bytes."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from scoring.plan import Plan, hash_manifest, list_added
from scoring.rows import Columns, RowError, make_body_maker, make_splitter
from scoring.writing import make_writer
from serving.app.engines.predictor import Predictor, load_predictor
from serving.app.errors import InternalError, Invalid, RequestError
from serving.bundle.errors import ModelError
from training.console import StepError

# What no row is to blame for: the run ends, and can go on later.
FATAL = (ModelError, MemoryError, OSError)


class Scored(NamedTuple):
    """The result of a chunk.

    Attributes:
        data: What is written of it.
        rows: How many it has.
        bad: How many of them have an error.
    """

    data: bytes
    rows: int
    bad: int


class Scorer:
    """Scores rows with a model.

    Raises:
        StepError: The model is not the plan's.
        ModelError: It cannot be served.
    """

    def __init__(self, plan: Plan) -> None:
        model = load_model(plan.folder, plan.model)
        if hash_manifest(plan.folder) != plan.model:
            raise StepError(f"{plan.folder} is not the model that the run began with")
        self._model = model
        self._split = make_splitter(plan)
        self._make_body = make_body_maker(plan, model.manifest.input)
        self._added = list_added(plan.prefix, model.manifest.task)
        self._write = make_writer(plan, self._added)
        self._kept = plan.kept

    def score(self, rows: Sequence[tuple[int, Any]]) -> Scored:
        """Predict from each row that can be read; each other one gets its error."""
        read = [self._read(raw) for _, raw in rows]
        answers = iter(self._predict([value for _, value, error in read if not error]))
        written, bad = [], 0
        for (number, _), (columns, _, error) in zip(rows, read, strict=True):
            answer = error or next(answers)
            bad += isinstance(answer, str)
            kept = {name: columns[name] for name in self._kept if name in columns}
            written.append({self._added[0]: number, **kept, **self._describe(answer)})
        return Scored(self._write(written), len(rows), bad)

    def _read(self, raw: Any) -> tuple[Columns, Any, str]:
        """A row's columns, the value to predict from, and its error, if it has one."""
        columns: Columns = {}
        try:
            columns = self._split(raw)
            return columns, self._model.input.read(self._make_body(columns)), ""
        except FATAL:
            raise
        except Exception as error:  # noqa: BLE001 - one row does not end the others
            return columns, None, tell(error)

    def _predict(self, values: Sequence[Any]) -> list[Any]:
        """A prediction each, or a text that says why there is none."""
        if not values:
            return []
        try:
            return self._model.predict(values)
        except FATAL:
            raise
        except Exception as error:  # noqa: BLE001 - of one of them
            if len(values) == 1:
                return [tell(error)]
        half = len(values) // 2
        return self._predict(values[:half]) + self._predict(values[half:])

    def _describe(self, answer: Any) -> dict[str, Any]:
        _, *names, model, error = self._added
        values: list[Any] = [None] * len(names)
        if not isinstance(answer, str):
            item = answer.item()
            interval = item.pop("interval", None) or {}
            values = [*item.values(), *map(interval.get, ("low", "high"))]
        said = dict(zip(names, values, strict=False))
        failed = answer if isinstance(answer, str) else None
        return {**said, model: self._model.manifest.version, error: failed}


def tell(error: Exception) -> str:
    """What is wrong with a row, in the API's words."""
    if isinstance(error, Invalid):
        listed = "; ".join("{place}: {rule}".format(**one) for one in error.errors)
        return listed if len(error.errors) == len(error.rules) else f"{listed}; {error}"
    if isinstance(error, RequestError | RowError):
        return str(error)
    return f"{InternalError.title} ({type(error).__name__})"


@lru_cache(maxsize=1)
def load_model(folder: Path, _: str) -> Predictor:
    """The model of a folder whose manifest has that hash, loaded once for all plans.

    Raises:
        ModelError: It cannot be served.
    """
    return load_predictor(folder)


@lru_cache(maxsize=1)
def find_scorer(plan: Plan) -> Scorer:
    """The scorer of a plan, in this process."""
    return Scorer(plan)


def score_rows(plan: Plan, rows: Sequence[tuple[int, Any]]) -> Scored:
    """Score rows; the model is loaded once in a process.

    Raises:
        StepError: The model cannot be served, or is not the plan's.
    """
    try:
        return find_scorer(plan).score(rows)
    except ModelError as error:
        raise StepError(str(error)) from None
