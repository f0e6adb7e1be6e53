"""`make remove`: what is left of a model in a tree."""

from pathlib import Path

import pytest
import yaml

from training.console import StepError
from training.new.folder import add_item
from training.new.remove import main
from training.paths import Paths

LISTED = "# The models.\nmodels:\n  - one\n  - other\n"
LOCKED = {"schema": "2.0", "stages": {"train@one": {"cmd": "a"}, "train@other": {"cmd": "b"}}}


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("one", "other"):
        paths = Paths(name)
        for folder in (paths.home, paths.bundle, paths.reports, paths.raw):
            folder.mkdir(parents=True)
        (paths.home / "model.py").touch()
    Path("models.yaml").write_text(LISTED)
    Path("dvc.lock").write_text(yaml.safe_dump(LOCKED))
    return tmp_path


def list_files(tree):
    return sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))


def test_model_is_removed_nothing_of_it_is_left_and_all_of_the_other_one(tree):
    main(["--name", "one", "--yes"])
    assert [one for one in list_files(tree) if "one" in one] == []
    assert len([one for one in list_files(tree) if "other" in one]) == 6
    assert Path("models.yaml").read_text() == LISTED.replace("  - one\n", "")
    assert yaml.safe_load(Path("dvc.lock").read_text())["stages"].keys() == {"train@other"}


def test_last_model_is_removed_another_can_be_added(tree):
    for name in ("one", "other"):
        main(["--name", name, "--yes"])
    listed = Path("models.yaml").read_text()
    assert yaml.safe_load(listed) == {"models": []}
    assert yaml.safe_load(add_item(listed, "new")) == {"models": ["new"]}


def test_nobody_is_there_to_be_asked_nothing_is_removed(tree, monkeypatch):
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    before = list_files(tree)
    with pytest.raises(StepError, match="YES=1"):
        main(["--name", "one"])
    assert list_files(tree) == before


def test_there_is_no_such_model_it_is_said(tree):
    with pytest.raises(StepError, match="there is no model 'none': MODEL= one of one, other"):
        main(["--name", "none", "--yes"])
