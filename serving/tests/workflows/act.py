"""Run a workflow's steps with act, as they stand, in a story's repository.

Unlike on GitHub: the actions are those of `actions/`; environments, permissions, concurrency and
the filters of triggers are not heeded; `$/` is not known; a job's machine is this one.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ACTIONS = Path(__file__).with_name("actions")
ROOT = Path(__file__).parents[3]
WORKFLOWS = ROOT / ".github/workflows"
BIN = Path(sys.executable).parent
REPOSITORY = "owner/name"
# Of the run of pytest around it, and of the machine: a runner has none of them.
FOREIGN = ("AWS_", "COV_", "GITHUB_", "MAKE", "MFLAGS", "PYTEST_", "QUICKTHAW_", "REQUIRE_")


@dataclass(frozen=True)
class Done:
    """What act said, and how the run ended: 0 for good."""

    said: str
    status: int

    def check(self, **jobs):
        """Each job that ran has to have ended so: True for good, of a matrix's if all did."""
        found = re.findall(
            r"^\[(?:[^/\]]+/)+([^\]]+)\].*Job (succeeded|failed)", self.said, re.MULTILINE
        )
        results = {}
        for name, result in found:
            results[name.strip()] = results.get(name.strip(), True) and result == "succeeded"
        assert results == jobs, self.said
        assert (self.status == 0) == all(jobs.values()), self.said


@dataclass
class Act:
    """act, for a story.

    Attributes:
        folder: To work in.
        origin: The bare repository that GitHub would have.
        environment: What each step has besides.
        variables: The repository's.
    """

    folder: Path
    origin: Path
    environment: dict[str, str]
    variables: dict[str, str]

    def run(self, workflow, event, payload, ref):
        """Run a workflow as an event starts it, on a branch of the origin."""
        tree = self.folder / "tree"
        shutil.rmtree(tree, ignore_errors=True)
        git("clone", "--quiet", "--branch", ref, self.origin, tree, cwd=self.folder)
        git("remote", "set-url", "origin", f"https://github.com/{REPOSITORY}.git", cwd=tree)
        copy_workflows(tree)
        written = self.folder / "event.json"
        written.write_text(json.dumps(payload))
        command = [BIN / "act", event, "--workflows", f".github/workflows/{workflow}.yml"]
        command += ["--eventpath", written, "--platform", "ubuntu-24.04=-self-hosted"]
        command += ["--pull=false", "--action-offline-mode", "--no-skip-checkout"]
        command += ["--no-cache-server", "--secret", "GITHUB_TOKEN=token"]
        for name in sorted(set(re.findall(r"uses: ([\w./-]+@[0-9a-f]+)", read_workflows()))):
            stub = ACTIONS / name.partition("@")[0].rpartition("/")[2]
            command += ["--local-repository", f"{name}={stub}"]
        story = {
            "STORY_ORIGIN": self.origin,
            "STORY_VENV": BIN.parent,
            "STORY_FILES": self.folder / "files",
            "STORY_ARTIFACTS": self.folder / "artifacts",
            "MYPY_CACHE_DIR": find_mypy_cache(),
        }
        for name, value in (self.environment | story).items():
            command += ["--env", f"{name}={value}"]
        for name, value in self.variables.items():
            command += ["--var", f"{name}={value}"]
        env = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        env |= {"PATH": f"{BIN}:{env['PATH']}", "XDG_CACHE_HOME": str(self.folder / "cache")}
        done = subprocess.run(
            command, cwd=tree, env=env, capture_output=True, text=True, check=False
        )
        said = done.stdout + done.stderr
        with (self.folder / "said.txt").open("a") as file:  # kept by pytest, to be read
            file.write(said)
        return Done(said, done.returncode)


def find_mypy_cache():
    """What mypy knows of these sources: each story's 'make check' would find it out in a minute.

    One a worker of pytest: mypy does not share it with another one that runs.
    """
    cache = ROOT / ".local/mypy" / os.environ.get("PYTEST_XDIST_WORKER", "main")
    if not cache.exists() and (ROOT / ".mypy_cache").exists():
        shutil.copytree(ROOT / ".mypy_cache", cache)
    return cache


def read_workflows():
    return "".join(path.read_text() for path in WORKFLOWS.glob("*.yml"))


def copy_workflows(tree):
    """The workflows of this tree; act does not know the self-repository syntax."""
    for path in (tree / ".github/workflows").glob("*.yml"):
        path.write_text(path.read_text().replace("uses: $/", "uses: ./"))


def git(*arguments, cwd):
    done = subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def make(tree, *arguments, environment):
    env = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    env |= environment | {"LOKY_MAX_CPU_COUNT": "1"}
    done = subprocess.run(
        ["make", *arguments], cwd=tree, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
