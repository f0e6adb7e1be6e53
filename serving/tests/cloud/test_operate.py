"""What people run on a deployed stage: smoke, rollback, prune, key, push; against a local AWS."""

import json
import os
import shutil
import subprocess
import sys
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import boto3
import pytest

from bench.load.generator import send_busily
from bench.load.mix import Request
from bench.load.target import find_stage
from serving.deployment import stack
from serving.deployment.commands import key, live, plan, prune, push, rollback, running, smoke
from serving.deployment.commands.fetch_model import FetchError
from serving.deployment.image import builder
from serving.deployment.stack import Deployment, Outputs, StackError
from serving.deployment.stages import STAGES, Stage
from serving.tests.cloud.registry import list_tags, put_images
from serving.tests.moto_server import serve_moto
from tools.cloud import local

EXAMPLE = {"input": {"text": "bake bread"}, "label": "cooking", "probability": 0.75}
VERSION = "a" * 12
DEV, PROD = Deployment("hobbies", "dev"), Deployment("hobbies", "prod")
OUTPUTS = Outputs(
    Url="https://abc123.execute-api.eu-central-1.amazonaws.com/dev/",
    KeyId="none",
    FunctionName="quickthaw-hobbies-dev",
    LogGroup="/aws/lambda/quickthaw-hobbies-dev",
    Dashboard="https://example.org/",
)


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    """A local AWS; nothing is invoked there, so no Docker is needed."""
    port = local.find_port()
    process = local.start(port, tmp_path_factory.mktemp("aws"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in local.list_variables(port).items():
            patch.setenv(name, value)
        yield
    local.stop(process.pid)
    process.wait(60)


@pytest.fixture
def functions(aws):
    """The client, and the function of stage dev, gone when the test ends."""
    client = boto3.client("lambda", region_name=local.REGION)
    iam = boto3.client("iam", region_name=local.REGION)
    role = iam.create_role(
        RoleName="role", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17"})
    )["Role"]["Arn"]
    client.create_function(
        FunctionName="quickthaw-hobbies-dev",
        Role=role,
        PackageType="Image",
        Code={"ImageUri": uri(0)},
    )
    yield client
    client.delete_function(FunctionName="quickthaw-hobbies-dev")
    iam.delete_role(RoleName="role")


@pytest.fixture
def publish(functions):
    """Publish versions, each of an image of its own; the last one is live."""

    def publish(count):
        for number in range(1, count + 1):
            functions.update_function_code(
                FunctionName="quickthaw-hobbies-dev", ImageUri=uri(number)
            )
            functions.publish_version(
                FunctionName="quickthaw-hobbies-dev", Description=f"model {number}, image {number}"
            )
        functions.create_alias(
            FunctionName="quickthaw-hobbies-dev", Name="live", FunctionVersion=str(count)
        )

    return publish


@pytest.fixture
def publish_bulk(functions, monkeypatch):
    """Publish versions of bulk's function, which run these models; the last one is live."""
    monkeypatch.setitem(rollback.STAGES, "dev", Stage(bulk=True))
    made = []

    def publish(*models):
        role = functions.get_function(FunctionName=DEV.name)["Configuration"]["Role"]
        code = {"ImageUri": uri(10)}
        functions.create_function(FunctionName=DEV.bulk, Role=role, PackageType="Image", Code=code)
        made.append(DEV.bulk)
        for number, model in enumerate(models, 11):
            functions.update_function_code(FunctionName=DEV.bulk, ImageUri=uri(number))
            functions.publish_version(
                FunctionName=DEV.bulk, Description=f"model {model}, image {number}"
            )
        functions.create_alias(FunctionName=DEV.bulk, Name="live", FunctionVersion=str(len(models)))

    yield publish
    for name in made:
        functions.delete_function(FunctionName=name)


def uri(number):
    return f"{local.ACCOUNT}.dkr.ecr.{local.REGION}.amazonaws.com/quickthaw:{number}"


def find_live(client, name="quickthaw-hobbies-dev"):
    return client.get_alias(FunctionName=name, Name="live")["FunctionVersion"]


def test_rollback_goes_to_the_version_before_and_says_so(functions, publish, capsys):
    publish(3)
    assert rollback.rollback(DEV, yes=True) == 2
    assert find_live(functions) == "2"
    said = capsys.readouterr().err
    assert "from version 3 (model 3, image 3) to version 2 (model 2, image 2)" in said
    assert rollback.rollback(DEV, 3, yes=True) == 3
    with pytest.raises(StackError, match="live already"):
        rollback.rollback(DEV, 3, yes=True)


def test_rollback_ends_a_canary_and_goes_back_to_what_was_live(
    functions, publish, monkeypatch, capsys
):
    publish(3)
    functions.update_alias(
        FunctionName="quickthaw-hobbies-dev",
        Name="live",
        FunctionVersion="2",
        RoutingConfig={"AdditionalVersionWeights": {"3": 0.1}},
    )
    stopped = []
    monkeypatch.setattr(rollback, "stop_canary", stopped.append)
    monkeypatch.setitem(rollback.STAGES, "dev", Stage(canary=True))
    assert rollback.rollback(DEV, yes=True) == 2
    assert stopped == ["quickthaw-hobbies-dev"]
    said = capsys.readouterr().err
    assert "from version 2 (model 2, image 2), version 3 (model 3, image 3) to version 2" in said
    found = functions.get_alias(FunctionName="quickthaw-hobbies-dev", Name="live")
    assert not found.get("RoutingConfig", {}).get("AdditionalVersionWeights")


@pytest.mark.parametrize(
    ("models", "current", "model", "back", "expected"),
    [
        ("AB", 2, "A", True, 1),
        ("AAB", 3, "A", True, 2),
        ("BB", 2, "B", True, 1),  # the code was changed
        ("AB", 2, "B", True, 2),  # the API's code alone was changed
        ("B", 1, "A", True, None),
        ("BAA", 1, "A", True, 3),
        ("ABB", 1, "B", False, 3),
        ("AAB", 2, "A", False, 2),
        ("AB", 2, None, True, None),
    ],
)
def test_bulk_goes_to_a_version_of_the_same_model(models, current, model, back, expected):
    versions = {
        number: f"model {one}, image hobbies-bulk-{number}" for number, one in enumerate(models, 1)
    }
    assert rollback.choose_bulk(versions, current, model, back=back) == expected


def test_rollback_takes_bulk_along_and_asks_once(
    functions, publish, publish_bulk, monkeypatch, capsys
):
    publish(3)
    publish_bulk(1, 2, 3)
    asked = []
    confirm = rollback.confirm
    monkeypatch.setattr(rollback, "confirm", lambda *a, **b: asked.append(a) or confirm(*a, **b))
    assert rollback.rollback(DEV, yes=True) == 2
    assert (find_live(functions), find_live(functions, DEV.bulk)) == ("2", "2")
    assert rollback.rollback(DEV, 3, yes=True) == 3
    assert (find_live(functions), find_live(functions, DEV.bulk)) == ("3", "3")
    assert len(asked) == 2
    said = capsys.readouterr().err
    assert "bulk-dev: 'live' goes from version 3 (model 3, image 13) to version 2" in said


def test_only_a_setting_was_changed_bulk_stays(functions, publish, publish_bulk, monkeypatch):
    publish(2)
    publish_bulk(2, 2)
    monkeypatch.setattr(
        rollback, "list_versions", lambda *_: {1: "model 2, image 2", 2: "model 2, image 2"}
    )
    assert rollback.rollback(DEV, yes=True) == 1
    assert find_live(functions, DEV.bulk) == "2"


def test_no_version_of_bulk_has_the_model_it_stays_and_that_is_said(
    functions, publish, publish_bulk, capsys
):
    publish(2)
    publish_bulk(2)
    assert rollback.rollback(DEV, yes=True) == 1
    assert find_live(functions, DEV.bulk) == "1"
    assert "bulk-dev stays as it is: no version of it" in capsys.readouterr().err


def test_bulk_was_never_deployed_the_api_goes_back_all_the_same(functions, publish, monkeypatch):
    monkeypatch.setitem(rollback.STAGES, "dev", Stage(bulk=True))
    publish(2)
    assert rollback.rollback(DEV, yes=True) == 1


def test_canary_is_under_way_bulk_is_left_to_cloudformation(
    functions, publish, publish_bulk, monkeypatch
):
    publish(2)
    publish_bulk(1, 2)
    functions.update_alias(
        FunctionName=DEV.name,
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}},
    )
    assert rollback.rollback(DEV, yes=True) == 1
    assert find_live(functions, DEV.bulk) == "2"


