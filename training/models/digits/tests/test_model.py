"""What a person writes of the digits model fits together."""

import io
import json
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

from serving.app.pictures import Picture
from serving.app.pictures.prepare import prepare
from serving.bundle.inputs import PREPARATIONS
from training.fitting.candidates import list_candidates
from training.models.digits.model import MODEL
from training.models.digits.photographs import DIGITS, take
from training.models.digits.source import SIDE, Settings
from training.paths import Paths
from training.settings.params import read_params
from training.settings.written import check_form

HOME = Paths("digits").home
LABELS = [str(digit) for digit in range(DIGITS)]


@pytest.fixture(scope="module")
def schema():
    return json.loads((HOME / "schema.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def golden():
    return json.loads((HOME / "golden.json").read_text("utf-8"))


def test_schema_names_the_ten_digits_and_the_preparation(schema):
    assert [one["id"] for one in schema["labels"]] == LABELS
    assert schema["labels"][7]["title"] == "Seven"
    assert schema["image"] == {"width": SIDE, "height": SIDE, "preparation": "ink"}
    assert schema["image"]["preparation"] in PREPARATIONS


def test_golden_pictures_are_small_png_files_of_every_digit(golden):
    assert {one["label"] for one in golden} == {*LABELS}
    for one in golden:
        data = b64decode(one["input"]["image"], validate=True)
        with Image.open(io.BytesIO(data)) as image:
            assert (image.format, image.mode) == ("PNG", "L")
            assert max(image.size) <= 100
            seen = prepare(Picture(*image.size, image.tobytes()), SIDE, SIDE, "ink")
        assert sum(seen) > 20 * 255


def test_every_candidate_of_the_parameters_can_be_fitted():
    params = read_params(Paths("digits"))
    check_form(Settings, params.prepare, "prepare")
    candidates = list(list_candidates(params.train, MODEL.candidates))
    assert {one.name for one in candidates} == MODEL.candidates.keys()
    learnt = [
        (str(one.digit), prepare(one.picture, SIDE, SIDE, "ink"))
        for one in take(140, 4, "learnt", ("plain",))
    ]
    values = np.array([np.frombuffer(pixels, np.uint8) / 255 for _, pixels in learnt])
    for candidate in candidates:
        fitted = candidate.pipeline.fit(values, [label for label, _ in learnt])
        assert fitted.predict(values).shape == (len(values),)
        assert list(fitted.classes_) == LABELS
