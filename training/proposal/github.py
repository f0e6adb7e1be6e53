"""What GitHub tells a workflow's run, and its REST API.

Sources: GitHub's documentation, "Variables reference" (of Actions), "Webhook events and payloads",
"REST API endpoints".
"""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

SECONDS = 30
PAGE = 100  # the most that a page can have


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the token is for one place."""

    def redirect_request(self, *_: Any) -> None:
        return None


OPENER = urllib.request.build_opener(_Stay)


class GitHubError(Exception):
    """GitHub does not do what it was asked; the message says what, and why."""


class Rights(StrEnum):
    """What a run may do, as it is handed from job to job."""

    ALL = "yes"
    FOREIGN = "foreign"  # not what others brought: it cannot be merged as it is
    NO_ACCOUNT = "no account"  # there is nothing to write to


@dataclass(frozen=True)
class Run:
    """A run of a workflow.

    Attributes:
        repository: owner/name.
        branch: That the run is of: of a pull request, its own.
        main: The default branch.
        pull_request: Of the event; None where it is another one.
        url: The run's page.
    """

    repository: str
    branch: str
    main: str
    pull_request: dict[str, Any] | None
    url: str
    api: str
    server: str
    token: str

    @property
    def base(self) -> str:
        """The branch that the model is to get into."""
        return str(self.pull_request["base"]["ref"]) if self.pull_request else self.main

    def find_rights(self, account: str) -> tuple[Rights, str]:
        """Whether the run may write, models and commits; and if not, why.

        Args:
            account: The AWS account's number, "" where the repository names none.
        """
        if self.pull_request:
            head = self.pull_request["head"]["repo"]  # None: it was deleted
            if head is None or head["full_name"] != self.repository:
                return Rights.FOREIGN, (
                    "the pull request is from a fork, whose runs get neither credentials nor the "
                    "right to write: a maintainer can push its branch to this repository"
                )
            if (self.pull_request["user"] or {}).get("login") == "dependabot[bot]":
                return Rights.FOREIGN, (
                    "it is Dependabot's, whose runs get no rights: a maintainer can run the "
                    "workflow train by hand on its branch"
                )
        if not account:
            return Rights.NO_ACCOUNT, (
                "the repository names no AWS account: docs/guides/github.md says how it does"
            )
        return Rights.ALL, ""

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Ask the API.

        Args:
            method: Of HTTP.
            path: After the repository's own, with a slash in front.
            body: To be sent as JSON; None: nothing is.

        Raises:
            GitHubError: It says no, or nothing.
        """
        request = urllib.request.Request(  # noqa: S310 - GitHub says where it is
            f"{self.api}/repos/{self.repository}{path}",
            None if body is None else json.dumps(body).encode(),
            {
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
            method=method,
        )
        try:
            with OPENER.open(request, timeout=SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                said = error.read(500).decode(errors="replace")
            raise GitHubError(f"GitHub: {method} {path}: status {error.code}: {said}") from None
        except (OSError, ValueError) as error:
            raise GitHubError(f"GitHub: {method} {path}: {error}") from None

    def list(self, path: str) -> list[dict[str, Any]]:
        """All entries of a list, of all its pages.

        Raises:
            GitHubError: The API says no, or nothing.
        """
        found: list[dict[str, Any]] = []
        separator = "&" if "?" in path else "?"
        for page in range(1, 1000):
            entries = self.call("GET", f"{path}{separator}per_page={PAGE}&page={page}")
            if not isinstance(entries, list):
                raise GitHubError(f"GitHub: GET {path}: it answers no list")
            found += entries
            if len(entries) < PAGE:
                break
        return found


def read_run(environment: Mapping[str, str] = os.environ) -> Run:
    """The run that this is.

    Raises:
        GitHubError: It is none: a person's machine.
    """
    try:
        event = json.loads(Path(environment["GITHUB_EVENT_PATH"]).read_bytes())
        repository, server = environment["GITHUB_REPOSITORY"], environment["GITHUB_SERVER_URL"]
        pull_request = event.get("pull_request")
        run_id, api = environment["GITHUB_RUN_ID"], environment["GITHUB_API_URL"]
        name = environment["GITHUB_REF_NAME"]
        # What is scheduled runs on the default branch, and may not be told what that is.
        main = event.get("repository", {}).get("default_branch", name)
        kind = environment["GITHUB_REF_TYPE"]
    except KeyError as error:
        raise GitHubError(f"this is for GitHub's runs: there is no {error}") from None
    except (OSError, ValueError) as error:
        raise GitHubError(f"GITHUB_EVENT_PATH is no event: {error}") from None
    if not pull_request and kind != "branch":
        raise GitHubError(f"a model is for a branch, and {name} is a {kind}: run it on a branch")
    return Run(
        repository=repository,
        branch=pull_request["head"]["ref"] if pull_request else name,
        main=main,
        pull_request=pull_request,
        url=f"{server}/{repository}/actions/runs/{run_id}",
        api=api,
        server=server,
        token=environment.get("GITHUB_TOKEN", ""),
    )


def write_outputs(**values: str) -> None:
    """Hand values to the jobs and steps that come after; print them.

    Raises:
        GitHubError: A value has more than a line.
    """
    lines = [f"{name}={value}" for name, value in values.items()]
    if any("\n" in line for line in lines):
        raise GitHubError("an output is one line")
    print("\n".join(lines), flush=True)
    if path := os.environ.get("GITHUB_OUTPUT"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)


def write_summary(text: str) -> None:
    """Show text on the run's page; print it."""
    print(text, flush=True)
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