def test_canary_is_stopped_by_its_names(monkeypatch):
    calls = []

    class Client:
        def list_deployments(self, **asked):
            calls.append(asked["applicationName"] + "/" + asked["deploymentGroupName"])
            return {"deployments": ["d-1"]}

        def stop_deployment(self, **asked):
            calls.append(asked)

    monkeypatch.setattr(rollback, "make_client", lambda _: Client())
    rollback.stop_canary("quickthaw-hobbies-prod")
    assert calls == [
        "quickthaw-hobbies-prod/quickthaw-hobbies-prod",
        {"deploymentId": "d-1", "autoRollbackEnabled": False},
    ]


def test_alias_was_moved_meanwhile_rollback_leaves_it(functions, publish, monkeypatch):
    publish(3)

    def move(*_, **__):
        functions.update_alias(
            FunctionName="quickthaw-hobbies-dev", Name="live", FunctionVersion="1"
        )

    monkeypatch.setattr(rollback, "confirm", move)
    with pytest.raises(StackError, match="PreconditionFailed"):
        rollback.rollback(DEV, yes=True)
    assert find_live(functions) == "1"


@pytest.mark.parametrize("wanted", [7, 0])
def test_rollback_goes_to_a_version_that_is_not_there_it_says_which_are(publish, wanted):
    publish(2)
    with pytest.raises(StackError, match=r"there are \[1, 2\]"):
        rollback.rollback(DEV, wanted, yes=True)


