"""From documents to clean parts: what is dropped and refused."""

import json
import re

import pytest

from training.console import StepError
from training.data.dataset import Document, hash_files, read_documents, write_documents
from training.paths import Paths
from training.settings.params import Params, Validate
from training.settings.words import read_golden, read_labels
from training.steps import prepare, validate
from training.tests.sample import PATHS, SMALL_PARAMS, put_model
from training.text.reading import build_reader

LIMITS = Validate(min_documents_per_class=1, max_class_ratio=10, max_lost_letters=0.1)


def reader(**vectorizer):
    train = Params.model_validate(SMALL_PARAMS).train
    return build_reader(train.model_copy(update={"vectorizer": vectorizer}))


LETTERS = reader(preprocessing="letters")
KNOWN = {"stars", "remedies"}


@pytest.fixture(autouse=True)
def labels(tmp_path, monkeypatch):
    """The labels of the tests' own model."""
    put_model(tmp_path)
    monkeypatch.chdir(tmp_path)


def documents(*texts, label="stars", start=5):
    return [Document(start + number, label, text) for number, text in enumerate(texts)]


def test_repeated_leaked_and_empty_documents_are_dropped_and_named():
    train = documents("orbit", "  42 ", "Orbit!", "moon", "probe")
    kept, dropped = prepare.clean(train, documents("the moon", "moon ", label="remedies"), LETTERS)
    assert [one.text for one in kept] == ["orbit", "probe"]
    assert dropped == {"without text": [6], "repeated": [7], "in the test part": [8]}


def test_clean_data_has_no_problems():
    assert (
        validate.find_problems(
            documents("orbit", "moon"), documents("probe"), LIMITS, LETTERS, KNOWN
        )
        == []
    )


@pytest.mark.parametrize(
    ("train", "test", "says"),
    [
        (documents("orbit", "-"), [], "training documents without text: rows 6"),
        (documents("orbit"), documents("?"), "test documents without text: rows 5"),
        (documents("orbit", "moon", "ORBIT"), [], "repeat an earlier one: rows 7"),
        (documents("orbit", "moon"), documents("moon"), "in the test part: rows 6"),
        (documents("orbit", label="x"), [], r"labels.json does not have: rows 5"),
        (documents("orbit"), documents("a cure", label="remedies"), "does not have: rows 5"),
        ([], [], "no training documents"),
        (documents(*["orbit"] * 13), [], "rows 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 and 2 more"),
    ],
)
def test_data_is_not_fit_names_the_rows(train, test, says):
    problems = validate.find_problems(train, test, LIMITS, LETTERS, KNOWN)
    assert any(says in problem for problem in problems), problems


def test_classes_are_out_of_balance_names_the_class_and_the_parameter():
    train = documents(*"abcdefghijklm") + documents("zz", label="remedies", start=99)
    limits = LIMITS.model_copy(update={"min_documents_per_class": 2, "max_class_ratio": 3})
    problems = validate.find_problems(train, [], limits, LETTERS, KNOWN)
    assert "class remedies has 1 training documents" in problems[0]
    assert "13.0 times" in problems[1]
    assert "max_class_ratio" in problems[1]


@pytest.mark.parametrize(
    "row",
    [
        [],
        {},
        {"row": "1", "label": "a", "text": "b"},
        {"row": 1, "label": "a"},
        {"row": 1, "label": "a", "text": "b", "more": 1},
    ],
)
def test_row_is_no_document_is_named_by_its_line(tmp_path, row):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"row": 1, "label": "a", "text": "b"}\n' + json.dumps(row) + "\n")
    problems = []
    assert len(list(validate.checked_rows(path, problems))) == 1
    assert problems == [f"{path}, line 2: not a document of row, label and text"]


def test_documents_are_written_come_back(tmp_path):
    written = documents("é", "a\nb", '"')
    write_documents(tmp_path / "new" / "a.jsonl", written)
    assert read_documents(tmp_path / "new" / "a.jsonl") == written


def test_hash_is_of_the_files_in_order(tmp_path):
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "b").write_bytes(b"b")
    (tmp_path / "ab").write_bytes(b"ab")
    (tmp_path / "none").write_bytes(b"")
    order = [("a", "b"), ("b", "a"), ("ab", "none"), ("none", "ab"), ("ab",)]
    assert len({hash_files(*(tmp_path / name for name in names)) for names in order}) == 5


REVIEWS = documents(
    "Ein schönes Gerät, läuft großartig", "Una cámara pequeña", "Отличный телефон, беру ещё"
)


