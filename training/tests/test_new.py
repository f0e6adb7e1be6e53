"""`make new`: of any table a folder that can be trained as it stands, or an error that says why."""

import json
import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from serving.app.engines.predictor import load_predictor
from serving.app.inputs import find_input
from serving.tests.tracked import ROOT
from training import models
from training.console import StepError
from training.inputs import describe_input
from training.new import __main__ as new
from training.new.alphabets import choose_vectorizer, tell_alphabets
from training.new.columns import find_nulls, guess_type
from training.new.guess import FEWEST_ROWS, guess_model
from training.new.plan import Planned, make_prepare, make_schema, plan_files
from training.new.render import write_flow
from training.paths import Paths
from training.settings.params import Params
from training.settings.schema import GOLDEN, Schema
from training.settings.written import check_form
from training.tests.conftest import run

ROWS = 120


def read_yaml(text):
    return YAML(typ="safe").load(text)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2", " 3 "], "integer"),
        (["1", "2.0"], "number"),
        ([".5", "1e3", "-2."], "number"),
        (["1_000", "2"], "category"),
        (["nan", "1"], "category"),
        (["007", "123"], "category"),
        (["0", "1"], "integer"),
        (["9007199254740993", "1"], "category"),
        (["1e39", "1"], "huge"),
        (["3,14", "1.234,5"], "comma"),
        (["true", "False"], "boolean"),
        (["yes", "no"], "boolean"),
        (["yes", "maybe"], "category"),
        ([True, False], "boolean"),
        ([1, 2], "integer"),
        ([1, 2.5], "number"),
        ([1, "a"], "category"),
        (["2024-01-31", "2023-12-01"], "date"),
        (["31.01.2024", "1/2/24"], "local date"),
        (["2024-01-31T10:00:00Z"], "date"),
        ([[1], [2]], "nested"),
        ([], "empty"),
        (["A longer text that somebody wrote", "another one that is long"], "text"),
        (["A longer category than most are"] * 3, "category"),
        (["这个产品质量很好我", "质量太差了不推荐买"], "text"),
        (["北京", "上海"], "category"),
    ],
)
def test_values_have_a_type(values, kind):
    assert guess_type(values) == kind


def test_null_is_what_spoils_a_column_of_another_type():
    table = {"a": ["1", "NA", " "], "b": ["x", "None", "y"], "c": [True, None, False]}
    assert find_nulls(table) == ("", " ", "NA")


def make_table(**columns):
    """A table that can be learned from: `kind` tells the target most of the time."""
    rng = random.Random(1)
    kinds = [rng.choice(["red", "blue"]) for _ in range(ROWS)]
    said = ["yes" if (one == "red") != (rng.random() < 0.1) else "no" for one in kinds]
    size = [f"{rng.uniform(1, 9):.2f}" for _ in range(ROWS)]
    return {"kind": kinds, "size": size, "said": said, **columns}


def guess(table, target="said", text=(), task=None):
    return guess_model(table, target, text, task)


def test_columns_that_are_no_field_are_left_out_with_the_reason():
    found = guess(
        make_table(
            id=[f"C{n:04}" for n in range(ROWS)],
            number=[str(n) for n in range(ROWS)],
            constant=["a"] * ROWS,
            day=[f"{1 + n % 28:02}.01.2024" for n in range(ROWS)],
            missing=["1", "2", *[""] * (ROWS - 2)],
            remark=[f"a remark of somebody about row {n}" for n in range(ROWS)],
            price=[f"{n},50" for n in range(ROWS)],
            tags=[["a"]] * ROWS,
        )
    )
    assert [one.name for one in found.fields] == ["kind", "size"]
    assert {
        name: reason.partition(":")[0].partition(",")[0] for name, reason in found.left_out.items()
    } == {
        "id": "an id",
        "number": "an id",
        "constant": "one value alone",
        "day": "dates that nobody reads for sure",
        "missing": "nulls in more than 90% of the rows",
        "remark": "free text",
        "price": "numbers with a decimal comma",
        "tags": "lists or objects",
    }


def test_task_is_guessed_by_the_target_and_can_be_said():
    table = make_table(few=[str(n % 5) for n in range(ROWS)])
    assert guess(table).task == guess(table, "few").task == "classification"
    assert any("TASK=regression" in one for one in guess(table, "few").doubts)
    assert guess(table, "size").task == guess(table, "few", task="regression").task == "regression"