def test_there_is_nothing_to_go_back_to_rollback_says_what_to_do(publish):
    publish(1)
    with pytest.raises(StackError, match="revert the commit"):
        rollback.rollback(DEV, yes=True)


def test_there_is_no_function_rollback_says_so(aws):
    with pytest.raises(StackError, match="no function quickthaw-hobbies-prod: 'make deploy'"):
        rollback.rollback(PROD, yes=True)


def test_models_that_run_are_listed_with_what_answers(functions, publish, capsys):
    publish(2)
    rollback.rollback(DEV, 1, yes=True)
    running.main()
    assert capsys.readouterr().out.split() == ["dev", "hobbies", "model", "1,", "image", "1"]


def test_functions_of_bulk_are_listed_beside_their_models(functions, publish, publish_bulk, capsys):
    publish(1)
    publish_bulk(1)
    running.main()
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["dev", "hobbies", "(bulk)", "model", "1,", "image", "11"],
        ["dev", "hobbies", "model", "1,", "image", "1"],
    ]


def test_no_stage_runs_a_model_it_is_said(aws, capsys):
    running.main()
    assert capsys.readouterr().out == "no stage runs a model\n"


def test_nobody_agrees_nothing_is_moved(functions, publish, monkeypatch):
    publish(2)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "")
    with pytest.raises(StackError, match="nothing was done"):
        rollback.rollback(DEV)
    assert find_live(functions) == "2"


def test_nobody_is_there_nothing_is_moved(functions, publish, monkeypatch):
    publish(2)
    with open(os.devnull) as nothing:  # noqa: PTH123 - a file, and no terminal
        monkeypatch.setattr(sys, "stdin", nothing)
        with pytest.raises(StackError, match="YES=1"):
            rollback.rollback(DEV)
    assert find_live(functions) == "2"


@pytest.fixture
def registry(aws):
    """The repository of images."""
    client = boto3.client("ecr", region_name=local.REGION)
    client.create_repository(repositoryName="quickthaw")
    yield client
    client.delete_repository(repositoryName="quickthaw", force=True)


def test_prune_keeps_the_newest_and_what_is_live_and_their_images(
    functions, publish, registry, monkeypatch
):
    monkeypatch.setattr(prune, "GRACE", timedelta(minutes=-1))
    publish(7)
    put_images(registry, map(str, range(9)))
    rollback.rollback(DEV, 2, yes=True)
    prune.prune(3, yes=True)
    assert set(rollback.list_versions(functions, "quickthaw-hobbies-dev")) == {2, 5, 6, 7}
    assert list_tags(registry) == {"2", "5", "6", "7"}
    assert find_live(functions) == "2"


def test_prune_keeps_what_another_model_runs_whatever_is_in_this_tree(
    functions, publish, registry, monkeypatch
):
    monkeypatch.setattr(prune, "GRACE", timedelta(minutes=-1))
    role = functions.get_function(FunctionName="quickthaw-hobbies-dev")["Configuration"]["Role"]
    for name in ("quickthaw-gone-prod", "somebody-else"):
        code = {"ImageUri": uri(8)}
        functions.create_function(FunctionName=name, Role=role, PackageType="Image", Code=code)
    publish(2)
    put_images(registry, ["1", "2", "8", "9"])
    assert prune.list_functions(functions) == ["quickthaw-gone-prod", "quickthaw-hobbies-dev"]
    prune.prune(1, yes=True)
    assert list_tags(registry) == {"2", "8"}
    for name in ("quickthaw-gone-prod", "somebody-else"):
        functions.delete_function(FunctionName=name)


