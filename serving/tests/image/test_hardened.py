"""How the image answers, shut in as Lambda does it (container.py says how)."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from threading import Thread

import httpx
import pytest

from serving.deployment.commands.smoke import Reply, compare
from serving.deployment.image import builder
from serving.deployment.stages import STAGES
from serving.tests import hostile_images
from serving.tests.answers import check_answer
from serving.tests.hostile import EVENTS
from serving.tests.image.conftest import BUNDLE, NAME
from serving.tests.own_code import fit_own, own_code
from serving.tests.records import RECORDS, to_frame
from serving.tests.sample import TEXTS, proxy_event
from tools.image.container import Container, ContainerDied, docker
from training.paths import list_models

pytestmark = [pytest.mark.docker, pytest.mark.slow]
MEMORY_MB = min(stage.memory_mb for stage in STAGES.values())
MODEL = {"frozen": "model.frozen", "sklearn": "model.joblib"}
LAMBDA_BYTES = 6 * 1024 * 1024
GOOD = proxy_event(body={"text": "the boat"})


@pytest.fixture
def container(built):
    with Container(built, MEMORY_MB) as container:
        yield container


def test_it_answers_everything_writes_nothing_asks_nobody_and_does_not_grow(container, pipeline):
    for name, (status, event) in EVENTS.items():
        assert check_answer(container.invoke(event).answer, event) == status, name
    large = proxy_event(body="")
    large["body"] = "x" * (LAMBDA_BYTES - len(json.dumps(large)))
    assert len(json.dumps(large)) == LAMBDA_BYTES
    assert check_answer(container.invoke(large).answer) == 413
    check_batch(container, pipeline)

    process = find_process(container)
    sizes = []
    for _ in range(10):
        for number in range(100):
            check_prediction(container, pipeline, f"{TEXTS[number % len(TEXTS)]} {number}")
        sizes.append(find_process(container)[1])
    assert max(sizes[5:]) <= max(sizes[:5]) + 256  # KiB
    assert find_process(container)[0] == process[0]

    assert docker("diff", container.id) == ""
    assert docker("exec", container.id, "ls", "-A", "/tmp") == ""  # noqa: S108
    assert count_attempts(container) == 0
    log = container.read_log()
    assert "Traceback" not in log
    # One document an invocation, and one cold start: nothing was started again.
    documents = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    documents = [one for one in documents if "_aws" in one]
    assert len(documents) == len(EVENTS) + 2 + 1000
    assert sum(one.get("cold_start", 0) for one in documents) == 1


def test_a_connection_is_tried_the_count_of_attempts_tells(container):
    """The control of the test above; names are asked of a server by IPv4, too."""
    connect = "import socket; socket.create_connection(('192.0.2.1', 443))"
    assert count_attempts(container) == 0
    with pytest.raises(ContainerDied, match="Network is unreachable"):
        docker("exec", container.id, "python3", "-c", connect)
    assert count_attempts(container) == 1


@pytest.mark.parametrize("target", ["records"], indirect=True)
def test_model_brings_code_of_its_own_its_image_answers_what_the_pipeline_says(built, tmp_path):
    with own_code(tmp_path, NAME) as features, Container(built, MEMORY_MB) as container:
        expected = fit_own(features).predict(to_frame(RECORDS[:20]))
        for record, value in zip(RECORDS[:20], expected, strict=True):
            answer = container.invoke(proxy_event(body=record)).answer
            assert check_answer(answer) == 200
            assert json.loads(answer["body"])["value"] == value


@pytest.mark.parametrize("target", ["images"], indirect=True)
def test_model_is_of_pictures_its_image_answers_everything_and_writes_nothing(built):
    events = hostile_images.EVENTS
    with Container(built, MEMORY_MB) as container:
        container.invoke(proxy_event("GET", "/health"))  # which starts it
        process = find_process(container)
        for name, (status, event) in events.items():
            if len(json.dumps(event)) <= LAMBDA_BYTES:  # Lambda sends no larger one
                assert check_answer(container.invoke(event).answer, event) == status, name
        assert find_process(container)[0] == process[0]
        assert docker("diff", container.id) == ""
        assert docker("exec", container.id, "ls", "-A", "/tmp") == ""  # noqa: S108
        assert count_attempts(container) == 0
        log = container.read_log()
    assert "Traceback" not in log
    assert hostile_images.SECRET not in log


@pytest.mark.parametrize("target", ["frozen"], indirect=True)
def test_an_invocation_takes_too_long_it_says_so_and_the_next_one_is_answered(built, pipeline):
    stop = (
        "import os, signal\n"
        "for one in filter(str.isdigit, os.listdir('/proc')):\n"
        "    line = open(f'/proc/{one}/cmdline', 'rb').read()\n"
        "    if b'.lambda_handler\\0' in line and b'lambda-rie' not in line:\n"
        "        os.kill(int(one), signal.SIGSTOP)\n"
    )
    with Container(built, MEMORY_MB, seconds=1) as container:
        check_prediction(container, pipeline, "the boat")
        docker("exec", container.id, "python3", "-c", stop)
        assert "timed out" in container.invoke(GOOD).answer["errorMessage"]
        check_prediction(container, pipeline, "the boat")


def test_it_runs_without_privileges_and_can_write_in_tmp_alone(container):
    status = docker("exec", container.id, "cat", "/proc/1/status")
    assert re.search(r"^CapBnd:\s+0+$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
    assert re.search(r"^Uid:\s+993\b", status, re.MULTILINE)
    assert re.search(r"^Seccomp:\s+2$", status, re.MULTILINE)
    find = (
        "import os\n"
        "for folder, folders, files in os.walk('/'):\n"
        "    folders[:] = [one for one in folders if one not in ('proc', 'sys', 'dev')]\n"
        "    for one in (folder, *(os.path.join(folder, file) for file in files)):\n"
        "        if not os.path.islink(one) and os.access(one, os.W_OK):\n"
        "            print(one)\n"
    )
    assert docker("exec", container.id, "python3", "-c", find).split() == ["/tmp"]  # noqa: S108
    assert "shm" not in docker("exec", container.id, "ls", "/dev")


@pytest.mark.parametrize("when", ["in its init", "under load"])
def test_it_is_killed_the_next_container_answers_the_same(built, pipeline, when):
    died = []

    def ask():
        try:
            while True:
                container.invoke(GOOD)
        except ContainerDied:
            died.append(True)

    with Container(built, MEMORY_MB) as container:
        if when == "under load":
            container.invoke(GOOD)
        asking = Thread(target=ask)
        asking.start()
        time.sleep(0.03)
        docker("kill", "--signal", "KILL", container.id)
        asking.join(30)
    assert died == [True]
    with Container(built, MEMORY_MB) as another:
        check_prediction(another, pipeline, "the boat")


def test_model_in_the_image_is_tampered_with_it_answers_503_and_names_the_file(
    root, built, target, tmp_path_factory
):
    name, folder = MODEL[target], tmp_path_factory.mktemp("tampered")
    (folder / name).write_bytes((root / BUNDLE / name).read_bytes()[:-1] + b"!")
    recipe = folder / "Dockerfile"
    recipe.write_text(f"FROM {built}\nCOPY {name} /var/task/serving/app/data/\n")
    tampered = f"quickthaw-tampered:{os.getpid()}"
    docker("build", "--quiet", "--tag", tampered, str(folder))
    try:
        with Container(tampered, MEMORY_MB) as container:
            assert check_answer(container.invoke(GOOD).answer) == 503
            assert check_answer(container.invoke(GOOD).answer) == 503
            log = container.read_log()
    finally:
        docker("image", "rm", "--force", tampered)
    assert "BundleDamaged" in log
    assert name in log
    assert '"label"' not in log


@pytest.mark.parametrize("target", ["frozen"], indirect=True)
def test_model_cannot_be_served_its_image_is_not_built(root, build, target):
    path = root / BUNDLE / MODEL[target]
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(builder.ImageError, match=r"(?s)model\.frozen is damaged.*does not predict"):
        build(root)


@pytest.mark.parametrize("model", list_models())
def test_image_of_this_commit_answers_its_golden_examples(base, model):
    try:
        manifest = builder.read_manifest(builder.ROOT, model)
        builder.list_context(builder.ROOT, model, manifest["engine"])
    except builder.ImageError:
        pytest.skip("there is no trained model: 'make train' makes it")
    built = builder.build(builder.ROOT, model, base)
    with Container(built, MEMORY_MB) as container:
        for one in manifest["golden"]:
            answer = container.invoke(proxy_event(body=one["input"])).answer
            headers = {name.lower(): one for name, (one,) in answer["multiValueHeaders"].items()}
            reply = Reply(answer["statusCode"], headers, json.loads(answer["body"]))
            assert compare(one, manifest["version"], reply) is None


@pytest.mark.parametrize("target", ["frozen"], indirect=True)
def test_image_run_answers_as_the_service_does_and_leaves_no_container(built, pipeline):
    command = [sys.executable, "-m", "tools.image", "--image", built, "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=builder.ROOT)
    try:
        lines = []
        while not lines or not lines[-1].startswith("Serving on "):
            lines.append(process.stderr.readline())
            assert lines[-1], "".join(lines)
        assert f"{MEMORY_MB} MB" in lines[0]
        answer = httpx.post(f"{lines[-1].split()[-1]}/predict", json={"text": "the boat"})
        assert answer.json()["label"] == pipeline.predict(["the boat"])[0]
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert process.wait(60) == 0
        assert rest.endswith("\nstopped\n")
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    (container,) = re.findall(r"container (quickthaw-[\w-]+);", "".join(lines))
    assert not docker("ps", "--all", "--quiet", "--filter", f"name={container}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("when", ["made", "running"])
def test_image_run_is_stopped_while_it_starts_it_leaves_no_container(built, number, when):
    with subprocess.Popen(
        [sys.executable, "-m", "tools.image", "--image", built, "--port", "0"],
        cwd=builder.ROOT,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        condition = ("--all",) if when == "made" else ("--filter", "status=running")
        ours = ("--quiet", "--filter", f"name=quickthaw-{process.pid}-")
        while not docker("ps", *condition, *ours):
            assert process.poll() is None
        os.killpg(process.pid, number)  # as a terminal does it
        process.communicate(timeout=60)
    assert not docker("ps", "--all", *ours)


def check_prediction(container, pipeline, text):
    answer = container.invoke(proxy_event(body={"text": text})).answer
    assert check_answer(answer) == 200
    found, (expected,) = json.loads(answer["body"]), pipeline.predict_proba([text])
    assert found["label"] == pipeline.classes_[expected.argmax()]
    assert found["probability"] == pytest.approx(expected.max(), rel=0, abs=1e-12)


def check_batch(container, pipeline):
    texts = [f"{TEXTS[number % len(TEXTS)]} {number}" for number in range(1000)]
    event = proxy_event(path="/predict/batch", body={"texts": texts})
    answer = container.invoke(event).answer
    assert check_answer(answer) == 200
    found = json.loads(answer["body"])["predictions"]
    expected = pipeline.predict_proba(texts)
    assert [one["label"] for one in found] == list(pipeline.classes_[expected.argmax(axis=1)])
    probabilities = [one["probability"] for one in found]
    assert probabilities == pytest.approx(expected.max(axis=1), rel=0, abs=1e-12)


def find_process(container):
    """Id and resident KiB of the function's process."""
    _, *lines = docker("top", container.id, "-o", "pid,rss,args").splitlines()
    (found,) = [line.split()[:2] for line in lines if "lambda-rie" not in line]
    return found[0], int(found[1])


def count_attempts(container):
    """Packets out of this container that found no route: connections tried, names asked for."""
    names, values = (
        line.split()
        for line in docker("exec", container.id, "cat", "/proc/net/snmp").splitlines()
        if line.startswith("Ip:")
    )
    return int(dict(zip(names, values, strict=True))["OutNoRoutes"])
