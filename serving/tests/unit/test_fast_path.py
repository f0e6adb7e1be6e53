"""Whatever the fast path answers, the full app answers with the same bytes and the same metrics."""

import base64
import json
import math

import pytest
from aws_embedded_metrics.config import get_config
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from sklearn.naive_bayes import MultinomialNB

from serving.app.request.shapes import find_shape
from serving.app.settings import read_settings
from serving.app.telemetry.metrics import UNITS, Emitter, Measurements
from serving.bundle.inputs import MAX_BATCH, MAX_TEXT_CHARS
from serving.tests.hostile import MULTI_MEDIA, MULTI_TYPES, TYPES, WARM_UPS
from serving.tests.sample import TEXTS, fit, proxy_event, write_bundle
from serving.tests.shapes import SHAPES, express, read_back
from serving.tests.ways import check_both_ways, send, strip

TEXT = st.one_of(
    st.text(max_size=60), st.lists(st.sampled_from(" ".join(TEXTS).split())).map(" ".join)
)
TEXT_OR_NOT = st.one_of(
    TEXT,
    TEXT,
    st.sampled_from(["", "a" * MAX_TEXT_CHARS, "a" * (MAX_TEXT_CHARS + 1), None, 1, True, [], {}]),
)
BODY = st.one_of(
    st.fixed_dictionaries({"text": TEXT_OR_NOT}),
    st.fixed_dictionaries({"text": TEXT_OR_NOT}, optional={"more": st.none()}),
    st.fixed_dictionaries({"texts": st.lists(TEXT_OR_NOT, max_size=4) | TEXT_OR_NOT}),
    st.sampled_from([{}, [], "a", {"texts": ["a"] * (MAX_BATCH + 1)}]),
)
RAW = BODY.map(json.dumps) | BODY.map(lambda body: json.dumps(body, ensure_ascii=False))
HOSTILE = st.sampled_from(
    [
        "",
        "{",
        "null",
        '{"text": NaN}',
        '{"text": "\\ud800"}',
        '{"text": "a", "text": "b"}',
        "\ud800",
    ]
)
PATHS = ["/predict"] * 5 + ["/predict/batch"] * 5 + ["/predict/", "/", "/health", "/model", None]
QUERY = st.sampled_from(
    [
        *(None, {}, [], {"top": ["2"]}, {"explain": ["true"]}, {"other": ["1"]}, {"": []}),
        *({"top": None}, {"top": []}, {"top": [2]}, ["top"], "top=2"),
    ]
)
HEADERS = st.sampled_from(
    [
        None,
        {},
        {"Content-Type": "application/json"},
        {"content-type": "Application/JSON; charset=UTF-8"},
        {"content-type": "text/plain"},
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "identity, identity"},
        *({"Content-Type": value} for value in TYPES.values()),
    ]
)
MULTI_HEADERS = st.sampled_from([None, None, *MULTI_TYPES.values(), *MULTI_MEDIA.values()])


@st.composite
def events(draw):
    body = draw(RAW | RAW | RAW | HOSTILE)
    if encoded := draw(st.booleans()):
        body = base64.b64encode(body.encode(errors="surrogatepass")).decode()
    found = proxy_event(
        method=draw(st.sampled_from(["POST"] * 6 + ["GET", "HEAD", "post", None])),
        path=draw(st.sampled_from(PATHS)),
        body=body,
        isBase64Encoded=encoded,
        headers=draw(HEADERS),
        multiValueHeaders=draw(MULTI_HEADERS),
        multiValueQueryStringParameters=draw(QUERY),
        queryStringParameters=draw(st.sampled_from([None, None, {}, {"top": "2"}, {"top": 2}])),
    )  # fmt: skip
    for name in draw(st.lists(st.sampled_from(sorted(found)), max_size=1)):
        del found[name]
    return found


WARM_UP_EVENTS = st.sampled_from([*WARM_UPS.values(), {"warmup": False}, {"warmup": 1}])


@pytest.fixture(scope="module", params=["frozen", "sklearn"])
def folder(request, tmp_path_factory):
    path = tmp_path_factory.mktemp(request.param)
    write_bundle(path, fit(), request.param)
    return path


@settings(
    deadline=None, max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(found=st.one_of([events()] * 9 + [WARM_UP_EVENTS]), shape=st.sampled_from(SHAPES))
def test_any_event_in_any_shape_gets_the_same_from_both_lanes(
    folder, start_service, capsys, found, shape
):
    event(f"{shape} {check_both_ways(start_service, folder, capsys, express(found, shape))}")


QUERIES = st.dictionaries(
    st.sampled_from(["top", "explain", "other", "ö ä", "a&b=c+%41"]),
    st.lists(st.sampled_from(["1", "true", "3.5", "", "a b", "&=%+;#é"]), min_size=1, max_size=1),
)


@settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.builds(
        proxy_event,
        method=st.sampled_from(["POST", "POST", "POST", "GET", "HEAD"]),
        path=st.sampled_from([one for one in PATHS if one]),
        body=RAW,
        multiValueQueryStringParameters=st.none() | QUERIES,
    )
)
def test_request_is_answered_the_same_in_every_shape(folder, start_service, capsys, sent):
    found = []
    for shape in SHAPES:
        event = express(sent, shape)
        assert find_shape(event) == shape
        answer, document = send(start_service(folder), capsys, event)
        found.append((read_back(answer, shape), document["path"], strip(document)))
    assert found == [found[0]] * len(SHAPES)


