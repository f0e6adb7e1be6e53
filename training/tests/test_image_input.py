"""Pictures as the steps see them, and the trials that a model is scored on besides."""

import random
from base64 import b64decode
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from serving.app.errors import RequestError
from serving.app.pictures.decode import decode
from serving.tests.images import INPUT, SIDE, draw, to_pixels
from training.data.dataset import Example, read_trials, write_trials
from training.inputs import describe_input, make_input
from training.inputs.image import prepare_image
from training.settings.params import Evaluate, Validate
from training.settings.schema import Image, Schema
from training.steps.evaluate import score_trials
from training.tasks import apply_gates, find_task

SCHEMA = Schema.model_validate(
    {
        "labels": [{"id": one, "title": one} for one in ("bar", "dash")],
        "image": {"width": SIDE, "height": SIDE, "preparation": "resize"},
    }
)
KIND = make_input(describe_input(SCHEMA, []), SimpleNamespace(train=None))
RNG = random.Random(4)
FILES = [(label, draw(label, RNG)) for label in ("bar", "dash") * 20]
EXAMPLES = [
    Example(row, label, prepare_image(SCHEMA.image, file))
    for row, (label, file) in enumerate(FILES, start=1)
]
BLANK = {"image": EXAMPLES[0].input["image"], "pixels": "A" * 84 + "AA=="}


def test_pixels_are_those_that_the_service_hands_to_the_model():
    values = KIND.shape(one.input for one in EXAMPLES)
    assert np.array_equal(values, to_pixels([file for _, file in FILES]))
    assert KIND.described == {name: value for name, value in INPUT.items() if name != "example"} | {
        "example": ""
    }


def test_body_of_an_example_is_read_to_the_same_example():
    for one in EXAMPLES:
        body = KIND.make_body(one.input)
        assert KIND.read_body(body) == one.input
        assert KIND.read_body({"image": f"data:image/png;base64,{body['image']}"}) == one.input


def test_picture_that_the_service_would_refuse_is_no_example():
    with pytest.raises(RequestError):
        prepare_image(SCHEMA.image, b"GIF89a")


def test_image_of_another_size_is_named_by_its_row():
    wrong = [Example(7, "bar", {"image": "", "pixels": "AAAA"}), Example(9, "bar", "text")]
    assert KIND.check_form(EXAMPLES) == []
    (found,) = KIND.check_form([*EXAMPLES, *wrong])
    assert found.endswith("rows 7, 9")
    assert f"{SIDE} × {SIDE}" in found


def test_blank_image_has_no_content():
    assert not KIND.has_content(BLANK)
    assert KIND.identify(BLANK) is None
    assert KIND.identify(EXAMPLES[0].input) is not None
    (doubt,) = KIND.find_doubts([Example(3, "bar", BLANK)], EXAMPLES)
    assert doubt.endswith("rows 3")
    assert KIND.find_problems(EXAMPLES, EXAMPLES, Validate()) == []


def test_ink_is_measured():
    shares = KIND.shape(one.input for one in EXAMPLES).mean(axis=1)
    assert KIND.measure(EXAMPLES, EXAMPLES[:1])["ink"]["train"] == pytest.approx(shares.mean())
    profile = KIND.profile(None, [one.input for one in EXAMPLES])
    assert profile["ink"]["p50"] == pytest.approx(np.median(shares))
    assert profile["num_bytes"]["p50"] == np.median([len(file) for _, file in FILES])


def test_what_the_model_sees_is_drawn():
    head, _, data = KIND.draw(EXAMPLES[0].input).partition(",")
    assert head == "data:image/png;base64"
    seen = decode(b64decode(data))
    assert (seen.width, seen.height) == (SIDE, SIDE)
    assert seen.grey == b64decode(EXAMPLES[0].input["pixels"])


def test_schema_with_fields_and_an_image_is_refused():
    fields = [{"name": "a", "type": "number"}]
    with pytest.raises(ValueError, match="not both"):
        Schema.model_validate(SCHEMA.model_dump() | {"fields": fields})
    assert Image(width=1, height=512, preparation="ink")
    with pytest.raises(ValueError, match="512"):
        Image(width=1, height=513, preparation="ink")


def test_trials_come_back_as_they_were_written(tmp_path):
    trials = {"noisy": EXAMPLES[:3], "tilted": EXAMPLES[3:]}
    write_trials(tmp_path / "trials.json", trials)
    assert read_trials(tmp_path / "trials.json") == trials


def test_trials_are_scored_by_group_and_together_and_have_a_gate():
    task = find_task(SCHEMA)
    definition = SimpleNamespace(task=task, input=KIND)
    values, targets = KIND.shape(one.input for one in EXAMPLES), task.read_targets(EXAMPLES)
    model = KNeighborsClassifier(1).fit(values, targets)
    wrong = [Example(one.row, "dash", one.input) for one in EXAMPLES if one.target == "bar"]
    found = score_trials(model, definition, {"right": EXAMPLES, "wrong": wrong[:10]})
    assert found["right"] == {"examples": 40, "score": 1.0}
    assert found["wrong"] == {"examples": 10, "score": 0.0}
    assert found["all"] == {"examples": 50, "score": 0.8}

    scored = task.score(model, values, targets)
    metrics = task.summarize(scored, targets) | {"trials_accuracy": 0.8}
    asked = Evaluate(min_trials_accuracy=0.9)
    (gate,) = apply_gates(asked, task.measure(scored, metrics))
    assert gate.failure == "accuracy in trials is 0.8000, below min_trials_accuracy (0.9)"