def test_rows_without_target_and_rare_labels_are_skipped_and_said():
    table = make_table()
    table["said"][:3] = ["", "rare", "rare"]
    found = guess(table)
    assert found.skip == ("", "rare")
    assert found.rows == ROWS - 3
    assert "1 rows have no said" in found.doubts[0]
    assert "'rare' (2)" in found.doubts[1]


def test_rows_that_repeat_and_contradict_are_said():
    table = {"kind": ["a", "b"] * 60, "said": ["x", "y"] * 40 + ["x", "x"] * 20}
    assert guess(table).doubts == [
        "118 rows repeat the input of another one",
        "1 of them have another label than that one",
    ]


@pytest.mark.parametrize(
    ("table", "target", "says"),
    [
        (make_table(), "other", "the table has no column other: it has kind, size, said"),
        (make_table(one=["a"] * ROWS), "one", "one has only one value"),
        (make_table(id=[f"C{n}" for n in range(ROWS)]), "id", "id has 120 values, of which 0"),
        ({"a": ["x", "y"] * 20, "b": ["x", "y"] * 20}, "a", "40 rows have a a to learn: at least"),
        ({"a": ["x", "y"] * 60}, "a", "the target is the only one"),
        ({"a": ["x", "y"] * 60, "b": ["1"] * 120}, "a", "b: one value alone"),
        (make_table(tags=[["a"], ["b"]] * 60), "tags", "a label is a text or a number"),
    ],
)
def test_no_model_can_be_made_says_why(table, target, says):
    with pytest.raises(StepError, match=says):
        guess(table, target)


def test_target_of_a_regression_is_no_number_or_one_alone_says_so():
    for name, says in (("kind", "of the type category"), ("one", "the same one")):
        with pytest.raises(StepError, match=says):
            guess(make_table(one=["1"] * ROWS), name, task="regression")


TEXTS = {
    "de": "Die Lieferung war schnell und das Gerät läuft sehr gut",
    "ru": "Отличный телефон и быстрая доставка очень доволен покупкой",
    "zh": "这个产品质量很好我非常喜欢",
    "th": "สินค้าคุณภาพดีมากจัดส่งรวดเร็ว",
    "hi": "यह उत्पाद बहुत अच्छा है और जल्दी मिला",
}


@pytest.mark.parametrize(
    ("languages", "analyzer", "alphabets"),
    [
        (["de"], None, "Latin (100%)"),
        (["de", "ru"], None, "Cyrillic (53%), Latin (47%)"),
        (["zh"], "char", "Cjk (100%)"),
        (["de", "th"], "char", None),
        (["hi"], "char_wb", "Devanagari (100%)"),
    ],
)
def test_vectorizer_is_by_the_alphabet(languages, analyzer, alphabets):
    texts = [TEXTS[one] for one in languages]
    assert choose_vectorizer(texts).get("analyzer") == analyzer
    assert alphabets in (None, tell_alphabets(texts))


def write_table(path, table):
    rows = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def plan(folder, table, target="said", text=(), task=None):
    data = write_table(folder / "data.jsonl", table)
    guessed = guess_model(new.read_columns(data), target, text, task)
    planned = Planned("sample", guessed, Path("training/models/sample/sample.jsonl"), "0" * 64)
    return planned, plan_files(planned, data)


def check_files(planned, files):
    """The files are as the steps want them."""
    schema = check_form(Schema, json.loads(files["schema.json"]), "schema")
    params = check_form(Params, read_yaml(files["params.yaml"]), "params")
    assert params.prepare == json.loads(json.dumps(make_prepare(planned)))
    golden = check_form(GOLDEN[schema.task], json.loads(files["golden.json"]), "golden")
    for name in ("features.py", "model.py", "source.py"):
        compile(files[name], name, "exec")
    fields = [
        {"name": one.name, "type": one.type, "nullable": True, "example": None}
        for one in schema.fields or ()
    ]
    kind = {"kind": "record", "fields": fields} if fields else describe_input(schema, [])
    for one in golden:
        find_input(kind).read(one.input)
    return schema, params


@pytest.mark.slow
def test_field_that_tells_the_target_is_left_out(tmp_path):
    table = make_table()
    planned, files = plan(tmp_path, table | {"after": [f"was {one}" for one in table["said"]]})
    assert "tells the target by itself" in planned.guess.left_out["after"]
    schema, _ = check_files(planned, files)
    assert [one.name for one in schema.fields] == ["kind", "size"]