def test_prune_keeps_the_images_of_bulk_and_deletes_its_old_versions(
    functions, publish, publish_bulk, registry, monkeypatch
):
    monkeypatch.setattr(prune, "GRACE", timedelta(minutes=-1))
    publish(1)
    publish_bulk(1, 2, 3)
    put_images(registry, ["1", "11", "12", "13"])
    prune.prune(2, yes=True)
    assert list_tags(registry) == {"1", "12", "13"}
    assert set(rollback.list_versions(functions, DEV.bulk)) == {2, 3}


def test_prune_finds_nothing_old_nothing_is_asked(functions, publish, registry, capsys):
    publish(2)
    put_images(registry, ["1", "2", "fresh"])
    prune.prune(3)
    assert "nothing to delete" in capsys.readouterr().err
    assert list_tags(registry) == {"1", "2", "fresh"}


def test_a_version_goes_meanwhile_prune_keeps_the_images_of_the_others(
    functions, publish, registry, monkeypatch
):
    monkeypatch.setattr(prune, "GRACE", timedelta(minutes=-1))
    publish(4)
    put_images(registry, map(str, range(5)))
    versions = rollback.list_versions(functions, "quickthaw-hobbies-dev")
    functions.delete_function(FunctionName="quickthaw-hobbies-dev", Qualifier="2")
    monkeypatch.setattr(prune, "list_versions", lambda *_: versions)
    used = prune.find_used_images(functions, "quickthaw-hobbies-dev", [])
    assert {"1", "3", "4"} <= used
    assert "2" not in used


def test_prune_keeps_what_a_canary_tries_and_what_latest_runs(functions, publish, registry):
    publish(3)
    functions.update_alias(
        FunctionName="quickthaw-hobbies-dev",
        Name="live",
        FunctionVersion="3",
        RoutingConfig={"AdditionalVersionWeights": {"1": 0.1}},
    )
    assert prune.find_old_versions(functions, "quickthaw-hobbies-dev", 1) == [2]
    functions.update_function_code(FunctionName="quickthaw-hobbies-dev", ImageUri=uri(9))
    assert "9" in prune.find_used_images(functions, "quickthaw-hobbies-dev", [1, 2, 3])


def test_nobody_agrees_prune_deletes_nothing(functions, publish, registry, monkeypatch):
    monkeypatch.setattr(prune, "GRACE", timedelta(minutes=-1))
    publish(3)
    put_images(registry, ["9"])
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "n")
    with pytest.raises(StackError, match="nothing was done"):
        prune.prune(1)
    assert list_tags(registry) == {"9"}
    assert set(rollback.list_versions(functions, "quickthaw-hobbies-dev")) == {1, 2, 3}


def test_an_image_is_left_that_is_said():
    class Client:
        def batch_delete_image(self, **_):
            return {"failures": [{"failureReason": "it is referenced"}]}

    with pytest.raises(StackError, match="it is referenced"):
        prune.delete_images(Client(), ["sha256:0"])


def test_aws_does_not_tell_of_a_function_prune_deletes_nothing(functions, registry, monkeypatch):
    monkeypatch.setattr(prune, "GRACE", timedelta(minutes=-1))
    put_images(registry, ["1"])

    def fail(*_):
        raise StackError("Throttling")

    monkeypatch.setattr(prune, "list_versions", fail)
    with pytest.raises(StackError, match="Throttling"):
        prune.prune(3, yes=True)
    assert list_tags(registry) == {"1"}


@pytest.fixture
def empty_registry(monkeypatch):
    """Moto's: the other one says that any image is there."""
    with serve_moto() as port:
        for name, value in local.list_variables(port).items():
            monkeypatch.setenv(name, value)
        client = boto3.client("ecr", region_name=local.REGION)
        client.create_repository(repositoryName="quickthaw")
        yield client


def test_image_is_in_the_repository_nothing_is_built_or_sent(empty_registry, monkeypatch, capsys):
    monkeypatch.setattr(builder, "find_tag", lambda *_: VERSION)
    monkeypatch.setattr(builder, "build", lambda *_: pytest.fail("it was built"))
    put_images(empty_registry, [VERSION])
    assert push.push("hobbies", "base") == VERSION
    assert "nothing to build or to push" in capsys.readouterr().err


