"""A model's folder is read by its name, and what is wrong with it is said with the file's."""

import sys

import pytest
import yaml

from serving.tests.tracked import ROOT
from training import models
from training.console import StepError
from training.contract import Model, Source, read_model, read_source
from training.paths import find_paths, list_models
from training.tests.sample import NAME, put_model


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a module of a model `odd`."""
    monkeypatch.setattr(models, "__path__", [str(tmp_path)])
    for name in ("odd", "odd.model", "odd.source"):
        monkeypatch.delitem(sys.modules, f"training.models.{name}", raising=False)

    def write(module, text):
        (tmp_path / "odd").mkdir(exist_ok=True)
        (tmp_path / f"odd/{module}.py").write_text(text)

    return write


def test_folder_gives_its_model_and_its_source():
    assert isinstance(read_model(NAME), Model)
    assert isinstance(read_source(NAME), Source)


def test_every_model_of_the_repository_gives_both_and_has_its_steps():
    assert sorted(yaml.safe_load((ROOT / "models.yaml").read_text())["models"]) == list_models()
    for name in list_models():
        assert read_model(name).title
        assert read_source(name).description


@pytest.mark.parametrize(("read", "module"), [(read_model, "model"), (read_source, "source")])
@pytest.mark.parametrize("text", [None, "", "MODEL = SOURCE = 1"])
def test_module_is_missing_or_gives_something_else_its_file_is_named(write, read, module, text):
    if text is not None:
        write(module, text)
    with pytest.raises(
        StepError, match=rf"^training/models/odd/{module}\.py (is missing|gives no)"
    ):
        read("odd")


def test_module_needs_another_one_that_is_missing_that_one_is_named(write):
    write("model", "import no_such_module")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        read_model("odd")


def test_there_is_no_such_model_those_there_are_are_listed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("one", "another"):
        put_model(tmp_path, name=name)
    assert find_paths("one").name == "one"
    for name in ("", "three", "../one", "one another"):
        with pytest.raises(StepError, match="MODEL= one of another, one"):
            find_paths(name)
