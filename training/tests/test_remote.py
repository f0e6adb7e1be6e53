"""Models that come from a remote: the real DVC, and a local S3 server whose objects get spoilt."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from serving.bundle.manifest import read_manifest
from serving.deployment.commands import fetch_model
from training import ensure_model, remote
from training.console import StepError
from training.tests.conftest import Bucket, commit_all, enter_workspace, run
from training.tests.sample import NAME, PATHS

pytestmark = pytest.mark.slow  # DVC takes seconds to start
CONFIG = Path(".dvc/config")
FILES = [PATHS.model, PATHS.frozen]


def make_remote(*arguments, **environment):
    ours = {"MAKEFLAGS", "URL"}  # what the make that runs these tests was told is not for this one
    return subprocess.run(
        ["make", "remote", *arguments],
        env={name: value for name, value in os.environ.items() if name not in ours} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@dataclass(frozen=True)
class Pushed:
    """What was pushed, and from where: the objects by key, the model's files by path."""

    root: Path
    bucket: Bucket
    objects: dict[str, bytes]
    files: dict[Path, bytes]


@pytest.fixture(scope="module")
def pushed(tmp_path_factory, sample_archive, bucket):
    root = tmp_path_factory.mktemp("pushed") / "workspace"
    with pytest.MonkeyPatch.context() as monkeypatch:
        enter_workspace(root, sample_archive, monkeypatch)
        run("dvc", "repro", "bundle")
        assert make_remote(f"URL={bucket.url}").returncode == 0
        remote.push(PATHS)
        commit_all("trained")
        documents = {path.read_bytes() for path in (*PATHS.raw.iterdir(), PATHS.train, PATHS.test)}
        shutil.rmtree("data")
        objects = bucket.read()
        assert not documents & set(objects.values())
        yield Pushed(root, bucket, objects, {path: path.read_bytes() for path in FILES})


@pytest.fixture
def clone(pushed, monkeypatch):
    """The workspace as if it were cloned anew, the bucket as it was pushed."""
    monkeypatch.chdir(pushed.root)
    monkeypatch.setattr(sys, "argv", ["fetch_model", "--model", NAME])
    pushed.bucket.write(pushed.objects)
    subprocess.run(["git", "checkout", "-q", "."], check=True)
    for folder in (".dvc/cache", "data"):  # a test may have trained
        shutil.rmtree(folder, ignore_errors=True)
    for path in FILES:
        path.unlink(missing_ok=True)
    return pushed


@pytest.fixture
def trained(monkeypatch):
    """What was missing whenever the model was to be trained; nothing is."""
    calls = []
    monkeypatch.setattr(
        ensure_model, "train", lambda _: calls.append(ensure_model.missing_files(PATHS))
    )
    return calls


def pull():
    return remote.dvc("pull", *map(str, FILES), capture=True)


def do_not_verify():
    CONFIG.write_text(CONFIG.read_text().replace("verify = true", ""))


def flip(body):
    return bytes([body[0] ^ 1]) + body[1:]


def rotate(bodies):
    first, *others = bodies
    return [*others, first]


