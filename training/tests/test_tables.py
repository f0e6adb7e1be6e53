"""From tables to examples: read, converted, split and fetched; what is wrong is named by line."""

import csv
import hashlib
import io
import json
import math
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from training.console import StepError
from training.data import origin
from training.data.convert import Unfit, convert
from training.data.dataset import Example
from training.data.origin import Origin, fetch_file
from training.data.source import TableSettings, table_source
from training.data.splits import Split, choose_test
from training.data.table import find_format, read_table
from training.settings.schema import Schema

CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=20)


def read(path, form=None, delimiter=None):
    table = read_table(path, form or find_format(path.name), delimiter)
    return table.names, list(table.rows)


@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(CELLS, min_size=width, max_size=width).filter(any), min_size=1, max_size=6
        )
    ),
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-8-sig"]),
)
def test_csv_is_written_comes_back_with_the_lines(tmp_path_factory, rows, delimiter, encoding):
    file = io.StringIO()
    if len(rows[0]) == 1:  # a header of one name tells no other delimiter
        delimiter = ","
    names = [f"c{n}" for n in range(len(rows[0]))]
    lines = []
    for row in [names, *rows]:
        lines.append(file.getvalue().count("\n") + 1)
        csv.writer(file, delimiter=delimiter, lineterminator="\n").writerow(row)
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(file.getvalue().encode(encoding))
    found, read_rows = read(path)
    assert found == names
    assert [[*row.values.values()] for row in read_rows] == rows
    assert [row.number for row in read_rows] == lines[1:]


def test_field_is_huge_is_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"a,b\n{'x' * 300_000},1\n")
    _, (row,) = read(path)
    assert len(row.values["a"]) == 300_000


def test_delimiter_in_quoted_names_is_no_delimiter(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('"a,b,c";d\n1;2\n')
    assert read(path)[0] == ["a,b,c", "d"]
    path.write_text("a;b,c;d\n1;2,3\n")
    assert read(path, delimiter=",")[0] == ["a;b", "c;d"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "the first line has no names"),
        (b"a,a,b,b\n", "more than once: a, b"),
        (b"a,,b\n", "column 2 has no name"),
        (b'a"b,"c"d\n', "line 1: it is no CSV"),
        (b"a,b\n1,2\n\n1,2,3\n", "line 4: it has 3 values, and there are 2"),
        (b'a,b\n"1\n2",3\n4\n', "line 4: it has 1 values"),
        (b'a,b\n1,2\n"1,2\n', "line 3: it is no CSV"),
        (b"a,b\n1,2\n\xff,2\n", "line 3: it is not UTF-8"),
    ],
)
def test_csv_is_wrong_says_where(tmp_path, data, says):
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    with pytest.raises(StepError, match=says):
        read(path)


def test_json_lines_are_read_with_nulls_for_what_is_missing(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n\n{"b": true, "a": null}\n')
    names, rows = read(path)
    assert names == ["a", "b"]
    assert [(row.number, row.values) for row in rows] == [
        (1, {"a": 1, "b": None}),
        (3, {"a": None, "b": True}),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no rows"),
        ('{"a": 1}\n[1]\n', "line 2: it is no JSON object"),
        ('{"a": 1}\n{\n', "line 2: it is not JSON"),
        ("[" * 200_000, "line 1: it is not JSON"),
        ('{"": 1}\n', "column 1 has no name"),
    ],
)
def test_json_lines_are_wrong_says_where(tmp_path, text, says):
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    with pytest.raises(StepError, match=says):
        read(path)


def test_parquet_is_read_with_values_as_json_has_them(tmp_path):
    path = tmp_path / "a.parquet"
    duckdb.sql(
        "SELECT * FROM (VALUES (1, 1.5::DECIMAL(4, 2), 'a', true, DATE '2024-01-31'),"
        " (NULL, NULL, NULL, NULL, NULL)) rows(n, d, s, b, t)"
    ).write_parquet(str(path))
    names, rows = read(path)
    assert names == ["n", "d", "s", "b", "t"]
    assert [(row.number, [*row.values.values()]) for row in rows] == [
        (1, [1, 1.5, "a", True, "2024-01-31"]),
        (2, [None] * 5),
    ]


