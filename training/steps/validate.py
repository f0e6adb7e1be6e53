"""Step validate: data and settings are what training may rely on, or what of them is not.

It comes before anything is trained, so all that a person writes is checked here or earlier.
"""

import json
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from training.console import StepError, say
from training.contract import read_model
from training.data.dataset import Document, iterate_rows
from training.fitting.candidates import list_candidates
from training.freezing.rehearsal import rehearse
from training.paths import Paths, run_for_model
from training.settings.params import Validate, read_params
from training.settings.words import read_golden, read_labels
from training.text.reading import Reader, build_reader, count_letters

SHOWN_ROWS = 10


def main(paths: Paths) -> None:
    """Check both parts and every candidate, and write what was counted.

    Raises:
        StepError: A check failed; the message lists each problem with its rows.
    """
    params = read_params(paths.params)
    reader = build_reader(params.train)
    problems: list[str] = []
    train = list(checked_rows(paths.train, problems))
    test = list(checked_rows(paths.test, problems))
    problems += find_problems(train, test, params.validation, reader, set(read_labels(paths)))
    losses = {"training": measure_loss(train, reader), "test": measure_loss(test, reader)}
    problems += find_losses(losses, params.validation)
    if problems:
        raise StepError("the prepared data is not fit to train on:\n  " + "\n  ".join(problems))
    read_golden(paths, count_labels(train))
    rehearse(list_candidates(params.train, read_model(paths.name).candidates), train)
    report = {
        "train": count_labels(train),
        "test": count_labels(test),
        "lost_letters": {part: loss.share for part, loss in losses.items()},
    }
    paths.validation.write_text(json.dumps(report, indent=2) + "\n")
    say(f"validated {len(train):,} training and {len(test):,} test documents")
    say(
        "  letters in no word: "
        + ", ".join(f"{one.share:.1%} ({of})" for of, one in losses.items())
    )


def checked_rows(path: Path, problems: list[str]) -> Iterator[Document]:
    """The documents of a file; rows that are none are added to `problems` instead."""
    types = {field.name: field.type for field in fields(Document)}
    for number, row in enumerate(iterate_rows(path), start=1):
        if isinstance(row, dict) and {name: type(value) for name, value in row.items()} == types:
            yield Document(**row)
        else:
            problems.append(f"{path}, line {number}: not a document of row, label and text")


def find_problems(
    train: list[Document],
    test: list[Document],
    limits: Validate,
    reader: Reader,
    known: Container[str],
) -> list[str]:
    """What is wrong with the documents, one sentence a problem, each with the rows it is in."""
    trained = count_labels(train)
    checks = {
        "training documents without text": without_text(train, reader),
        "test documents without text": without_text(test, reader),
        "training documents that repeat an earlier one": repeated(train, reader),
        "training documents that are in the test part": leaked(train, test, reader),
        "documents with a label that labels.json does not have": [
            one.row for one in [*train, *test] if one.label not in known
        ],
        "test documents with a label that the training part does not have": [
            one.row for one in test if one.label not in trained
        ],
    }
    found = [f"{what}: rows {list_rows(rows)}" for what, rows in checks.items() if rows]
    return found + unbalanced(trained, limits)


def without_text(documents: list[Document], reader: Reader) -> list[int]:
    """Rows of the documents in which the preprocessing leaves nothing."""
    return [one.row for one in documents if not reader.read(one.text)]


def repeated(documents: list[Document], reader: Reader) -> list[int]:
    """Rows of the documents whose text an earlier one has."""
    counts: Counter[str] = Counter()
    rows = []
    for one in documents:
        text = reader.read(one.text)
        counts[text] += 1
        if counts[text] > 1:
            rows.append(one.row)
    return rows


def leaked(train: list[Document], test: list[Document], reader: Reader) -> list[int]:
    """Rows of the training documents whose text is in the test part."""
    tested = {reader.read(one.text) for one in test}
    return [one.row for one in train if reader.read(one.text) in tested]


@dataclass(frozen=True)
class Loss:
    """The share of the letters that the model cannot know of; in all, and by document."""

    share: float
    by_row: dict[int, float]

    def list_worst(self, most: float) -> list[int]:
        """Rows of the documents that lose more than that, the worst first."""
        worst = sorted(self.by_row, key=lambda row: -self.by_row[row])
        return [row for row in worst if self.by_row[row] > most]


def measure_loss(documents: list[Document], reader: Reader) -> Loss:
    """How much of the documents is lost on the way to the model."""
    letters = {one.row: count_letters(one.text) for one in documents}
    lost = {one.row: reader.count_lost_letters(one.text) for one in documents}
    by_row = {row: lost[row] / letters[row] for row in letters if letters[row]}
    return Loss(sum(lost.values()) / max(1, sum(letters.values())), by_row)


def find_losses(losses: dict[str, Loss], limits: Validate) -> list[str]:
    """The parts of which too many letters are lost, each with the rows that lose the most."""
    most = limits.max_lost_letters
    return [
        f"{loss.share:.1%} of the letters of the {part} documents are in no word, more than "
        f"validate.max_lost_letters ({most:g}): change train.vectorizer (preprocessing, "
        f"strip_accents, token_pattern): rows {list_rows(loss.list_worst(most))}"
        for part, loss in losses.items()
        if loss.share > most
    ]


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
    run_for_model(main)
