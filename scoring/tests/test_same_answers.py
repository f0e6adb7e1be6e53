"""What is written of a row is what the handler answers to it, whatever it is."""

import csv
import io
import json
import math
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from serving.app.engines.frozen.engine import FrozenEngine
from serving.bundle.manifest import read_manifest
from serving.tests.images import PICTURES, encode, save, to_png
from serving.tests.model.conftest import load
from serving.tests.records import RECORDS
from serving.tests.sample import TEXTS, change_manifest
from training.paths import Paths, list_models

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "12", " 7 ", "true", "flat", "castle", "a\nb", 'say "no"', "é", "\u0000"]),
    st.text(max_size=8),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)
LINES = st.sampled_from(
    [
        *("[]", "7", "null", '"text"', "{", "{}", "[" * 30 + "]" * 30, "NaN", "\ufeff{}"),
        *('{"text": "a", "text": "b"}', '{"text": NaN}', '{"text": 1e999}', '{"text": "\\ud800"}'),
        *(
            '{"area": 1, "area": 2}',
            '{"image": ' + "9" * 31 + "}",
            '{"image": {"a": [[[[[[[1]]]]]]]}}',
        ),
    ]
)


@st.composite
def bodies(draw, good):
    """A line of JSON: a body that is good, one with something odd in it, or none at all."""
    body = dict(draw(st.sampled_from(good)))
    change = draw(st.sampled_from(["none", "none", "odd", "missing", "line"]))
    if change == "line":
        return draw(LINES)
    name = draw(st.sampled_from(sorted(body)))
    if change == "odd":
        body[name] = draw(ODD)
        if name == "image" and isinstance(body[name], str):
            body[name] = body[name].replace(".", "")  # with a dot it would be a file's path
    if change == "missing":
        del body[name]
    return json.dumps(body, ensure_ascii=draw(st.booleans()))


def good_bodies(kind):
    if kind == "text":
        return [{"text": text} for text in TEXTS]
    if kind == "record":
        return RECORDS
    cut, turned = PICTURES[0][:60], to_png(np.eye(9, dtype=np.uint8) * 255)
    return [{"image": encode(one)} for one in (*PICTURES[:6], cut, turned, b"GIF89a", b"")]


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)
@given(data=st.data())
def test_rows_are_what_the_handler_answers(bundle, start_service, score, tmp_path, data):
    good = good_bodies(read_manifest(bundle).input["kind"])
    # One that is whole names the columns.
    lines = [json.dumps(good[0]), *data.draw(st.lists(bodies(good), max_size=12))]
    check_rows(bundle, lines, start_service(bundle), score, tmp_path)


