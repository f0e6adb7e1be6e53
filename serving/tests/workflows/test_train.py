"""train.yml and retrain.yml, their steps run by act: the stories of a model's way to main."""

import json
import re
import sys

import pytest
import yaml

from serving.tests.workflows.act import git
from training.tests.sample import PATHS, VECTORIZER, make_rows, write_archive

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="act's wheel is for Linux: NOT tested"),
]
MANIFEST = str(PATHS.bundle / "manifest.json")
BETTER = {"vectorizer": {**VECTORIZER, "ngram_range": [1, 2]}}
FEW = {"vectorizer": {**VECTORIZER, "max_features": 36}}
WORSE = {"vectorizer": {**VECTORIZER, "max_features": 12}}


def find_model(story, branch):
    """The md5 of a branch's model, by its lock."""
    lock = yaml.safe_load(story.show(branch, "dvc.lock"))
    (model,) = (
        one
        for one in lock["stages"][PATHS.name_step("train")]["outs"]
        if one["path"].endswith("joblib")
    )
    return model["md5"]


def test_better_model_is_judged_tested_pushed_committed_and_reported(story):
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
    version = json.loads(story.show("better", MANIFEST))["version"]
    assert version in git("log", "-1", "--format=%s", after, cwd=story.act.origin)

    (comment,) = story.github.comments[7]
    assert f"## Model report: {version}" in comment["body"]
    assert "**Passes** all" in comment["body"]
    assert after in comment["body"]
    assert {(one["sha"], one["state"]) for one in story.github.statuses} == {(after, "success")}
    assert {one["context"] for one in story.github.statuses} == {
        "make check",
        "make test-all",
        "model",
    }


def test_worse_model_is_blocked_and_it_is_said_why(story):
    objects = story.bucket()
    story.branch("worse", **WORSE)
    before = story.head("worse")
    done = story.open_pull_request("worse", number=8)
    done.check(plan=True, train=False, model=False)
    assert story.head("worse") == before
    assert story.bucket() == objects
    (comment,) = story.github.comments[8]
    assert re.search(r"\*\*Blocked\*\*: .*macro-F1", comment["body"])
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
    assert "touches no code, parameters or data" in done.said
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
    assert "There is none: the job that trains" in first["body"]

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


def test_retraining_opens_a_pull_request_only_where_it_makes_another_model(story, archive):
    main = story.head("main")
    done = story.act.run("retrain", "schedule", {}, "main")
    done.check(plan=True, train=True, test=True, model=True)
    assert "the branch has this model already" in done.said
    assert story.github.pulls == []

    write_archive(archive, make_rows(21, seed=1), make_rows(5, seed=2))
    done = story.act.run("retrain", "schedule", {}, "main")
    done.check(plan=True, train=True, test=True, model=True)
    (pull,) = story.github.pulls
    assert pull["base"] == "main"
    assert pull["head"].startswith(f"model/{PATHS.name}-")
    assert find_model(story, pull["head"]) != find_model(story, "main")
    assert story.head("main") == main
    (comment,) = story.github.comments[pull["number"]]
    assert "## Model report" in comment["body"]
