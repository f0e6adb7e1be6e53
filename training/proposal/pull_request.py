"""Models' pull request: the reports, one comment, brought up to date; the checks of its commit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from training.proposal.files import Files
from training.proposal.github import Run

MARK = "<!-- model report -->"  # by which the comment is found again
MOST = 65_000  # characters of a comment; GitHub takes 65,536
# A bot's push starts no workflow, so its commit would wait for these checks for ever: the jobs of
# check.yml, and the last one of train.yml. The run that made the commit has done what they do.
CHECKS = ("make check", "make test-all", "model")


def comment(run: Run, number: int, body: str, *, only_update: bool) -> None:
    """Write the comment of a pull request, in the place of the last one.

    Args:
        run: That writes it.
        number: The pull request's.
        body: In Markdown, as of `write_comment`.
        only_update: Write none where there was none.

    Raises:
        GitHubError: GitHub does not do it.
    """
    path = f"/issues/{number}/comments"
    ours = [one for one in run.list(path) if is_ours(one)]
    if ours:
        run.call("PATCH", f"/issues/comments/{ours[0]['id']}", {"body": body})
    elif not only_update:
        run.call("POST", path, {"body": body})


def is_ours(one: dict[str, Any]) -> bool:
    """Anybody can write the mark; only a bot's comment is one of the workflow's."""
    author = one.get("user") or {}
    return author.get("type") == "Bot" and (one.get("body") or "").startswith(MARK)


def write_comment(run: Run, models: Sequence[Files], said: str) -> str:
    """The comment: the report of each model that was to be trained, and what came of it."""
    room = MOST // max(len(models), 1)
    reports = [f"# {one.model}\n\n{read_report(one.report, room)}" for one in models]
    pages = ", whose artifact `models` has each `report.html`" if models else ""
    return "\n".join([MARK, *reports, f"{said} ([the run]({run.url}){pages}).\n"])


def read_report(path: Path, room: int) -> str:
    """The report, or why it is not shown.

    Args:
        path: Its file.
        room: Characters.
    """
    if not path.is_file() or path.resolve() != path.absolute():
        return "There is no report: the job that trains did not come so far.\n"
    with path.open("rb") as file:
        text = file.read(4 * room).decode(errors="replace")
    if len(text) > room:
        return "The report is longer than a comment can be: the run shows it.\n"
    return text


def find_pull_request(run: Run, branch: str) -> int | None:
    """The number of a branch's pull request.

    Raises:
        GitHubError: GitHub does not tell.
    """
    if run.pull_request:
        return int(run.pull_request["number"])
    head = quote(f"{run.repository.partition('/')[0]}:{branch}", safe="")
    found = run.list(f"/pulls?state=open&head={head}")
    return int(found[0]["number"]) if found else None


def open_pull_request(run: Run, branch: str) -> int | None:
    """Open one for a branch of the run's own; None where people have closed it.

    Raises:
        GitHubError: GitHub does not do it: its settings must let workflows open pull requests.
    """
    head = quote(f"{run.repository.partition('/')[0]}:{branch}", safe="")
    if run.list(f"/pulls?state=all&head={head}"):  # it was refused
        return None
    opened = run.call(
        "POST",
        "/pulls",
        {
            "title": f"New model: {branch.rpartition('/')[2]}",
            "head": branch,
            "base": run.main,
            "body": f"Trained by [a run]({run.url}) from `{run.main}`. The report is below.",
        },
    )
    return int(opened["number"])


def set_statuses(run: Run, sha: str) -> None:
    """Say of a commit that its checks have passed.

    Raises:
        GitHubError: GitHub does not do it.
    """
    for name in CHECKS:
        status = {
            "state": "success",
            "context": name,
            "description": "passed in the run that made this commit",
            "target_url": run.url,
        }
        run.call("POST", f"/statuses/{sha}", status)