@pytest.mark.parametrize("shape", SHAPES)
def test_plain_request_takes_the_fast_lane_in_every_shape(folder, start_service, shape):
    event = express(proxy_event(body={"text": "a"}), shape)
    answer = start_service(folder).send(event)
    (document,) = answer.emf
    assert (answer.status, document["path"]) == (200, "fast")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/predict", {"text": "a"}),
        ("/predict/batch", {"texts": ["a", "b"]}),
        ("/predict", "{"),
        ("/predict", {"text": ""}),
        ("/predict", {"text": "a", "more": 1}),
        ("/predict", "[" * 2_000_000),
        ("/predict/batch", None),
    ],
)
def test_body_without_a_query_takes_the_fast_lane(folder, start_service, path, body):
    (document,) = start_service(folder).request(path=path, body=body).emf
    assert document["path"] == "fast"


@pytest.mark.parametrize("warm_up", WARM_UPS.values(), ids=WARM_UPS)
def test_warm_up_is_answered_at_once_as_health_is_and_counts_as_no_error(
    folder, start_service, warm_up
):
    client = start_service(folder)
    answer = client.send(warm_up)
    (document,) = answer.emf
    assert (document["path"], document["route"]) == ("fast", "warmup")
    assert (document["status"], document["error.count"], document["cold_start"]) == (200, 0, 1)
    health = client.request("GET", "/health")
    headers = health.headers | {"Server-Timing": "cold"}  # the first answer's
    assert (answer.status, answer.headers, answer.text) == (200, headers, health.text)


@pytest.mark.parametrize(
    "members",
    [
        {"body": {"text": "a"}, "multiValueQueryStringParameters": {"top": ["1"]}},
        {"body": "{", "multiValueQueryStringParameters": {"top": ["1"]}},
        {"method": "GET", "path": "/health"},
        {"method": "HEAD", "path": "/health"},
    ],
)
def test_any_other_request_takes_the_full_app(folder, start_service, members):
    (document,) = start_service(folder).request(**members).emf
    assert document["path"] == "full"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # scikit-learn's, of the NaN
def test_probability_is_not_a_number_gets_the_full_apps_500_and_its_metrics(
    tmp_path, start_service
):
    write_bundle(tmp_path, fit(MultinomialNB(alpha=0, force_alpha=True)))
    answer = start_service(tmp_path).request(body={"text": "sauce mast"})
    assert answer.status == 500
    assert [one["status"] for one in answer.emf] == [500]


NUMBER = st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 10**9)
LAMBDA = {
    "AWS_LAMBDA_FUNCTION_NAME": "thaw",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
}
TRACED = {"_X_AMZN_TRACE_ID": "Root=1;Sampled=1"}
UNTRACED = {"_X_AMZN_TRACE_ID": "Root=1;Sampled=0"}
NAMES = {"SERVICE_NAME": "service_name", "SERVICE_TYPE": "service_type"}
NAMES |= {"LOG_GROUP_NAME": "log_group_name"}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    metrics=st.dictionaries(st.sampled_from(sorted(UNITS)), NUMBER),
    label=st.text(st.characters(exclude_categories=["Cs"])),
    environ=st.sampled_from([{}, LAMBDA, LAMBDA | TRACED, LAMBDA | UNTRACED]),
    names=st.dictionaries(st.sampled_from(sorted(NAMES)), st.sampled_from(["", "mine"])),
)
def test_document_is_what_aws_embedded_metrics_writes(capsys, metrics, label, environ, names):
    with pytest.MonkeyPatch.context() as patch:
        # The library reads these once, when it is imported; Lambda's own each time.
        for name, value in names.items():
            patch.setattr(get_config(), NAMES[name], value)
        for name, value in environ.items():
            patch.setenv(name, value)
        ours = {f"AWS_EMF_{name}": value for name, value in names.items()}
        emitter = Emitter(read_settings(environ | ours))
        properties = {"requestId": "r", "label": label, "status": 200}
        for fast in (True, False):
            emitter.emit(Measurements(metrics, properties), fast=fast)
    fast, full = map(json.loads, capsys.readouterr().out.splitlines())
    assert list(fast) == list(full)
    assert strip(fast) == strip(full)
    assert abs(fast["_aws"]["Timestamp"] - full["_aws"]["Timestamp"]) < 60_000


def test_extraction_is_disabled_both_leave_the_directive_out(capsys, monkeypatch):
    monkeypatch.setattr(get_config(), "disable_metric_extraction", True)
    emitter = Emitter(read_settings({"AWS_EMF_DISABLE_METRIC_EXTRACTION": "True"}))
    for fast in (True, False):
        emitter.emit(Measurements({"error.count": 0}, {"status": 200}), fast=fast)
    fast, full = map(json.loads, capsys.readouterr().out.splitlines())
    assert fast == full
    assert "_aws" not in fast


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "a"])
def test_value_is_no_number_costs_the_document_and_nothing_else(value, capsys):
    measurements = Measurements({"error.count": value}, {"requestId": "r"})
    Emitter(read_settings({})).emit(measurements, fast=True)
    written = capsys.readouterr()
    assert written.out == ""
    assert json.loads(written.err)["message"] == "metrics not written"
