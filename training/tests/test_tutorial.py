"""The tutorial's commands, run as they stand, say what it shows: from a table to an API."""

import json
import re
import subprocess

import pytest

from serving.tests.console import ask_as_shown, check_shown, list_steps, make_tree, run, serving
from serving.tests.tracked import ROOT

pytestmark = pytest.mark.slow
TUTORIAL = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")


@pytest.fixture
def tree(tmp_path, monkeypatch):
    return make_tree(tmp_path, monkeypatch)


def test_commands_run_as_they_stand_and_say_what_is_shown(tree):
    steps = dict(list_steps(TUTORIAL))
    assert steps.pop("make serve") == []  # of the models that are here: test_guides.py's
    for command, shown in steps.items():
        if command.startswith("make serve"):
            with serving(command) as (port, lines):
                answer = ask_as_shown(port, lines[-1])
            expected = json.loads(re.search(r"```json\n(.*?)\n```", TUTORIAL)[1])
            assert answer.keys() == expected.keys()
            assert (answer["label"], answer["model"]["name"]) == (expected["label"], "wine")
        else:
            lines = run(command)
        check_shown(shown, lines)
    assert subprocess.check_output(["git", "status", "--porcelain"], text=True) == "?? wine.csv\n"