DAMAGES = {
    "tampered": lambda objects: {key: flip(body) for key, body in objects.items()},
    "truncated": lambda objects: {key: body[: len(body) // 2] for key, body in objects.items()},
    "emptied": lambda objects: dict.fromkeys(objects, b""),
    "swapped": lambda objects: dict(zip(objects, rotate(objects.values()), strict=True)),
    "missing": lambda objects: {},
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_objects_are_spoilt_pull_fails_and_leaves_no_file(damage, clone):
    clone.bucket.write(DAMAGES[damage](clone.objects))
    done = pull()
    assert done.returncode != 0
    assert "failed to pull data from the cloud" in done.stderr
    assert [path for path in FILES if path.exists()] == []
    # DVC would trust what is there, ever after.
    assert [path for path in Path(".dvc/cache").rglob("*") if path.is_file()] == []


def test_remote_is_not_verified_pull_takes_tampered_objects(clone):
    """What the test above is for: without verify there is nothing to see."""
    clone.bucket.write(DAMAGES["tampered"](clone.objects))
    do_not_verify()
    assert pull().returncode == 0
    assert {path: path.read_bytes() for path in FILES} == {
        path: flip(body) for path, body in clone.files.items()
    }


def test_remote_has_the_model_it_is_pulled_not_trained(clone, trained, capfd):
    ensure_model.main(PATHS)
    said = capfd.readouterr().out
    assert "pulling the model from the DVC remote store" in said
    assert read_manifest(PATHS.bundle).version in said
    assert {path: path.read_bytes() for path in FILES} == clone.files
    assert not Path("data").exists()

    ensure_model.main(PATHS)
    assert "pulling" not in capfd.readouterr().out
    assert trained == []


def test_remote_has_spoilt_objects_they_are_not_taken_and_it_is_said(clone, capfd):
    clone.bucket.write(DAMAGES["tampered"](clone.objects))
    assert ensure_model.pull(list(map(str, FILES))) is False
    assert "has other bytes in its place (see above)" in capfd.readouterr().out


def test_remote_is_not_verified_nothing_is_pulled_and_the_model_is_trained(clone, trained, capfd):
    do_not_verify()
    with pytest.raises(StepError, match=r"model\.joblib cannot be read"):
        ensure_model.main(PATHS)
    assert trained == [list(map(str, FILES))]
    said = capfd.readouterr().out
    assert "the DVC remote store is not used: it is not verified" in said
    assert "'.venv/bin/dvc remote modify store verify true'" in said
    assert "pulling" not in said


def spoil_cache(objects):
    for key, body in DAMAGES["tampered"](objects).items():
        path = Path(".dvc/cache", key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        path.chmod(0o444)  # as DVC leaves it: then it does not look again


def test_cache_is_spoilt_nothing_is_unpickled_and_the_command_that_is_said_mends_it(clone, trained):
    spoil_cache(clone.objects)
    with pytest.raises(StepError, match=r"has sha256 .* but first 'rm -r") as refused:
        ensure_model.main(PATHS)
    assert trained == []
    subprocess.run(["sh", "-c", re.search(r"'(rm .*?)'", str(refused.value))[1]], check=True)
    assert [path for path in (*FILES, Path(".dvc/cache")) if path.exists()] == []


def test_cache_is_spoilt_no_stage_unpickles_what_dvc_takes_for_the_model(clone):
    model = clone.files[PATHS.model]
    spoil_cache({key: body for key, body in clone.objects.items() if body == model})
    # It trains, and puts the cache's file in the place of the new one.
    done = remote.dvc("repro", "bundle", capture=True)
    assert done.returncode != 0
    assert PATHS.model.read_bytes() == flip(clone.files[PATHS.model])
    assert "model.joblib is not the file that dvc.lock records" in done.stderr


def test_cache_is_spoilt_a_report_of_a_step_is_named_with_what_mends_it(clone):
    spoil_cache(clone.objects)
    done = remote.dvc("repro", "bundle", capture=True)
    assert done.returncode != 0
    assert f"error: {PATHS.comparison} is missing or damaged" in done.stderr
    assert "Traceback" not in done.stderr
    subprocess.run(["sh", "-c", re.search(r"'(rm .*?)'", done.stderr)[1]], check=True)
    assert remote.dvc("repro", "bundle").returncode == 0


REMOTE = "['remote \"store\"']\n"


def test_remote_is_not_verified_outside_the_project_the_command_that_is_said_mends_it(
    workspace, capfd
):
    CONFIG.write_text(f"{REMOTE}verify = true\n")
    Path(".dvc/config.local").write_text(f"{REMOTE}verify = false\n")
    Path("../global").mkdir()
    Path("../global/config").write_text(f"[core]\nremote = store\n{REMOTE}url = s3://models\n")
    assert remote.verified_remote() is None
    (command,) = re.findall(r"'\.venv/bin/(.*)'", capfd.readouterr().out)
    run(*shlex.split(command))
    assert remote.verified_remote() == "store"


def test_no_remote_is_the_default_nothing_is_pulled(workspace, capfd):
    CONFIG.write_text(f"{REMOTE}url = s3://models\nverify = true\n")
    assert ensure_model.pull([str(PATHS.model)]) is False
    assert "'.venv/bin/dvc remote default NAME'" in capfd.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["URL="], ["URL= "]])
def test_remote_without_its_url_is_refused_with_the_usage(arguments, workspace):
    before = CONFIG.read_bytes()
    done = make_remote(*arguments)
    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == (
        "error: there is no URL: make remote URL=s3://bucket/path"
    )
    assert CONFIG.read_bytes() == before


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("s3://", "names no bucket"),
        ("s3:///models", "names no bucket"),
        ("https://user:secret@models", "holds a user"),
        ("--global", "neither scheme://"),
        ("models", "neither scheme://"),
    ],
)
def test_remotes_url_is_none_it_is_refused(url, says, workspace):
    before = CONFIG.read_bytes()
    done = make_remote(f"URL={url}")
    assert done.returncode != 0
    assert says in done.stderr
    assert "secret" not in done.stderr
    assert CONFIG.read_bytes() == before


