"""The report, written from a small model of three classes."""

import csv
import json
import re
from copy import replace
from html.parser import HTMLParser
from pathlib import Path

import joblib
import pytest
import yaml
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from serving.app.engines.terms import Terms
from serving.app.features import normalize
from serving.bundle.manifest import FORMAT, FilePin, Label, Manifest
from serving.bundle.versions import installed_versions
from serving.tests.pipelines import PIPELINES
from training.console import StepError
from training.data.dataset import Example, hash_files, read_examples, write_examples
from training.definition import read_definition
from training.inputs.text import TextInput
from training.reports import report
from training.reports.labels import leading_words
from training.steps import train
from training.tests.conftest import record_model
from training.tests.sample import PATHS, SMALL_PARAMS, put_model

HOSTILE = "<script>alert('x')</script> \"><img src=http://evil.example/x> car engine brakes"
WORDS = {"autos": "car engine brakes", "space": "moon orbit rocket", "wares": "offer price sale"}
LABELS = [
    {"id": label, "title": f"<b>{label}</b>", "description": "a & b", "url": "https://example.org"}
    for label in WORDS
]
LOAD_MS = 12.3


def make_documents(per_class):
    return [
        Example(10 * (index + 1) + number, label, f"{words} {words.split()[number % 3]}")
        for index, (label, words) in enumerate(WORDS.items())
        for number in range(per_class)
    ]


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def write_scores(pipeline):
    definition = read_definition(PATHS)
    task, kind = definition.task, definition.input
    test, train = read_examples(PATHS.test), read_examples(PATHS.train)
    values = kind.shape(one.input for one in test)
    scored = task.score(pipeline, values, task.read_targets(test))
    write_json(PATHS.metrics, task.summarize(scored, task.read_targets(train), None))
    write_json(PATHS.evaluation, task.describe(scored, [one.row for one in test]))


def write_stage_reports(counts):
    candidates = [
        {"name": name, "mean": sum(scores) / 2, "std": 0.01, "scores": scores}
        for name, scores in (("first(C=1)", [0.91, 0.95]), ("second", [0.9, 0.92]))
    ]
    summary = {"scoring": "f1_macro", "folds": 2, "best": "first(C=1)", "candidates": candidates}
    write_json(PATHS.comparison, summary)
    dropped = {"without content": [], "repeated": [7, 9]}
    totals = {part: sum(counts[part].values()) for part in counts}
    write_json(PATHS.data_report, {"targets": counts, **totals, "dropped": dropped})
    found = {"targets": counts, "inputs": {"lost_letters": {}}, "doubts": ["a <b>doubt</b>"]}
    write_json(PATHS.validation, found)
    with PATHS.learning_curve.open("w", newline="") as file:
        names = ["examples", "training_score", "validation_score"]
        csv.writer(file).writerows([names, [6, 1.0, 0.8], [12, 1.0, 0.9]])


def write_manifest(**changes):
    pin = FilePin(sha256=hash_files(PATHS.model), size=PATHS.model.stat().st_size)
    manifest = Manifest(
        format=FORMAT,
        name=PATHS.name,
        title="The tests' own",
        version=pin.sha256[:12],
        task="classification",
        input={"kind": "text", "example": "engine"},
        target=None,
        interval=None,
        engine="sklearn",
        files={PATHS.model.name: pin},
        frozen={"refused": "step 'scale': StandardScaler has no frozen form"},
        versions=installed_versions(),
        dataset_sha256=hash_files(PATHS.train, PATHS.test),
        parameters={},
        metrics=json.loads(PATHS.metrics.read_text()),
        labels=tuple(Label(**one) for one in LABELS),
        golden=(),
        profile={},
    )
    manifest = replace(manifest, **changes)
    (PATHS.bundle / "manifest.json").write_text(manifest.to_json())


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    """All that the report reads; one test document is hostile and labelled wrongly."""
    monkeypatch.chdir(tmp_path)
    put_model(tmp_path)
    write_json(PATHS.schema, {"labels": LABELS})
    PATHS.params.write_text(yaml.safe_dump(SMALL_PARAMS))
    train = make_documents(7)
    write_examples(PATHS.train, train)
    write_examples(PATHS.test, [*make_documents(5), Example(99, "space", HOSTILE)])
    write_json(PATHS.input, {"kind": "text", "example": ""})
    pipeline = Pipeline(
        [
            ("vectorizer", TfidfVectorizer(preprocessor=normalize)),
            ("classifier", LogisticRegression()),
        ]
    )
    pipeline.fit([one.input for one in train], [one.target for one in train])
    PATHS.model.parent.mkdir(parents=True)
    counts = {
        "train": {"autos": 1701, "space": 702, "wares": 703},
        "test": {"autos": 501, "space": 602, "wares": 503},
    }
    write_stage_reports(counts)
    take_model(pipeline)
    return counts