def test_gates_ask_for_half_of_what_a_first_trial_gained(tmp_path):
    _, files = plan(tmp_path, make_table())
    params = read_yaml(files["params.yaml"])
    assert 0.1 < params["evaluate"]["min_gain_over_baseline"] < 0.25
    assert 0.5 < params["evaluate"]["min_macro_f1"] < 0.75


@pytest.mark.slow
def test_label_is_rare_accuracy_is_not_asked_for(tmp_path):
    rare = [n % 12 == 0 for n in range(ROWS)]
    table = {"size": [str(n % 7 + 2 * one) for n, one in enumerate(rare)]}
    _, files = plan(tmp_path, {**table, "said": ["yes" if one else "no" for one in rare]})
    assert [*read_yaml(files["params.yaml"])["evaluate"]] == ["min_macro_f1"]


@pytest.mark.slow
def test_input_says_nothing_of_the_target_is_doubted(tmp_path):
    rng = random.Random(3)
    planned, _ = plan(tmp_path, {**make_table(), "said": [rng.choice("ab") for _ in range(ROWS)]})
    doubt = "logistic_regression is hardly better at said than a guess that ignores the input"
    assert doubt in planned.guess.doubts
    planned, _ = plan(tmp_path, make_table())
    assert doubt not in planned.guess.doubts


TABLES = {
    "labels": (make_table(nul=["", "1"] * 60, flag=["true", "false", ""] * 40), "said", None),
    "values": (make_table(), "size", None),
    "dates": (
        make_table(day=[f"2024-01-{1 + n % 28:02}" if n % 9 else "" for n in range(ROWS)]),
        "said",
        None,
    ),
    "skewed": (make_table(price=[str(1.1**n) for n in range(ROWS)]), "price", None),
    "categories": ({**make_table(), "size": ["a", "b"] * 60}, "said", None),
    "numbers": ({**make_table(), "kind": ["1", "5"] * 60}, "said", None),
    "texts": (
        {
            "said": ["yes", "no"] * 60,
            "text": [f"{TEXTS['de' if n % 2 else 'ru']} {n}" for n in range(ROWS)],
        },
        "said",
        None,
    ),
    "valued texts": (
        {
            "said": [str(n % 2 + n / 100) for n in range(ROWS)],
            "text": [f"{TEXTS['de' if n % 2 else 'ru']} {n}" for n in range(ROWS)],
        },
        "said",
        "regression",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_folder_is_as_the_formatter_and_the_linter_want_it(tmp_path, name):
    table, target, task = TABLES[name]
    planned, files = plan(tmp_path, table, target, task=task)
    check_files(planned, files)
    for file in ("features.py", "model.py", "source.py"):
        (tmp_path / file).write_text(files[file])
    config = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    for command in (["format", "--check"], ["check", "--ignore", "INP001"]):
        done = subprocess.run(
            [ROOT / ".venv/bin/ruff", *command, *config, tmp_path], capture_output=True, check=False
        )
        assert done.returncode == 0, done.stdout.decode()


CELLS = {
    "days": st.dates().map(str) | st.just(""),
    "numbers": st.integers(-(10**6), 10**6).map(str) | st.just(""),
    "measures": st.floats(-1e6, 1e6).map(lambda one: f"{one:.3f}") | st.sampled_from(["NA", ""]),
    "truths": st.sampled_from(["yes", "no", ""]),
    "kinds": st.sampled_from(["a", "b", "ç", 'd"', "None", "1", "\n"]),
    "texts": st.text(st.characters(codec="utf-8"), max_size=60),
    "mixed": st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-9, 9) | st.just("x"),
}
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=9)


@st.composite
def tables(draw):
    rows = draw(st.integers(FEWEST_ROWS - 2, FEWEST_ROWS + 100))
    names = draw(st.lists(NAMES, min_size=2, max_size=5, unique=True))
    kinds = [draw(st.sampled_from(sorted(CELLS))) for _ in names]
    rng = random.Random(draw(st.integers(0, 9)))
    pools = [draw(st.lists(CELLS[kind], min_size=2, max_size=40)) for kind in kinds]
    return {name: rng.choices(pool, k=rows) for name, pool in zip(names, pools, strict=True)}


