"""A model's way to main: what a run may do, what it commits, what it says on the pull request."""

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.tests.workflows.fake_github import FakeGitHub
from training.proposal import comment, commit, github
from training.proposal.github import GitHubError, Run, read_run
from training.proposal.outcome import Outcome, read_outcome

RESULTS = ("success", "failure", "cancelled", "skipped")
MANIFEST = {"name": "topics", "version": "0123456789ab", "metrics": {"macro_f1": 0.93}}


def make_run(**changes):
    settings = {
        "repository": "owner/name",
        "branch": "better",
        "main": "main",
        "pull_request": None,
        "url": "https://github.com/owner/name/actions/runs/1",
        "api": "http://127.0.0.1:9",
        "server": "https://github.com",
        "token": "token",
    }
    return Run(**(settings | changes))


def make_pull_request(repository="owner/name", author="ada"):
    head = {"ref": "better", "repo": repository and {"full_name": repository}}
    return {"number": 7, "head": head, "base": {"ref": "main"}, "user": {"login": author}}


def make_outcome(planned="success", trained="success", tested="success", **changes):
    settings = {"changed": True, "may_write": True, "missing": ""} | changes
    return Outcome(planned, trained, tested, **settings)


@pytest.fixture
def server():
    fake = FakeGitHub()
    yield fake
    fake.stop()


@pytest.mark.parametrize(
    ("pull_request", "account", "why"),
    [
        (None, "123456789012", None),
        (make_pull_request(), "123456789012", None),
        (make_pull_request("else/name"), "123456789012", "fork"),
        (make_pull_request(None), "123456789012", "fork"),
        (make_pull_request(author="dependabot[bot]"), "123456789012", "Dependabot"),
        (make_pull_request(), "", "no AWS account"),
        (None, "", "no AWS account"),
    ],
)
def test_run_may_write_or_it_is_said_why_not(pull_request, account, why):
    missing = make_run(pull_request=pull_request).find_missing_rights(account)
    assert (missing is None) == (why is None)
    assert why is None or why in missing


def test_machine_is_no_runner_it_is_said():
    with pytest.raises(GitHubError, match="for GitHub's runs"):
        read_run({})


def test_run_is_read_from_what_github_says(tmp_path):
    path = tmp_path / "event.json"
    event = {"repository": {"default_branch": "trunk"}, "pull_request": make_pull_request()}
    environment = {
        "GITHUB_EVENT_PATH": str(path),
        "GITHUB_REPOSITORY": "owner/name",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_API_URL": "https://api.github.com",
        "GITHUB_RUN_ID": "5",
        "GITHUB_REF_NAME": "7/merge",
        "GITHUB_TOKEN": "token",
    }
    path.write_text(json.dumps(event))
    run = read_run(environment)
    assert (run.branch, run.main, run.base) == ("better", "trunk", "main")
    assert run.url == "https://github.com/owner/name/actions/runs/5"
    path.write_text(json.dumps({"repository": {"default_branch": "trunk"}}))
    run = read_run(environment | {"GITHUB_REF_NAME": "trunk"})
    assert (run.branch, run.base) == ("trunk", "trunk")
    path.write_text(json.dumps({"schedule": "17 4 * * 1"}))
    run = read_run(environment | {"GITHUB_REF_NAME": "trunk"})
    assert (run.branch, run.main) == ("trunk", "trunk")


@given(*(st.sampled_from(RESULTS) for _ in range(3)), st.booleans())
def test_only_what_went_well_passes_and_what_did_not_is_named(planned, trained, tested, changed):
    outcome = make_outcome(planned, trained, tested, changed=changed)
    counted = (planned, trained, tested) if changed else (planned,)
    assert outcome.passed == (set(counted) == {"success"})
    if not outcome.passed:
        first = next(one for one in counted if one != "success")
        assert outcome.explain().endswith(f"ended with {first}")


def test_plan_failed_and_said_nothing_the_run_does_not_pass():
    jobs = {name: {"result": "skipped", "outputs": {}} for name in ("plan", "train", "test")}
    jobs["plan"]["result"] = "failure"
    outcome = read_outcome(jobs)
    assert not outcome.passed
    assert not outcome.may_write


def test_api_says_no_or_nothing_the_error_names_the_request_and_no_secret(server):
    refused = make_run(api=server.url, token="s3cret")
    silent = make_run(token="s3cret")
    for run, said in ((refused, "status 401: .*Bad credentials"), (silent, "refused")):
        with pytest.raises(GitHubError, match=f"GET /issues/1/comments.*{said}") as error:
            run.list("/issues/1/comments")
        assert "s3cret" not in str(error.value)


