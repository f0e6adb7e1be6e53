"""The image of the cloud's bulk: the same layers and one more, with a local S3 and SQS."""

import json
import os
import subprocess
import time

import pytest

from scoring.tests.cloud import Cloud
from scoring.tests.test_tables import read_back, write_table
from serving.bulk import name_answer
from serving.deployment.image import builder, sbom
from serving.tests.image.conftest import BUNDLE, lay_out
from serving.tests.moto_server import serve_moto
from tools.image.container import HARDENED, docker
from tools.runtime_api import Runtime

pytestmark = [pytest.mark.docker, pytest.mark.slow]
ROWS = [{"id": "1", "text": "hoist the sail"}, {"id": "2", "text": "x" * 120_000}]


@pytest.fixture(scope="session")
def bulk(tmp_path_factory, build, pipeline, target):
    """A small model's image for Lambda, the one for bulk, and the model's version."""
    root = lay_out(tmp_path_factory.mktemp(f"bulk-{target}"), pipeline, target)
    version = json.loads((root / BUNDLE / "manifest.json").read_bytes())["version"]
    return build(root), build(root, target=builder.Target(host="bulk")), version


@pytest.fixture
def cloud():
    with serve_moto() as port:
        yield Cloud(port)


def make_command(image, environ, *options, hardened=HARDENED):
    """What starts a container that reaches the local AWS; its settings are its client's."""
    names = [part for name in environ for part in ("--env", name)]
    return ["docker", "run", *hardened, "--network", "host", *names, *options, image]


def test_it_is_lambdas_image_and_one_layer(bulk):
    ours, its = (json.loads(builder.inspect(one, "{{json .RootFS.Layers}}")) for one in bulk[:2])
    assert its[:-1] == ours
    less, more = ({one.name for one in sbom.read_contents(image).packages} for image in bulk[:2])
    assert {"boto3", "botocore", "duckdb"} <= more - less
    command = json.loads(builder.inspect(bulk[1], "{{json .Config.Cmd}}"))
    assert command == ["scoring.cloud.handler.lambda_handler"]
    # As Fargate wants it of a folder that a user without rights is to write to.
    assert json.loads(builder.inspect(bulk[1], "{{json .Config.Volumes}}")) == {"/tmp": {}}  # noqa: S108


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet"])
def test_lambdas_own_client_gives_back_the_messages_that_cannot_be_answered(
    name, bulk, cloud, tmp_path
):
    _, image, version = bulk
    write_table(tmp_path / name, ROWS)
    put = cloud.put(name, (tmp_path / name).read_bytes())
    cloud.put("poison.csv", b"a\n1\n")
    event = cloud.make_event()
    environ = {"AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_FUNCTION_NAME", *cloud.environ}
    options = ("--rm", "--env", "PYTHONPATH=/var/runtime", "--entrypoint", "python3")
    command = make_command(image, environ, *options)
    with Runtime(
        "scoring.cloud.handler.lambda_handler", cloud.environ, interpreter=command
    ) as runtime:
        found = runtime.invoke(event)
    poison = [one["messageId"] for one in event["Records"] if "poison" in one["body"]]
    assert (found.kind, found.json) == (
        "response",
        {"batchItemFailures": [{"itemIdentifier": one} for one in poison]},
    )
    ((key, answer),) = cloud.read().items()
    assert key == name_answer(version, name, put)
    (tmp_path / f"answer-{name}").write_bytes(answer)
    rows = read_back(tmp_path / f"answer-{name}")
    assert [bool(one["error"]) for one in rows] == [False, True]


# With a /tmp in the memory, and with the volume that the image asks for, as on Fargate.
@pytest.mark.parametrize("hardened", [HARDENED, HARDENED[:-2]], ids=["memory", "volume"])
def test_worker_takes_messages_shut_in_and_ends_in_order(bulk, cloud, hardened):
    _, image, version = bulk
    assert HARDENED[-2] == "--tmpfs"
    for place in range(5):
        cloud.put(f"{place}.jsonl", b'{"text": "hoist the sail"}\n')
    options = ("--detach", "--memory", "512m", "--entrypoint", "python3")
    command = make_command(image, cloud.environ, *options, hardened=hardened)
    worker = subprocess.run(
        [*command, "-m", "scoring.cloud"],
        env=os.environ | cloud.environ,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout.strip()
    try:
        until = time.monotonic() + 60
        while len(cloud.read()) < 5:
            assert time.monotonic() < until, docker("logs", worker)
            time.sleep(0.1)
        docker("stop", "--time", "10", worker)
        state = docker("inspect", "--format", "{{.State.ExitCode}} {{.State.OOMKilled}}", worker)
        assert state.split() == ["0", "false"]
        assert docker("diff", worker) == ""
        documents = [
            json.loads(line) for line in docker("logs", worker).splitlines() if line[:1] == "{"
        ]
        assert [one["modelVersion"] for one in documents] == [version] * 5
    finally:
        docker("rm", "--force", "--volumes", worker)