def test_remotes_url_is_of_the_environment_it_is_not_taken(workspace):
    done = make_remote(URL="s3://somebody-elses")
    assert "there is no URL" in done.stderr


def test_remote_is_there_already_it_keeps_its_settings(workspace):
    run("dvc", "remote", "add", "store", "s3://old")
    run("dvc", "remote", "modify", "store", "endpointurl", "http://127.0.0.1:1")
    Path(".dvc/config.local").write_text(f"{REMOTE}url = s3://mine\n")
    done = make_remote("URL=s3://new")
    assert done.returncode == 0, done.stderr
    assert "another remote.store.url wins on this machine" in done.stderr
    text = CONFIG.read_text()
    assert all(
        one in text for one in ("s3://new", "endpointurl", "verify = true", "remote = store")
    )


# It would leave a file, if make or a shell took it for more than an address.
HOSTILE = (
    "s3://models/a b;touch hit;$(touch hit)`touch hit`$(shell touch hit)|touch hit&touch hit>hit "
    "';touch hit;'\";touch hit;\"\\\ntouch hit # "
)


def test_remotes_url_is_hostile_it_is_an_address_and_nothing_runs(workspace):
    done = make_remote(f"URL={HOSTILE}")
    assert done.returncode == 0, done.stderr
    assert run("dvc", "config", "remote.store.url").stdout == f"{HOSTILE}\n"
    assert "verify = true" in CONFIG.read_text()
    # Nor is there any other new file.
    assert subprocess.check_output(["git", "status", "--porcelain"]) == b" M .dvc/config\n"
    assert "next: 'make push', then 'git commit .dvc/config'" in done.stdout


def test_remotes_url_is_none_that_dvc_can_read_again_the_settings_stay_as_they_were(workspace):
    before = CONFIG.read_bytes()
    done = make_remote("URL=s3://models/%(path)s")
    assert done.returncode != 0
    assert "error: DVC does not take this URL (see above)" in done.stderr
    assert CONFIG.read_bytes() == before


def test_model_is_fetched_without_dvc_its_files_are_those_that_were_pushed(clone, capsys):
    fetch_model.main()
    assert {path: path.read_bytes() for path in FILES} == clone.files
    assert "fetching" in capsys.readouterr().err
    fetch_model.main()
    assert "fetching" not in capsys.readouterr().err


@pytest.mark.parametrize("damage", DAMAGES)
def test_objects_are_spoilt_nothing_is_fetched_without_dvc_either(damage, clone):
    clone.bucket.write(DAMAGES[damage](clone.objects))
    with pytest.raises(
        SystemExit, match=r"error: .*'make train MODEL=\w+' makes it, then 'make push"
    ):
        fetch_model.main()
    assert list(PATHS.bundle.iterdir()) == [PATHS.bundle / "manifest.json"]


def test_remote_is_a_folder_the_model_is_fetched_from_it(clone, tmp_path):
    for key, body in clone.objects.items():
        path = tmp_path / key[key.index("files/") :]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    CONFIG.write_text(f"[core]\nremote = there\n['remote \"there\"']\nurl = {tmp_path}\n")
    fetch_model.main()
    assert {path: path.read_bytes() for path in FILES} == clone.files
    FILES[0].write_bytes(b"")
    shutil.rmtree(tmp_path / "files")
    with pytest.raises(SystemExit, match="cannot be read"):
        fetch_model.main()
    assert FILES[0].read_bytes() == b""


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda: CONFIG.write_text(""), "make remote URL="),
        (lambda: CONFIG.write_text(CONFIG.read_text().replace("s3://", "ftp://")), "dvc pull"),
        (lambda: Path("dvc.lock").write_text("stages: ["), "git checkout"),
        (lambda: Path("dvc.lock").unlink(), "dvc.lock cannot be read"),
        (lambda: (PATHS.bundle / "manifest.json").write_text("{}"), "git checkout"),
        (
            lambda: Path("dvc.lock").write_text(
                Path("dvc.lock")
                .read_text()
                .replace(
                    f"size: {read_manifest(PATHS.bundle).files['model.joblib'].size}", "size: 1"
                )
            ),
            "not of one commit",
        ),
    ],
)
def test_nothing_can_be_fetched_it_is_said_why_and_what_mends_it(spoil, says, clone):
    spoil()
    with pytest.raises(SystemExit, match=says):
        fetch_model.main()
