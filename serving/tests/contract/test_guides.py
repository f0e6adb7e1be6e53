"""The commands of the guides, run as they stand where one machine is enough, say what they show."""

import csv
import json
import re
import shutil
from base64 import b64decode

import pytest

from serving.bundle.manifest import MANIFEST_NAME
from serving.tests.console import (
    ask_as_shown,
    check_shown,
    find_port,
    list_steps,
    make_tree,
    run,
    running,
    serving,
)
from serving.tests.pages import PAGES
from serving.tests.tracked import ROOT
from training.paths import Paths

README = "../README.md"
DOCUMENTS = PAGES | {README: (ROOT / "README.md").read_text(encoding="utf-8")}
# training/tests runs these: test_tutorial.py, test_freeze_guide.py, test_pictures_guide.py.
ELSEWHERE = {"tutorial.md", "guides/freeze.md", "guides/pictures.md"}
AWS = "an account of AWS; serving/tests/cloud deploys to a local one"
IMAGE = "Docker, for minutes; serving/tests/image builds and runs it"
ANSWERED = "a person who answers; training/tests/test_adopt.py does"
TABLE = "a table of yours; training/tests/test_new.py and test_tables.py have such"
EMULATOR = "an emulator, as root; serving/tests/model/test_arm.py has one without an image"
MERGE = "the repository that a clone comes from, and its later version"
# By page what the tests below run: the beginnings of commands.
RUN = {
    README: ["make serve"],
    "guides/bulk.md": ["make score"],
    "guides/dask.md": ["make .venv/dask.ok", ".venv/bin/python -m dask"],
    "guides/load.md": ["make load"],
    "guides/tables.md": ["curl"],
    "guides/web.md": ["make web"],
    "reference/api.md": ["curl"],
}
# By page what is not run, and what that would need.
NOT_HERE = {
    README: {"make test": "is what runs this"},
    "guides/adopt.md": {"make adopt": ANSWERED},
    "guides/arm.md": {"sudo": EMULATOR, "make image": EMULATOR},
    "guides/aws.md": {
        "make logs FILE": "requests of that day; serving/tests/cloud/test_logs.py has such",
        "make cloud-local": "Docker and Node.js; serving/tests/cloud runs it",
        "make bulk": "the same",
        **dict.fromkeys(("curl https:", "make bootstrap", "make deploy", "make logs"), AWS),
        **dict.fromkeys(("make push", "make remote", "make smoke"), AWS),
        "make train": "minutes; .ci/run does it",
    },
    "guides/bulk.md": {"make bootstrap": AWS, "make bulk": AWS, "make redrive": AWS, "docker": AWS},
    "guides/runbook.md": dict.fromkeys(
        ("make bulk", "make live", "make logs", "make rollback"), AWS
    ),
    "guides/tables.md": {".venv/bin/dvc add": TABLE, "sha256sum": TABLE},
    "guides/texts.md": {"make new": TABLE, "make serve": TABLE},
    "guides/update.md": dict.fromkeys(("git ", "make check", "make each", "make test"), MERGE),
    "guides/web.md": {
        "make image": IMAGE,
        "image=": IMAGE,
        "docker": "an account of Heroku",
        "heroku": "an account of Heroku",
    },
    "reference/image.md": {"make image": IMAGE},
}


def list_commands(page):
    return [command for command, _ in list_steps(DOCUMENTS[page])]


@pytest.mark.parametrize("page", [page for page in DOCUMENTS if page not in ELSEWHERE])
def test_each_command_of_a_page_is_run_or_it_is_said_why_not(page):
    begun, reasons = RUN.get(page, []), NOT_HERE.get(page, {})
    for command in list_commands(page):
        is_run = any(map(command.startswith, begun))
        reason = any(map(command.startswith, reasons))
        assert is_run or reason, f"{command}: write it into RUN and a test, or into NOT_HERE"


def test_lists_have_nothing_that_no_page_shows():
    for page, begun in [*RUN.items(), *NOT_HERE.items()]:
        for one in begun:
            assert any(command.startswith(one) for command in list_commands(page)), (page, one)


