"""What is frozen on x86-64 answers the same on aarch64, under qemu-user."""

import os
import subprocess
from itertools import islice

import pytest

from serving.app.engines.predictor import load_predictor
from serving.kernel import build
from serving.tests.arm import ROOT, Refused, answer_on_arm, compare, find_interpreter
from serving.tests.sample import TEXTS, change_manifest, proxy_event, write_bundle
from tools.runtime_api import Runtime
from training.data.dataset import read_examples
from training.definition import read_definition
from training.freezing.inputs import generate
from training.freezing.proof import PROBABILITY_TOLERANCE
from training.model_file import load_model

pytestmark = [pytest.mark.arm, pytest.mark.slow]
# Of the test part, and as many generated ones: an emulated network takes a tenth of a second each.
SAMPLE = {"text": 500, "record": 300, "image": 100}


@pytest.mark.trained
def test_trained_model_is_asked_on_arm_its_answers_are_those_of_x86(predictor, paths):
    if predictor.manifest.engine != "frozen" or not (paths.test.exists() and paths.model.exists()):
        pytest.skip(f"ARM is NOT tested: run {paths.make('train')}")
    definition = read_definition(paths)
    described, count = definition.input.described, SAMPLE[definition.input.described["kind"]]
    examples = read_examples(paths.test)
    tested = [definition.input.read(one.input) for one in examples[:: len(examples) // count + 1]]
    values = [predictor.input.read(one["input"]) for one in predictor.manifest.golden]
    values += tested
    values += islice(generate(described, load_model(paths), tested, count, 7), count)
    machine, found = answer_on_arm(paths.bundle, values)
    worst = compare(found, predictor._engine.score(values))
    assert machine == "aarch64"
    assert worst <= PROBABILITY_TOLERANCE


@pytest.fixture
def folder(tmp_path, pipeline):
    """A small frozen model of texts."""
    write_bundle(tmp_path, pipeline, "frozen")
    return tmp_path


def test_small_model_is_asked_on_arm_its_answers_are_those_of_x86(folder):
    expected = load_predictor(folder)._engine.score(TEXTS)
    machine, found = answer_on_arm(folder, TEXTS)
    assert machine == "aarch64"
    assert compare(found, expected) <= PROBABILITY_TOLERANCE


def test_kernel_on_arm_answers_and_refuses_as_python_does_there(tmp_path):
    kernel = tmp_path / "_kernel.so"
    build.compile_kernel("aarch64", kernel)
    interpreter, _ = find_interpreter()
    done = subprocess.run(
        [*interpreter, "-m", "serving.tests.kernels", kernel, "11", "600"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    assert "the kernel's are Python's" in done.stdout


def test_golden_example_is_answered_otherwise_on_arm_the_model_is_refused(folder):
    golden = [{"input": {"text": TEXTS[0]}, "label": "sailing", "probability": 1.0}]
    change_manifest(folder, golden=golden)
    load_predictor(folder)  # nobody asks here, where it was made
    with pytest.raises(Refused, match="ProcessorDiffers: on aarch64 golden example 1"):
        answer_on_arm(folder, TEXTS)


def test_real_runtime_client_runs_on_arm_both_ways_answer_as_here(folder):
    interpreter, packages = find_interpreter()
    environ = {"QUICKTHAW_BUNDLE": str(folder)}
    events = [
        proxy_event(body={"text": TEXTS[0]}),
        proxy_event(body={"text": TEXTS[0]}, queryStringParameters={"explain": "true"}),
        proxy_event(path="/predict/batch", body={"texts": TEXTS}),
        proxy_event("GET", "/openapi.json"),
        proxy_event(body="{"),
    ]
    answers = []
    for options in ({}, {"interpreter": interpreter}):
        more = {"PYTHONPATH": packages} if options else {}
        with Runtime("serving.app.handler.lambda_handler", environ | more, **options) as runtime:
            answers.append([runtime.invoke(event).json for event in events])
    here, there = answers
    assert [one["statusCode"] for one in here] == [200, 200, 200, 200, 400]
    assert there == here  # of this model to the last bit


def test_answers_differ_that_is_noticed(folder):
    scores = load_predictor(folder)._engine.score(TEXTS)
    _, found = answer_on_arm(folder, TEXTS)
    with pytest.raises(AssertionError):
        compare([found[1], *found[1:]], scores)
    label, probabilities, *others = found[0]
    moved = [(label, [probabilities[0] + 1e-9, *probabilities[1:]], *others), *found[1:]]
    assert compare(moved, scores) > PROBABILITY_TOLERANCE
