"""Tables of all forms, odd ones too: what is read of them, and what is written."""

import csv
import json

import duckdb
import pytest

from scoring.sources import lines
from serving.app.engines.predictor import load_predictor
from serving.tests.records import EXAMPLE, RECORDS
from serving.tests.sample import TEXTS
from training.console import StepError

FORMS = ["csv", "jsonl", "parquet"]
ID = {"id": "0017"}


def write_table(path, rows):
    """Rows in the form that the file's name asks for."""
    kind = path.suffix[1:]
    if kind == "csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_NOTNULL)
            writer.writerow(rows[0])
            for row in rows:
                written = (str(one).lower() if type(one) is bool else one for one in row.values())
                writer.writerow(written)
        return
    text = "".join(json.dumps(row) + "\n" for row in rows)
    lines_of = path if kind == "jsonl" else path.with_suffix(".tmp")
    lines_of.write_text(text)
    if kind == "parquet":
        with duckdb.connect() as database:
            found = f"read_json('{lines_of}', format = 'newline_delimited', sample_size = -1)"
            found = f"SELECT * REPLACE ('0017' AS id) FROM {found}"  # noqa: S608 - our own
            database.execute(f"COPY ({found}) TO '{path}' (FORMAT parquet)")


def read_back(path):
    """The rows of a file that was written, with values of JSON as far as its form has them."""
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as file:
            return [*csv.DictReader(file)]
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    with duckdb.connect() as database:
        found = database.execute("SELECT * FROM read_parquet(?)", [str(path)])
        names = [name for name, *_ in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def to_texts(rows):
    """Rows as CSV would have them."""
    return [
        {
            name: "" if one is None else str(one).lower() if type(one) is bool else str(one)
            for name, one in row.items()
        }
        for row in rows
    ]


@pytest.mark.parametrize("source", FORMS)
@pytest.mark.parametrize("out", FORMS)
def test_any_form_to_any_form_gives_the_same_answers_and_keeps_the_columns(
    source, out, rents, score, tmp_path
):
    rows = [ID | one for one in RECORDS]
    write_table(tmp_path / f"in.{source}", rows)
    write_table(tmp_path / "plain.jsonl", rows)
    assert score(rents, "plain.jsonl", "plain.out.jsonl") == 0
    assert score(rents, f"in.{source}", f"out.{out}") == 0
    found, wanted = read_back(tmp_path / f"out.{out}"), read_back(tmp_path / "plain.out.jsonl")
    assert [*found[0]] == ["row", "id", *EXAMPLE, "value", "low", "high", "model", "error"]
    first = 2 if source == "csv" else 1
    assert [int(one.pop("row")) for one in found] == [*range(first, first + len(rows))]
    for one in wanted:
        del one["row"]
    if source == "csv":  # its texts stay texts
        answers = ("value", "low", "high")
        wanted = [
            {name: one[name] if name in answers else text for name, text in row.items()}
            for one, row in zip(wanted, to_texts(wanted), strict=True)
        ]
        found = [{name: "" if one is None else one for name, one in row.items()} for row in found]
    assert (to_texts(found) if out == "csv" or source == "csv" else found) == (
        to_texts(wanted) if out == "csv" or source == "csv" else wanted
    )


def score_csv(score, folder, tmp_path, text, **options):
    """Status, and the rows that are written of a CSV."""
    data = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "in.csv").write_bytes(data)
    status = score(folder, "in.csv", "out.jsonl", **options)
    return status, read_back(tmp_path / "out.jsonl")


def test_csv_of_texts_with_mark_quotes_and_ends_of_lines(texts, score, tmp_path):
    said = 'hoist the sail\r\nand "steer", now\n'
    quoted = '"' + said.replace('"', '""') + '"'
    text = f"\ufefftext;id\r\n{quoted};1\r\n\r\nsimmer the soup;2\r\nsalt;3"
    status, rows = score_csv(score, texts, tmp_path, text)
    assert status == 0
    assert [(one["row"], one["text"], one["id"]) for one in rows] == [
        (2, said, "1"),
        (6, "simmer the soup", "2"),
        (7, "salt", "3"),
    ]