def test_stage_is_of_arm_its_image_is_looked_for_built_and_sent(
    empty_registry, monkeypatch, capsys
):
    monkeypatch.setitem(push.STAGES, "staging", Stage(architecture="arm64"))
    monkeypatch.setattr(builder, "find_tag", lambda *given: f"for-{given[-1].architecture}")
    monkeypatch.setattr(builder, "build", lambda *given: f"built-for-{given[-1].architecture}")
    ran = []
    monkeypatch.setattr(push, "docker", lambda *given, **_: ran.append(given) or "")
    monkeypatch.setattr(push, "send", lambda _, tag: ran.append(tag))
    command = ["x", "--model", "hobbies", "--stage", "staging", "--base", "base"]
    monkeypatch.setattr(sys, "argv", command)
    push.main()
    assert capsys.readouterr().out == "for-arm64\n"
    assert ran[0][:2] == ("tag", "built-for-arm64")
    assert ran[1] == "for-arm64"


def test_stage_has_bulk_its_image_is_pushed_too_and_the_apis_tag_printed(
    empty_registry, monkeypatch, capsys
):
    monkeypatch.setitem(push.STAGES, "staging", Stage(bulk=True))
    monkeypatch.setattr(builder, "find_tag", lambda *given: f"for-{given[-1].host}")
    monkeypatch.setattr(builder, "build", lambda *given: f"built-for-{given[-1].host}")
    sent = []
    monkeypatch.setattr(push, "docker", lambda *_, **__: "")
    monkeypatch.setattr(push, "send", lambda _, tag: sent.append(tag))
    put_images(empty_registry, ["for-lambda"])
    monkeypatch.setattr(
        sys, "argv", ["x", "--model", "hobbies", "--stage", "staging", "--base", "base"]
    )
    push.main()
    assert capsys.readouterr().out == "for-lambda\n"
    assert sent == ["for-bulk"]


