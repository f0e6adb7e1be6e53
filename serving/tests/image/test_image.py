"""The image: what goes into it, what its tag depends on, and how it answers, hardened as Lambda."""

import json
import os
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from serving.deployment import image
from serving.deployment.image import ImageError, hash_content, list_context
from serving.tests.answers import check_answer
from serving.tests.hostile import EVENTS
from serving.tests.sample import fit, proxy_event, write_bundle

BASE = "sha256:0"
MEMORY_MB = 512
VCPU_MB = 1769  # AWS Lambda Developer Guide, "Configuring function memory": so many are one vCPU
# As Lambda does it: no writing but in /tmp, no privileges, no network, no shared memory.
HARDENED = [
    *("--read-only", "--tmpfs", "/tmp:size=64m,mode=1777"),  # noqa: S108 - the container's
    *("--user", "993:990", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--ipc", "none", "--memory", f"{MEMORY_MB}m", "--memory-swap", f"{MEMORY_MB}m"),
    *("--cpus", f"{MEMORY_MB / VCPU_MB:.2f}"),
]


@pytest.fixture(scope="module")
def pipeline():
    return fit()


@pytest.fixture(params=["frozen", "sklearn"])
def target(request):
    return request.param


@pytest.fixture
def root(tmp_path, pipeline, target):
    """The files that an image is made of, with a small model."""
    for pattern in (".dockerignore", *image.read_allowed(image.ROOT)):
        for path in image.ROOT.glob(pattern):
            copy = tmp_path / path.relative_to(image.ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            if copy.parent.name != "data":
                shutil.copy(path, copy)
    write_bundle(tmp_path / "serving/app/data", pipeline, target)
    (tmp_path / "serving/app/data/model.frozen").touch()
    return tmp_path


def test_context_is_code_locks_and_model_and_nothing_else(root, target):
    other = {"frozen": "sklearn", "sklearn": "frozen"}[target]
    model = {"frozen": "model.frozen", "sklearn": "model.joblib"}[target]
    names = list_context(root, target)
    code = [name for name in names if name.startswith("serving/") and name.endswith(".py")]
    assert {"serving/__init__.py", "serving/app/handler.py"} <= set(code)
    assert set(names) - set(code) == {
        image.DOCKERFILE,
        image.MANIFEST,
        f"requirements/{target}.txt",
        f"serving/app/data/{model}",
    }
    assert f"requirements/{other}.txt" not in names


def test_nothing_but_times_and_strangers_changes_the_tag_stays(root, target):
    before = hash_content(root, target, BASE)
    for path in root.rglob("*"):
        os.utime(path, (0, 0))
    (root / "README.md").write_text("more")
    (root / "serving/app/__pycache__").mkdir(exist_ok=True)
    (root / "serving/app/__pycache__/handler.pyc").write_bytes(b"0")
    (root / "serving/app/data/notes.txt").write_text("more")
    assert hash_content(root, target, BASE) == before
    write_bundle(root / "serving/app/data", fit(), target)  # trained again to the same model
    (root / "serving/app/data/model.frozen").touch()
    assert hash_content(root, target, BASE) == before


def test_any_file_of_it_changes_the_tag_does(root, target):
    tags = {hash_content(root, target, BASE), hash_content(root, target, "sha256:1")}
    names = list_context(root, target)
    for name in names:
        path = root / name
        whole = path.read_bytes()
        path.write_bytes(whole + b"\n")
        tags.add(hash_content(root, target, BASE))
        path.write_bytes(whole)
    (root / "serving/app/more.py").touch()
    tags.add(hash_content(root, target, BASE))
    assert len(tags) == len(names) + 3


def test_what_only_the_other_target_uses_changes_the_tag_stays(root, target):
    before = hash_content(root, target, BASE)
    for name in image.OTHERS[target]:
        (root / name).write_bytes(b"else")
    assert hash_content(root, target, BASE) == before


@pytest.mark.parametrize("name", ["manifest.json", "model"])
def test_there_is_no_model_it_is_said_and_what_makes_it(root, target, name):
    def hash_of(folder):
        return hash_content(folder, target, BASE)

    suffix = {"frozen": ".frozen", "sklearn": ".joblib"}[target] if name == "model" else ""
    (root / f"serving/app/data/{name}{suffix}").unlink()
    check = image.read_manifest if name == "manifest.json" else hash_of
    with pytest.raises(ImageError, match="'make train'"):
        check(root)


def has_engine():
    try:
        return not subprocess.run(["docker", "info"], capture_output=True, check=False).returncode
    except OSError:
        return False


docker = pytest.mark.skipif(not has_engine(), reason="no Docker engine: the image is NOT tested")


@pytest.fixture(scope="module")
def base():
    script = Path(__file__).with_name("base.sh")
    return subprocess.run([script], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


@pytest.fixture
def start(root, base):
    """Start a hardened container of the image: what sends an event to its emulator, and its id."""
    started = []

    def start():
        built = image.build(root, base)
        assert image.build(root, base) == built
        run = ["docker", "run", "--detach", "--publish", "127.0.0.1:0:8080", *HARDENED, built]
        started.append(subprocess.check_output(run, text=True).strip())
        port = subprocess.check_output(["docker", "port", started[-1], "8080"], text=True)
        url = f"http://{port.strip()}/2015-03-31/functions/function/invocations"

        def send(event):
            body = json.dumps(event).encode()
            until = time.monotonic() + 60
            while True:  # until the emulator listens
                try:
                    with urllib.request.urlopen(url, body) as answer:
                        return json.loads(answer.read())
                except OSError:
                    if time.monotonic() > until:
                        raise
                    time.sleep(0.1)

        return send, started[-1]

    yield start
    for one in started:
        subprocess.run(["docker", "rm", "--force", one], stdout=subprocess.DEVNULL, check=True)


@docker
@pytest.mark.slow
def test_image_runs_hardened_answers_the_hostile_events_and_writes_nothing(start, target):
    send, container = start()
    good = proxy_event(body={"text": "the boat"})
    assert send(good)["statusCode"] == 200
    for name, (status, event) in EVENTS.items():
        if len(json.dumps(event)) < 4_000_000:  # the emulator cuts larger ones
            assert check_answer(send(event)) == status, name
    for _ in range(100):
        assert send(good)["statusCode"] == 200
    assert subprocess.check_output(["docker", "diff", container], text=True) == ""
    found = subprocess.check_output(
        ["docker", "exec", container, "sh", "-c", "ls /var/task; ls -A /tmp"], text=True
    )
    heavy = {"sklearn", "numpy", "scipy", "joblib"} & set(found.split())
    assert heavy == ({"sklearn", "numpy", "scipy", "joblib"} if target == "sklearn" else set())
    assert "aiohttp" not in found
    log = subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=True)
    assert "Traceback" not in log.stdout + log.stderr


@docker
@pytest.mark.slow
def test_model_in_the_image_is_tampered_with_it_answers_503_and_names_the_file(start, root, target):
    name = {"frozen": "model.frozen", "sklearn": "model.joblib"}[target]
    path = root / "serving/app/data" / name
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    send, container = start()
    assert check_answer(send(proxy_event(body={"text": "the boat"}))) == 503
    log = subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=True)
    assert "BundleDamaged" in log.stdout + log.stderr
    assert name in log.stdout + log.stderr
