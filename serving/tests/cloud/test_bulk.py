"""`make bulk` and `make redrive` against a local AWS, with a worker that does as it is told."""

import os
import re
import sys
from types import SimpleNamespace

import boto3
import pytest
from botocore.exceptions import ClientError

from scoring.tests.cloud import make_message
from serving.bulk import Object, name_answer
from serving.deployment.commands import redrive
from serving.deployment.commands.bulk import __main__ as program
from serving.deployment.commands.bulk import place, queues, run, sources, work
from serving.deployment.stack import BulkOutputs, Deployment, StackError
from serving.deployment.stages import Stage
from serving.tests.moto_server import serve_moto
from tools.cloud import local

DEV = Deployment("hobbies", "dev")
OLD, NEW = "a" * 12, "b" * 12
OPTIONS = ["--model", "hobbies"]
LOGS = "/aws/lambda/quickthaw-hobbies-bulk-dev"


@pytest.fixture(scope="module")
def aws():
    with serve_moto() as port, pytest.MonkeyPatch.context() as patch:
        for name, value in local.list_variables(port).items():
            patch.setenv(name, value)
        yield


class Cloud:
    """The buckets and queues, and a worker: what it answers, and what it cannot."""

    def __init__(self):
        self.s3 = boto3.client("s3", region_name=local.REGION)
        self.sqs = boto3.client("sqs", region_name=local.REGION)
        where = {"LocationConstraint": local.REGION}
        for name in ("asked", "answered", "other"):
            self.s3.create_bucket(Bucket=name, CreateBucketConfiguration=where)
        self.s3.put_bucket_versioning(Bucket="asked", VersioningConfiguration={"Status": "Enabled"})
        queue, dead = (self.sqs.create_queue(QueueName=one)["QueueUrl"] for one in ("q", "d"))
        self.outputs = BulkOutputs("asked", "answered", queue, dead, LOGS)

    def list_in(self):
        found = self.s3.list_object_versions(Bucket="asked").get("Versions", ())
        return {Object("asked", one["Key"], one["VersionId"]) for one in found}

    def read(self, one):
        found = self.s3.get_object(Bucket="asked", Key=one.key, VersionId=one.version)
        return found["Body"].read().decode()

    def answer(self, ending="", model=OLD):
        for one in self.list_in():
            if one.key.endswith(ending):
                name = name_answer(model, one.key, one.version)
                self.s3.put_object(
                    Bucket="answered", Key=name, Body=f"of {self.read(one)}".encode()
                )

    def bury(self, ending):
        for one in self.list_in():
            if one.key.endswith(ending):
                self.send(self.outputs.BulkDead, one)

    def send(self, url, one):
        body = make_message(one.key, versionId=one.version)
        self.sqs.send_message(QueueUrl=url, MessageBody=body)

    def clear(self):
        self.s3.put_bucket_versioning(
            Bucket="asked", VersioningConfiguration={"Status": "Suspended"}
        )
        for bucket in ("asked", "answered", "other"):
            for one in self.s3.list_object_versions(Bucket=bucket).get("Versions", ()):
                self.s3.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
            self.s3.delete_bucket(Bucket=bucket)
        for url in (self.outputs.BulkQueue, self.outputs.BulkDead):
            self.sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def cloud(aws, monkeypatch):
    found = Cloud()
    for module in (place, redrive):
        monkeypatch.setattr(module, "read_bulk", lambda _: found.outputs)
    # What would be waited for is an empty queue's one second.
    monkeypatch.setattr(queues, "WAIT_SECONDS", 0)
    yield found
    found.clear()


@pytest.fixture
def meanwhile(plan_pauses):
    plan = plan_pauses(run)
    plan()
    return plan


def bulk(*arguments):
    return program.main([*OPTIONS, *map(str, arguments)])


