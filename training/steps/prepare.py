"""Step prepare: from the source's data to clean training and test parts.

Dropped are documents without text, repeats, and training documents that are in the test part too:
the test part stays whole, so that scores on an official one compare with everybody else's.
"""

import json

from training.console import say
from training.contract import read_source
from training.data.dataset import Document, write_documents
from training.paths import Paths, run_for_model
from training.settings.params import read_params
from training.settings.written import check_form
from training.text.reading import Reader, build_reader, count_letters


def main(paths: Paths) -> None:
    """Write both parts, and the data report that says what was dropped."""
    params, source = read_params(paths.params), read_source(paths.name)
    settings = check_form(source.settings, params.prepare, f"{paths.params}, prepare")
    train, test = source.split(paths.raw, settings)
    kept, dropped = clean(train, test, build_reader(params.train))
    write_documents(paths.train, kept)
    write_documents(paths.test, test)
    report = {
        "labels": sorted({one.label for one in [*train, *test]}),
        "train": len(kept),
        "test": len(test),
        "dropped": dropped,
    }
    paths.data_report.parent.mkdir(parents=True, exist_ok=True)
    paths.data_report.write_text(json.dumps(report, indent=2) + "\n")
    say(f"prepared {len(kept):,} training and {len(test):,} test documents")
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
    run_for_model(main)