def fit(pipeline):
    examples, definition = read_examples(PATHS.train), read_definition(PATHS)
    values = definition.input.shape(one.input for one in examples)
    return train.fit(pipeline, values, definition.task.read_targets(examples))


def take_model(model):
    joblib.dump(model, PATHS.model)
    record_model()
    write_scores(model)
    write_manifest()


def build_page():
    return report.build_page(PATHS, LOAD_MS)


def edit_gate(**rules):
    edit_params("evaluate", **rules)


def edit_params(section, **changes):
    params = yaml.safe_load(PATHS.params.read_text())
    params[section] |= changes
    PATHS.params.write_text(yaml.safe_dump(params))


class Elements(HTMLParser):
    """The tags and attributes of a page, and the text between them."""

    VOID = ("meta", "br", "img", "link", "input")

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.texts, self.open = [], [], [], []
        self.feed(page)
        self.close()

    @property
    def words(self):
        return " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)


def test_page_needs_nothing_from_outside(inputs):
    page = build_page()
    found = Elements(page)
    assert not {"script", "link", "img", "iframe", "object"} & set(found.tags)
    referring = [value for name, value in found.attributes if name.endswith(("src", "href"))]
    assert all(value.startswith("#") for value in referring)
    assert all(one.startswith("#") for one in re.findall(r"url\(['\"]?(.)", page))
    assert "@import" not in page
    assert not [name for name, _ in found.attributes if name.startswith("on")]


def test_pictures_of_mistakes_are_shown_and_nothing_else_is_fetched(inputs, monkeypatch):
    seen = "data:image/png;base64,AAAA"
    monkeypatch.setattr(TextInput, "draw", lambda *_: seen)
    page = build_page()
    pictures = re.findall('<img [^>]*src="([^"]*)"', page)
    assert pictures
    assert set(pictures) == {seen}
    (policy,) = re.findall('Content-Security-Policy" content="([^"]*)"', page)
    assert "img-src data:" in policy


