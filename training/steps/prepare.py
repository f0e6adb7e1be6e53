"""Step prepare: from the source's data to clean training and test parts.

Dropped are examples without content, repeats, and training examples that are in the test part too.
Of the test part only those without content are dropped, which no model could answer: so scores on
an official one compare with everybody else's.
"""

import json
from collections.abc import Sequence

from training.console import say
from training.contract import read_source
from training.data.dataset import Example, write_examples, write_trials
from training.inputs import Input, describe_input, make_input
from training.paths import Paths, run_for_model
from training.settings.params import read_params
from training.settings.schema import read_schema
from training.settings.written import check_form
from training.tasks import find_task


def main(paths: Paths) -> None:
    """Write both parts, what they tell of the input, and what was dropped."""
    params, schema, source = read_params(paths), read_schema(paths), read_source(paths.name)
    settings = check_form(source.settings, params.prepare, f"{paths.params}, prepare")
    train, test = source.split(paths.raw, settings, schema)
    kind = make_input(describe_input(schema, train), params)
    kept, dropped = clean(train, test, kind)
    empty = [one.row for one in test if not kind.has_content(one.input)]
    test = [one for one in test if kind.has_content(one.input)]
    write_examples(paths.train, kept)
    write_examples(paths.test, test)
    write_trials(paths.trials, source.trials(settings, schema))
    described = describe_input(schema, kept)
    paths.input.write_text(json.dumps(described, ensure_ascii=False, indent=2) + "\n", "utf-8")
    task = find_task(schema)
    report = {
        "targets": {"train": task.count(kept), "test": task.count(test)},
        "train": len(kept),
        "test": len(test),
        "dropped": dropped | ({"of the test part, without content": empty} if empty else {}),
    }
    paths.data_report.parent.mkdir(parents=True, exist_ok=True)
    paths.data_report.write_text(json.dumps(report, indent=2) + "\n")
    say(f"prepared {len(kept):,} training and {len(test):,} test examples")
    for reason, rows in dropped.items():
        say(f"  dropped from the training part, {reason}: {len(rows)}")
    if empty:
        say(f"  dropped from the test part, without content: {len(empty)}")


def clean(
    train: Sequence[Example], test: Sequence[Example], kind: Input
) -> tuple[list[Example], dict[str, list[int]]]:
    """Drop what would mislead training: which inputs are the same is as the model reads them.

    An input of which the model reads nothing, though there is something, stays: it is no fault of
    the data, and `validate` tells of it.

    Returns:
        The examples kept, in order, and the rows of those dropped, by reason.
    """
    tested = {kind.identify(one.input) for one in test} - {None}
    dropped: dict[str, list[int]] = {"without content": [], "repeated": [], "in the test part": []}
    kept, seen = [], set()
    check_repeats = kind.repeats_are_mistakes(train)
    for one in train:
        known = kind.identify(one.input)
        if not kind.has_content(one.input):
            dropped["without content"].append(one.row)
        elif check_repeats and known in tested:
            dropped["in the test part"].append(one.row)
        elif check_repeats and known in seen:
            dropped["repeated"].append(one.row)
        else:
            kept.append(one)
            if known is not None:
                seen.add(known)
    return kept, dropped


if __name__ == "__main__":
    run_for_model(main)
