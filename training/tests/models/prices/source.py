"""Where the tests' own model of records has its data from: it is made up here."""

import random
from pathlib import Path

from training.contract import Source, SourceSettings
from training.data.dataset import Example
from training.settings.schema import Schema

KINDS = {"flat": 1.0, "loft": 1.3, "house": 1.5}


class Settings(SourceSettings):
    """How many records there are in each part."""

    train: int
    test: int


def fetch(folder: Path, _: SourceSettings) -> None:
    """Nothing is fetched."""
    (folder / "README").write_text("made up\n")


def split(_: Path, settings: Settings, __: Schema) -> tuple[list[Example], list[Example]]:
    rng = random.Random(1)
    records = [make(rng, row) for row in range(1, settings.train + settings.test + 1)]
    return records[: settings.train], records[settings.train :]


def make(rng: random.Random, row: int) -> Example:
    """A flat: each tenth has no number of rooms."""
    size = round(rng.uniform(20, 200), 1)
    kind, garden = rng.choice([*KINDS]), rng.random() < 0.5
    rooms = None if row % 10 == 0 else max(1, round(size / 30 + rng.uniform(-1, 1)))
    price = 1000 * size * KINDS[kind] + 5000 * (rooms or 2) + 20_000 * garden
    record = {"size": size, "rooms": rooms, "kind": kind, "garden": garden}
    return Example(row, round(price * rng.uniform(0.9, 1.1), 2), record)


SOURCE = Source("Flats made up here", fetch, split, Settings)
