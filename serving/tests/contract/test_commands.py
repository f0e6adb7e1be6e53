"""The commands that documents show: make knows each, and takes what is given to it."""

import re

import pytest

from serving.tests.tracked import ROOT

WRITTEN = sorted(
    path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")) if path.name != "CHANGELOG.md"
)
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
COMMAND = re.compile(
    r"(?:^|[`'$(&] ?)make ([a-z][a-z-]*)((?: [A-Z_]+=(?:\"[^\"]*\"|[^\s`'\",;)…]*))*)", re.MULTILINE
)
# Of every target, or of what a target starts: not in its own lines.
COMMON = {"MODEL", "STAGE", "LOCAL", "YES", "MODELS", "WEB_CONCURRENCY", "UPGRADE", "CLOUD_PORT"}


def find_commands(text):
    """The targets and the names of what is given to them, within code."""
    code = re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL)
    for target, given in COMMAND.findall("\n".join(code)):
        yield target, set(re.findall(r" ([A-Z_]+)=", given))


def read_rule(target):
    """A target's own lines: its help, what it needs and what it runs."""
    found = re.search(rf"^{target}:.*\n(?:\t.*\n)*", MAKEFILE, re.MULTILINE)
    return found and found[0]


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_are_those_that_make_knows(path):
    for target, given in find_commands(path.read_text(encoding="utf-8")):
        rule = read_rule(target)
        assert rule, f"make {target}: there is no such target"
        unknown = {one for one in given - COMMON if not re.search(rf"\b{one}\b", rule)}
        assert not unknown, f"make {target} does not look at {unknown}"


def test_there_are_commands_to_look_at():
    found = [one for path in WRITTEN for one in find_commands(path.read_text(encoding="utf-8"))]
    assert len(found) > 100
    assert ("bulk", {"MODEL", "STAGE", "IN", "OUT"}) in found


def test_command_that_is_none_is_found():
    assert [*find_commands("`make nothing ELSE=1`, make peace")] == [("nothing", {"ELSE"})]
    assert read_rule("nothing") is None