def test_image_is_not_there_it_is_built_and_sent_with_a_password_that_is_not_kept(
    empty_registry, monkeypatch, tmp_path
):
    ran = tmp_path / "ran"
    docker = tmp_path / "docker"
    docker.write_text(
        f'#!/bin/sh\necho "$@" >>{ran}\n'
        f'case "$*" in *login*) cat >>{ran} ;; context*) echo unix:///engine ;; esac\n'
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(builder, "find_tag", lambda *_: VERSION)
    monkeypatch.setattr(builder, "build", lambda *_: f"quickthaw:{VERSION}")
    assert push.push("hobbies", "base") == VERSION
    tag, _, login, sent = ran.read_text().splitlines()
    name = f"{push.find_account()}.dkr.ecr.{local.REGION}.amazonaws.com/quickthaw:{VERSION}"
    assert tag == f"tag quickthaw:{VERSION} {name}"
    assert "--host unix:///engine login --username AWS --password-stdin" in login
    assert sent.endswith(f"push --quiet {name}")
    folder = login.split()[1]
    assert not os.path.exists(folder)  # noqa: PTH110


def test_there_is_no_repository_push_says_what_makes_it(aws, monkeypatch):
    monkeypatch.setattr(builder, "find_tag", lambda *_: VERSION)
    with pytest.raises(StackError, match="'make bootstrap'"):
        push.push("hobbies", "base")


def test_docker_does_not_push_its_reason_is_told(monkeypatch, tmp_path):
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho denied >&2\nexit 1\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(builder.ImageError, match="docker push x: denied"):
        push.docker("push", "x")


@pytest.mark.parametrize("module", [key, smoke, rollback])
def test_model_is_not_deployed_it_is_said_and_the_end_is_1(aws, monkeypatch, module):
    monkeypatch.setattr(sys, "argv", ["x", "--model", "hobbies", "--stage", "staging"])
    monkeypatch.setattr(builder, "read_manifest", lambda *_: {"version": VERSION, "golden": []})
    with pytest.raises(SystemExit, match="quickthaw-hobbies-staging"):
        module.main()


def test_there_is_no_region_it_is_said_what_to_check(monkeypatch, tmp_path):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    with pytest.raises(StackError, match="AWS_REGION"):
        stack.read_outputs(DEV)


def test_api_has_no_key_none_is_printed(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["x", "--model", "hobbies"])
    monkeypatch.setattr(key, "read_outputs", lambda _: OUTPUTS)
    with pytest.raises(SystemExit, match="wants no API key"):
        key.main()


def test_url_is_left_as_it_is_where_no_local_aws_is_named(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert stack.locate(OUTPUTS.Url) == (OUTPUTS.Url, {})


class Api(BaseHTTPRequestHandler):
    """Answers each POST with the next of the server's replies."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, self.headers, json.loads(body)))
        status, version, value = self.server.replies.pop(0)
        self.send_response(status)
        self.send_header("X-Model-Version", version)
        self.end_headers()
        self.wfile.write(value if isinstance(value, bytes) else json.dumps(value).encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def api(monkeypatch):
    """A server in the place of API Gateway, and a manifest of one golden example."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.seen, server.replies = [], []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    outputs = OUTPUTS._replace(Url="http://abc123.execute-api.localhost:4566/dev/")
    monkeypatch.setattr(smoke, "read_outputs", lambda _: outputs)
    monkeypatch.setattr(smoke, "read_key", lambda _: "secret")
    monkeypatch.setattr(
        builder, "read_manifest", lambda *_: {"version": VERSION, "golden": [EXAMPLE]}
    )
    yield server
    server.shutdown()
    server.server_close()


GOOD = 200, VERSION, {"label": "cooking", "probability": 0.75}


@pytest.mark.parametrize(
    ("reply", "wrong"),
    [
        (GOOD, None),
        ((200, VERSION, {"label": "cooking", "probability": 0.75 + 1e-13}), None),
        ((200, VERSION, {"label": "cooking", "probability": 0.75 + 1e-11}), "probability"),
        ((200, VERSION, {"label": "cooking", "probability": None}), "probability None"),
        ((200, VERSION, {"label": "sailing", "probability": 0.75}), "label sailing, not cooking"),
        ((200, "b" * 12, {"label": "cooking", "probability": 0.75}), "model bbbbbbbbbbbb answers"),
        ((503, VERSION, {"detail": "no model"}), "status 503"),
        ((200, VERSION, []), "status 200"),
        ((502, VERSION, b"<html>"), "status 502"),
    ],
)
def test_smoke_tells_what_is_wrong(api, reply, wrong):
    api.replies.append(reply)
    found = smoke.smoke(DEV)
    assert len(found) == bool(wrong)
    assert not wrong or wrong in found[0]
    ((path, headers, body),) = api.seen
    assert path == "/dev/predict"
    assert headers["Host"] == "abc123.execute-api.localhost:4566"
    assert headers["X-Api-Key"] == "secret"
    assert body == {"text": "bake bread"}


@pytest.mark.parametrize(
    ("value", "wrong"), [(180_000.5, 0), (180_000.5 + 1e-8, 0), (180_001.0, 1)]
)
def test_value_is_compared_as_a_frozen_model_answers_it(value, wrong):
    reply = smoke.Reply(200, {"x-model-version": VERSION}, {"value": value, "unit": "USD"})
    found = smoke.compare({"input": {}, "value": 180_000.5}, VERSION, reply)
    assert (found is not None) == wrong


def test_there_are_too_many_requests_smoke_waits(api, monkeypatch):
    monkeypatch.setattr(smoke.time, "sleep", lambda _: None)
    api.replies += [(429, "none", {"message": "Too Many Requests"})] * 3
    api.replies += [(403, "none", {"message": "Forbidden"}), GOOD]
    assert smoke.smoke(DEV) == []


@pytest.mark.parametrize(
    ("stage", "service"),
    [
        (Stage(auth="iam"), "execute-api"),
        (Stage(api="http", auth="iam"), "execute-api"),
        (Stage(api="url", auth="iam", rate_per_second=None, burst=None), "lambda"),
    ],
)
def test_stage_wants_signatures_smoke_signs(api, monkeypatch, stage, service):
    monkeypatch.setitem(smoke.STAGES, "dev", stage)
    monkeypatch.setattr(smoke, "read_key", lambda _: None)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(name, "eu-central-1")
    api.replies.append(GOOD)
    assert smoke.smoke(DEV) == []
    ((_, headers, _),) = api.seen
    assert headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=eu-central-1/")
    assert f"/{service}/aws4_request" in headers["Authorization"]


def test_load_asks_a_stage_as_smoke_does(api):
    target = find_stage(DEV)
    api.replies += [GOOD, GOOD]
    requests = [Request("predict", "POST", "predict", b'{"text": "bake bread"}')] * 2
    assert send_busily(target, requests, 1) == {}
    for path, headers, body in api.seen:
        assert path == "/dev/predict"
        assert headers["Host"] == "abc123.execute-api.localhost:4566"
        assert headers["X-Api-Key"] == "secret"
        assert headers["Content-Type"] == "application/json"
        assert body == EXAMPLE["input"]
    stage = STAGES["dev"]
    assert target.limit == (stage.rate_per_second, stage.burst)
    assert target.is_here  # a local AWS


def test_stage_wants_signatures_load_signs_each_request(api, monkeypatch):
    monkeypatch.setitem(smoke.STAGES, "dev", Stage(auth="iam"))
    monkeypatch.setattr(smoke, "read_key", lambda _: None)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(name, "eu-central-1")
    target = find_stage(DEV)
    signed = {target.sign("GET", f"{target.address}{path}", b"")["Authorization"] for path in "ab"}
    assert len(signed) == 2


def test_nobody_answers_smoke_says_where(api, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StackError, match="does not answer"):
        smoke.smoke(DEV)


def test_smoke_fails_it_says_what_reads_the_logs_and_what_goes_back(api, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["x", "--model", "hobbies"])
    api.replies.append((500, VERSION, {}))
    with pytest.raises(
        SystemExit,
        match=r"make logs MODEL=hobbies STAGE=dev.*make rollback MODEL=hobbies STAGE=dev",
    ):
        smoke.main()


def make_template(said, **changes):
    version = {"Type": "AWS::Lambda::Version", "Properties": {"Description": said}}
    return {"Description": "Quickthaw", "Resources": {"Version": version} | changes}


VERSIONS = {1: "image 1", 2: "image 2"}


@pytest.mark.parametrize(
    ("template", "deployed", "expected"),
    [
        (make_template("image 2"), None, "deploy"),
        (make_template("image 2"), (make_template("image 2"), 2), "live"),
        (make_template("image 3"), (make_template("image 2"), 2), "deploy"),
        (make_template("image 2", Alarm={"Type": "A"}), (make_template("image 2"), 2), "deploy"),
        (make_template("image 1"), (make_template("image 1"), 1), "rolled back"),  # its settings
        (make_template("image 3"), (make_template("image 2"), 1), "deploy"),  # after a rollback
        (make_template("image 1"), (make_template("image 2"), 1), "deploy"),  # reverted, too
        (make_template("image 2"), (make_template("image 2"), 1), "rolled back"),
        (
            make_template("image 2", Alarm={"Type": "A"}),
            (make_template("image 2"), 1),
            "rolled back",
        ),
        (  # what CDK's command line adds, and what CloudFormation does to other letters
            make_template("image 2", Alarm={"Type": "A", "Name": "→"}),
            (
                make_template(
                    "image 2",
                    Alarm={"Type": "A", "Name": "?", "Metadata": {"aws:cdk:path": "x"}},
                    CDKMetadata={"Type": "AWS::CDK::Metadata"},
                ),
                2,
            ),
            "live",
        ),
    ],
)
def test_stage_runs_this_commit_or_is_to_be_deployed_or_was_rolled_back(
    template, deployed, expected
):
    deployed = deployed and live.Deployed(*deployed, VERSIONS)
    if expected in ("live", "deploy"):
        assert live.compare(PROD, PROD.name, template, deployed) == expected
        return
    with pytest.raises(
        StackError, match=f"{expected}.*2 .image 2. to version 1 .image 1."
    ) as error:
        live.compare(PROD, PROD.name, template, deployed)
    assert "'make rollback MODEL=hobbies STAGE=prod TO=2'" in str(error.value)


@pytest.fixture
def looks(monkeypatch):
    """What is found of each deployment; a model that is not there cannot be looked at."""
    found = {
        "topics": ("live", "live"),
        "prices": ("live", "deploy"),
        "rents": ("deploy", StackError("was rolled back")),
    }

    def look(deployment, base, *, local):
        verdict = found[deployment.model][deployment.stage == "prod"]
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    def fetch(model):
        if model not in found:
            raise FetchError("manifest.json cannot be read")

    monkeypatch.setattr(plan, "look", look)
    monkeypatch.setattr(plan, "fetch_bundle", fetch)


def plan_deploy(monkeypatch, *models):
    stages = ["--stage", "staging", "prod"]
    monkeypatch.setattr(sys, "argv", ["plan", *stages, "--model", *models])
    plan.main()


def test_models_that_have_something_to_deploy_are_handed_on(looks, monkeypatch, tmp_path):
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "out"))
    plan_deploy(monkeypatch, "topics", "prices")
    planned = json.loads((tmp_path / "out").read_text().removeprefix("models="))
    assert planned == [{"model": "prices", "staging": "live", "prod": "deploy"}]


