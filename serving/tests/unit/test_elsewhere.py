"""A model on another processor than it was made on: its golden examples come first."""

import os
from types import SimpleNamespace

import pytest

from serving.app.engines.predictor import Predictor, load_predictor
from serving.bundle.errors import BundleDamaged, ProcessorDiffers
from serving.bundle.golden import compare
from serving.bundle.manifest import PROCESSOR, processor, read_manifest
from serving.tests.images import write_images
from serving.tests.records import EXAMPLE, write_regression
from serving.tests.sample import TEXTS, change_manifest, write_bundle


@pytest.fixture
def asked(monkeypatch):
    """The inputs that models are asked, while one is loaded, too."""
    found = []
    predict = Predictor.predict

    def listen(self, values):
        found.extend(values)
        return predict(self, values)

    monkeypatch.setattr(Predictor, "predict", listen)
    return found


@pytest.fixture
def elsewhere(monkeypatch):
    """A processor that no model here was made on."""
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine="riscv64"))


@pytest.fixture(params=["frozen", "sklearn"])
def folder(request, tmp_path, pipeline):
    """A bundle with the golden examples that the model gives."""
    write_bundle(tmp_path, pipeline, request.param)
    answer_golden(tmp_path, [{"text": text} for text in TEXTS[:3]])
    return tmp_path


def answer_golden(folder, inputs):
    """Write golden examples, answered as the model does."""
    model = load_predictor(folder)
    golden = []
    for one in inputs:
        (prediction,) = model.predict([model.input.read(one)])
        answer = prediction.answer()
        kept = {name: answer[name] for name in ("label", "probability", "value") if name in answer}
        golden.append({"input": one, **kept})
    change_manifest(folder, golden=golden)


def test_processor_is_the_one_it_was_made_on_nothing_is_asked(folder, asked):
    frozen = read_manifest(folder).frozen | {"processor": processor()}
    change_manifest(folder, frozen=frozen)
    load_predictor(folder)
    assert asked == []


def test_manifest_does_not_say_where_it_was_made_it_was_on_x86(folder, asked, monkeypatch):
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine=PROCESSOR))
    load_predictor(folder)
    assert asked == []


@pytest.mark.parametrize("made_on", [None, "aarch64"])
def test_processor_is_another_the_golden_examples_are_asked(folder, asked, elsewhere, made_on):
    if made_on:
        change_manifest(folder, frozen=read_manifest(folder).frozen | {"processor": made_on})
    assert load_predictor(folder).load_milliseconds > 0
    assert asked == TEXTS[:3]


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"label": "knitting"}, "not knitting"),
        ({"probability": 0.5}, "not 0.5"),
        ({"probability": None}, "not None"),
    ],
)
def test_an_answer_is_another_there_the_model_is_refused(
    folder, start_service, elsewhere, changes, wrong
):
    change_manifest(folder, golden=[one | changes for one in read_manifest(folder).golden])
    answer = start_service(folder).request(body={"text": "the boat"})
    assert answer.status == 503
    assert "on a processor of this kind" in answer.json["detail"]
    assert "riscv64" not in answer.text
    said = r"on riscv64 golden example 1 .*than on x86_64"
    with pytest.raises(ProcessorDiffers, match=said) as error:
        load_predictor(folder)
    assert wrong in str(error.value)
    assert TEXTS[0] not in str(error.value)


def test_an_answer_differs_in_its_last_bits_the_model_serves(folder, elsewhere):
    golden = read_manifest(folder).golden
    golden = [one | {"probability": one["probability"] + 1e-15} for one in golden]
    change_manifest(folder, golden=golden)
    load_predictor(folder)


def test_the_engine_fails_there_the_model_is_refused(folder, elsewhere, monkeypatch):
    def fail(*_):
        raise OverflowError("the boat")

    monkeypatch.setattr(Predictor, "predict", fail)
    with pytest.raises(ProcessorDiffers, match="OverflowError") as error:
        load_predictor(folder)
    assert "the boat" not in str(error.value)


def test_the_file_is_damaged_that_is_said_as_anywhere(folder, elsewhere, monkeypatch):
    def fail(*_):
        raise BundleDamaged("block 7")

    monkeypatch.setattr(Predictor, "predict", fail)
    with pytest.raises(BundleDamaged, match="block 7"):
        load_predictor(folder)


def test_values_and_pictures_are_asked_too(tmp_path, monkeypatch, asked):
    write_regression(tmp_path / "values")
    write_images(tmp_path / "pictures")
    answer_golden(tmp_path / "values", [EXAMPLE])
    picture = {"image": read_manifest(tmp_path / "pictures").input["example"]}
    answer_golden(tmp_path / "pictures", [picture])
    asked.clear()
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine="riscv64"))
    for name in ("values", "pictures"):
        load_predictor(tmp_path / name)
    assert len(asked) == 2
    change_manifest(tmp_path / "values", golden=[{"input": EXAMPLE, "value": 1.5}])
    with pytest.raises(ProcessorDiffers, match="value"):
        load_predictor(tmp_path / "values")


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ({"label": "a", "probability": 0.25}, None),
        ({"label": "a", "probability": 0.25 + 1e-13, "title": "A"}, None),
        ({"label": "a", "probability": 0.25 + 1e-11}, "probability"),
        ({"label": "b", "probability": 0.25}, "label b, not a"),
        ({"label": "a"}, "probability None"),
        ({"label": "a", "probability": True}, "probability True"),
    ],
)
def test_answer_is_compared_with_a_golden_example(answer, wrong):
    found = compare({"input": {}, "label": "a", "probability": 0.25}, answer)
    assert (found is None) == (wrong is None)
    assert wrong is None or wrong in found
