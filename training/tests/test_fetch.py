"""The archive is fetched by hash or not at all; the real pip, with a local folder as its index."""

import hashlib
import zipfile

import pytest

from training.console import StepError
from training.paths import ARCHIVE, PIN
from training.steps import fetch


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
    PIN.parent.mkdir(parents=True)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    PIN.write_text(f"sample==1.0 --hash=sha256:{digest}\n")
    return wheel


def test_archive_has_the_pinned_hash_is_kept(index):
    fetch.main()
    assert ARCHIVE.read_bytes() == index.read_bytes()
    assert list(ARCHIVE.parent.iterdir()) == [ARCHIVE]


def test_archive_has_another_hash_is_refused(index):
    PIN.write_text(f"sample==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(StepError, match="its bytes are not the pinned ones"):
        fetch.main()
    assert not ARCHIVE.exists()


def test_archive_cannot_be_had_says_so_and_what_to_do(index):
    index.unlink()
    with pytest.raises(StepError, match=r"sample==1\.0.*check the network"):
        fetch.main()
