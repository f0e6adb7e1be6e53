"""A short run of `make fuzz`, events of any form, and proof that what is weak is noticed."""

import json
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.app import errors
from serving.app.http import fast_path
from serving.app.inputs import find_input
from serving.app.telemetry.metrics import Emitter
from serving.bundle.inputs import make_batch
from serving.tests import images
from serving.tests.hostile import SECRET
from serving.tests.records import INPUT, WRITE
from serving.tests.sample import fit, proxy_event, write_bundle
from tools.fuzz.attack import Weak, attack
from tools.fuzz.inputs import make_bodies
from tools.fuzz.mutate import Mutator
from tools.fuzz.slowest import answer_slowest

TEXT = {"kind": "text", "example": "the boat"}
KINDS = [TEXT, INPUT, images.INPUT]
GOOD = json.dumps(proxy_event(body={"text": "the boat"})).encode()

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
MEMBERS = st.sampled_from([*proxy_event(), "multiValueHeaders", "pathParameters", "version"])
EVENTS = st.one_of(
    ANYTHING,
    st.builds(
        lambda members, body: proxy_event(body=body) | members,
        st.dictionaries(MEMBERS, ANYTHING, max_size=3),
        st.builds(json.dumps, ANYTHING | st.fixed_dictionaries({"text": ANYTHING})),
    ),
    st.builds(
        lambda path, names, query: proxy_event(
            path=path, body={"text": "boat"}, headers=names, multiValueQueryStringParameters=query
        ),
        st.sampled_from(["/predict", "/predict/batch", "/model", "/docs"]) | st.text(),
        st.dictionaries(st.sampled_from(["content-type", "Content-Encoding"]), ANYTHING),
        st.dictionaries(
            st.sampled_from(["top", "explain"]) | st.text(), ANYTHING | st.lists(st.text())
        ),
    ),
)


@pytest.fixture(scope="module", params=["frozen", "sklearn"])
def folder(request, tmp_path_factory):
    path = tmp_path_factory.mktemp(request.param)
    write_bundle(path, fit(), request.param)
    return path


@pytest.fixture
def service(start_service, folder):
    return start_service(folder)


@pytest.mark.parametrize("seed", range(4))
def test_mutants_of_valid_events_are_sent_none_comes_through(service, seed):
    mutator = Mutator(seed, TEXT)
    paths = {attack(mutator.mutate()).path for _ in range(1_500)}
    assert paths == {"fast", "full", "none"}


@settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(event=EVENTS)
def test_event_of_any_form_is_sent_it_does_not_come_through(service, event):
    attack(json.dumps(event).encode())


def raise_error(*_):
    raise RuntimeError


def print_more(emit):
    def weak(self, *arguments, **options):
        emit(self, *arguments, **options)
        sys.stdout.write("{}\n")

    return weak


def print_text(*_, **__):
    sys.stdout.write(SECRET)


@pytest.mark.parametrize(
    ("place", "weakness", "reason"),
    [
        ("handler.Service.handle", raise_error, "RuntimeError"),
        ("engines.predictor.Predictor.predict", raise_error, "something was logged"),
        ("request.strict_json.to_json", lambda _: '{"label": NaN}', "ValueError: NaN"),
        ("request.strict_json.to_json", lambda _: '{"label": "\\ud800"}', "surrogates"),
        ("request.strict_json.to_json", lambda _: '{"probability": 1.5}', "probability <= 1"),
        ("handler.Emitter.emit", lambda *_, **__: None, "not one EMF document"),
        ("handler.Emitter.emit", print_more(Emitter.emit), "not one EMF document"),
        ("handler.Emitter.emit", print_text, "the metrics hold text"),
    ],
)
def test_handler_is_weak_the_attack_says_how(service, monkeypatch, place, weakness, reason):
    attack(GOOD)
    monkeypatch.setattr(f"serving.app.{place}", weakness)
    with pytest.raises(Weak, match=reason):
        attack(GOOD)


def test_event_takes_long_the_attack_says_so(service, monkeypatch):
    monkeypatch.setattr("tools.fuzz.attack.MAX_SECONDS", -1)
    with pytest.raises(Weak, match="s of the processor"):
        attack(GOOD)


def test_problem_holds_text_of_the_request_the_attack_says_so(service, monkeypatch):
    monkeypatch.setattr(errors.Invalid, "title", SECRET)
    with pytest.raises(Weak, match="text of the request"):
        attack(json.dumps(proxy_event(body={SECRET: 1})).encode())


def test_lanes_differ_the_attack_says_so(service, monkeypatch):
    respond = fast_path.respond

    def lie(*arguments):
        answer = respond(*arguments)
        return answer | {"body": answer["body"].replace("sailing", "cooking")}

    monkeypatch.setattr(fast_path, "respond", lie)
    with pytest.raises(Weak, match="answers otherwise"):
        attack(GOOD)


@pytest.mark.parametrize("task", WRITE)
def test_mutants_of_records_are_sent_none_comes_through(start_service, tmp_path, task):
    WRITE[task](tmp_path)
    start_service(tmp_path)
    mutator = Mutator(1, INPUT)
    found = [attack(mutator.mutate()) for _ in range(1_000)]
    assert {one.path for one in found} == {"fast", "full", "none"}
    assert {200, 422} < {one.status for one in found}


def test_mutants_of_images_are_sent_none_comes_through(start_service, tmp_path):
    images.write_images(tmp_path)
    start_service(tmp_path)
    mutator = Mutator(1, images.INPUT)
    found = [attack(mutator.mutate()) for _ in range(1_000)]
    assert {one.path for one in found} == {"fast", "full", "none"}
    assert {200, 400, 415, 422} < {one.status for one in found}


@pytest.mark.parametrize("described", KINDS, ids=lambda one: one["kind"])
def test_bodies_are_what_the_model_takes(described):
    reads = find_input(described)
    bodies = make_bodies(described)
    for body in bodies:
        reads.read(body)
    assert len(reads.read_batch(make_batch(described, bodies))) == len(bodies)


@pytest.mark.parametrize("described", KINDS, ids=lambda one: one["kind"])
def test_mutants_of_one_seed_are_the_same(described):
    one, other, third = (Mutator(seed, described) for seed in (1, 1, 2))
    mutants = [one.mutate() for _ in range(50)]
    assert mutants == [other.mutate() for _ in range(50)] != [third.mutate() for _ in range(50)]
    assert len(set(mutants)) > 40


@pytest.mark.parametrize("engine", ["frozen", "sklearn"])
def test_slowest_of_full_batches_is_timed_with_either_engine(tmp_path, start_service, engine):
    write_bundle(tmp_path, fit(), engine)
    start_service(tmp_path)
    assert answer_slowest([{"texts": ["the boat"] * 9}]) > 0
    with pytest.raises(AssertionError):
        answer_slowest([{"texts": []}])  # no batch: what is refused is not timed