def test_file_is_no_parquet_says_so(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 but not really PAR1")
    with pytest.raises(StepError, match="is no Parquet file"):
        read(path)


def test_format_is_unknown_says_which_there_are():
    with pytest.raises(StepError, match=r"a\.xlsx is no table .*\.csv.*\.parquet"):
        find_format("a.xlsx")


@pytest.mark.parametrize(
    ("value", "kind", "found"),
    [
        ("1.50", "number", 1.5),
        (" -2e3 ", "number", -2000.0),
        (7, "number", 7.0),
        ("12345678901234567", "integer", 12345678901234567),
        ("5.0", "integer", 5),
        (5.0, "integer", 5),
        ("YES", "boolean", True),
        ("0", "boolean", False),
        (1, "boolean", True),
        (False, "boolean", False),
        (1.5, "category", "1.5"),
        (True, "text", "true"),
        (" a ", "text", " a "),
        ("None", "category", "None"),
        ("", "number", None),
        ("NA", "text", None),
        (None, "boolean", None),
        (math.nan, "integer", None),
    ],
)
def test_value_is_converted(value, kind, found):
    converted = convert(value, kind, ("", "NA"))
    assert (converted, type(converted)) == (found, type(found))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        *((one, "number") for one in ("a", "1_000", "nan", "inf", "1e999", "١٢", "1,5", True, [1])),
        *((one, "integer") for one in ("1.5", 1.5, "1_0", True, "9" * 400, math.inf, {})),
        *((one, "boolean") for one in ("2", "on", 2, 1.5, [])),
        *((one, "text") for one in ([1], {}, "\ud800")),
        (10**400, "number"),
    ],
)
def test_value_does_not_fit_is_refused(value, kind):
    with pytest.raises(Unfit):
        convert(value, kind, ("",))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_number_is_written_comes_back(value):
    assert convert(repr(value), "number", ()) == value