def find_run(said):
    return re.search(r"the run ([0-9]\S+Z-\w+)", said)[1]


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "asked"
    (path / "more").mkdir(parents=True)
    (path / "a.csv").write_text("a")
    (path / "more/b & c+ü.JSON").write_text("b")
    (path / ".DS_Store").write_text("hidden")
    return path


def test_folder_is_put_followed_and_its_answers_fetched(cloud, meanwhile, folder, tmp_path, capsys):
    meanwhile(lambda: cloud.answer("a.csv"), cloud.answer)
    out = tmp_path / "answers"
    assert bulk("--in", folder, "--out", out) == 0
    said = capsys.readouterr()
    name = find_run(said.err)
    assert {one.key for one in cloud.list_in()} == {f"{name}/a.csv", f"{name}/more/b & c+ü.JSON"}
    for one in cloud.list_in():
        path = out / name_answer(OLD, one.key, one.version).replace(f"{name}/", "")
        assert path.read_text() == f"of {cloud.read(one)}"
    assert "2 objects (0.0 MB) to be put into asked" in said.err
    assert "1 of 2 answered" in said.err
    assert f"2 answered (2 by model {OLD})" in said.err
    assert said.out == f"s3://answered/{OLD}/{name}/\n"


def test_file_is_put_under_its_name(cloud, meanwhile, folder, capsys):
    meanwhile(cloud.answer)
    assert bulk("--in", folder / "a.csv") == 0
    (one,) = cloud.list_in()
    assert one.key == f"{find_run(capsys.readouterr().err)}/a.csv"


def test_objects_of_another_bucket_are_copied_named_from_the_last_slash_on(
    cloud, meanwhile, capsys
):
    for key in ("x/day-1.csv", "x/day-2/y.csv", "x/day-2/", "x/night.csv"):
        cloud.s3.put_object(Bucket="other", Key=key, Body=key.encode())
    meanwhile(cloud.answer)
    assert bulk("--in", "s3://other/x/day") == 0
    name = find_run(capsys.readouterr().err)
    assert {one.key: cloud.read(one) for one in cloud.list_in()} == {
        f"{name}/day-1.csv": "x/day-1.csv",
        f"{name}/day-2/y.csv": "x/day-2/y.csv",
    }


def test_model_is_changed_meanwhile_the_answers_of_both_count(cloud, meanwhile, folder, capsys):
    meanwhile(lambda: cloud.answer("a.csv", OLD), lambda: cloud.answer("JSON", NEW))
    assert bulk("--in", folder) == 0
    said = capsys.readouterr()
    assert f"1 by model {OLD}, 1 by model {NEW}" in said.err
    assert len(said.out.splitlines()) == 2


def test_object_is_dead_the_others_are_answered_and_the_end_is_3(cloud, meanwhile, folder, capsys):
    meanwhile(lambda: cloud.bury("JSON"), lambda: cloud.answer("a.csv"))
    assert bulk("--in", folder) == program.DEAD
    said = capsys.readouterr().err
    name = find_run(said)
    assert f"s3://asked/{name}/more/b & c+ü.JSON" in said
    assert "'make logs MODEL=hobbies STAGE=dev BULK=1 SINCE=1d'" in said
    assert "'make redrive MODEL=hobbies STAGE=dev'" in said
    # Its message is still there, and not hidden.
    found = cloud.sqs.receive_message(QueueUrl=cloud.outputs.BulkDead)["Messages"]
    assert len(found) == 1


def test_object_was_dead_and_is_answered_after_all(cloud, meanwhile, folder):
    def mend():
        cloud.sqs.purge_queue(QueueUrl=cloud.outputs.BulkDead)
        cloud.answer()

    meanwhile(lambda: cloud.bury("a.csv"), mend)
    assert bulk("--in", folder) == 0


