"""train.yml and retrain.yml, their steps run by act: the stories of a model's way to main."""

import json
import re
import sys

import pytest
import yaml

from serving.tests.workflows.act import git
from serving.tests.workflows.conftest import OTHER, change_params
from training.tests.sample import PATHS, VECTORIZER, make_rows, write_archive

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="act's wheel is for Linux: NOT tested"),
]
MANIFEST = str(PATHS.bundle / "manifest.json")
BETTER = {"vectorizer": {**VECTORIZER, "ngram_range": [1, 2]}}
FEW = {"vectorizer": {**VECTORIZER, "max_features": 36}}
WORSE = {"vectorizer": {**VECTORIZER, "max_features": 12}}


def read_steps(story, branch, paths):
    """What a branch's lock says of a model's steps."""
    lock = yaml.safe_load(story.show(branch, "dvc.lock"))["stages"]
    return {step: lock[step] for step in lock if step.endswith(f"@{paths.name}")}


def find_model(story, branch, paths=PATHS):
    """The md5 of a branch's model, by its lock."""
    outs = read_steps(story, branch, paths)[paths.name_step("train")]["outs"]
    (model,) = (one["md5"] for one in outs if one["path"].endswith("joblib"))
    return model


def split_comment(comment):
    """The parts of a comment, by model."""
    parts = re.split(r"^# (\w+)$", comment["body"], flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_better_model_of_two_is_judged_tested_pushed_committed_and_reported(story):
    old = find_model(story, "main")
    story.branch("better", **BETTER)
    before = story.head("better")
    done = story.open_pull_request("better")
    done.check(plan=True, train=True, test=True, model=True)

    after = story.head("better")
    assert git("rev-parse", f"{after}^", cwd=story.act.origin) == before
    changed = git("diff", "--name-only", before, after, cwd=story.act.origin).split()
    assert changed == ["dvc.lock", str(PATHS.metrics), MANIFEST]
    assert "github-actions[bot]" in git("log", "-1", "--format=%an", after, cwd=story.act.origin)
    new = find_model(story, "better")
    assert new != old
    assert new in story.bucket()
    was, version = (
        json.loads(story.show(branch, MANIFEST))["version"] for branch in ("main", "better")
    )
    message = git("log", "-1", "--format=%B", after, cwd=story.act.origin)
    assert message.startswith(f"Model {PATHS.name} {version}\n")
    assert f"{PATHS.name}: {was} -> {version}: macro_f1 " in message

    # The other one costs nothing.
    steps = [read_steps(story, branch, OTHER) for branch in ("main", "better")]
    assert steps[0] == steps[1]
    assert re.findall(r"== make (\w+) MODEL=(\w+)", done.said) == [
        (target, PATHS.name) for target in ("pull", "train", "bench", "judge", "report", "push")
    ]

    (comment,) = story.github.comments[7]
    assert split_comment(comment).keys() == {PATHS.name}
    assert f"## Model report: {version}" in comment["body"]
    assert "**Passes** all" in comment["body"]
    assert after in comment["body"]
    assert {(one["sha"], one["state"]) for one in story.github.statuses} == {(after, "success")}
    assert {one["context"] for one in story.github.statuses} == {
        "make check",
        "make test-all",
        "model",
    }


def test_worse_model_is_blocked_and_it_is_said_why_and_the_other_one_is_reported(story):
    objects = story.bucket()
    story.branch("worse", **WORSE)
    change_params(story.desk / OTHER.params, judge={"max_flips": 0.3})  # its gates alone
    story.commit("worse")
    before = story.head("worse")
    done = story.open_pull_request("worse", number=8)
    done.check(plan=True, train=False, model=False)
    assert story.head("worse") == before
    assert story.bucket() == objects
    (comment,) = story.github.comments[8]
    reports = split_comment(comment)
    assert re.search(r"\*\*Blocked\*\*: .*macro-F1", reports[PATHS.name])
    assert "**Passes** all" in reports[OTHER.name]
    assert re.search(rf"each@{PATHS.name}\] Error", done.said)
    assert not re.search(rf"each@{OTHER.name}\] Error", done.said)
    assert "trains and judges ended with failure" in comment["body"]
    assert story.github.statuses == []


def test_labels_change_too_often_the_model_is_blocked_unless_a_label_allows_it(story):
    golden = story.desk / PATHS.golden
    golden.write_text(json.dumps(json.loads(golden.read_text())[16:17]))  # a poor model's
    story.branch("flips", judge={"max_flips": 0, "max_drop": 1}, **FEW)
    done = story.open_pull_request("flips")
    done.check(plan=True, train=False, model=False)
    (comment,) = story.github.comments[7]
    assert "**Blocked**: labels that change." in comment["body"]
    assert "make judge" in done.said

    done = story.open_pull_request("flips", labels=["flips-allowed"])
    done.check(plan=True, train=True, test=True, model=True)
    (comment,) = story.github.comments[7]
    assert "(more is allowed here)" in comment["body"]


def test_pull_request_without_a_model_trains_and_comments_nothing(story):
    story.branch("words")
    before = story.head("words")
    done = story.open_pull_request("words", number=9)
    done.check(plan=True, model=True)
    assert "Nothing to train." in done.said
    assert story.head("words") == before
    assert not any(story.github.comments.values())


def test_remote_is_down_the_run_fails_before_git_is_touched(story):
    story.act.environment["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
    story.branch("better", **BETTER)
    before = story.head("better")
    done = story.open_pull_request("better")
    done.check(plan=True, train=False, model=False)
    assert "the DVC remote store cannot be reached" in done.said
    assert story.head("better") == before
    (first,) = story.github.comments[7]
    assert "There is no report: the job that trains" in first["body"]

    (story.desk / "NOTE").write_text("again")
    story.commit("better")  # the comment that is there is brought up to date
    done = story.open_pull_request("better")
    done.check(plan=True, train=False, model=False)
    assert story.github.comments[7] == [first]


def test_fork_trains_judges_and_tests_and_says_why_it_writes_nothing(story):
    objects = story.bucket()
    story.branch("better", **BETTER)
    before = story.head("better")
    done = story.open_pull_request("better", repository="else/name")
    done.check(plan=True, train=True, test=True, model=False)
    assert "takes arn:" not in done.said
    assert "the pull request is from a fork" in done.said
    assert story.head("better") == before
    assert story.bucket() == objects
    assert not story.github.comments


@pytest.fixture
def archive(seed):
    """What the stage `fetch` fetches, as it was before the test when it ends."""
    path = seed[1]
    data = path.read_bytes()
    yield path
    path.write_bytes(data)


def test_retraining_opens_a_pull_request_a_model_and_only_where_it_makes_another_one(
    story, archive
):
    main = story.head("main")
    asked = {"inputs": {"models": OTHER.name}}
    done = story.act.run("retrain", "workflow_dispatch", asked, "main")
    done.check(list=True, plan=True, train=True, test=True, model=True)
    assert "the branch has this already" in done.said
    assert not re.findall(rf"== make \w+ MODEL={PATHS.name}", done.said)
    assert story.github.pulls == []

    write_archive(archive, make_rows(21, seed=1), make_rows(5, seed=2))
    done = story.act.run("retrain", "schedule", {}, "main")
    done.check(list=True, plan=True, train=True, test=True, model=True)
    assert story.head("main") == main
    pulls = {one["head"].partition("-")[0]: one for one in story.github.pulls}
    for one, other in ((PATHS, OTHER), (OTHER, PATHS)):
        pull = pulls.pop(f"model/{one.name}")
        assert pull["base"] == "main"
        assert find_model(story, pull["head"], one) != find_model(story, "main", one)
        assert find_model(story, pull["head"], other) == find_model(story, "main", other)
        (comment,) = story.github.comments[pull["number"]]
        assert split_comment(comment).keys() == {one.name}
    assert pulls == {}