def test_all_models_are_live_the_matrix_is_empty_as_the_workflow_asks(looks, monkeypatch, capsys):
    plan_deploy(monkeypatch, "topics")
    assert capsys.readouterr().out == "models=[]\n"


def test_model_cannot_be_looked_at_or_was_rolled_back_the_others_are_handed_on(
    looks, monkeypatch, capsys
):
    with pytest.raises(SystemExit, match="error: nope, rents cannot be deployed"):
        plan_deploy(monkeypatch, "nope", "rents", "prices")
    said = capsys.readouterr()
    assert json.loads(said.out.removeprefix("models="))[0]["model"] == "prices"
    assert "error: nope: manifest.json cannot be read" in said.err
    assert "error: rents: was rolled back" in said.err


@pytest.mark.parametrize(
    ("newest", "answers", "expected"),
    [
        (2, 2, "live"),
        (1, 1, "deploy"),
        (2, 1, r"'aws lambda update-alias .* --function-version 2'"),
    ],
)
def test_stage_has_bulk_its_stack_is_looked_at_too(monkeypatch, newest, answers, expected):
    versions = {one: f"image {one}" for one in range(1, newest + 1)}
    found = {
        PROD.name: live.Deployed(make_template("image 2"), 2, VERSIONS),
        PROD.bulk: live.Deployed(make_template(f"image {newest}"), answers, versions),
    }
    templates = {name: make_template("image 2") for name in found}
    monkeypatch.setattr(live, "synthesize", lambda *_, **__: templates)
    monkeypatch.setattr(live, "read_deployed", found.get)
    if expected in {*live.Verdict}:
        assert live.look(PROD, "base", local=False) == expected
    else:
        with pytest.raises(StackError, match=expected):
            live.look(PROD, "base", local=False)


