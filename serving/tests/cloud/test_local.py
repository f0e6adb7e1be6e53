"""The local AWS: whom it answers, and what it tells Docker of a task."""

import asyncio
import json
import socket
import subprocess

import pytest

from tools.cloud import local

BRIDGE = {"Subnet": "192.0.2.0/24", "Gateway": "192.0.2.1"}


@pytest.fixture
def bridge(monkeypatch):
    """Docker's bridge, as its command describes it."""

    def set_bridge(config):
        told = json.dumps([{"IPAM": {"Config": [config]}}]).encode()
        monkeypatch.setattr(subprocess, "check_output", lambda _: told)

    return set_bridge


@pytest.mark.parametrize("config", [BRIDGE, {"Subnet": "192.0.2.0/24"}])
def test_docker_has_a_bridge_its_network_is_answered(bridge, config):
    bridge(config)
    assert local.find_bridge() == "192.0.2.1"
    assert local.find_callers("192.0.2.1") == "192.0.2.0/24"
    assert local.find_callers(local.LOOPBACK) == "127.0.0.0/8"


def test_bridge_is_of_another_machine_it_listens_on_loopback(bridge):
    bridge(BRIDGE)
    assert local.choose_host() == local.LOOPBACK
    bridge({"Subnet": "127.0.0.0/8", "Gateway": "127.0.0.2"})
    assert local.choose_host() == "127.0.0.2"
    with socket.create_server((local.LOOPBACK, 0)) as taken, pytest.raises(RuntimeError):
        local.check_port(taken.getsockname()[1])


@pytest.mark.parametrize(
    ("kind", "client", "expected"),
    [
        ("http", ("192.0.2.7", 1), "answered"),
        ("http", ("127.0.0.1", 1), "answered"),  # this machine by another of its addresses
        ("http", ("198.51.100.1", 1), 403),
        ("http", None, 403),
        ("websocket", ("198.51.100.1", 1), "websocket.close"),
        ("lifespan", None, "answered"),
    ],
)
def test_another_machine_calls_it_is_refused(kind, client, expected):
    from tools.cloud.ministack import close

    sent = []

    async def answer(_scope, _receive, send):
        await send({"type": "answered"})

    async def send(message):
        sent.append(message)

    asyncio.run(close(answer, "192.0.2.0/24")({"type": kind, "client": client}, None, send))
    assert expected in (sent[0]["type"], sent[0].get("status"))
    assert len(sent) == (2 if expected == 403 else 1)


def test_task_is_told_to_docker_as_its_definition_says(monkeypatch):
    from tools.cloud import ministack

    monkeypatch.setenv(ministack.TASK_ENDPOINT, "http://192.0.2.1:4566")
    monkeypatch.setenv(ministack.TASK_ACCOUNT, local.ACCOUNT)
    container = {
        "name": "bulk",
        "entryPoint": ["python3", "-m", "scoring.cloud"],
        "user": "993:990",
        "readonlyRootFilesystem": True,
    }
    told = ministack.build(container, {}, {"A": "1"}, {}, None, False, "0" * 32, "arn", "", "")  # noqa: FBT003
    assert (told["entrypoint"], told["user"], told["read_only"]) == (
        container["entryPoint"],
        "993:990",
        True,
    )
    assert told["environment"] == {
        "A": "1",
        "AWS_ACCESS_KEY_ID": local.ACCOUNT,
        "AWS_ENDPOINT_URL": "http://192.0.2.1:4566",
        "AWS_SECRET_ACCESS_KEY": "local",
    }