def test_words_of_any_alphabet_are_kept_where_no_preprocessing_is_named():
    loss = validate.measure_loss(REVIEWS, reader())
    assert loss.share == 0
    assert validate.find_losses({"training": loss}, LIMITS) == []


@pytest.mark.parametrize(
    ("vectorizer", "rows"),
    [
        ({"preprocessing": "letters"}, "rows 7, 6, 5"),
        ({"strip_accents": "ascii"}, "rows 7$"),
        ({"token_pattern": "[a-z]+"}, "rows 7, 5, 6"),
    ],
)
def test_letters_are_thrown_away_names_the_share_and_the_rows_the_worst_first(vectorizer, rows):
    loss = validate.measure_loss(REVIEWS, reader(**vectorizer))
    assert loss.by_row[7] == 1
    (problem,) = validate.find_losses({"training": loss}, LIMITS)
    assert re.search(r"\d\d\.\d% of the letters of the training documents", problem)
    assert re.search(rows, problem), problem


def test_preprocessing_leaves_nothing_of_a_text_is_a_problem_and_not_dropped():
    kept, dropped = prepare.clean(documents("беру", "ещё", "?!"), [], LETTERS)
    assert [one.text for one in kept] == ["беру", "ещё"]
    assert dropped["without text"] == [7]
    problems = validate.find_problems(kept, [], LIMITS, LETTERS, KNOWN)
    assert "training documents without text: rows 5, 6" in problems


def test_texts_are_compared_as_the_model_reads_them():
    kept, dropped = prepare.clean(documents("Беру", "беру", "ещё", "42", "?!"), [], reader())
    assert [one.text for one in kept] == ["Беру", "ещё", "42"]
    assert dropped == {"without text": [9], "repeated": [6], "in the test part": []}


def write_labels(text):
    PATHS.labels.write_text(text)


def write_golden(text):
    PATHS.golden.write_text(text)


def test_label_has_a_title_alone_is_read():
    write_labels('{"labels": [{"id": "a", "title": "A"}]}')
    assert read_labels(PATHS) == {"a": {"id": "a", "title": "A", "description": None, "url": None}}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not JSON"),
        ("[]", r"labels\.json: the file: "),
        ('{"labels": []}', "labels: List should have at least 1 item"),
        ('{"labels": [{"id": "a"}]}', r"labels\.0\.title: Field required"),
        ('{"labels": [{"id": "a", "title": 1}]}', r"labels\.0\.title: .*string"),
        ('{"labels": [{"id": "a", "title": "A", "hue": 1}]}', r"labels\.0\.hue: Extra"),
        (
            '{"labels": [{"id": "a", "title": "A"}, {"id": "a", "title": "B"}]}',
            "these ids appear more than once: a",
        ),
    ],
)
def test_labels_have_another_form_says_where(text, says):
    write_labels(text)
    with pytest.raises(StepError, match=says):
        read_labels(PATHS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[", "is not JSON"),
        ("[]", r"no example of a label that is trained.*'make smoke'"),
        ('[{"label": "remedies", "text": "x"}]', "no example of a label that is trained"),
        ('[{"label": "stars"}]', r"golden\.json: 0\.text: Field required"),
        ('[{"label": "stars", "text": ""}]', r"0\.text: .*at least 1 character"),
        ('[{"label": "sci.spice", "text": "x"}]', r"labels\.json lacks: sci\.spice"),
    ],
)
def test_golden_set_has_another_form_says_where(text, says):
    write_golden(text)
    with pytest.raises(StepError, match=says):
        read_golden(PATHS, {"stars": 3})


@pytest.mark.parametrize("read", [read_labels, lambda paths: read_golden(paths, {})])
def test_file_of_a_person_is_missing_says_which(read):
    with pytest.raises(StepError, match=r"training/models/none/(labels|golden)\.json is missing"):
        read(Paths("none"))


@pytest.mark.parametrize(
    "vectorizer",
    [
        {"token_pattern": "("},
        {"token_pattern": None},
        {"token_pattern": "(a)(b)"},
        {"strip_accents": "foo"},
        {"tokenizer": "abc"},
    ],
    ids=str,
)
def test_vectorizer_has_a_value_that_it_cannot_have_is_an_error_in_the_first_step(vectorizer):
    with pytest.raises(StepError, match=r"params\.yaml: train\.vectorizer: "):
        reader(**vectorizer)
