"""The examples that CONTRIBUTING.md names are commits of this history."""

import re
import subprocess

import pytest

from serving.tests.pages import read_table, table
from serving.tests.tracked import ROOT

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
FIRST = "0b6351991615452aaea66063fafedff88b67567f"  # the first commit of Quickthaw


def git(*arguments):
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def find_why_not():
    """Why this history cannot have the commits, or None."""
    shallow = git("rev-parse", "--is-shallow-repository")
    if shallow.returncode:
        return "this is no git repository"
    if shallow.stdout.strip() == "true":
        return "this clone is shallow: git fetch --unshallow"
    if git("merge-base", "--is-ancestor", FIRST, "HEAD").returncode:
        return f"this is another project's history: it has no commit {FIRST[:7]}"
    return None


@pytest.fixture(scope="module")
def history():
    """The subject of each commit, by the seven digits that the document writes."""
    if why := find_why_not():
        pytest.skip(f"the example commits are NOT checked: {why}")
    lines = git("log", "--format=%H %s").stdout.splitlines()
    return {line[:7]: line.partition(" ")[2] for line in lines}


ROWS = read_table(CONTRIBUTING, "Example of")


def test_every_kind_that_can_be_added_has_its_example():
    assert [row[0] for row in ROWS] == [row[0] for row in table(CONTRIBUTING, "To add")]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_example_is_a_commit_of_that_subject_that_changed_those_paths(history, row):
    _, commit, subject, paths, _ = row
    commit, paths = commit.strip("`"), paths.strip("`")
    assert history.get(commit) == subject
    changed = git("show", "--name-only", "--format=", commit).stdout.splitlines()
    for path in () if paths == "all" else paths.split():
        assert any(f"{one}/".startswith(f"{path}/") for one in changed), path


def test_commits_named_above_the_examples_are_in_the_history(history):
    above = CONTRIBUTING.partition("An example of each")[2].partition("| Example of |")[0]
    named = re.findall(r"`(?:git show )?([0-9a-f]{7})\b", above)
    assert named
    assert set(named) <= set(history)