def test_stage_is_not_there_it_is_to_be_deployed(aws):
    assert live.read_deployed(DEV.name) is None
    assert live.read_versions(DEV.name) is None


def test_versions_are_read_whatever_state_the_stack_is_in(publish):
    publish(2)
    assert live.read_versions(DEV.name) == (2, {1: "model 1, image 1", 2: "model 2, image 2"})


@pytest.mark.parametrize(
    "status", ["UPDATE_IN_PROGRESS", "ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"]
)
def test_stack_is_not_whole_it_is_to_be_deployed(publish, monkeypatch, status):
    publish(1)
    stacks = SimpleNamespace(
        describe_stacks=lambda **_: {"Stacks": [{"StackStatus": status}]},
        get_template=lambda **_: {"TemplateBody": json.dumps(make_template("image 1"))},
    )
    real = live.make_client
    monkeypatch.setattr(
        live, "make_client", lambda name: stacks if name == "cloudformation" else real(name)
    )
    assert live.read_deployed(DEV.name) is None
    status = "UPDATE_ROLLBACK_COMPLETE"
    stacks.describe_stacks = lambda **_: {"Stacks": [{"StackStatus": status}]}
    assert live.read_deployed(DEV.name).template == make_template("image 1")


RELEASE = builder.ROOT / "scripts/release.sh"


@pytest.mark.parametrize(
    ("failing", "versions", "ends", "said"),
    [
        ("", ["1 1", "2 2"], 0, ""),
        ("", ["0 0", "1 1"], 0, ""),
        ("deploy", ["1 1", "1 1"], 1, "was not changed: version 1"),
        ("smoke", ["1 1", "2 2"], 1, "is back at version 1"),
        ("smoke", ["0 0", "1 1"], 1, "no version before"),
        ("", ["1 2", "1 2"], 1, "was not changed: version 1"),  # rolled back, and run again
    ],
)
def test_release_goes_back_where_deploying_or_smoking_fails(
    tmp_path, failing, versions, ends, said
):
    """The script with a `make` and a `live` that do what they are told."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(RELEASE, tmp_path / "scripts")
    (tmp_path / "versions").write_text("\n".join([versions[0], *[versions[1]] * 3]) + "\n")
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for path, text in (
        (".venv/bin/python", "head -1 versions; sed -i 1d versions"),
        ("make", f'echo "$@" >> called; [ "$1" != "{failing}" ]'),
    ):
        (tmp_path / path).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / path).chmod(0o755)
    done = subprocess.run(
        [tmp_path / "scripts/release.sh", tmp_path / "make"],
        env=os.environ | {"MODEL": "hobbies", "STAGE": "prod"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ends, done.stderr
    assert said in done.stderr
    called = (tmp_path / "called").read_text().splitlines()
    assert called[:1] == ["deploy"]
    assert ("smoke" in called) == (failing != "deploy")
    assert ("rollback TO=1 YES=1" in called) == ("is back" in said)


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-central-1", "1.dkr.ecr.eu-central-1.amazonaws.com"),
        ("us-gov-west-1", "1.dkr.ecr.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "1.dkr.ecr.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_registry_is_named_as_the_partition_has_it(region, host):
    assert push.name_registry("1", region) == host
