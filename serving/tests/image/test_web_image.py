"""The image of the web process: the same layers and one more, shut in as a small container."""

import http.client
import json
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from threading import Thread

import pytest

from serving.deployment.image import builder, sbom
from serving.tests.image.conftest import lay_out
from serving.tests.sample import TEXTS, proxy_event
from tools.image.container import Container, docker
from tools.image.web import COMMAND, make_command

pytestmark = [pytest.mark.docker, pytest.mark.slow]
KIND = {"Content-Type": "application/json"}
ONE = json.dumps({"text": "hoist the sail"})


@pytest.fixture(scope="session")
def web(tmp_path_factory, build, pipeline, target):
    """The small model's image for Lambda, and the one for the web process."""
    root = lay_out(tmp_path_factory.mktemp(f"web-{target}"), pipeline, target)
    return build(root), build(root, target=builder.Target(host="web"))


class Web:
    """A container of the web process."""

    def __init__(self, image, *options, by_shell=False):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        command = make_command(image, self.port, "--detach", *options)
        if by_shell:
            place = command.index(image)
            words = " ".join(command[place + 1 :] or COMMAND)
            command = [*command[:place], "--entrypoint", "/bin/sh", image, "-c", words]
        started = subprocess.run(command, check=True, capture_output=True, text=True)
        self.id = started.stdout.strip()

    def wait(self):
        until = time.monotonic() + 90
        while True:
            with suppress(OSError, http.client.HTTPException):
                if self.ask("GET", "/health")[0] == 200:
                    return
            assert time.monotonic() < until, docker("logs", self.id)
            time.sleep(0.1)

    def ask(self, *request):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            client.request(*request)
            answer = client.getresponse()
            return answer.status, answer.read().decode()
        finally:
            client.close()

    def list_documents(self):
        lines = docker("logs", self.id).splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@contextmanager
def running(image, *options, **ways):
    container = Web(image, *options, **ways)
    try:
        container.wait()
        yield container
    finally:
        docker("rm", "--force", container.id)


def test_it_is_lambdas_image_and_one_small_layer(web):
    ours, its = (json.loads(builder.inspect(one, "{{json .RootFS.Layers}}")) for one in web)
    assert its[:-1] == ours
    less, more = (sbom.read_contents(one) for one in web)
    assert {one.name for one in more.packages} - {one.name for one in less.packages} == {
        "click",
        "h11",
        "uvicorn",
    }
    assert more.bytes - less.bytes < 4e6
    labels = json.loads(builder.inspect(web[1], "{{json .Config.Labels}}"))
    assert labels["quickthaw.host"] == "web"


def test_it_answers_as_lambdas_does_shut_in_and_stops_in_order(web):
    with Container(web[0], 512) as function:
        expected = function.invoke(proxy_event(body=ONE)).answer["body"]
    with running(web[1], "--env", "WEB_CONCURRENCY=2") as container:
        assert container.ask("POST", "/predict", ONE, KIND) == (200, expected)
        many = json.dumps({"texts": [TEXTS[one % len(TEXTS)] for one in range(1000)]})
        found = []
        asking = Thread(
            target=lambda: found.append(container.ask("POST", "/predict/batch", many, KIND))
        )
        asking.start()
        time.sleep(0.01)
        started = time.monotonic()
        docker("stop", "--time", "10", container.id)
        assert time.monotonic() - started < 10
        asking.join()
        assert [status for status, _ in found] == [200]
        assert builder.inspect(web[1], "{{.Config.User}}") == ""  # any user will do
        state = docker(
            "inspect", "--format", "{{.State.ExitCode}} {{.State.OOMKilled}}", container.id
        )
        assert state.split() == ["0", "false"]
        assert docker("diff", container.id) == ""


def test_a_platform_gives_its_command_to_a_shell_it_answers_and_stops_in_order(web):
    # As Heroku does, which takes no image without a command.
    config = json.loads(builder.inspect(web[1], "{{json .Config}}"))
    assert (config.get("Entrypoint") or [], config["Cmd"]) == ([], [*COMMAND])
    with running(web[1], by_shell=True) as container:
        assert container.ask("POST", "/predict", ONE, KIND)[0] == 200
        # To all processes, for a shell need not hand it on.
        docker("exec", container.id, "python3", "-c", "import os; os.kill(-1, 15)")
        assert docker("wait", container.id).strip() == "0"


def test_it_is_killed_what_it_had_answered_is_in_its_log(web):
    with running(web[1]) as container:
        for _ in range(20):
            assert container.ask("POST", "/predict", ONE, KIND)[0] == 200
        docker("kill", "--signal", "KILL", container.id)
        written = [one for one in container.list_documents() if one["route"] == "/predict"]
        assert len(written) == 20
