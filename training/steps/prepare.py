"""Step prepare: from the source's archive to clean training and test parts.

Dropped are documents of topics that are not asked for, documents without text, repeats, and
training documents that are in the test part too: the official test part stays whole, so that its
scores compare with everybody else's.
"""

import json

from training.console import run_step, say
from training.dataset import Document, write_documents
from training.models.topics.source import read_part
from training.params import read_params
from training.paths import DATA_REPORT, TEST, TRAIN
from training.reading import Reader, build_reader, count_letters
from training.words import read_labels, read_neutral_topics


def main() -> None:
    """Write both parts, and the data report that says what was dropped."""
    params = read_params()
    topics = read_neutral_topics() if params.prepare.topics == "ten" else set(read_labels())
    train, test = read_part("train"), read_part("test")
    kept_test = [one for one in test if one.label in topics]
    asked = [one for one in train if one.label in topics]
    kept_train, dropped = clean(asked, kept_test, build_reader(params.train))
    write_documents(TRAIN, kept_train)
    write_documents(TEST, kept_test)
    report = {
        "topics": sorted(topics),
        "train": len(kept_train),
        "test": len(kept_test),
        "dropped": dropped,
    }
    DATA_REPORT.parent.mkdir(exist_ok=True)
    DATA_REPORT.write_text(json.dumps(report, indent=2) + "\n")
    say(f"prepared {len(kept_train):,} training and {len(kept_test):,} test documents")
    for reason, rows in dropped.items():
        say(f"  dropped from the training part, {reason}: {len(rows)}")


def clean(
    train: list[Document], test: list[Document], reader: Reader
) -> tuple[list[Document], dict[str, list[int]]]:
    """Drop what would mislead training: which texts are the same is as the model reads them.

    A text of whose letters the preprocessing leaves none stays: it is no fault of the data, and
    `validate` names it.

    Returns:
        The documents kept, in order, and the rows of those dropped, by reason.
    """
    tested = {reader.read(one.text) for one in test}
    dropped: dict[str, list[int]] = {"without text": [], "repeated": [], "in the test part": []}
    kept, seen = [], set()
    for one in train:
        text = reader.read(one.text)
        if not text and count_letters(one.text):
            kept.append(one)
        elif not text:
            dropped["without text"].append(one.row)
        elif text in tested:
            dropped["in the test part"].append(one.row)
        elif text in seen:
            dropped["repeated"].append(one.row)
        else:
            seen.add(text)
            kept.append(one)
    return kept, dropped


if __name__ == "__main__":
    run_step(main)