def test_bad_rows_of_a_csv_are_told_and_what_follows_is_read(texts, score, tmp_path):
    rows = [
        b"salt,1",
        b"salt",
        b"salt,1,2",
        b"\xff\xfe,3",
        b'"salt"x,4',
        b'sa"lt,5',
        b"a\rb,6",
        b'"",7',
        b",8",
        b'"' + b"x" * 50_001 + b'",9',
        b'"never closed,10',
        b"salt,11",
    ]
    status, found = score_csv(score, texts, tmp_path, b"text,id\n" + b"\n".join(rows) + b"\n")
    assert status == 3
    assert [one["row"] for one in found] == [*range(2, 14)]
    short = "body.text: String should have at least 1 character"
    assert [one["error"] for one in found] == [
        None,
        "The row has 1 values, and there are 2 columns.",
        "The row has 3 values, and there are 2 columns.",
        "The body is not UTF-8.",
        "The row is no CSV: ',' expected after '\"'.",
        None,
        "The row is no CSV: new-line character seen in unquoted field.",
        short,
        short,
        "body.text: String should have at most 50000 characters",
        "The row is no CSV: unexpected end of data.",
        None,
    ]
    assert all((one["label"] is None) == (one["error"] is not None) for one in found)


def test_rows_longer_than_are_read_are_told_and_what_follows_is_read(
    texts, score, tmp_path, monkeypatch
):
    monkeypatch.setattr(lines, "MAX_ROW_BYTES", 100)
    long, quoted = b"y" * 350, b'"' + b"z\n" * 60 + b'"'
    rows = b"\n".join([b"salt", long, b"soup", quoted, b"sail", b'"a\nb"', long])
    status, found = score_csv(score, texts, tmp_path, b"text\n" + rows)
    assert status == 3
    errors = {one["row"]: one["error"] for one in found}
    assert errors[2] is errors[4] is None
    assert errors[3] == errors[69] == "A row must have at most 16,777,216 bytes."
    assert errors[5] == "The row is no CSV: unexpected end of data."
    assert errors[65] == errors[5]
    assert errors[66] is errors[67] is None


def test_values_of_csv_that_are_not_the_fields_are_refused_by_the_apis_reader(
    rents, score, tmp_path
):
    header = "area,rooms,garden,kind,district,words\n"
    rows = [
        "84.5,3,true,flat,2,quiet",
        ",3,,,2,quiet",
        '"","3.0",NO,castle," 2 ",""',
        "NA,3,true,flat,2,quiet",
        "84.5,,true,flat,2,quiet",
        "84.5,3.5,maybe,flat,2,quiet",
        "1e39,9007199254740993,1,flat,2,",
    ]
    huge = "body.area: Input should be a number that float32 can hold; "
    huge += "body.rooms: Input should be an integer of at most 53 bits; "
    huge += "body.words: Input should be a valid string"
    status, found = score_csv(score, rents, tmp_path, header + "\n".join(rows))
    assert status == 3
    assert [one["error"] for one in found] == [
        None,
        None,
        None,
        "body.area: Input should be a valid number",
        "body.rooms: Input should be a valid integer",
        "body.rooms: Input should be a valid integer; body.garden: Input should be a valid boolean",
        huge,
    ]
    status, again = score_csv(score, rents, tmp_path, header + rows[3], nulls="NA,?")
    assert (status, again[0]["value"]) == (
        0,
        predict(rents, EXAMPLE | {"area": None, "garden": True, "words": "quiet"}),
    )


def predict(folder, body):
    model = load_predictor(folder)
    return model.predict([model.input.read(body)])[0].value


def test_numbers_as_texts_in_json_lines_are_refused_as_the_api_refuses_them(rents, score, tmp_path):
    rows = [EXAMPLE, EXAMPLE | {"rooms": "3"}, EXAMPLE | {"area": True}, EXAMPLE | {"rooms": 3.0}]
    (tmp_path / "in.jsonl").write_text("\ufeff" + "\n\n".join(map(json.dumps, rows)))
    assert score(rents, "in.jsonl", "out.csv") == 3
    found = read_back(tmp_path / "out.csv")
    assert [(one["row"], one["error"]) for one in found] == [
        ("1", ""),
        ("3", "body.rooms: Input should be a valid integer"),
        ("5", "body.area: Input should be a valid number"),
        ("7", ""),
    ]


def test_columns_of_json_lines_are_those_of_all_rows(texts, score, tmp_path):
    rows = [{"text": "salt"}, {"text": "soup", "n": 1}, [1], {"text": "sail", "deep": {"a": [1]}}]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for out in ("out.csv", "out.parquet"):
        assert score(texts, "in.jsonl", out) == 3
    found = read_back(tmp_path / "out.csv")
    assert [(one["text"], one["n"], one["deep"]) for one in found] == [
        ("salt", "", ""),
        ("soup", "1", ""),
        ("", "", ""),
        ("sail", "", '{"a":[1]}'),
    ]
    found = read_back(tmp_path / "out.parquet")
    assert [(one["text"], one["n"], one["deep"]) for one in found] == [
        ("salt", None, None),
        ("soup", 1, None),
        (None, None, None),
        ("sail", None, '{"a":[1]}'),
    ]