TARGETS = ["a"] * 30 + ["b"] * 10
GROUPS = [n // 4 for n in range(40)]
DAYS = [f"2024-{1 + n // 20:02}-{1 + n % 20:02}" for n in range(40)]


@pytest.mark.parametrize(
    ("split", "column"),
    [
        (Split(), []),
        (Split(by="stratified"), []),
        (Split(by="group", column="g"), GROUPS),
        (Split(by="time", column="t"), DAYS),
        (Split(by="time", column="t"), [str(n) for n in range(40)]),
    ],
)
def test_split_is_the_same_each_time_and_has_its_share(split, column):
    test = choose_test(split, TARGETS, column)
    assert test == choose_test(split, TARGETS, column) == sorted(set(test))
    assert len(test) == 8
    if split.by == "stratified":
        assert sum(TARGETS[place] == "b" for place in test) == 2
    if split.by == "group":
        assert not {GROUPS[n] for n in test} & {GROUPS[n] for n in range(40) if n not in test}
    if split.by == "time":
        assert test == [*range(32, 40)]


def test_times_of_the_bound_are_all_in_the_test_part():
    assert choose_test(Split(by="time", column="t", share=0.1), "x" * 6, list("112333")) == [
        3,
        4,
        5,
    ]


@pytest.mark.parametrize(
    ("split", "targets", "column", "says"),
    [
        (Split(by="stratified"), [*"aab"], [], "least populated class"),
        (Split(by="time", column="t"), [*"ab"], ["2024-01-01", None], "has nulls"),
        (Split(by="time", column="t"), [*"ab"], ["31.01.2024", "01.02.2024"], "Invalid isoformat"),
        (Split(by="time", column="t"), [*"ab"], ["3", "3"], "one value at its end"),
        (Split(by="group", column="g"), [*"ab"], ["1", "1"], "params.yaml: prepare.split"),
    ],
)
def test_examples_cannot_be_split_says_why(split, targets, column, says):
    with pytest.raises(StepError, match=says):
        choose_test(split, targets, column)


@pytest.mark.parametrize("wrong", [{"by": "time"}, {"by": "random", "column": "a"}])
def test_split_lacks_its_column_or_has_one_too_many_is_refused(wrong):
    with pytest.raises(ValidationError, match="needs"):
        Split.model_validate(wrong)


LABELS = [{"id": "yes", "title": "Yes"}, {"id": "no", "title": "No"}]
FIELDS = [{"name": "size", "type": "integer"}, {"name": "new", "type": "boolean"}]
RECORDS = Schema(labels=LABELS, fields=FIELDS)
TEXTS = Schema(labels=LABELS)


def split_table(folder, table, schema=RECORDS, test="", **settings):
    Path(folder, "data").write_text(table)
    found = {"data": {"path": "a.csv"}, "target": "said", **settings}
    if test:
        Path(folder, "test").write_text(test)
        found["test"] = {"path": "b.csv"}
    return table_source("").split(folder, TableSettings.model_validate(found), schema)


def test_official_test_part_is_taken_with_its_own_lines(tmp_path):
    train, test = split_table(
        tmp_path, "said,size,new\nyes,1,no\n", test="size,new,said\n,yes,no\n"
    )
    assert train == [Example(2, "yes", {"size": 1, "new": False})]
    assert test == [Example(2, "no", {"size": None, "new": True})]


def test_columns_stand_in_another_order_the_parts_are_the_same(tmp_path):
    rows = [("yes" if n % 3 else "no", n, "no") for n in range(30)]
    parts = []
    for order in ([0, 1, 2], [2, 1, 0]):
        lines = [[row[place] for place in order] for row in [("said", "size", "new"), *rows]]
        text = "\n".join(",".join(map(str, line)) for line in lines)
        parts.append(split_table(tmp_path, text, split={"by": "stratified"}))
    assert parts[0] == parts[1]
    assert [len(one) for one in parts[0]] == [24, 6]


def test_targets_that_are_skipped_are_in_no_part(tmp_path):
    text = "said,text\nyes,a\n,b\nwell,c\nno,d\n"
    train, test = split_table(tmp_path, text, TEXTS, text=["text"], skip=["", "well"])
    assert sorted(one.row for one in [*train, *test]) == [2, 5]


def test_text_of_several_columns_is_joined_by_lines(tmp_path):
    text = "said,title,body\nyes,a,b\nno,,c\n"
    train, test = split_table(tmp_path, text, TEXTS, text=["title", "body"])
    assert {one.input for one in [*train, *test]} == {"a\nb", "c"}


@pytest.mark.parametrize(
    ("text", "settings", "schema", "says"),
    [
        ("said,size\nyes,1\n", {}, RECORDS, "has no column new: it has said, size"),
        ("said,size,new\nyes,1.5,no\n", {}, RECORDS, "line 2, column size: '1.5' is not a whole"),
        ("said,size,new\n,1,no\n", {}, RECORDS, "line 2: there is no said, which is the target"),
        ("said,size,new\nyes,1,no\n", {"text": ["size"]}, RECORDS, "take out prepare.text"),
        ("said,text\nyes,1\n", {}, TEXTS, "write prepare.text"),
    ],
)
def test_table_does_not_fit_the_schema_says_what_and_where(tmp_path, text, settings, schema, says):
    with pytest.raises(StepError, match=says):
        split_table(tmp_path, text, schema, **settings)


DATA = b"some data\n"
PIN = hashlib.sha256(DATA).hexdigest()


def test_file_of_the_repository_is_copied_by_hash_or_not_at_all(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_bytes(DATA)
    Path("raw").mkdir()
    fetch_file(Origin(path="a.csv", sha256=PIN), Path("raw/data"))
    assert Path("raw/data").read_bytes() == DATA
    for pin, says in ((None, f"write 'sha256: {PIN}'"), ("0" * 64, f"has sha256 {PIN}")):
        with pytest.raises(StepError, match=says):
            fetch_file(Origin(path="a.csv", sha256=pin), Path("raw/other"))
    with pytest.raises(StepError, match=r"no\.csv is missing: .\.venv/bin/dvc pull no\.csv"):
        fetch_file(Origin(path="no.csv", sha256=PIN), Path("raw/other"))
    assert [one.name for one in Path("raw").iterdir()] == ["data"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({}, "one of path, url and s3"),
        ({"path": "a", "url": "https://a/b"}, "one of path, url and s3"),
        ({"url": "http://example.org/a.csv"}, "https"),
        ({"s3": "bucket/key"}, "s3"),
        ({"path": "/etc/hosts"}, "in the repository"),
        ({"path": "../a.csv"}, "in the repository"),
        ({"path": "a.csv", "sha256": "F" * 64}, "sha256"),
    ],
)
def test_origin_is_none_is_refused(wrong, says):
    with pytest.raises(ValidationError, match=says):
        Origin.model_validate(wrong)


class _Files(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/none":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(DATA) + (self.path == "/cut")))
        self.end_headers()
        self.wfile.write(DATA)

    def log_message(self, *_):
        """Nothing: these are tests."""


@pytest.fixture
def address(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Files) as server:
        Thread(target=partial(server.serve_forever, poll_interval=0.05), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_address_is_read_whole_or_says_what_is_wrong(tmp_path, address):
    origin._download(f"{address}/data", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA
    for path, says in (("none", "answers 404"), ("cut", "ended after 10 of 11 bytes")):
        with pytest.raises(StepError, match=says):
            origin._download(f"{address}/{path}", tmp_path / "b")


def test_nobody_answers_says_so(tmp_path, address):
    with pytest.raises(StepError, match=r"cannot be fetched .* check the network"):
        origin._download("http://127.0.0.1:9/a", tmp_path / "a")


def test_object_of_a_bucket_is_read_or_says_what_is_wrong(tmp_path, bucket):
    bucket.write({"data/a.csv": DATA})
    fetch_file(Origin(s3=f"{bucket.url}/data/a.csv", sha256=PIN), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA
    with pytest.raises(StepError, match=r"s3://models/none cannot be fetched .*: check it"):
        fetch_file(Origin(s3=f"{bucket.url}/none", sha256=PIN), tmp_path / "b")


def test_settings_are_as_params_have_them():
    written = json.loads(
        '{"data": {"url": "https://a/b.csv"}, "target": "t", "nulls": ["", "NA"], "skip": ["x"]}'
    )
    assert TableSettings.model_validate(written).nulls == ("", "NA")


def test_first_column_without_a_name_is_the_index_of_pandas(tmp_path):
    table = write(tmp_path, ",a,b\n0,1,2\n1,3,4\n")
    assert table.names == ["index", "a", "b"]
    assert [row.values["b"] for row in table.rows] == ["2", "4"]


@pytest.mark.parametrize(("row", "says"), [("1", "write nothing between"), ("1,2,3", "not quoted")])
def test_row_is_too_short_or_too_long_says_what_may_be_meant(tmp_path, row, says):
    with pytest.raises(StepError, match=says):
        list(write(tmp_path, f"a,b\n{row}\n").rows)


def write(folder, text):
    path = folder / "table.csv"
    path.write_text(text)
    return read_table(path, "csv")
