"""Step validate: the prepared parts are what training may rely on, or the rows that are not."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path

from serving.app.features import normalize
from training.console import StepError, run_step, say
from training.dataset import Document, iterate_rows
from training.models.topics.source import read_labels
from training.params import Validate, read_params
from training.paths import TEST, TRAIN, VALIDATION

SHOWN_ROWS = 10


def main() -> None:
    """Check both parts and write what was counted.

    Raises:
        StepError: A check failed; the message lists each problem with its rows.
    """
    problems: list[str] = []
    train = list(checked_rows(TRAIN, problems))
    test = list(checked_rows(TEST, problems))
    problems += find_problems(train, test, read_params().validation)
    if problems:
        raise StepError("the prepared data is not fit to train on:\n  " + "\n  ".join(problems))
    report = {"train": count_labels(train), "test": count_labels(test)}
    VALIDATION.write_text(json.dumps(report, indent=2) + "\n")
    say(f"validated {len(train):,} training and {len(test):,} test documents")


def checked_rows(path: Path, problems: list[str]) -> Iterator[Document]:
    """The documents of a file; rows that are none are added to `problems` instead."""
    types = {field.name: field.type for field in fields(Document)}
    for number, row in enumerate(iterate_rows(path), start=1):
        if isinstance(row, dict) and {name: type(value) for name, value in row.items()} == types:
            yield Document(**row)
        else:
            problems.append(f"{path}, line {number}: not a document of row, label and text")


def find_problems(train: list[Document], test: list[Document], limits: Validate) -> list[str]:
    """What is wrong with the documents, one sentence a problem, each with the rows it is in."""
    known, trained = set(read_labels()), count_labels(train)
    checks = {
        "training documents without text": without_text(train),
        "test documents without text": without_text(test),
        "training documents that repeat an earlier one": repeated(train),
        "training documents that are in the test part": leaked(train, test),
        "documents with a label that labels.json does not have": [
            one.row for one in [*train, *test] if one.label not in known
        ],
        "test documents with a label that the training part does not have": [
            one.row for one in test if one.label not in trained
        ],
    }
    found = [f"{what}: rows {list_rows(rows)}" for what, rows in checks.items() if rows]
    return found + unbalanced(trained, limits)


def without_text(documents: list[Document]) -> list[int]:
    """Rows of the documents in which the preprocessing leaves nothing."""
    return [one.row for one in documents if not normalize(one.text).strip()]


def repeated(documents: list[Document]) -> list[int]:
    """Rows of the documents whose text an earlier one has."""
    counts: Counter[str] = Counter()
    rows = []
    for one in documents:
        text = normalize(one.text).strip()
        counts[text] += 1
        if counts[text] > 1:
            rows.append(one.row)
    return rows


def leaked(train: list[Document], test: list[Document]) -> list[int]:
    """Rows of the training documents whose text is in the test part."""
    tested = {normalize(one.text).strip() for one in test}
    return [one.row for one in train if normalize(one.text).strip() in tested]


def unbalanced(counts: dict[str, int], limits: Validate) -> list[str]:
    """What is wrong with the numbers of training documents per class."""
    if not counts:
        return ["there are no training documents"]
    found = [
        f"class {label} has {count} training documents, fewer than "
        f"validate.min_documents_per_class ({limits.min_documents_per_class})"
        for label, count in counts.items()
        if count < limits.min_documents_per_class
    ]
    ratio = max(counts.values()) / min(counts.values())
    if ratio > limits.max_class_ratio:
        found.append(
            f"the largest class is {ratio:.1f} times the smallest, more than "
            f"validate.max_class_ratio ({limits.max_class_ratio})"
        )
    return found


def count_labels(documents: Iterable[Document]) -> dict[str, int]:
    """Documents per label, by label."""
    return dict(sorted(Counter(one.label for one in documents).items()))


def list_rows(rows: list[int]) -> str:
    """The first rows, and how many more there are."""
    shown = ", ".join(map(str, rows[:SHOWN_ROWS]))
    more = len(rows) - SHOWN_ROWS
    return f"{shown} and {more} more" if more > 0 else shown


if __name__ == "__main__":
    run_step(main)
