"""A model's way to main: what a run may do, what it commits, what it says on the pull request."""

import json
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.tests.workflows.fake_github import FakeGitHub
from training.proposal import __main__ as proposal
from training.proposal import commit, files, github, plan, pull_request
from training.proposal.github import GitHubError, Rights, Run, read_run
from training.proposal.outcome import Outcome, read_outcome

RESULTS = ("success", "failure", "cancelled", "skipped")
NAMES = ("topics", "prices")
TOPICS, PRICES = MODELS = [files.Files(name) for name in NAMES]
COMMITTED = files.list_committed(MODELS)
OLD, NEW = "0123456789ab", "ba9876543210"
METRICS = {
    "topics": {"macro_f1": 0.93, "accuracy": 0.94, "log_loss": 0.2},
    "prices": {"rmse": 35123.4, "baseline_rmse": 84404.0, "r2": 0.815},
}


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
    settings = {"models": MODELS, "rights": Rights.ALL, "missing": ""} | changes
    return Outcome(planned, trained, tested, **settings)


@pytest.fixture
def server():
    fake = FakeGitHub()
    yield fake
    fake.stop()


@pytest.mark.parametrize(
    ("pull_request", "account", "rights", "why"),
    [
        (None, "123456789012", Rights.ALL, ""),
        (make_pull_request(), "123456789012", Rights.ALL, ""),
        (make_pull_request("else/name"), "123456789012", Rights.FOREIGN, "fork"),
        (make_pull_request(None), "123456789012", Rights.FOREIGN, "fork"),
        (make_pull_request(author="dependabot[bot]"), "1", Rights.FOREIGN, "Dependabot"),
        (make_pull_request("else/name"), "", Rights.FOREIGN, "fork"),
        (make_pull_request(), "", Rights.NO_ACCOUNT, "no AWS account"),
        (None, "", Rights.NO_ACCOUNT, "no AWS account"),
    ],
)
def test_run_may_write_or_it_is_said_why_not(pull_request, account, rights, why):
    found, said = make_run(pull_request=pull_request).find_rights(account)
    assert found is rights
    assert why in said


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
        "GITHUB_REF_TYPE": "branch",
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
    outcome = make_outcome(planned, trained, tested, models=MODELS if changed else [])
    counted = (planned, trained, tested) if changed else (planned,)
    assert outcome.passed == (set(counted) == {"success"})
    if not outcome.passed:
        first = next(one for one in counted if one != "success")
        assert outcome.explain().endswith(f"ended with {first}")


def test_plan_failed_and_said_nothing_the_run_does_not_pass():
    jobs = {name: {"result": "skipped", "outputs": {}} for name in ("plan", "train", "test")}
    jobs["plan"]["result"] = "failure"
    outcome = read_outcome(json.dumps(jobs))
    assert not outcome.passed
    assert outcome.rights is Rights.FOREIGN


@pytest.mark.parametrize("needs", ["", "{", "{}", "[]", "null", '{"plan": 1}'])
def test_needs_are_not_what_github_says_it_is_said(needs):
    with pytest.raises(GitHubError, match="NEEDS is not"):
        read_outcome(needs)


def test_api_says_no_or_nothing_the_error_names_the_request_and_no_secret(server):
    refused = make_run(api=server.url, token="s3cret")
    silent = make_run(token="s3cret")
    for run, said in ((refused, "status 401: .*Bad credentials"), (silent, "refused")):
        with pytest.raises(GitHubError, match=f"GET /issues/1/comments.*{said}") as error:
            run.list("/issues/1/comments")
        assert "s3cret" not in str(error.value)


def test_comment_is_found_on_any_page_and_brought_up_to_date(server):
    run = make_run(api=server.url, pull_request=make_pull_request())
    others = [{"id": n, "user": {"type": "User"}, "body": pull_request.MARK} for n in range(1, 131)]
    server.comments[7] = list(others)
    pull_request.comment(run, 7, f"{pull_request.MARK}\nfirst", only_update=True)
    assert len(server.comments[7]) == 130
    pull_request.comment(run, 7, f"{pull_request.MARK}\nfirst", only_update=False)
    pull_request.comment(run, 7, f"{pull_request.MARK}\nsecond", only_update=False)
    assert server.comments[7][:130] == others  # people can write the mark, too
    (ours,) = server.comments[7][130:]
    assert ours["body"].endswith("second")


