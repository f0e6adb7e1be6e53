"""From texts to clean parts: what is dropped and refused."""

import json
import re

import pytest

from training.console import StepError
from training.data.dataset import Example, hash_files, read_examples, write_examples
from training.settings.params import Params, Validate
from training.steps import prepare, validate
from training.tests.sample import SMALL_PARAMS, TASK, put_model, text_input
from training.text.reading import build_reader

LIMITS = Validate(min_examples_per_class=1, max_class_ratio=20, max_lost_letters=0.1)
LETTERS = text_input(preprocessing="letters")


@pytest.fixture(autouse=True)
def tree(tmp_path, monkeypatch):
    """What a person writes of the tests' own model."""
    put_model(tmp_path)
    monkeypatch.chdir(tmp_path)


def documents(*texts, label="stars", start=5):
    return [Example(start + number, label, text) for number, text in enumerate(texts)]


PROBE = documents("probe")
CURE = documents("a cure", label="remedies", start=90)  # one class alone is a problem by itself


def test_repeated_leaked_and_empty_examples_are_dropped_and_named():
    train = documents("orbit", "  ?! ", "Orbit!", "moon", "probe")
    kept, dropped = prepare.clean(train, documents("the moon", "moon ", label="remedies"), LETTERS)
    assert [one.input for one in kept] == ["orbit", "probe"]
    assert dropped == {"without content": [6], "repeated": [7], "in the test part": [8]}


def test_clean_data_has_no_problems():
    train = documents("orbit", "moon") + CURE
    assert validate.find_problems(train, PROBE, LETTERS, TASK, LIMITS) == []


def test_one_class_alone_is_a_problem():
    problems = validate.find_problems(documents("orbit"), PROBE, LETTERS, TASK, LIMITS)
    assert problems == ["there is one class alone: a model has nothing to tell apart"]


@pytest.mark.parametrize(
    ("train", "test", "says"),
    [
        (documents("orbit", "-"), PROBE, "training examples without content: rows 6"),
        (documents("orbit"), documents("?"), "test examples without content: rows 5"),
        (documents("orbit", "moon", "ORBIT"), PROBE, "repeat an earlier one: rows 7"),
        (documents("orbit", "moon"), documents("moon"), "in the test part: rows 6"),
        (documents("orbit", label="x"), PROBE, r"schema.json does not have: rows 5"),
        (documents("orbit"), documents("oil", label="cars"), "does not have: rows 5"),
        (documents("orbit", 1, None), PROBE, "examples whose input is no text: rows 6, 7"),
        ([], PROBE, "no training examples"),
        (documents("orbit"), [], "a part has no examples"),
        (documents(*["orbit"] * 13), PROBE, "rows 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 and 2 more"),
    ],
)
def test_data_is_not_fit_names_the_rows(train, test, says):
    problems = validate.find_problems(train and train + CURE, test, LETTERS, TASK, LIMITS)
    assert any(says in problem for problem in problems), problems


def test_classes_are_out_of_balance_names_the_class_and_the_parameter():
    train = documents(*"abcdefghijklm") + documents("zz", label="remedies", start=99)
    limits = LIMITS.model_copy(update={"min_examples_per_class": 2, "max_class_ratio": 3})
    problems = validate.find_problems(train, PROBE, LETTERS, TASK, limits)
    assert "class remedies has 1 training examples" in problems[0]
    assert "13.0 times" in problems[1]
    assert "max_class_ratio" in problems[1]


@pytest.mark.parametrize(
    "row",
    [
        [],
        {},
        {"row": "1", "target": "a", "input": "b"},
        {"row": 1, "label": "a"},
        {"row": 1, "target": "a", "input": "b", "more": 1},
    ],
)
def test_row_is_no_example_is_named_by_its_line(tmp_path, row):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"row": 1, "target": "a", "input": "b"}\n' + json.dumps(row) + "\n")
    problems = []
    assert len(list(validate.checked_rows(path, problems))) == 1
    assert problems == [f"{path}, line 2: not an example of row, target and input"]


