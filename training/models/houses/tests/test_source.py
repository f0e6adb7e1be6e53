"""What is read of the table of sales, and what is refused."""

import csv
import io
import zipfile

import pytest

from training.console import StepError
from training.data.dataset import Example
from training.models.houses.source import (
    ARCHIVE,
    AREAS,
    CODES,
    MEMBER,
    TARGET,
    WHOLE,
    Settings,
    read_sale,
    read_sales,
    split,
)

SALE = (
    {name: next(iter(codes)) for name, codes in CODES.items()}
    | dict.fromkeys(WHOLE, "1990")
    | dict.fromkeys(AREAS, "12.5")
    | {TARGET: "200000", "GarageType": "not looked at"}
)
EVERY_WORD = [(name, word) for name, codes in CODES.items() for word in codes]


def write_archive(path, rows):
    text = io.StringIO()
    table = csv.DictWriter(text, fieldnames=[*SALE])
    table.writeheader()
    table.writerows(rows)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MEMBER, text.getvalue())


def test_sale_is_read_with_the_codes_of_the_data_set():
    sale = SALE | {"MSSubClass": "2-Story 1946 & Newer", "Exterior1st": "Hard Board"}
    found = read_sale(7, sale)
    assert (found.row, found.target) == (7, 200_000.0)
    assert found.input["MSSubClass"] == 60
    assert found.input["Exterior1st"] == "HdBoard"
    assert (found.input["LotArea"], found.input["TotalBsmtSF"]) == (1990, 12.5)
    assert found.input.keys() == {*CODES, *WHOLE, *AREAS}


@pytest.mark.parametrize(("name", "word"), EVERY_WORD)
def test_every_word_has_a_code_of_its_own(name, word):
    code = read_sale(2, SALE | {name: word}).input[name]
    assert [one for one, other in CODES[name].items() if other == code] == [word]


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("BldgType", "Castle", "line 9: .*'Castle'"),
        ("MSZoning", "", "line 9: "),
        ("LotArea", "12.5", "line 9: .*'12.5'"),
        ("TotalBsmtSF", "NA", "line 9: .*'NA'"),
        (TARGET, "", "line 9: "),
        ("YearBuilt", None, "line 9: "),
    ],
)
def test_value_is_unknown_names_the_line(name, value, says):
    with pytest.raises(StepError, match=says):
        read_sale(9, SALE | {name: value})


def test_column_is_missing_is_named():
    with pytest.raises(StepError, match=r"line 2: no column, .*'OverallCond'"):
        read_sale(2, {name: value for name, value in SALE.items() if name != "OverallCond"})


def test_unknown_word_is_named_by_its_line_of_the_table(tmp_path):
    write_archive(tmp_path / "a.whl", [SALE, SALE, SALE | {"LotConfig": "Island"}])
    with pytest.raises(StepError, match=rf"{MEMBER}, line 4: .*'Island'"):
        read_sales(tmp_path / "a.whl")


def test_archive_is_missing_or_damaged_says_so(tmp_path):
    path = tmp_path / "a.whl"
    for data in (None, b"PK", b""):
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(StepError, match="cannot be read"):
            read_sales(path)


def test_archive_lacks_the_table_says_so(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        archive.writestr("other.csv", "")
    with pytest.raises(StepError, match=f"{MEMBER} cannot be read"):
        read_sales(tmp_path / "a.whl")


def test_every_sale_is_in_one_part_in_the_sources_order_the_same_each_time(tmp_path):
    sales = [SALE | {TARGET: str(price)} for price in range(100)]
    write_archive(tmp_path / ARCHIVE, sales)
    train, test = split(tmp_path, Settings(test_share=0.2, seed=3), None)
    assert (train, test) == split(tmp_path, Settings(test_share=0.2, seed=3), None)
    assert (len(train), len(test)) == (80, 20)
    assert [one.row for one in train] == sorted(one.row for one in train)
    assert sorted(one.row for one in train + test) == list(range(2, 102))
    assert all(isinstance(one, Example) for one in test)
    _, other = split(tmp_path, Settings(test_share=0.2, seed=4), None)
    assert other != test