# ---- What is run. The pages show what the models of this repository answer.


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A clone with the models that were trained here."""
    models = [Paths(name) for name in ("topics", "houses", "digits")]
    for one in models:
        if not one.model.exists() or not one.frozen.exists():
            pytest.skip(f"the guides' commands are NOT run: make it with {one.make('train')}")
    with pytest.MonkeyPatch.context() as patch:
        folder = make_tree(tmp_path_factory.mktemp("clone"), patch)
        for one in models:
            for path in (one.model, one.frozen):
                shutil.copy2(ROOT / path, folder / path)
        (folder / ".curlrc").write_text("silent\nshow-error\nfail-with-body\n")
        patch.setenv("CURL_HOME", str(folder))
        yield folder


def read_input(name):
    return json.loads((ROOT / Paths(name).bundle / MANIFEST_NAME).read_text())["input"]


def run_curls(page, port, chosen=lambda _: True):
    """Run a page's commands that ask a service: the answers."""
    found = []
    for command in filter(chosen, list_commands(page)):
        answer = json.loads("".join(run(command.replace("localhost:8000", f"127.0.0.1:{port}"))))
        found.append(answer)
    assert found
    return found


@pytest.mark.slow
@pytest.mark.trained
def test_readmes_service_starts_answers_and_bears_load_as_it_is_shown(tree):
    (shown,) = [
        lines for command, lines in list_steps(DOCUMENTS[README]) if command == "make serve"
    ]
    started = next(place for place, line in enumerate(shown) if line.startswith("model topics"))
    with serving("make serve") as (port, said):
        check_shown(shown[started : started + 4], said)
        expected = json.loads(re.search(r"```json\n(.*)\n```", DOCUMENTS[README])[1])
        answer = ask_as_shown(port, said[-1])
        assert answer.keys() == expected.keys()
        assert answer["label"] == expected["label"]  # the figures change with each training
        one, many, model = run_curls("reference/api.md", port, lambda one: "seven" not in one)
        assert len(one["top"]) == 3
        assert one["explanation"]
        assert len(many["predictions"]) == 2
        assert model["name"] == "topics"
        ((command, shown),) = list_steps(DOCUMENTS["guides/load.md"])
        assert shown
        check_shown(shown, run(f"{command} PORT={port} SECONDS=1"))


@pytest.mark.slow
@pytest.mark.trained
def test_records_and_pictures_are_asked_as_it_is_shown(tree):
    with serving("make serve MODEL=houses") as (port, _):
        (found,) = run_curls("guides/tables.md", port, lambda one: one.startswith("curl"))
        (prediction,) = found["predictions"]
        assert prediction["interval"]
    (tree / "seven.png").write_bytes(b64decode(read_input("digits")["example"]))
    with serving("make serve MODEL=digits") as (port, _):
        answers = run_curls("reference/api.md", port, lambda one: "seven" in one)
        assert len(answers) == 3
        assert answers == [answers[0]] * 3


@pytest.mark.slow
@pytest.mark.trained
def test_web_process_starts_as_it_is_shown(tree):
    (shown,) = [
        lines for command, lines in list_steps(DOCUMENTS["guides/web.md"]) if "make web" in command
    ]
    assert shown
    with running(f"make web MODEL=topics PORT={find_port()}", "serving on") as (_, said):
        check_shown(shown, said)


def write_inputs(folder):
    """What the guide scores: a table, texts, pictures."""
    record = {one["name"]: one["example"] for one in read_input("houses")["fields"]}
    with (folder / "houses.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, record)
        table.writeheader()
        table.writerows([record] * 2_000)
    (folder / "posts.jsonl").write_text('{"body": "the goalie"}\n{"body": "a probe in orbit"}\n')
    (folder / "scans").mkdir()
    (folder / "scans/seven.png").write_bytes(b64decode(read_input("digits")["example"]))


@pytest.mark.slow
@pytest.mark.trained
def test_files_are_scored_as_it_is_shown(tree):
    write_inputs(tree)
    steps = [one for one in list_steps(DOCUMENTS["guides/bulk.md"]) if "make score" in one[0]]
    assert steps
    for command, shown in steps:
        out = tree / re.search(r"OUT=(\S+)", command)[1]
        out.unlink(missing_ok=True)
        # The bar is a terminal's.
        check_shown([line for line in shown if "|#" not in line], run(command))
        assert out.stat().st_size


@pytest.mark.slow
def test_cluster_starts_as_it_is_shown(tmp_path, monkeypatch):
    make_tree(tmp_path, monkeypatch)
    install, scheduler, worker = list_commands("guides/dask.md")
    run(install)
    port = find_port()
    scheduler = scheduler.replace("10.0.0.5", f"127.0.0.1 --port {port}")
    worker = worker.replace("10.0.0.5:8786", f"127.0.0.1:{port}").replace("-1", "1")
    with running(scheduler, r".*Scheduler at"), running(worker, r".*Registered to"):
        pass