def test_examples_are_written_come_back(tmp_path):
    written = documents("é", "a\nb", '"')
    write_examples(tmp_path / "new" / "a.jsonl", written)
    assert read_examples(tmp_path / "new" / "a.jsonl") == written


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
    kind = text_input()
    assert kind.measure(REVIEWS, PROBE) == {"lost_letters": {"train": 0, "test": 0}}
    assert kind.find_problems(REVIEWS, PROBE, LIMITS) == []


@pytest.mark.parametrize(
    ("vectorizer", "rows"),
    [
        ({"preprocessing": "letters"}, "rows 7, 6, 5"),
        ({"strip_accents": "ascii"}, "rows 7$"),
        ({"token_pattern": "[a-z]+"}, "rows 7, 5, 6"),
    ],
)
def test_letters_are_thrown_away_names_the_share_and_the_rows_the_worst_first(vectorizer, rows):
    kind = text_input(**vectorizer)
    assert kind.measure(REVIEWS[2:], PROBE)["lost_letters"] == {"train": 1, "test": 0}
    (problem,) = kind.find_problems(REVIEWS, PROBE, LIMITS)
    assert re.search(r"\d\d\.\d% of the letters of the training texts", problem)
    assert re.search(rows, problem), problem


def test_preprocessing_leaves_nothing_of_a_text_is_a_doubt_and_not_dropped():
    kept, dropped = prepare.clean(documents("беру", "ещё", "ещё", "?!"), [], LETTERS)
    assert [one.input for one in kept] == ["беру", "ещё", "ещё"]
    assert dropped == {"without content": [8], "repeated": [], "in the test part": []}
    assert LETTERS.find_doubts(kept, PROBE) == [
        "texts of which the model reads nothing: rows 5, 6, 7"
    ]
    # Few of many are no problem, and many are one by the letters that are lost.
    kept = kept[:2] + CURE
    words = ["moon", "jupiter", "rocket", "launch", "telescope", "shuttle", "solar", "nasa"]
    many = documents(*map("orbit {}".format, words), start=20) + kept
    assert validate.find_problems(many, PROBE, LETTERS, TASK, LIMITS) == []
    (problem,) = validate.find_problems(kept, PROBE, LETTERS, TASK, LIMITS)
    assert "validate.max_lost_letters" in problem


def test_texts_are_all_read_there_is_no_doubt():
    assert LETTERS.find_doubts(documents("orbit"), PROBE) == []


def test_texts_are_compared_as_the_model_reads_them():
    kept, dropped = prepare.clean(documents("Беру", "беру", "ещё", "42", "?!"), [], text_input())
    assert [one.input for one in kept] == ["Беру", "ещё", "42"]
    assert dropped == {"without content": [9], "repeated": [6], "in the test part": []}


@pytest.mark.parametrize("vectorizer", [{"analyzer": "char"}, {"analyzer": "char_wb"}])
def test_symbols_are_content_to_a_model_that_does_not_work_by_words(vectorizer):
    kind = text_input(**vectorizer)
    train = documents("🙂🙂", ":-)", "🙂🙂", " \n", "")
    kept, dropped = prepare.clean(train, documents(":-)"), kind)
    assert [one.input for one in kept] == ["🙂🙂"]
    assert dropped == {"without content": [8, 9], "repeated": [7], "in the test part": [6]}
    assert kind.find_doubts(kept, PROBE) == []


def test_symbols_may_be_content_to_a_pipeline_of_its_own():
    params = Params.model_validate(SMALL_PARAMS).train.model_copy(update={"vectorizer": None})
    assert [build_reader(params).read(text) for text in (" :-) ", " \n")] == [":-)", ""]


def test_symbols_are_content_to_a_model_whose_words_they_are():
    kept, dropped = prepare.clean(documents("🙂 🙂", "?!"), [], text_input(token_pattern="🙂"))
    assert [one.input for one in kept] == ["🙂 🙂"]
    assert dropped["without content"] == [6]


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
        text_input(**vectorizer)