def test_more_are_dead_than_one_look_of_sqs_shows_all_are_found(cloud):
    objects = {Object("asked", f"r/{number} ü+&.csv", str(number)) for number in range(23)}
    for one in objects:
        cloud.send(cloud.outputs.BulkDead, one)
    cloud.sqs.send_message(QueueUrl=cloud.outputs.BulkDead, MessageBody='{"Event": "s3:TestEvent"}')
    assert place.Bulk(DEV).read_dead() == objects
    assert place.Bulk(DEV).read_dead() == objects


def test_interrupted_it_says_how_to_go_on_and_that_goes_on(cloud, meanwhile, folder, capsys):
    assert bulk("--in", folder) == program.INTERRUPTED
    said = capsys.readouterr().err
    name = find_run(said)
    assert f"'make bulk MODEL=hobbies STAGE=dev RUN={name}' goes on" in said
    meanwhile(cloud.answer)
    assert bulk("--run", name) == 0
    assert "2 answered" in capsys.readouterr().err
    assert len(cloud.list_in()) == 2


def test_run_has_a_part_of_the_folder_the_rest_is_put(cloud, meanwhile, folder, capsys):
    assert bulk("--in", folder / "a.csv") == program.INTERRUPTED
    name = find_run(capsys.readouterr().err)
    meanwhile(cloud.answer)
    assert bulk("--in", folder, "--run", name) == 0
    said = capsys.readouterr().err
    assert "1 object (" in said
    assert "2 answered" in said
    assert len(cloud.list_in()) == 2


def test_nothing_is_asked_for_it_says_what_waits_and_what_is_dead(cloud, capsys):
    assert bulk() == 0
    assert "0 waiting, 0 under way, 0 dead" in capsys.readouterr().err
    cloud.send(cloud.outputs.BulkQueue, Object("asked", "r/a.csv", "1"))
    cloud.send(cloud.outputs.BulkDead, Object("asked", "r/b.csv", "1"))
    assert bulk() == program.DEAD
    said = capsys.readouterr().err
    assert "quickthaw-hobbies-bulk-dev: 1 waiting, 0 under way, 1 dead" in said
    assert "s3://asked/r/b.csv" in said


