"""Have files answered in the cloud: `make bulk MODEL=houses STAGE=prod IN=folder OUT=answers`.

They are put into the stage's input bucket, each is answered by an object of the output bucket, and
this waits for that. What is under way goes on where it ends: RUN= follows a run once more. Without
IN= and RUN= it says what waits.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from serving.bulk import Object
from serving.deployment.commands.bulk.place import Bulk
from serving.deployment.commands.bulk.run import RUN_NAME, Run, name_run
from serving.deployment.commands.bulk.sources import Source, list_sources, put
from serving.deployment.commands.bulk.work import Line, do_each
from serving.deployment.commands.logs.render import count
from serving.deployment.commands.options import add_deployment
from serving.deployment.stack import Deployment, StackError, confirm, say

DEAD = 3  # the exit status where objects have no answer
INTERRUPTED = 130
MANY, LARGE = 1_000, 10**9  # objects or bytes that nobody has answered by mistake
NO_VERSION = "null"  # Amazon S3 User Guide, "How S3 Versioning works"
SHOWN = 20  # names of dead objects


def main(argv: Sequence[str] | None = None) -> int:
    """Put, follow, fetch; or say what waits. The exit status."""
    options = parse_arguments(argv)
    try:
        check(options)
        bulk = Bulk(Deployment(options.model, options.stage))
        if not options.source and not options.run:
            return tell_waiting(bulk)
        return answer(bulk, options)
    except StackError as error:
        say(f"error: {error}")
        return 1


def check(options: argparse.Namespace) -> None:
    """Look at what was asked before anything is done.

    Raises:
        StackError: It cannot be.
    """
    if options.run and not re.fullmatch(RUN_NAME, options.run):
        raise StackError(f"RUN={options.run} is no run: one is called as {name_run()}")
    if options.out and not (options.source or options.run):
        raise StackError("OUT= is for the answers of a run: IN= starts one, RUN= names one")
    if options.out and Path(options.out).exists() and not Path(options.out).is_dir():
        raise StackError(f"{options.out} is no folder: OUT= is one")


def tell_waiting(bulk: Bulk) -> int:
    """Say what waits, and what is dead.

    Raises:
        StackError: AWS does not answer.
    """
    dead, total = bulk.read_dead(), bulk.count_dead()
    say(f"{bulk.deployment.bulk}: {bulk.count_waiting()}, {max(total, len(dead)):,} dead")
    if strange := total - len(dead):
        say(f"about {strange:,} of them name no version of an object, or are looked at just now")
    return tell_dead(bulk, dead) or (DEAD if total else 0)


def answer(bulk: Bulk, options: argparse.Namespace) -> int:
    """Start a run, or go on with one.

    Raises:
        StackError: There is nothing to do, nobody agreed, it stalls, or AWS does not answer.
    """
    name = options.run or name_run()
    resume = f"{bulk.deployment.make('bulk', f'RUN={name}')} goes on following"
    left: list[Source] = []
    if options.source:
        resume += ", and with the same IN= puts what is not there yet"
        left = find_left(bulk, name, options.source)
        allow(bulk, name, left, yes=options.yes)
    if not left:
        list_run(bulk, name)
    try:
        start(bulk, name, left)
        run = Run(bulk, name, list_run(bulk, name))
        run.follow()
        if options.out:
            run.fetch(Path(options.out))
    except KeyboardInterrupt:
        say(f"what is in the bucket is answered all the same: {resume}")
        return INTERRUPTED
    except StackError as error:
        raise StackError(f"{error}; {resume}") from None
    return finish(bulk, run)


def find_left(bulk: Bulk, name: str, where: str) -> list[Source]:
    """What IN= names, without what the run has already.

    Raises:
        StackError: It cannot be put, or AWS does not answer.
    """
    there = {one.key for one in bulk.list_objects(name)}
    sources = list_sources(bulk.s3, where)
    return [one for one in sources if f"{name}/{one.name}" not in there]


def list_run(bulk: Bulk, name: str) -> set[Object]:
    """The objects of a run, with the versions that S3 has given them.

    Raises:
        StackError: There are none, or AWS does not answer.
    """
    found = bulk.list_objects(name)
    if not found:
        raise StackError(f"{bulk.outputs.BulkIn} has nothing of the run {name}: IN= starts one")
    if any(one.version == NO_VERSION for one in found):
        raise StackError(
            f"{bulk.outputs.BulkIn} does not keep versions yet, which takes up to 15 minutes from "
            "its making: put them once more then"
        )
    return found


def allow(bulk: Bulk, name: str, sources: list[Source], *, yes: bool) -> None:
    """Say what will be put, and ask where that is a lot.

    Raises:
        StackError: Nobody agreed.
    """
    size = sum(one.size for one in sources)
    many = len(sources) > MANY or size > LARGE
    cost = ", and AWS bills for each and for the time that it takes" if many else ""
    confirm(
        f"{count(len(sources), 'object')} ({size / 1e6:,.1f} MB) to be put into "
        f"{bulk.outputs.BulkIn}, the run {name}{cost}",
        yes=yes or not many,
    )


def start(bulk: Bulk, name: str, sources: list[Source]) -> None:
    """Put a run's objects.

    Raises:
        StackError: One cannot be read, or AWS does not take it.
    """
    bucket = bulk.outputs.BulkIn
    with closing(Line()) as line:
        for number in do_each(lambda one: put(bulk.s3, bucket, f"{name}/{one.name}", one), sources):
            line.show(f"{number:,} of {len(sources):,} are put")


def finish(bulk: Bulk, run: Run) -> int:
    """Say what became of a run; where its answers are goes to standard output."""
    models = sorted(run.count_models().items())
    said = ", ".join(f"{number:,} by model {model}" for model, number in models)
    say(f"the run {run.name}: {len(run.answers):,} answered{f' ({said})' if said else ''}")
    for model, _ in models:
        print(f"s3://{bulk.outputs.BulkOut}/{model}/{run.name}/")
    return tell_dead(bulk, run.dead)


def tell_dead(bulk: Bulk, dead: set[Object]) -> int:
    """Say which objects have no answer, and what to do; the exit status."""
    if not dead:
        return 0
    say(f"{count(len(dead), 'object')} dead, after several tries:")
    for one in sorted(dead)[:SHOWN]:
        say(f"  s3://{bulk.outputs.BulkIn}/{one.key}")
    if len(dead) > SHOWN:
        say(f"  … and {len(dead) - SHOWN:,} more")
    say(
        f"why: {bulk.tell_logs}, and 'make score MODEL={bulk.deployment.model} IN=…' on a copy; "
        f"when it is mended: {bulk.deployment.make('redrive')}"
    )
    return DEAD


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bulk", description=__doc__)
    add_deployment(parser)
    parser.add_argument(
        "--in", dest="source", default="", help="a file, a folder, s3://bucket/prefix"
    )
    parser.add_argument("--out", default="", help="a folder that the answers are fetched into")
    parser.add_argument("--run", default="", help="a run that was started before")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
