"""`make models`: the models that are here, a line each."""

from collections.abc import Iterable
from typing import NamedTuple

from serving.bundle.errors import ModelError
from serving.bundle.manifest import Manifest, read_manifest
from training.console import run_step, say
from training.evaluation.scores import tell_scores
from training.paths import Paths, list_models
from training.settings.schema import read_schema


class Line(NamedTuple):
    """What is shown of a model; the names of the columns are those of the attributes."""

    model: str
    kind: str
    task: str
    version: str = "-"
    engine: str = "-"
    scores: str = "-"
    size: str = "-"
    bundle: str = ""


def main() -> None:
    """Print the table.

    Raises:
        StepError: A folder's schema.json has another form.
    """
    lines = [describe(Paths(name)) for name in list_models()]
    for line in align([Line._fields, *lines]):
        say(line)


def describe(paths: Paths) -> Line:
    """A model as its folder and its manifest have it."""
    schema = read_schema(paths)
    try:
        manifest = read_manifest(paths.bundle)
    except ModelError:
        return Line(
            paths.name, schema.kind, schema.task, bundle=f"not trained: {paths.make('train')}"
        )
    return Line(
        paths.name,
        schema.kind,
        schema.task,
        manifest.version,
        manifest.engine,
        tell_scores(manifest.metrics),
        f"{sum(pin.size for pin in manifest.files.values()) / 1e6:.1f} MB",
        "here" if is_here(paths, manifest) else f"not here: {paths.make('serve')}",
    )


def is_here(paths: Paths, manifest: Manifest) -> bool:
    """Whether the files that a manifest pins are there, by their sizes."""
    found = {path.name: path.stat().st_size for path in paths.bundle.iterdir()}
    return all(found.get(name) == pin.size for name, pin in manifest.files.items())


def align(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """The rows of a table as lines of text."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]


if __name__ == "__main__":
    run_step(main)