@pytest.mark.slow
@settings(max_examples=8, suppress_health_check=[*HealthCheck], deadline=None)
@given(tables())
@example({"\n": ["a"] * 60, "b": ["1"] * 60})
@example({'y"\\': ["a", "b"] * 30, "x|`": ["a", "b", "c"] * 20})
def test_any_table_is_a_folder_or_an_error_that_says_why(tmp_path_factory, table):
    try:
        planned, files = plan(tmp_path_factory.mktemp("new"), table, next(iter(table)))
    except StepError as error:
        assert str(error)  # noqa: PT017 - an error is as good as a folder
        return
    schema, params = check_files(planned, files)
    assert make_schema(planned.guess).model_dump() == schema.model_dump()
    assert params.evaluate.model_fields_set & {"min_gain_over_baseline", "min_macro_f1"}


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_value_is_written_to_yaml_comes_back(value):
    assert read_yaml(f"a: {write_flow(value)}\n") == {"a": value}


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository of git and DVC with no model, and a table."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    Path("training/models").mkdir(parents=True)
    Path("models.yaml").write_text("models:\n  - other\n")
    write_table(tmp_path / "data.jsonl", make_table())
    return tmp_path


ARGUMENTS = ["--name", "sample", "--data", "data.jsonl", "--target", "said"]


def test_folder_is_written_tracked_and_named(repository, capfd):
    for command in (["git", "init", "-q"], ["dvc", "init", "-q"]):
        subprocess.run(command, check=True, env={"PATH": f"{ROOT}/.venv/bin:/usr/bin:/bin"})
    new.main(ARGUMENTS)
    home = Path("training/models/sample")
    code = {"__init__.py", "features.py", "model.py", "source.py"}
    words = {"params.yaml", "schema.json", "golden.json", "README.md"}
    data = {"sample.jsonl", "sample.jsonl.dvc", ".gitignore"}
    assert {one.name for one in home.iterdir()} == code | words | data
    assert (home / "sample.jsonl").read_bytes() == Path("data.jsonl").read_bytes()
    assert Path("models.yaml").read_text() == "models:\n  - other\n  - sample\n"
    said = capfd.readouterr().out
    assert "guessed: classification of said, by a record" in said
    assert said.endswith("train and serve it: make serve MODEL=sample\n")
    with pytest.raises(StepError, match="there is a model sample"):
        new.main(ARGUMENTS)


@pytest.mark.slow
def test_new_model_is_trained_as_it_stands_and_serves(workspace, monkeypatch):
    # Its features.py is what its pickle names.
    places = [*models.__path__, str(Path("training/models").resolve())]
    monkeypatch.setattr(models, "__path__", places)
    table, target, _ = TABLES["dates"]
    write_table(Path("data.jsonl"), table)
    run(
        *("training.new", "--name", "brandnew"),
        *("--data", "data.jsonl", "--target", target),
    )
    run("training.run_dvc", "repro", "bundle@brandnew")
    predictor = load_predictor(Paths("brandnew").bundle)
    for one in predictor.manifest.golden:
        record = find_input(predictor.manifest.input).read(one["input"])
        other = find_input(predictor.manifest.input).read({**one["input"], "day": "no date"})
        (answer, _) = predictor.predict([record, other])
        assert answer.label.id == one["label"]


def test_dvc_does_not_take_the_data_leaves_nothing(repository):
    with pytest.raises(StepError, match=r"DVC does not take training/models/sample/sample\.jsonl"):
        new.main(ARGUMENTS)
    assert [*Path("training/models").iterdir()] == []
    assert Path("models.yaml").read_text() == "models:\n  - other\n"
    assert [*Path(".local").iterdir()] == []


@pytest.mark.parametrize("name", ["", "A", "a-b", "a_b", "1a", "class", "../a"])
def test_name_is_none_says_what_one_is(name):
    with pytest.raises(StepError, match="choose another NAME"):
        new.check_name(name)


def test_text_is_several_columns_or_one_with_a_comma():
    assert new.split_names("a, b", ["a", "b"]) == ["a", "b"]
    assert new.split_names("a,b", ["a,b"]) == ["a,b"]
    assert new.split_names("", ["a"]) == []


@pytest.mark.parametrize("name", ["none.csv", "empty.csv", "rowless.csv"])
def test_file_is_missing_or_has_no_rows_says_so(repository, name):
    Path("empty.csv").write_text("")
    Path("rowless.csv").write_text("a,b\n")
    with pytest.raises(StepError, match=name):
        new.main([*ARGUMENTS[:2], "--data", name, "--target", "a"])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "NAME=, DATA=, TARGET= must be given"),
        (["--name", "a", "--data", "a.csv"], "^TARGET= must be given"),
    ],
)
def test_argument_is_missing_it_is_named(given, says):
    empty = ["--name", "", "--data", "", "--target", ""]
    with pytest.raises(StepError, match=says):
        new.main([*empty, *given])