@pytest.mark.parametrize(
    ("report", "shown"),
    [
        (b"## Model report\n\nfine", "fine"),
        (b"\xff\xfe", "\ufffd"),
        (b"<details>\n" * pull_request.MOST, "longer than a comment"),
        (None, "There is no report"),
    ],
)
def test_comment_fits_and_says_what_was_done_whatever_the_report_is(tmp_path, report, shown):
    path = tmp_path / "judge.md"
    if report:
        path.write_bytes(report)
    first, second = files.Files("topics"), files.Files("prices")
    first.report = second.report = path
    body = pull_request.write_comment(make_run(), [first, second], "It is done")
    assert body.startswith(pull_request.MARK)
    for part in body.split("# topics\n")[1].split("# prices\n"):
        assert shown in part
    assert len(body) <= 65_536
    assert "\nIt is done ([the run](https://github.com/owner/name/actions/runs/1)" in body


def test_report_is_a_link_it_is_not_read(tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/judge.md").write_text("secret")
    (tmp_path / "reports").symlink_to("secret")
    (tmp_path / "judge.md").symlink_to("secret/judge.md")
    for name in ("judge.md", "reports/judge.md"):
        assert "secret" not in pull_request.read_report(tmp_path / name, pull_request.MOST)


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone of a repository with the files of two models; in it, the proposal of other ones."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    subprocess.run(["git", "init", "-q", "-b", "main", tmp_path / "seed"], check=True)
    monkeypatch.chdir(tmp_path / "seed")
    write_files(Path())
    Path(".gitignore").write_text(".local/\n")
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    subprocess.run(["git", "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "start"], check=True)
    subprocess.run(["git", "branch", "better"], check=True)
    subprocess.run(["git", "clone", "-q", "--bare", ".", tmp_path / "origin.git"], check=True)
    subprocess.run(["git", "clone", "-q", tmp_path / "origin.git", tmp_path / "clone"], check=True)
    monkeypatch.chdir(tmp_path / "clone")
    write_files(files.PROPOSAL, version=NEW)


def write_files(folder, models=MODELS, **changes):
    """What is committed of models, with changes to their manifests."""
    manifests = {
        one.model: {"name": one.model, "version": OLD, "metrics": METRICS[one.model]} | changes
        for one in models
    }
    steps = {f"train@{name}": {"outs": [manifest]} for name, manifest in manifests.items()}
    written = {files.LOCK: {"stages": steps}}
    for one in models:
        written |= {one.manifest: manifests[one.model], one.scores: METRICS[one.model]}
    for name, content in written.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content))


def propose(run):
    """Commit what was tested."""
    files.take(COMMITTED)
    return commit.commit(run, MODELS, files.hash_files(COMMITTED))


def read_tip(branch):
    return commit.git("ls-remote", "origin", f"refs/heads/{branch}").partition("\t")[0]


def go_back():
    """As the next job finds it."""
    commit.git("reset", "-q", "--hard", "origin/main")


def test_one_commit_has_the_files_of_all_models_and_nothing_else(clone):
    (files.PROPOSAL / "Makefile").write_text("evil:")
    Path("left.py").write_text("")
    branch, sha = propose(make_run())
    assert branch == "better"
    assert read_tip("better") == sha
    changed = commit.git("show", "--format=", "--name-only", sha).split()
    # The scores stayed what they were.
    assert set(changed) == {files.LOCK, *(one.manifest for one in MODELS)}


def test_message_names_each_models_versions_and_first_scores_whatever_these_are(clone):
    shutil.rmtree(Path(PRICES.manifest).parent)  # which is new
    commit.git("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qam", "without")
    commit.git("push", "-q", "origin", "HEAD:refs/heads/better")
    _, sha = propose(make_run())
    assert commit.git("log", "-1", "--format=%B", sha).splitlines()[:4] == [
        f"Model topics {NEW}, prices {NEW}",
        "",
        f"topics: {OLD} -> {NEW}: macro_f1 0.9300, accuracy 0.9400",
        f"prices: none -> {NEW}: rmse 35,123.4, r2 0.8150",
    ]


def test_one_model_of_several_is_another_one_the_message_names_that_one_alone(clone):
    write_files(files.PROPOSAL)
    write_files(files.PROPOSAL, [PRICES], version=NEW)
    branch, sha = propose(make_run(branch="main"))
    assert branch == f"model/prices-{NEW}"
    said = commit.git("log", "-1", "--format=%B", sha)
    assert said.startswith(f"Model prices {NEW}\n\nprices: {OLD} -> {NEW}: ")
    assert "topics" not in said


def test_branch_of_many_models_has_a_name_that_git_takes(clone):
    models = [files.Model(f"m{number}", NEW, {}) for number in range(50)]
    name = commit.name_branch(make_run(branch="main"), models)
    assert name == f"model/m0-{NEW}-m1-{NEW}-m2-{NEW}-47-more"
    commit.git("check-ref-format", f"refs/heads/{name}")


def test_commit_is_there_already_it_counts_as_the_runs(clone):
    run = make_run()
    _, sha = propose(run)
    assert propose(run) == ("better", sha)  # the branch's own next run
    go_back()
    assert propose(run) == ("better", sha)  # the job is run again
    assert read_tip("better") == sha


def test_run_of_main_commits_to_a_branch_of_its_own_and_not_to_another_ones(clone):
    run, main = make_run(branch="main"), read_tip("main")
    branch, sha = propose(run)
    assert branch == f"model/topics-{NEW}-prices-{NEW}"
    assert sha
    go_back()
    commit.git("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "x", "--allow-empty")
    Path("more").write_text("")
    commit.git("add", "more")
    commit.git("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "x")
    assert propose(run) == (branch, None)  # main has moved on; the model is proposed
    assert read_tip(branch) == sha
    assert read_tip("main") == main


def test_model_is_mains_there_is_nothing_to_commit(clone):
    write_files(files.PROPOSAL)
    assert propose(make_run(branch="main")) == ("main", None)
    assert propose(make_run()) == ("better", None)


def test_nothing_is_ever_pushed_to_main(clone):
    with pytest.raises(GitHubError, match="no run pushes to main"):
        commit.push(make_run(), "main")


def test_branch_has_moved_on_its_own_run_trains_it(clone):
    commit.git("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "x", "--allow-empty")
    commit.git("push", "-q", "origin", "HEAD:refs/heads/better")
    go_back()
    with pytest.raises(GitHubError, match="has moved on"):
        propose(make_run())


def test_branch_is_gone_it_is_not_made_again(clone):
    commit.git("push", "-q", "origin", "--delete", "better")
    with pytest.raises(GitHubError, match="better is gone"):
        propose(make_run())
    assert not read_tip("better")


def test_data_is_other_bytes_and_the_model_the_same_nothing_is_proposed(clone):
    write_files(files.PROPOSAL)
    (files.PROPOSAL / "dvc.lock").write_text("other")
    assert propose(make_run(branch="main")) == ("main", None)
    assert propose(make_run())[1]


def test_models_are_not_those_that_were_tested_nothing_is_committed(clone):
    with pytest.raises(GitHubError, match="not those that were tested"):
        commit.commit(make_run(), MODELS, "0" * 64)
    assert read_tip("better") == read_tip("main")


@pytest.mark.parametrize("name", COMMITTED)
def test_proposal_lacks_a_file_or_has_another_thing_in_its_place_it_is_refused(clone, name):
    path = files.PROPOSAL / name
    path.unlink()
    with pytest.raises(GitHubError, match="no file"):
        files.take(COMMITTED)
    path.symlink_to("/etc/hostname")
    with pytest.raises(GitHubError, match="no file"):
        files.take(COMMITTED)
    path.unlink()
    path.write_bytes(b" " * (files.MAX_BYTES + 1))
    with pytest.raises(GitHubError, match="too large"):
        files.take(COMMITTED)


def test_folder_of_a_proposal_is_a_link_nothing_is_taken_through_it(clone):
    shutil.move(files.PROPOSAL / "reports", "elsewhere")
    (files.PROPOSAL / "reports").symlink_to(Path("elsewhere").absolute())
    with pytest.raises(GitHubError, match="no file"):
        files.take(COMMITTED)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "x\n\nCo-authored-by: evil <e@e>"},
        {"name": "@octocat"},
        {"name": "../main"},
        {"name": "houses"},
        {"version": "fixes-#12"},
        {"version": 1},
        {"metrics": {"macro_f1": "0.99"}},
        {"metrics": {"macro_f1": float("nan")}},
        {"metrics": {"fixes #12": 0.99}},
        {"metrics": {"": 0.99}},
        {"metrics": None},
    ],
)
def test_manifest_says_what_no_model_is_it_is_not_passed_on(clone, changes):
    write_files(files.PROPOSAL)
    write_files(files.PROPOSAL, [PRICES], **changes)
    with pytest.raises(GitHubError, match=r"manifest\.json"):
        propose(make_run())
    assert read_tip("better") == read_tip("main")


@pytest.mark.parametrize("text", ["garbage", "[]", "\x00"])
def test_manifest_or_scores_are_damaged_they_are_not_committed(clone, text):
    for name in (PRICES.manifest, PRICES.scores):
        write_files(files.PROPOSAL)
        (files.PROPOSAL / name).write_text(text)
        if name == PRICES.scores and text == "[]":
            continue  # what scores there are, nobody passes on
        with pytest.raises(GitHubError, match="not what the pipeline writes"):
            propose(make_run())


def list_statuses(server):
    return {(one["context"], one["state"], one["sha"]) for one in server.statuses}


def test_model_is_tested_it_is_committed_checked_and_reported(clone, server):
    run = make_run(api=server.url, pull_request=make_pull_request())
    files.take(COMMITTED)
    proposal.propose(run, make_outcome(tested_digest=files.hash_files(COMMITTED)))
    sha = read_tip("better")
    assert sha != read_tip("main")
    assert list_statuses(server) == {
        (name, "success", sha) for name in ("make check", "make test-all", "model")
    }
    (one,) = server.comments[7]
    assert sha in one["body"]


@pytest.mark.parametrize(
    ("trained", "tested", "said"),
    [
        ("failure", "skipped", "trains and judges ended with failure"),
        ("success", "failure", "tests the service with the models ended with failure"),
        ("cancelled", "skipped", None),
    ],
)
def test_something_went_wrong_nothing_is_committed_and_it_is_reported(
    clone, server, trained, tested, said
):
    run = make_run(api=server.url, pull_request=make_pull_request())
    files.take(COMMITTED)
    digest = files.hash_files(COMMITTED)
    proposal.propose(run, make_outcome("success", trained, tested, tested_digest=digest))
    assert read_tip("better") == read_tip("main")
    assert server.statuses == []
    comments = [one["body"] for one in server.comments.get(7, [])]
    assert len(comments) == bool(said)
    assert all(said in one for one in comments)


def test_model_is_changed_no_more_the_comment_is_taken_back_and_none_is_written(server):
    run = make_run(api=server.url, pull_request=make_pull_request())
    outcome = make_outcome("success", "skipped", "skipped", models=[])
    proposal.propose(run, outcome)
    assert not any(server.comments.values())
    pull_request.comment(run, 7, f"{pull_request.MARK}\nreport", only_update=False)
    proposal.propose(run, outcome)
    (one,) = server.comments[7]
    assert "This branch changes no model" in one["body"]
    assert "report" not in one["body"].removeprefix(pull_request.MARK)


@pytest.mark.parametrize(
    ("rights", "results", "models", "ends"),
    [
        ("yes", "success", "topics prices", 0),
        ("yes", "failure", "topics prices", 1),
        ("foreign", "success", "topics prices", 1),
        ("foreign", "failure", "", 1),
        ("foreign", "success", "", 0),
        ("no account", "success", "topics prices", 0),
        ("no account", "failure", "topics prices", 1),
    ],
)
def test_last_job_is_green_only_where_the_branch_may_be_merged(
    monkeypatch, rights, results, models, ends
):
    outputs = {"models": models, "rights": rights, "missing": "a reason"}
    jobs = {name: {"result": results, "outputs": outputs} for name in ("plan", "train", "test")}
    monkeypatch.setenv("NEEDS", json.dumps(jobs))
    monkeypatch.setattr(proposal, "read_run", make_run)
    asked = []
    monkeypatch.setattr(proposal, "propose", lambda *_: asked.append(1))
    if ends:
        with pytest.raises(SystemExit, match="error: "):
            proposal.main()
    else:
        proposal.main()
    assert bool(asked) == (rights == "yes")


@pytest.fixture
def stale(clone, monkeypatch):
    """The steps that DVC would run again, by model: a test fills it."""
    found = {}
    monkeypatch.setattr(plan, "find_stale", lambda _: found)
    monkeypatch.setattr(plan, "list_models", lambda: list(NAMES))
    return found


def change(**files_of):
    """Commit changes to files, as a pull request to what main was before."""
    commit.git("update-ref", "refs/remotes/origin/main", "HEAD")
    for name, text in files_of.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    commit.git("add", "--all")
    identity = ("-c", "user.name=A", "-c", "user.email=a@b")
    commit.git(*identity, "commit", "-qm", "x", "--allow-empty")


OTHER_LOCK = json.dumps({"stages": {"train@topics": {"outs": []}, "train@prices": {"outs": []}}})


@pytest.mark.parametrize(
    ("steps", "changes", "trained"),
    [
        ({"prices": ["train@prices"]}, {}, {"prices": "train@prices"}),
        ({}, {"training/models/topics/params.yaml": "gates"}, {"topics": "training/models/topics"}),
        ({}, {PRICES.manifest: "other"}, {"prices": "brings"}),
        ({}, {files.LOCK: OTHER_LOCK}, {"topics": "brings", "prices": "brings"}),
        ({}, {"README.md": "words", "training/models/__init__.py": ""}, {}),
    ],
)
def test_pull_request_trains_the_models_that_it_changes_or_brings_and_no_other(
    stale, steps, changes, trained
):
    stale |= steps
    change(**changes)
    found = plan.find_changed(make_run(pull_request=make_pull_request()))
    assert found.keys() == trained.keys()
    assert all(said in found[name] for name, said in trained.items())


def test_lock_is_another_one_in_what_one_model_has_the_others_are_not_trained(stale):
    lock = json.loads(Path(files.LOCK).read_text())
    lock["stages"]["evaluate@prices"] = {}
    change(**{files.LOCK: json.dumps(lock)})
    run = make_run(pull_request=make_pull_request())
    assert plan.find_changed(run).keys() == {"prices"}


@pytest.mark.parametrize("text", ["", "[", "[]", "{}", "stages: 1", "stages: [a]"])
def test_mains_lock_is_none_the_models_of_a_pull_request_that_mends_it_are_trained(stale, text):
    whole = Path(files.LOCK).read_text()
    change(**{files.LOCK: text})
    change(**{files.LOCK: whole})
    run = make_run(pull_request=make_pull_request())
    assert plan.find_changed(run).keys() == set(NAMES)


def test_models_are_asked_for_they_are_trained_and_without_names_all(stale):
    assert plan.find_asked(["prices"]).keys() == {"prices"}
    assert plan.find_asked([]).keys() == set(NAMES)


def test_main_has_got_another_model_meanwhile_the_pull_request_changes_none(stale):
    change(**{files.LOCK: OTHER_LOCK})
    commit.git("update-ref", "refs/remotes/origin/main", "HEAD")
    commit.git("reset", "-q", "--hard", "HEAD^")
    assert plan.find_changed(make_run(pull_request=make_pull_request())) == {}


@pytest.mark.parametrize("names", ["../x", "topics /etc", "a-b", "Topics"])
def test_no_model_can_be_called_so_no_file_of_it_is_looked_for(names):
    with pytest.raises(GitHubError, match="a model cannot be called"):
        files.find_files(names)


def test_pull_request_is_opened_where_that_failed_before_but_not_against_peoples_will(
    clone, server, monkeypatch
):
    run = make_run(branch="main", api=server.url)
    files.take(COMMITTED)
    outcome = make_outcome(tested_digest=files.hash_files(COMMITTED))
    with monkeypatch.context() as patch:
        patch.setattr(server, "_answer_pulls", lambda *_: (403, {"message": "not permitted"}))
        with pytest.raises(GitHubError, match="403"):
            proposal.propose(run, outcome)
    assert server.pulls == []
    go_back()
    proposal.propose(run, outcome)
    (pull,) = server.pulls
    assert len(server.comments[pull["number"]]) == 1
    go_back()
    pull["state"] = "closed"
    proposal.propose(run, outcome)
    assert server.pulls == [pull]


def test_api_sends_us_elsewhere_the_token_stays(server):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(302)
            self.send_header("Location", f"{server.url}{self.path}")
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as elsewhere:
        threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
        run = make_run(api=f"http://127.0.0.1:{elsewhere.server_port}")
        with pytest.raises(GitHubError, match="status 302"):
            run.list("/issues/7/comments")
        elsewhere.shutdown()
    assert server.comments == {}


def test_output_of_more_than_a_line_is_refused(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "out"))
    with pytest.raises(GitHubError, match="one line"):
        github.write_outputs(model="same\nrights=yes")
    github.write_outputs(model="same", missing="")
    assert (tmp_path / "out").read_text() == "model=same\nmissing=\n"
