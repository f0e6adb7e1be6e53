"""Hold this tree's model against another commit's, and against the gates: `make judge`.

The report, in Markdown, is what a pull request shows. No step of dvc.yaml: what it says depends
on the other commit, too.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from training.changed import TARGET, list_stale
from training.console import StepError, run_step, say
from training.data.dataset import hash_files
from training.definition import Definition, read_definition
from training.freezing.proof import tell_proof
from training.judging.committed import NotComparable, Recorded, read_manifest_of, was_before
from training.judging.gates import Gate, at_least, at_most
from training.judging.page import COMPARERS, Judgement, render
from training.judging.served import NotServed, describe, describe_own, describe_start, find_manifest
from training.judging.sides import Side, Test, look_at, look_at_base, read_test
from training.model_file import load_model
from training.paths import Paths, find_paths
from training.tasks import apply_gates

PAGE = "judge.md"
MAKING = ("fetch", "prepare", "validate", "train")
SCORES_ONLY = "SCORES=1 was asked for, as on a machine that cannot have the other model"


def main() -> None:
    """Write the report, and show it.

    Raises:
        StepError: A gate fails, or a model cannot be fetched.
    """
    options = parse_arguments()
    paths = find_paths(options.model)
    for path in (paths.model, paths.train, paths.test, paths.evaluation):
        if not path.exists():
            raise StepError(f"{path} is missing: make it with {paths.make('train')}")
    found = look(paths, read_definition(paths), options)
    publish(paths, render(found))
    show(found)
    failed = [f"{one.rule}: {one.found}, not {one.limit}" for one in found.gates if not one.passed]
    if failed:
        raise StepError(f"the model does not pass ({paths.params}):\n  " + "\n  ".join(failed))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make judge", description=__doc__)
    parser.add_argument("model", help="its name")
    parser.add_argument("--base", default="main", help="the commit to compare with")
    parser.add_argument(
        "--allow-flips", action="store_true", help="any share of the answers may change"
    )
    parser.add_argument(
        "--scores-only", action="store_true", help="compare with its recorded scores alone"
    )
    return parser.parse_args()


def look(paths: Paths, definition: Definition, options: argparse.Namespace) -> Judgement:
    """Evaluate both models, if they can be fetched.

    Raises:
        StepError: One of them cannot be fetched, or must not be unpickled.
    """
    test, limits = read_test(paths, definition), definition.params.judge
    comparer = COMPARERS[definition.schema.task]
    side = look_at(paths, load_model(paths), test)
    recorded = read_manifest_of(options.base, paths)
    base, reason = compare(paths, options, recorded, side, test)
    changes = comparer.find_changes(base, side, test, limits) if base else []
    # What was live before may come back, however it compares.
    is_other = recorded is not None and recorded.version != side.version
    returns = is_other and was_before(options.base, side.version, paths)
    gates = judge(paths, definition, side)
    if recorded and not returns:
        gates += comparer.judge_drop(recorded.metrics, side.metrics, limits)
    if base:
        allowed = options.allow_flips or returns
        gates += comparer.judge_changes(changes, len(test.examples), limits, allowed=allowed)
    served = describe_own(side.version, paths)
    return Judgement(
        paths=paths,
        rev=options.base,
        side=side,
        base=base,
        recorded=recorded,
        reason=reason,
        same_data=recorded is None
        or recorded.dataset_sha256 == hash_files(paths.train, paths.test),
        task=definition.schema.task,
        changes=changes,
        gates=[judge_lock(paths), *gates],
        returns=returns,
        served=served,
        served_base=describe(recorded) if recorded else None,
        start=describe_start(side.version, served.engine, paths),
    )


def compare(
    paths: Paths,
    options: argparse.Namespace,
    recorded: Recorded | None,
    side: Side,
    test: Test,
) -> tuple[Side | None, str]:
    """The other model, or why it was not compared; StepError if it cannot be fetched."""
    if recorded and options.scores_only:
        return None, SCORES_ONLY
    comparer = COMPARERS[test.definition.schema.task]

    def restore(found: Any) -> Any:
        scored = comparer.restore(options.base, found, test.targets)
        comparer.check(options.base, scored, side.scored)  # or it could not be scored
        return scored

    try:
        return look_at_base(paths, options.base, recorded, test, restore), ""
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


def judge(paths: Paths, definition: Definition, side: Side) -> list[Gate]:
    """The gates of this model: those of the step `evaluate`, the bundle and its size."""
    asked = definition.params.evaluate
    gates = apply_gates(asked, definition.task.measure(side.scored, side.metrics))
    nearest = {}  # of each the value that comes nearest to failing
    for gate in sorted(gates, key=lambda one: -one.room):
        nearest[gate.setting] = gate
    return [
        *(
            (at_most if gate.setting.startswith("max_") else at_least)(
                gate.what, gate.value, gate.bound
            )
            for gate in sorted(nearest.values(), key=gates.index)
        ),
        at_most("MB of model.joblib", side.size / 1e6, definition.params.judge.max_model_mb),
        judge_bundle(paths, side),
    ]


def judge_lock(paths: Paths) -> Gate:
    """Whether the model is of this tree; the steps after `train` may have refused it."""
    stale = [one for one in list_stale(paths.name_step(TARGET)) if one.partition("@")[0] in MAKING]
    found = f"{', '.join(stale)} would run again: {paths.make('train')}" if stale else "yes"
    return Gate("the model is of this code and these parameters", found, "yes", not stale)


def judge_bundle(paths: Paths, side: Side) -> Gate:
    """Whether the bundle is of this model: it is only written where the service answers alike."""
    rule, limit = "the service answers as the model", "proved"
    try:
        manifest = find_manifest(side.version, paths)
    except NotServed as error:
        return Gate(rule, str(error), limit, passed=False)
    if manifest.engine != "frozen":
        return Gate(rule, "not frozen: scikit-learn serves", limit, passed=True)
    return Gate(rule, f"frozen; {tell_proof(manifest.frozen)}", limit, passed=True)


if __name__ == "__main__":
    run_step(main)