@pytest.fixture
def wrong(tmp_path, monkeypatch):
    """Work where there is what cannot be put."""
    monkeypatch.chdir(tmp_path)
    for name in ("empty", "odd"):
        (tmp_path / name).mkdir()
    (tmp_path / "odd/a\nb.csv").touch()
    (tmp_path / "file").touch()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--in", "empty"], "there is nothing in empty"),
        (["--in", "missing"], "there is no missing: IN= is a file, a folder"),
        (["--in", "s3://other/none"], "there is nothing in s3://other/none"),
        (["--in", "s3://nowhere/x"], "AWS does not let us list s3://nowhere/x"),
        (["--in", "odd"], r"'a\nb.csv' in odd is no name that S3 lists: rename it"),
        (["--run", "yesterday"], "RUN=yesterday is no run: one is called as 20"),
        (
            ["--run", "20261127T203000Z-0a1b2c"],
            "asked has nothing of the run 20261127T203000Z-0a1b2c",
        ),
        (["--out", "x"], "IN= starts one, RUN= names one"),
        (["--in", "empty", "--out", "file"], "file is no folder"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_put(cloud, wrong, capsys, arguments, words):
    assert bulk(*arguments) == 1
    assert words in capsys.readouterr().err
    assert not cloud.list_in()


def test_it_is_a_lot_it_is_asked_and_the_cost_is_named(
    cloud, meanwhile, folder, monkeypatch, capsys
):
    monkeypatch.setattr(program, "MANY", 1)
    with open(os.devnull) as nothing:  # noqa: PTH123 - a file, and no terminal
        monkeypatch.setattr(sys, "stdin", nothing)
        assert bulk("--in", folder) == 1
    said = capsys.readouterr().err
    assert "AWS bills" in said
    assert "YES=1" in said
    assert not cloud.list_in()
    meanwhile(cloud.answer)
    assert bulk("--in", folder, "--yes") == 0


def test_messages_are_lost_it_ends_and_says_so(cloud, meanwhile, folder, monkeypatch, capsys):
    monkeypatch.setattr(run, "STALL_SECONDS", 0)
    assert bulk("--in", folder) == 1
    said = capsys.readouterr().err
    assert "2 objects without an answer, and nothing in the queue" in said
    assert f"RUN={find_run(said)}' goes on" in said


def test_nothing_happens_it_says_where_to_look_once_and_goes_on(
    cloud, meanwhile, folder, monkeypatch, capsys
):
    monkeypatch.setattr(run, "STALL_SECONDS", 0)
    cloud.send(cloud.outputs.BulkQueue, Object("asked", "r/a.csv", "1"))
    meanwhile(lambda: None, lambda: None, cloud.answer)
    assert bulk("--in", folder) == 0
    said = capsys.readouterr().err
    assert said.count("the trigger of quickthaw-hobbies-bulk-dev") == 1
    assert "after up to 90 minutes" in said
    monkeypatch.setitem(run.STAGES, "dev", Stage(bulk=True, bulk_host="fargate"))
    assert run._tell_host(DEV)[0] == 5
    assert "describe-services --cluster quickthaw-hobbies-bulk-dev" in run._tell_host(DEV)[1]
    monkeypatch.setattr(run, "GIVE_UP_SECONDS", 0)
    assert bulk("--in", folder) == 1


def test_answer_would_be_written_elsewhere_it_is_not(cloud, tmp_path):
    found = run.Run(place.Bulk(DEV), "r", set())
    found.answers.append(f"{OLD}/r/../../../x.csv")
    with pytest.raises(StackError, match="would not be in"):
        found.fetch(tmp_path / "out")


def test_answers_cannot_be_written_it_is_said(cloud, tmp_path):
    (tmp_path / OLD).touch()
    found = run.Run(place.Bulk(DEV), "r", set())
    found.answers.append(f"{OLD}/r/x.csv")
    with pytest.raises(StackError, match="cannot be written"):
        found.fetch(tmp_path)


def test_file_is_gone_before_it_is_put_it_is_said_and_the_rest_is_left(
    cloud, folder, monkeypatch, capsys
):
    listed = sources.list_sources(None, str(folder))
    gone = listed[0]._replace(place=folder / "gone.csv")
    monkeypatch.setattr(work, "AT_ONCE", 1)
    monkeypatch.setattr(program, "list_sources", lambda *_: [gone] + listed * 50)
    assert bulk("--in", folder) == 1
    said = capsys.readouterr().err
    assert "gone.csv cannot be read (No such file or directory); 'make bulk" in said
    assert "with the same IN= puts what is not there yet" in said
    assert len(cloud.list_in()) < 50


def test_line_stays_one_on_a_terminal_and_is_told_once_in_a_log(monkeypatch, capsys):
    for is_terminal in (True, False):
        monkeypatch.setattr(sys.stderr, "isatty", lambda told=is_terminal: told)
        line = work.Line()
        for text in ("1 of 2", "1 of 2", "2 of 2"):
            line.show(text)
        line.close()
        line.close()
    terminal, log = capsys.readouterr().err.split("\n", 1)
    assert terminal == "\r\x1b[K1 of 2\r\x1b[K2 of 2"
    assert log == "1 of 2\n2 of 2\n"


class Tasks:
    """SQS, as far as moto has it, with tasks that move messages."""

    def __init__(self, sqs, *tasks):
        self._sqs, self._tasks = sqs, list(tasks)
        self.started = []

    def get_queue_attributes(self, **asked):
        return self._sqs.get_queue_attributes(**asked)

    def start_message_move_task(self, **asked):
        self.started.append(asked)

    def list_message_move_tasks(self, **_):
        task = self._tasks.pop(0) if len(self._tasks) > 1 else self._tasks[0]
        return {"Results": [task] if task else []}


def task(status, moved=0, began=1, **more):
    return {
        "Status": status,
        "ApproximateNumberOfMessagesMoved": moved,
        "StartedTimestamp": began,
    } | more


@pytest.fixture
def tasks(cloud, monkeypatch):
    """One dead message, and what SQS says of the tasks, one look after the other."""

    def plan(*told):
        client = Tasks(cloud.sqs, *told)
        monkeypatch.setattr(redrive, "make_client", lambda _: client)
        return client

    cloud.send(cloud.outputs.BulkDead, Object("asked", "r/a.csv", "1"))
    monkeypatch.setattr(redrive, "pause", lambda _: None)
    return plan


def test_dead_messages_are_moved_back(tasks, capsys):
    old = task("COMPLETED", 9, began=1)
    client = tasks(old, old, task("RUNNING", began=2), task("COMPLETED", 1, began=2))
    assert redrive.redrive(DEV, yes=True) == 1
    assert client.started == [{"SourceArn": f"arn:aws:sqs:{local.REGION}:123456789012:d"}]
    said = capsys.readouterr().err
    assert "1 message from quickthaw-hobbies-dead-dev back to quickthaw-hobbies-bulk-dev" in said


def test_nothing_is_dead_it_is_said(cloud, capsys):
    assert redrive.redrive(DEV) == 0
    assert "nothing is dead" in capsys.readouterr().err


def test_nobody_is_there_to_be_asked_nothing_is_moved(tasks, monkeypatch):
    client = tasks({})
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))
    with pytest.raises(StackError, match="YES=1"):
        redrive.redrive(DEV)
    assert not client.started


