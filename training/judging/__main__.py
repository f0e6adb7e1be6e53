"""Hold this tree's model against another commit's, and against the gates: `make judge`.

The report, in Markdown, is what a pull request shows. No step of dvc.yaml: what it says depends
on the other commit, too.
"""

import argparse
import os
import sys
from pathlib import Path

from training.changed import TARGET, list_stale
from training.console import StepError, run_step, say
from training.data.dataset import Document, hash_files, read_documents
from training.judging.committed import NotComparable, Recorded, read_manifest_of, was_before
from training.judging.page import Gate, Judgement, render
from training.judging.served import NotServed, describe, describe_own, describe_start, find_manifest
from training.judging.sides import Flip, Side, find_flips, look_at, look_at_base
from training.model_file import load_model
from training.paths import Paths, find_paths
from training.settings.params import Params, read_params

PAGE = "judge.md"
MAKING = ("fetch", "prepare", "validate", "train")
SCORES_ONLY = "SCORES=1 was asked for, as on a machine that cannot have the other model"


def main() -> None:
    """Write the report, and show it.

    Raises:
        StepError: A gate is not passed, or a model cannot be had.
    """
    options = parse_arguments()
    paths = find_paths(options.model)
    params = read_params(paths.params)
    for path in (paths.model, paths.train, paths.test):
        if not path.exists():
            raise StepError(f"{path} is missing: make it with {paths.make('train')}")
    found = look(paths, params, options, read_documents(paths.test))
    publish(paths, render(found))
    show(found)
    failed = [f"{one.rule}: {one.found}, not {one.limit}" for one in found.gates if not one.passed]
    if failed:
        raise StepError(f"the model does not pass ({paths.params}):\n  " + "\n  ".join(failed))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make judge", description=__doc__)
    parser.add_argument("model", help="its name")
    parser.add_argument("--base", default="main", help="the commit to compare with")
    parser.add_argument("--allow-flips", action="store_true", help="any share of labels may change")
    parser.add_argument(
        "--scores-only", action="store_true", help="compare with its recorded scores alone"
    )
    return parser.parse_args()


def look(
    paths: Paths, params: Params, options: argparse.Namespace, documents: list[Document]
) -> Judgement:
    """Look at both models, as far as they can be had.

    Raises:
        StepError: One of them cannot be had, or must not be unpickled.
    """
    side = look_at(paths, load_model(paths), documents)
    recorded = read_manifest_of(options.base, paths)
    base, reason = compare(paths, options, recorded, side, documents)
    flips = find_flips(base, side, documents) if base else []
    # What was live before may come back, however it compares.
    is_other = recorded is not None and recorded.version != side.version
    returns = is_other and was_before(options.base, side.version, paths)
    gates = judge(paths, params, side, None if returns else recorded)
    if base:
        allowed = options.allow_flips or returns
        gates.append(judge_flips(flips, documents, params, allowed=allowed))
    served = describe_own(side.version, paths)
    return Judgement(
        rev=options.base,
        side=side,
        base=base,
        recorded=recorded,
        reason=reason,
        same_data=recorded is None
        or recorded.dataset_sha256 == hash_files(paths.train, paths.test),
        flips=flips,
        gates=[judge_lock(paths), *gates],
        returns=returns,
        served=served,
        served_base=describe(recorded) if recorded else None,
        start=describe_start(side.version, served.engine),
    )


def compare(
    paths: Paths,
    options: argparse.Namespace,
    recorded: Recorded | None,
    side: Side,
    documents: list[Document],
) -> tuple[Side | None, str]:
    """The other model, or why it was not looked at; StepError if it cannot be had."""
    if recorded and options.scores_only:
        return None, SCORES_ONLY
    try:
        return look_at_base(paths, options.base, recorded, side, documents), ""
    except NotComparable as error:
        return None, str(error)


def publish(paths: Paths, page: str) -> None:
    """Write the report; in a GitHub workflow it is the job's summary, too."""
    paths.reports.mkdir(parents=True, exist_ok=True)
    (paths.reports / PAGE).write_text(page, encoding="utf-8")
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(page + "\n")


def show(found: Judgement) -> None:
    """Print the report: as Markdown where a program reads it, in tables for a person."""
    if not sys.stdout.isatty():
        say(render(found))
        return
    from rich.console import Console  # noqa: PLC0415 - for a person alone
    from rich.markdown import Markdown  # noqa: PLC0415

    Console().print(Markdown(render(found, charts=False)))


def judge(paths: Paths, params: Params, side: Side, other: Recorded | None) -> list[Gate]:
    """The gates of this model, the loss to another one's recorded score among them."""
    gate, limits, metrics = params.evaluate, params.judge, side.metrics
    worst = min(side.classes, key=lambda label: side.classes[label])
    gain = metrics["accuracy"] - metrics["baseline_accuracy"]
    gates = [
        at_least("macro-F1", metrics["macro_f1"], gate.min_macro_f1),
        at_least(f"F1 of the worst class, {worst}", side.classes[worst], gate.min_class_f1),
        at_least("accuracy over the baseline's", gain, gate.min_gain_over_baseline),
        at_most("MB of model.joblib", side.size / 1e6, limits.max_model_mb),
        judge_bundle(paths, side),
    ]
    if other:
        drop = other.metrics["macro_f1"] - metrics["macro_f1"]
        gates.append(at_most("macro-F1 lost", drop, limits.max_drop))
    return gates


def judge_lock(paths: Paths) -> Gate:
    """Whether the model is of this tree; the steps after `train` may have refused it."""
    stale = [one for one in list_stale(paths.name_step(TARGET)) if one.partition("@")[0] in MAKING]
    found = f"{', '.join(stale)} would run again: {paths.make('train')}" if stale else "yes"
    return Gate("the model is of this code and these parameters", found, "yes", not stale)


def judge_flips(
    flips: list[Flip], documents: list[Document], params: Params, *, allowed: bool
) -> Gate:
    """Whether more labels change than may."""
    share, most = len(flips) / len(documents), params.judge.max_flips
    limit = f"≤ {most:.1%}" + (" (more is allowed here)" if allowed else "")
    return Gate("labels that change", f"{share:.2%}", limit, allowed or share <= most)


def judge_bundle(paths: Paths, side: Side) -> Gate:
    """Whether the bundle is of this model: it is only written where the service answers alike."""
    rule, limit = "the service answers as the model", "proved"
    try:
        manifest = find_manifest(side.version, paths)
    except NotServed as error:
        return Gate(rule, str(error), limit, passed=False)
    if manifest.engine != "frozen":
        return Gate(rule, "not frozen: scikit-learn serves", limit, passed=True)
    worst = manifest.frozen["worst_probability_difference"]
    differ = "no label differs" if worst is None else f"probabilities differ by {worst:g}"
    found = f"frozen; of {manifest.frozen['texts']:,} texts {differ}"
    return Gate(rule, found, limit, passed=True)


def at_least(rule: str, value: float, limit: float) -> Gate:
    return Gate(rule, f"{value:.4f}", f"≥ {limit:g}", value >= limit)


def at_most(rule: str, value: float, limit: float) -> Gate:
    return Gate(rule, f"{value:.4f}", f"≤ {limit:g}", value <= limit)


if __name__ == "__main__":
    run_step(main)
