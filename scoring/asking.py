"""The request of a run, checked against the input, the model and what is already written."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from scoring.plan import Plan, hash_code, hash_manifest, list_added, shorten
from scoring.sources import Source
from scoring.sources.columns import find_columns
from scoring.sources.folder import Folder
from scoring.sources.lines import Lines
from scoring.sources.parquet import Parquet
from serving.bundle.errors import ModelError
from serving.bundle.inputs import list_columns
from serving.bundle.manifest import Manifest, read_manifest
from training.console import StepError
from training.data.table import find_format

TYPES = {"row": "BIGINT"} | dict.fromkeys(("probability", "value", "low", "high"), "DOUBLE")
NOTHING = "none"  # KEEP=none: no column of the input


@dataclass(frozen=True)
class Job:
    """A run.

    Attributes:
        source: The rows to score.
        path: The file or folder that has them.
        out: The file to write.
        manifest: The model's.
        plan: What scorers need.
        kinds: Of each column that rows are written with, its type in Parquet.
        beside: Columns that stay in the Parquet file that they are in, till the end.
        words: What decides what is written, by words for people.
    """

    source: Source
    path: Path
    out: Path
    manifest: Manifest
    plan: Plan
    kinds: dict[str, str]
    beside: tuple[str, ...]
    words: dict[str, str]


def read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make score", description=__doc__)
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--in", required=True, dest="source")
    parser.add_argument("--out", required=True)
    for name in ("text", "image", "nulls", "keep", "prefix", "dask"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--processes", type=int, default=None)
    return parser.parse_args(arguments)


def plan_job(asked: argparse.Namespace) -> Job:
    """Look at what is there.

    Raises:
        StepError: It cannot be scored as it is asked for.
    """
    if not asked.source or not asked.out:
        raise StepError("name both: make score IN=file.csv OUT=scored.csv")
    path, out = Path(asked.source).expanduser(), Path(asked.out).expanduser()
    bundle = Path(asked.bundle)
    _check_places(path, out)
    try:
        manifest = read_manifest(bundle)
    except ModelError as error:
        raise StepError(str(error)) from None
    source = _open(path, manifest)
    kept = _find_kept(asked.keep, source)
    added = list_added(asked.prefix, manifest.task)
    _check_names(path, kept, added)
    form = find_format(out.name)
    # What is in Parquet and goes to Parquet keeps its types: it is put beside the answers at last.
    beside = tuple(kept) if form == source.form == "parquet" else ()
    plan = Plan(
        bundle=shorten(bundle),
        model=hash_manifest(bundle),
        form=source.form,
        names=tuple(source.names),
        delimiter=source.delimiter,
        column=_find_column(asked, source, manifest),
        nulls=tuple(sorted({*asked.nulls.split(",")} - {""})),
        home=str((path if path.is_dir() else path.parent).absolute()),
        written="csv" if form == "csv" else "jsonl",
        kept=() if beside else tuple(kept),
        mark="\t" if out.suffix.lower() == ".tsv" else ",",
        prefix=asked.prefix,
    )
    kinds = _find_kinds(plan, added, source)
    return Job(
        source, path, out, manifest, plan, kinds, beside, _describe(plan, source, manifest, beside)
    )


def _check_places(path: Path, out: Path) -> None:
    if not path.exists():
        raise StepError(f"{path} is not there: IN= names a file, or a folder of pictures")
    if not out.parent.is_dir():
        raise StepError(f"{out.parent} is no folder: OUT= names a file in one that is there")
    if out.is_dir():
        raise StepError(f"{out} is a folder: OUT= names a file")
    if out.exists() and out.samefile(path):
        raise StepError("IN and OUT are one file")


def _open(path: Path, manifest: Manifest) -> Source:
    kind = manifest.input["kind"]
    if path.is_dir():
        if kind != "image":
            raise StepError(
                f"{path} is a folder, and {manifest.name} takes no pictures: name a table"
            )
        return Folder(path)
    form = find_format(path.name)
    if form == "parquet":
        return Parquet(path)
    lines = Lines(path, form)
    if form == "jsonl":
        lines.kinds = find_columns(lines)
        lines.names = [*lines.kinds]
    return lines


def _find_column(asked: argparse.Namespace, source: Source, manifest: Manifest) -> str:
    """The column that has the text or the picture; "" for records, which need no such column.

    Raises:
        StepError: A column is missing.
    """
    kind = manifest.input["kind"]
    for name in ("text", "image"):
        if getattr(asked, name) and kind != name:
            raise StepError(
                f"{name.upper()}= is for models of {name}s: {manifest.name} takes {kind}s"
            )
    column: str = getattr(asked, kind, "") or kind
    wanted = list_columns(manifest.input) if kind == "record" else [column]
    missing = [name for name in wanted if name not in source.names]
    if missing and (source.form != "jsonl" or source.names):
        there = ", ".join(source.names) or "none"
        other = "" if kind == "record" else f" ({kind.upper()}= names another one)"
        raise StepError(
            f"these columns are missing: {', '.join(missing)}{other}; those that are there: {there}"
        )
    return "" if kind == "record" else column


def _find_kept(asked: str, source: Source) -> list[str]:
    """The columns of the input that are written, too.

    Raises:
        StepError: One that is asked for is not there.
    """
    if not asked:
        return source.names
    chosen = [] if asked == NOTHING else [name.strip() for name in asked.split(",")]
    if missing := [name for name in chosen if name not in source.names]:
        raise StepError(f"KEEP= names columns that are not there: {', '.join(missing)}")
    return chosen


def _check_names(path: Path, kept: Sequence[str], added: Sequence[str]) -> None:
    if twice := [name for name in kept if name in added]:
        raise StepError(
            f"{path} has columns with the names of the model's answers: {', '.join(twice)}: "
            "PREFIX=model_ renames the answers, or KEEP= names the columns to keep"
        )


def _find_kinds(plan: Plan, added: Sequence[str], source: Source) -> dict[str, str]:
    first, *rest = added
    types = {plan.prefix + name: kind for name, kind in TYPES.items()}
    kept = {name: source.kinds[name] for name in plan.kept}
    return {first: types[first], **kept, **{name: types.get(name, "VARCHAR") for name in rest}}


def _describe(
    plan: Plan, source: Source, manifest: Manifest, beside: tuple[str, ...]
) -> dict[str, str]:
    settings = asdict(plan) | {"beside": beside}
    for name in ("bundle", "model", "home"):
        del settings[name]
    return {
        "input": source.hash(),
        "model version": f"{manifest.version} {plan.model}",
        "setting (TEXT, IMAGE, NULLS, KEEP, PREFIX)": json.dumps(settings, ensure_ascii=False),
        "code": hash_code(),
    }
