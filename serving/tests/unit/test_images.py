"""Pictures in, labels out: the handler against scikit-learn itself."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from PIL import Image
from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import SVC

from serving.app.errors import Invalid, Malformed
from serving.app.inputs.image import HEAT_SIDE, ImageInput
from serving.app.pictures.decode import decode
from serving.app.request.form import read_file
from serving.bundle.inputs import PREPARATIONS, check_input
from serving.bundle.schemas import describe_many, describe_one
from serving.tests.hostile_images import (
    BOUNDARY,
    BROKEN,
    NEW,
    name_file,
    post,
    post_form,
    write_form,
)
from serving.tests.images import (
    INPUT,
    SIDE,
    encode,
    fit_images,
    save,
    to_pixels,
    to_png,
    write_images,
)
from serving.tests.ways import check_both_ways


@pytest.fixture(scope="module")
def model():
    return fit_images()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, model):
    found = tmp_path_factory.mktemp("bars")
    write_images(found, model)
    return found


@pytest.fixture
def bars(start_service, folder):
    return start_service(folder)


def test_picture_gets_scikit_learns_answer_whichever_way_it_is_posted(bars, model):
    for picture in NEW:
        answers = [
            bars.send(post(picture)),
            bars.send(post(picture, "application/octet-stream")),
            bars.send(post_form((name_file(), picture))),
            bars.request(body={"image": encode(picture)}),
            bars.request(body={"image": f"data:image/png;base64,{encode(picture)}"}),
        ]
        assert len({one.text for one in answers}) == 1
        answer, pixels = answers[0].json, to_pixels([picture])
        assert answer["label"] == model.predict(pixels)[0]
        assert answer["probability"] == model.predict_proba(pixels).max()


def test_pictures_of_a_batch_get_what_each_gets_alone(bars):
    batch = bars.request(path="/predict/batch", body={"images": [encode(one) for one in NEW]})
    for picture, item in zip(NEW, batch.json["predictions"], strict=True):
        alone = bars.send(post(picture)).json
        assert item["label"] == alone["label"]
        # One row and many are multiplied by other routines of BLAS.
        assert item["probability"] == pytest.approx(alone["probability"], rel=0, abs=1e-12)


def test_jpeg_is_read_whatever_it_says_it_is(bars):
    paper = np.full((24, 24), 250, dtype=np.uint8)
    paper[3:21, 10:15] = 5
    jpeg = save(Image.fromarray(paper), "JPEG", quality=95)
    assert bars.send(post(jpeg, "image/png")).json["label"] == "bar"
    assert bars.send(post(to_png(paper), "image/jpeg")).json["label"] == "bar"


def test_metrics_say_how_many_how_large_and_how_much_ink(bars):
    (document,) = bars.send(post(NEW[0])).emf
    assert document["input.num_images"] == 1
    assert document["input.num_bytes"] == len(NEW[0])
    assert document["input.num_pixels"] == 24 * 24
    assert document["input.ink"] == pytest.approx(to_pixels([NEW[0]]).mean())
    assert "image" not in json.dumps(document).replace("input.num_images", "")


def test_explanation_is_a_map_whose_weights_add_up_to_the_score(bars, model):
    found = bars.send(post(NEW[0], multiValueQueryStringParameters={"explain": ["true"]})).json
    rows = found["explanation"]
    assert [len(row) for row in rows] == [min(HEAT_SIDE, SIDE)] * min(HEAT_SIDE, SIDE)
    scores = model.decision_function(to_pixels([NEW[0]]))[0] - model[-1].intercept_[0]
    sign = 1 if found["label"] == model.classes_[1] else -1
    assert sum(map(sum, rows)) == pytest.approx(sign * scores)


@pytest.mark.parametrize("other", [SVC(), RandomForestClassifier(4, random_state=0)])
def test_model_without_a_weight_per_pixel_is_served_and_explained_only_where_exact(
    start_service, tmp_path, other
):
    pipeline = fit_images(other)
    write_images(tmp_path, pipeline)
    client = start_service(tmp_path)
    found = client.send(post(NEW[0], multiValueQueryStringParameters={"explain": ["true"]})).json
    assert found["label"] == pipeline.predict(to_pixels([NEW[0]]))[0]
    assert (found["explanation"] is None) == isinstance(other, SVC)


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_wrong_gets_its_status_both_ways(start_service, folder, capsys, what):
    status, sent = BROKEN[what]
    assert start_service(folder).handler.lambda_handler(sent, None)["statusCode"] == status
    capsys.readouterr()
    check_both_ways(start_service, folder, capsys, sent)


def test_batch_is_read_up_to_its_first_damaged_picture(monkeypatch):
    """Each may be a bomb that is unpacked before its damage shows."""
    read = []
    monkeypatch.setattr(
        "serving.app.inputs.image.decode", lambda data, room: read.append(1) or decode(data, room)
    )
    damaged = encode(NEW[0][:-20])
    with pytest.raises(Invalid) as refused:
        ImageInput(INPUT).read_batch({"images": [encode(NEW[0]), *[damaged] * 500]})
    assert [one["place"] for one in refused.value.errors] == ["body.images[1]"]
    assert len(read) == 2


def test_batch_has_no_more_pixels_than_one_picture_may_have(bars):
    page = encode(to_png(np.zeros((4000, 4000), dtype=np.uint8)))
    assert bars.request(path="/predict/batch", body={"images": [page]}).status == 200
    answer = bars.request(path="/predict/batch", body={"images": [page, page]})
    assert answer.status == 413


PARTS = st.lists(
    st.tuples(
        st.sampled_from(
            [name_file(), name_file("a", ""), "Content-Disposition: form-data; name=b", "X: y", ""]
        ),
        st.sampled_from([NEW[0], b"", b"\r\n", b"--", f"\r\n--{BOUNDARY}".encode(), b"\0\xff"]),
    ),
    max_size=4,
)


@given(PARTS, st.integers(0, 400), st.booleans())
@settings(max_examples=200, deadline=None)
def test_form_is_read_or_refused_whatever_is_in_it(parts, cut, quoted):
    data = write_form(*parts)
    data = data[: len(data) - cut] if cut < len(data) else data
    boundary = f'"{BOUNDARY}"' if quoted else BOUNDARY
    try:
        found = read_file(data, f"multipart/form-data; boundary={boundary}")
    except (Invalid, Malformed) as error:
        event(type(error).__name__)
    else:
        event("read")
        assert found in data


@given(st.tuples(st.sampled_from(NEW), st.integers(0, 200), st.integers(0, 255)))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_damaged_picture_is_answered_the_same_both_ways(start_service, folder, capsys, change):
    picture, place, byte = change
    damaged = bytearray(picture)
    damaged[place % len(damaged)] = byte
    check_both_ways(start_service, folder, capsys, post(bytes(damaged)))


def test_openapi_describes_the_three_ways_and_its_schemas_take_what_the_service_takes(bars):
    document = bars.request("GET", "/openapi.json").json
    validate(document)
    content = document["paths"]["/predict"]["post"]["requestBody"]["content"]
    assert set(content) == {"application/json", "image/png", "image/jpeg", "multipart/form-data"}
    assert set(document["paths"]["/predict/batch"]["post"]["requestBody"]["content"]) == {
        "application/json"
    }
    Draft202012Validator(describe_one(INPUT)).validate({"image": encode(NEW[0])})
    Draft202012Validator(describe_many(INPUT)).validate({"images": [encode(NEW[0])]})


def test_every_preparation_of_the_manifest_is_there():
    for name in PREPARATIONS:
        reads = ImageInput(INPUT | {"preparation": name})
        assert len(reads.read(NEW[0]).pixels) == SIDE * SIDE


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 0},
        {"height": 513},
        {"width": True},
        {"width": 8.0},
        {"preparation": "magic"},
        {"example": None},
        {"more": 1},
    ],
)
def test_description_of_another_form_is_refused(changes):
    with pytest.raises((TypeError, ValueError)):
        check_input(INPUT | changes)