def check_rows(bundle, lines, client, score, tmp_path):
    """Hold what is written of each line against what the handler answers to it, and give that."""
    manifest = read_manifest(bundle)
    (tmp_path / "in.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    expected = [expect(client.request(body=line), manifest) for line in lines]
    status = score(bundle, "in.jsonl", "out.jsonl", fresh=True)
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [one.pop("row") for one in rows] == [*range(1, len(lines) + 1)]
    for row, (answer, wanted) in zip(rows, expected, strict=True):
        names = [*answer]
        assert {name: row[name] for name in names} == answer, wanted
    assert status == (3 if any(answer["error"] for answer, _ in expected) else 0)
    return [answer for answer, _ in expected]


@pytest.mark.trained
@pytest.mark.parametrize("name", list_models())
def test_golden_examples_of_a_trained_model_are_scored_as_the_handler_answers(
    name, start_service, score, tmp_path
):
    paths = Paths(name)
    golden = [json.dumps(one["input"]) for one in load(paths).manifest.golden]
    answers = check_rows(paths.bundle, golden, start_service(paths.bundle), score, tmp_path)
    assert answers
    assert not any(one["error"] for one in answers)


def expect(answer, manifest):
    """What is written of a row, by what the handler says of it."""
    said = answer.json
    names = {"classification": ("label", "probability"), "regression": ("value", "low", "high")}
    row = dict.fromkeys(names[manifest.task]) | {"model": manifest.version, "error": None}
    if answer.status == 200:
        flat = said | (said.get("interval") or {})
        return row | {name: flat[name] for name in names[manifest.task]}, said
    rules = [f"{one['place']}: {one['rule']}" for one in said.get("errors", ())]
    return row | {"error": "; ".join(rules) or said["detail"]}, said


def test_no_finite_value_is_an_error_of_that_row_alone(start_service, score, tmp_path, rents):
    folder = tmp_path / "far"
    shutil.copytree(rents, folder)
    interval = {"kind": "ratio", "low": 1.0, "high": 1e308, "coverage": 0.9}
    change_manifest(folder, interval=interval)
    lines = [json.dumps(one) for one in RECORDS[:30]]
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    manifest = read_manifest(folder)
    client = start_service(folder)
    expected = [expect(client.request(body=line), manifest)[0] for line in lines]
    assert score(folder, "in.jsonl", "out.jsonl", keep="none") == 3
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [{**one, "row": 0} for one in rows] == [{**one, "row": 0} for one in expected]


def test_a_row_the_model_cannot_take_is_an_error_of_that_row_alone(
    monkeypatch, score, tmp_path, rents
):
    whole = FrozenEngine.score

    def refuse(self, values):
        if any(math.isclose(value[0] or 0, 66.5) for value in values):
            raise ZeroDivisionError
        return whole(self, values)

    monkeypatch.setattr(FrozenEngine, "score", refuse)
    rows = [one | {"area": 66.5} if place in (3, 17) else one for place, one in enumerate(RECORDS)]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert score(rents, "in.jsonl", "out.jsonl") == 3
    written = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    errors = {one["row"]: one["error"] for one in written if one["error"]}
    assert errors == {
        4: "Internal error (ZeroDivisionError)",
        18: "Internal error (ZeroDivisionError)",
    }
    assert all((one["value"] is None) == (one["row"] in errors) for one in written)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_pictures_of_a_folder_and_of_paths_are_answered_as_those_in_base64(
    kind, pictures, score, tmp_path
):
    folder = tmp_path / "in" / "deep"
    folder.mkdir(parents=True)
    suffix = {"JPEG": "JPG", "PNG": "png"}[kind]
    for number, data in enumerate(PICTURES[:12]):
        (folder / f"{number:02}.{suffix}").write_bytes(save(Image.open(io.BytesIO(data)), kind))
    (folder / f"12.{suffix}").write_bytes(b"GIF89a")
    (folder / "notes.txt").write_text("no picture")
    names = sorted(f"deep/{one.name}" for one in folder.glob(f"*.{suffix}"))
    assert score(pictures, "in", "folder.csv") == 3
    (tmp_path / "paths.csv").write_text("image\n" + "".join(f"in/{one}\n" for one in names))
    assert score(pictures, "paths.csv", "paths.jsonl") == 3
    lines = [json.dumps({"image": encode((tmp_path / "in" / one).read_bytes())}) for one in names]
    (tmp_path / "base64.jsonl").write_text("\n".join(lines))
    assert score(pictures, "base64.jsonl", "base64.jsonl.jsonl", keep="none") == 3
    with (tmp_path / "folder.csv").open(newline="") as file:
        by_folder = [*csv.DictReader(file)]
    by_path = [json.loads(one) for one in (tmp_path / "paths.jsonl").read_text().splitlines()]
    direct = [json.loads(one) for one in (tmp_path / "base64.jsonl.jsonl").read_text().splitlines()]
    assert [one["image"] for one in by_folder] == names
    assert [one["label"] for one in by_folder[:12]] == [one["label"] for one in direct[:12]]
    assert [float(one["probability"]) for one in by_folder[:12]] == [
        one["probability"] for one in direct[:12]
    ]
    assert [one["probability"] for one in by_path] == [one["probability"] for one in direct]
    assert {one[12]["error"] for one in (by_folder, by_path, direct)} == {
        "The picture must be PNG or JPEG"
    }


def test_path_of_no_picture_is_a_row_with_an_error(pictures, score, tmp_path):
    (tmp_path / "in.csv").write_text("id,image\n1,gone.png\n2,in.csv\n3,.\n")
    assert score(pictures, "in.csv", "out.jsonl") == 3
    rows = [json.loads(one) for one in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(one["id"], one["error"]) for one in rows] == [
        ("1", "The picture cannot be read: No such file or directory."),
        ("2", "The picture must be PNG or JPEG"),
        ("3", "The picture cannot be read: Is a directory."),
    ]