def test_parquet_keeps_its_types_and_nan_is_null(rents, score, tmp_path):
    with duckdb.connect() as database:
        database.execute(
            "COPY (SELECT 'nan'::DOUBLE AS area, 3::TINYINT AS rooms, NULL::BOOLEAN AS garden, "
            "'flat' AS kind, 2::DECIMAL(4, 1) AS district, '' AS words, DATE '2024-05-01' AS day, "
            f"[1, 2] AS list, 'x'::BLOB AS raw) TO '{tmp_path}/in.parquet' (FORMAT parquet)"
        )
    assert score(rents, "in.parquet", "out.parquet") == 0
    assert score(rents, "in.parquet", "out.jsonl") == 0
    (one,), (other,) = (read_back(tmp_path / name) for name in ("out.parquet", "out.jsonl"))
    assert (
        one["value"]
        == other["value"]
        == predict(rents, EXAMPLE | {"area": None, "garden": None, "words": ""})
    )
    assert (str(one["day"]), one["list"], one["raw"]) == ("2024-05-01", [1, 2], b"x")
    assert (other["day"], other["list"], other["raw"]) == ("2024-05-01", [1, 2], "eA==")
    assert other["area"] is None


@pytest.mark.parametrize("out", FORMS)
@pytest.mark.parametrize("source", ["in.csv", "in.jsonl"])
def test_no_rows_give_none(source, out, texts, score, tmp_path):
    (tmp_path / source).write_text("text\n" if source == "in.csv" else "")
    assert score(texts, source, f"out.{out}") == 0
    assert read_back(tmp_path / f"out.{out}") == []
    if out == "csv" and source == "in.csv":
        assert (tmp_path / "out.csv").read_text() == "row,text,label,probability,model,error\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the first line has no names of columns"),
        ("\n\n", "the first line has no names of columns"),
        ("text,text\na,b\n", "these columns appear more than once: text"),
        ("title,body\na,b\n", r"these columns are missing: text \(TEXT= names another one\); "),
        ("text,\na,b\n", "column 2 has no name that can be shown"),
        ("text,label\na,b\n", "has columns with the names of the model's answers: label"),
        ('"text\na', "line 1: it is no CSV"),
    ],
)
def test_table_that_is_none_ends_before_anything_is_written(text, why, texts, score, tmp_path):
    (tmp_path / "in.csv").write_text(text)
    with pytest.raises(StepError, match=why):
        score(texts, "in.csv", "out.csv")
    assert [one.name for one in tmp_path.iterdir()] == ["in.csv"]


def test_columns_of_a_record_are_missing_are_named(rents, score, tmp_path):
    (tmp_path / "in.csv").write_text("area,kind,rooms\n1,flat,2\n")
    with pytest.raises(StepError, match="missing: garden, district, words; those that are there"):
        score(rents, "in.csv", "out.csv")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"text": "body"}, "TEXT= is for models of texts: rents takes records"),
        ({"keep": "area,nope"}, "KEEP= names columns that are not there: nope"),
        ({"prefix": "my_"}, None),
        ({"keep": "none"}, None),
    ],
)
def test_options_choose_the_columns(options, why, rents, score, tmp_path):
    write_table(tmp_path / "in.csv", RECORDS)
    if why:
        with pytest.raises(StepError, match=why):
            score(rents, "in.csv", "out.csv", **options)
        return
    assert score(rents, "in.csv", "out.csv", **options) == 0
    header = (tmp_path / "out.csv").read_text().splitlines()[0]
    assert (
        header
        == {
            "prefix": f"my_row,{','.join(EXAMPLE)},my_value,my_low,my_high,my_model,my_error",
            "keep": "row,value,low,high,model,error",
        }[next(iter(options))]
    )


def test_text_is_in_another_column(texts, score, tmp_path):
    (tmp_path / "in.tsv").write_text(f"id\tnote\n1\t{TEXTS[0]}\n")
    assert score(texts, "in.tsv", "out.jsonl", text="note", keep="id") == 0
    found = read_back(tmp_path / "out.jsonl")
    assert [*found[0]] == ["row", "id", "label", "probability", "model", "error"]
    assert found[0]["label"] == "cooking"


@pytest.mark.parametrize(
    ("places", "why"),
    [
        (("gone.csv", "out.csv"), "gone.csv is not there"),
        (("in.csv", "in.csv"), "IN and OUT are one file"),
        (("in.csv", "no/out.csv"), "is no folder"),
        (("in.csv", "out.xlsx"), "is no table that is read here"),
        ((".", "out.csv"), "is a folder, and hobbies takes no pictures"),
    ],
)
def test_places_that_cannot_be(places, why, texts, score, tmp_path):
    (tmp_path / "in.csv").write_text("text\nsalt\n")
    with pytest.raises(StepError, match=why):
        score(texts, *places)
    assert (tmp_path / "in.csv").read_text() == "text\nsalt\n"
