"""What came of a run's jobs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from training.proposal.files import Files, find_files
from training.proposal.github import GitHubError, Rights

SUCCESS, SKIPPED = "success", "skipped"


@dataclass(frozen=True)
class Outcome:
    """What came of the jobs before the last one.

    Attributes:
        planned, trained, tested: GitHub's words: success, failure, cancelled, skipped.
        models: Which were to be trained.
        rights: What the run may do.
        missing: Why not all of it.
        tested_digest: What was tested: `files.hash_files`.
    """

    planned: str
    trained: str
    tested: str
    models: Sequence[Files]
    rights: Rights
    missing: str
    tested_digest: str = ""

    @property
    def passed(self) -> bool:
        """Whether the branch's models allow it to be merged."""
        if not self.models:
            return self.planned == SUCCESS
        return self.planned == self.trained == self.tested == SUCCESS

    @property
    def may_merge(self) -> bool:
        """Whether the branch has all that it needs on main: a model that nobody keeps does not."""
        return self.passed and not (self.models and self.rights is Rights.FOREIGN)

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody, or a newer run, has ended this one."""
        return "cancelled" in (self.planned, self.trained, self.tested)

    def explain(self) -> str:
        """Why there is no commit; a sentence without its full stop."""
        for result, job in (
            (self.planned, "looks for what has changed"),
            (self.trained if self.models else SUCCESS, "trains and judges"),
            (self.tested if self.models else SUCCESS, "tests the service with the models"),
        ):
            if result != SUCCESS:
                return f"Nothing is committed: the job that {job} ended with {result}"
        if not self.models:
            return "This branch changes no model"
        return "Nothing is committed: the branch has this already, or it is proposed already"


def read_outcome(needs: str) -> Outcome:
    """What came of the jobs, from GitHub's context `needs` as JSON.

    Raises:
        GitHubError: It is not that, or names what is no model.
    """
    try:
        jobs = json.loads(needs)
        outputs = jobs["plan"]["outputs"]
        return Outcome(
            planned=jobs["plan"]["result"],
            trained=jobs["train"]["result"],
            tested=jobs["test"]["result"],
            models=find_files(outputs.get("models", "")),
            rights=Rights(outputs.get("rights", Rights.FOREIGN)),
            missing=outputs.get("missing") or "it is not known what the run may do",
            tested_digest=jobs["test"]["outputs"].get("digest", ""),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise GitHubError("NEEDS is not what GitHub says of the jobs before this one") from None
