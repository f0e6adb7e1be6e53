"""The glossary's words are those that the code and the other documents use."""

import re
import subprocess
from functools import cache

import pytest

from serving.tests.pages import PAGES, read_table
from serving.tests.tracked import ROOT

PAGE = "reference/glossary.md"
ROWS = read_table(PAGES[PAGE], "Word")
WORDS = [word for row in ROWS for word in row[0].split(", ")]


@cache
def read_others():
    """The text of all code, and of all documents but the glossary."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.py", "*.c", "*.md", "*.yaml", "*.yml", "Makefile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    left_out = {f"docs/{PAGE}", "CHANGELOG.md", "serving/tests/contract/test_glossary.py", ""}
    paths = [ROOT / name for name in sorted(set(listed) - left_out)]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths if path.is_file())


def test_words_are_in_the_alphabets_order_and_each_is_there_once():
    assert [row[0] for row in ROWS] == sorted({row[0] for row in ROWS})
    assert len(WORDS) == len(set(WORDS))
    assert all(len(row) == 2 and all(row) for row in ROWS)


def is_used(word):
    # Sentences may break a line within a word of two, and names write it with a line below.
    pattern = r"[\s_]+(?:# )?".join(map(re.escape, word.split()))
    return re.search(rf"(?<![a-z]){pattern}(?:e?s)?(?![a-z])", read_others(), re.IGNORECASE)


@pytest.mark.parametrize("word", WORDS)
def test_word_is_used(word):
    assert is_used(word)


def test_word_that_nothing_uses_would_be_found():
    assert not is_used("quock" + "erwodger")


def test_paths_of_the_glossary_are_there():
    named = re.findall(r"`([\w/<>.-]+/[\w/<>.-]*)`", PAGES[PAGE])
    assert "serving/app/handler.py" in named
    for name in named:
        assert (ROOT / name.partition("<")[0]).exists(), name