def test_messages_are_being_moved_already_it_waits_for_that(tasks):
    client = tasks(task("RUNNING"), task("RUNNING", 3), task("COMPLETED", 5))
    assert redrive.redrive(DEV) == 5
    assert not client.started


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (task("FAILED", 2, FailureReason="AccessDenied"), "has moved 2 messages,.*AccessDenied"),
        (task("CANCELLED"), "CANCELLED"),
        ({}, "moves nothing"),
    ],
)
def test_messages_are_not_moved_it_is_said(tasks, monkeypatch, told, words):
    monkeypatch.setattr(redrive, "PATIENCE_SECONDS", 0.01)
    tasks({}, told)
    with pytest.raises(StackError, match=words):
        redrive.redrive(DEV, yes=True)


def test_aws_is_a_local_one_that_moves_no_messages_it_is_said_what_to_do_instead(
    tasks, monkeypatch
):
    client = tasks({})

    def refuse(**_):
        raise ClientError({"Error": {"Code": "InvalidAction"}}, "ListMessageMoveTasks")

    monkeypatch.setattr(client, "list_message_move_tasks", refuse)
    with pytest.raises(StackError, match=r"a local one, moves no messages: .* 'make bulk … IN='"):
        redrive.redrive(DEV, yes=True)


def test_nothing_is_answered_for_a_while_it_is_said_once_that_it_is_tried_again(
    cloud, meanwhile, folder, monkeypatch, capsys
):
    monkeypatch.setattr(run, "HINT_SECONDS", 0)
    meanwhile(lambda: None, lambda: cloud.answer("a.csv"), lambda: cloud.answer("JSON"))
    assert bulk("--in", folder) == 0
    said = capsys.readouterr().err
    assert said.count("is tried five times, a minute apart; 'make logs MODEL=hobbies") == 1


def test_stage_has_no_bulk_redrive_says_what_to_do(monkeypatch):
    def refuse(_):
        raise StackError("stage dev has no bulk: set bulk=True")

    monkeypatch.setattr(redrive, "read_bulk", refuse)
    monkeypatch.setattr(redrive, "make_client", lambda _: None)
    monkeypatch.setattr(sys, "argv", ["x", *OPTIONS])
    with pytest.raises(SystemExit, match="error: stage dev has no bulk"):
        redrive.main()