def test_comment_is_found_on_any_page_and_brought_up_to_date(server):
    run = make_run(api=server.url, pull_request=make_pull_request())
    others = [{"id": n, "user": {"type": "User"}, "body": comment.MARK} for n in range(1, 131)]
    server.comments[7] = list(others)
    comment.comment(run, 7, f"{comment.MARK}\nfirst", only_update=True)
    assert len(server.comments[7]) == 130
    comment.comment(run, 7, f"{comment.MARK}\nfirst", only_update=False)
    comment.comment(run, 7, f"{comment.MARK}\nsecond", only_update=False)
    assert server.comments[7][:130] == others  # people can write the mark, too
    (ours,) = server.comments[7][130:]
    assert ours["body"].endswith("second")


@given(st.text(st.characters(codec="utf-8"), max_size=300), st.integers(0, 400))
def test_comment_is_no_longer_than_github_takes_and_says_what_was_done(text, times):
    report = Path("judge.md")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "is_file", lambda _: True)
        patch.setattr(Path, "is_symlink", lambda _: False)
        patch.setattr(Path, "read_text", lambda *_, **__: text * times)
        body = comment.write_comment(make_run(), make_outcome(), "It is done", report)
    assert body.startswith(comment.MARK)
    assert len(body) <= 65_536
    assert body.endswith("It is done ([the run](https://github.com/owner/name/actions/runs/1)).\n")
    assert len(text * times) > comment.MOST - 500 or text * times in body


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone of a repository with the files of a model; the proposal of another one."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    subprocess.run(["git", "init", "-q", "-b", "main", tmp_path / "seed"], check=True)
    monkeypatch.chdir(tmp_path / "seed")
    write_files(Path(), MANIFEST)
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "start"], check=True)
    subprocess.run(["git", "clone", "-q", "--bare", ".", tmp_path / "origin.git"], check=True)
    subprocess.run(["git", "clone", "-q", tmp_path / "origin.git", tmp_path / "clone"], check=True)
    monkeypatch.chdir(tmp_path / "clone")
    write_files(tmp_path / "proposal", MANIFEST | {"version": "ba9876543210"})
    return tmp_path / "proposal"


def write_files(folder, manifest):
    for name in commit.FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(manifest))


def test_commit_has_the_models_files_and_nothing_else(clone):
    (clone / "Makefile").write_text("evil:")
    Path("left.py").write_text("")
    branch, sha = commit.commit(make_run(), clone)
    assert branch == "better"
    pushed = commit.git("ls-remote", "origin", "refs/heads/better")
    assert pushed.split()[0] == sha
    assert set(commit.git("show", "--format=", "--name-only", sha).split()) == set(commit.FILES)
    assert commit.commit(make_run(), clone) == ("better", None)


def test_run_of_main_commits_to_a_branch_of_its_own_and_only_once(clone):
    run = make_run(branch="main")
    before = commit.git("rev-parse", "HEAD")
    branch, sha = commit.commit(run, clone)
    assert branch == "model/topics-ba9876543210"
    assert sha
    commit.git("reset", "-q", "--hard", before.strip())
    assert commit.commit(run, clone) == (branch, None)
    assert commit.git("ls-remote", "origin", "refs/heads/main").split()[0] == before.strip()


def test_nothing_is_ever_pushed_to_main(clone):
    with pytest.raises(GitHubError, match="no run pushes to main"):
        commit.push(make_run(), "main")


def test_branch_has_moved_on_its_own_run_trains_it(clone):
    run = make_run()
    commit.git("push", "-q", "origin", "HEAD:refs/heads/better")
    commit.git("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "x", "--allow-empty")
    commit.git("push", "-q", "origin", "HEAD:refs/heads/better")
    commit.git("reset", "-q", "--hard", "HEAD^")
    with pytest.raises(GitHubError, match="has moved on"):
        commit.commit(run, clone)


@pytest.mark.parametrize("name", commit.FILES)
def test_proposal_lacks_a_file_or_has_another_thing_in_its_place_nothing_is_committed(clone, name):
    path = clone / name
    path.unlink()
    with pytest.raises(GitHubError, match="no file"):
        commit.commit(make_run(), clone)
    path.symlink_to("/etc/hostname")
    with pytest.raises(GitHubError, match="no file"):
        commit.commit(make_run(), clone)
    path.unlink()
    path.write_bytes(b" " * (commit.MAX_BYTES + 1))
    with pytest.raises(GitHubError, match="too large"):
        commit.commit(make_run(), clone)
    assert "better" not in commit.git("ls-remote", "origin")


def test_output_of_more_than_a_line_is_refused(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "out"))
    with pytest.raises(GitHubError, match="one line"):
        github.write_outputs(model="same\nrights=yes")
    github.write_outputs(model="same", missing="")
    assert (tmp_path / "out").read_text() == "model=same\nmissing=\n"