def test_page_is_well_formed(inputs):
    found = Elements(build_page())
    assert found.open == []
    ids = [value for name, value in found.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_hostile_text_is_escaped(inputs):
    page = build_page()
    assert "a &lt;b&gt;doubt&lt;/b&gt;" in page
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(" in page
    assert HOSTILE in Elements(page).words
    assert "<b>autos</b>" not in page


def test_same_inputs_give_the_same_page(inputs):
    assert build_page() == build_page()


def test_main_writes_the_page_and_says_where(inputs, capsys):
    report.main(PATHS)
    page = (PATHS.reports / "report.html").read_text(encoding="utf-8")
    said = capsys.readouterr().out
    assert f"wrote {PATHS.reports}/report.html ({len(page.encode()) / 1000:.0f} kB)" in said
    assert (PATHS.reports / "report.html").resolve().as_uri() in said
    load_time = re.compile(r"<dd>[\d.]+ ms")
    assert load_time.sub("", page) == load_time.sub(
        "",
        build_page(),
    )
    assert str(Path.cwd()) not in page


@pytest.mark.parametrize("path", report.list_inputs(PATHS), ids=str)
def test_missing_input_is_named_with_what_mends_it(inputs, path):
    path.unlink()
    with pytest.raises(StepError) as caught:
        report.main(PATHS)
    assert str(caught.value) == f"{path} is missing: write it with 'make report MODEL=sample'"


@pytest.mark.parametrize(
    "path", [*report.list_json_inputs(PATHS), PATHS.bundle / "manifest.json"], ids=str
)
def test_damaged_input_is_named_with_what_mends_it(inputs, path):
    path.write_text('{"half": ')
    with pytest.raises(StepError, match=re.escape(str(path)) + ".*'make "):
        report.main(PATHS)


def test_evaluation_of_other_documents_is_refused(inputs):
    write_examples(PATHS.test, make_documents(5))
    with pytest.raises(StepError, match="of another model or of other examples"):
        build_page()


def test_counts_shown_are_those_of_the_inputs(inputs):
    words = Elements(build_page()).words
    for label in WORDS:
        train, test = inputs["train"][label], inputs["test"][label]
        assert f"<b>{label}</b> {train:,} {test:,}" in words
    assert "repeated 2 7, 9" in words
    assert "without content 0 –" in words


def test_model_that_passes_is_shown_as_passed(inputs):
    words = Elements(build_page()).words
    assert "✓ Passes the gate All 3 rules hold" in words
    assert words.count("✓ passed") == 3
    assert "✕" not in words


def test_rule_that_fails_is_shown_as_failed(inputs):
    edit_gate(min_macro_f1=0.999)
    words = Elements(build_page()).words
    assert "✕ Below the gate 1 of 3 rules failed. Its manifest was written while" in words
    assert words.count("✓ passed") == 2
    assert re.search(r"✕ failed min_macro_f1 macro-F1 is 0\.\d{4} the gate asks for", words)


def test_rule_that_fails_names_every_class_below_it(inputs):
    edit_gate(min_class_f1=1.0)
    rule = re.search(
        r"✕ failed min_class_f1 (.*?) the gate",
        Elements(build_page()).words,
    )
    assert re.findall(r"F1 of (\w+) is", rule[1]) == ["autos", "space"]


def test_manifest_of_another_model_is_shown_as_not_bundled(inputs):
    joblib.dump(joblib.load(PATHS.model), PATHS.model, compress=1)
    record_model()
    words = Elements(build_page()).words
    assert "✕ Not bundled" in words
    assert f"{PATHS.name} {hash_files(PATHS.model)[:12]}" in words


def test_model_below_the_gate_without_a_manifest_is_said_to_be_refused(inputs):
    edit_gate(min_macro_f1=0.999)
    joblib.dump(joblib.load(PATHS.model), PATHS.model, compress=1)
    record_model()
    assert "It gets no manifest, and the service refuses it." in Elements(build_page()).words


def test_model_that_cannot_be_frozen_says_why(inputs):
    words = Elements(build_page()).words
    assert "Frozen no step 'scale': StandardScaler has no frozen form: scikit-learn serves" in words


def test_frozen_model_is_shown_with_its_proof(inputs):
    write_manifest(
        engine="frozen",
        files={
            PATHS.model.name: FilePin(sha256=hash_files(PATHS.model), size=1),
            PATHS.frozen.name: FilePin(sha256="0" * 64, size=12_345),
        },
        frozen={
            "root": "0" * 64,
            "inputs": 6_789,
            "exact": True,
            "worst_probability_difference": 3.3e-16,
        },
    )
    words = Elements(build_page()).words
    assert "Frozen 12,345 bytes (0.0 MB) on 6,789 inputs all labels" in words
    assert "probabilities within 3.3e-16" in words


def test_chosen_candidate_is_marked(inputs):
    words = Elements(build_page()).words
    assert "first(C=1) chosen 0.9300 ± 0.0100" in words
    assert "second 0.9100" in words
    assert "the highest mean over 2 folds of f1_macro wins" in words


def test_scale_places_its_ends_at_the_ends():
    scale = report.make_scale([0.913, 0.948])
    assert (scale["low"], scale["high"]) == (0.91, 0.95)
    assert scale["place"](0.91) == pytest.approx(0)
    assert scale["place"](0.95) == pytest.approx(100)


def test_scale_of_one_score_has_a_width():
    assert 0 <= report.make_scale([1.0])["place"](1.0) <= 100


def test_leading_words_are_those_that_the_label_would_miss(inputs):
    pipeline = joblib.load(PATHS.model)
    found = leading_words(pipeline, "Car, moon; car engine", "autos")
    assert set(found) == {"car", "engine"}


def test_text_without_known_words_has_no_leading_words(inputs):
    assert leading_words(joblib.load(PATHS.model), "zzz", "autos") == []
    assert leading_words(joblib.load(PATHS.model), " !", "autos") == []


def test_model_without_mistakes_says_so(inputs):
    write_examples(PATHS.test, make_documents(5))
    write_scores(joblib.load(PATHS.model))
    assert Elements(build_page()).words.count("None: every test example is labelled right.") == 2


@pytest.mark.parametrize("name", PIPELINES)
def test_model_of_any_kind_has_its_page_without_what_it_lacks(inputs, name):
    model = fit(PIPELINES[name]())
    take_model(model)
    page = build_page()
    words = Elements(page).words
    has_probabilities = hasattr(model, "predict_proba")
    assert ("Log-loss" in words) == has_probabilities
    assert ("The classifier offers no probabilities" in words) == (not has_probabilities)
    assert ("Vocabulary" in words) == (Terms.find(model) is not None)
    assert page == build_page()


def test_page_shows_the_parameters_that_were_fitted(inputs):
    take_model(fit(PIPELINES["letters"]()))
    edit_params("train", vectorizer={"ngram_range": [1, 1]})
    words = Elements(build_page()).words
    assert "TfidfVectorizer(analyzer=char_wb, ngram_range=[2, 4])" in words
    assert "[1, 1]" not in words
