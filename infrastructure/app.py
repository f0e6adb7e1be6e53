"""What CDK's command line runs for the account: `cdk --app "python -m infrastructure.app"`."""

import os
import re
import sys
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from infrastructure.access import PLAN, TRAINING, Access
from infrastructure.account import Account
from serving.deployment.git import GitError, git
from serving.deployment.stack import StackError, quote_make
from serving.deployment.stages import STAGES

# As it stands in an address bar, in .git/config, or alone; ids as of GitHub's newer tokens (@123).
REPOSITORY = re.compile(
    r"(?:(?:(?i:https?|ssh|git|git\+ssh)://)?(?:[^/@\s]+@)?(?i:(?:www\.|ssh\.)?github\.com)"
    r"(?::443)?(?:/|:/?))?"
    r"([\w@-]+/(?!\.{1,2}/?$|\.git/?$)[\w.@-]+?)(?:\.git)?/?",
    re.ASCII,
)


def build_app(context: dict[str, str] | None = None) -> cdk.App:
    """The app of the account.

    Context: `github`, the repository whose workflows are trusted, without it git's origin;
    `provider`, "false" where the account has GitHub's OIDC provider, or takes none.

    Raises:
        StackError: It is not known which repository is to be trusted.
    """
    # S3 itself writes the access logs, by the bucket's policy: access lists are of the past.
    flags = {"@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy": True}
    app = cdk.App(context=flags | (context or {}))
    github = read_repository(app.node.try_get_context("github") or read_origin())
    common: dict[str, Any] = {
        "synthesizer": cdk.LegacyStackSynthesizer(),
        "env": cdk.Environment(
            account=os.environ.get("CDK_DEFAULT_ACCOUNT"),
            region=os.environ.get("CDK_DEFAULT_REGION"),
        ),
    }
    account = Account(
        app,
        has_provider=app.node.try_get_context("provider") != "false",
        has_gateway_role=app.node.try_get_context("gateway") != "false",
        **common,
    )
    for environment in (TRAINING, PLAN, *STAGES):
        Access(app, environment=environment, github=github, **common).add_stack_dependency(account)
    return app


def read_repository(text: str) -> str:
    """A repository as GitHub's token names it, "owner/name", of any spelling that git takes.

    Raises:
        StackError: It is none on GitHub.
    """
    match = REPOSITORY.fullmatch(text.strip())
    if not match:
        raise StackError(f"{text!r} is no repository on GitHub: GITHUB=owner/name")
    return match[1]


def read_origin() -> str:
    """The address of git's origin.

    Raises:
        StackError: There is none, or git does not tell.
    """
    try:
        return git(Path(), "remote", "get-url", "origin")
    except GitError as error:
        raise StackError(
            f"which repository's workflows are to be trusted is not known ({error}): "
            + quote_make("bootstrap", "GITHUB=owner/name")
        ) from None


if __name__ == "__main__":
    try:
        build_app().synth()
    except StackError as error:
        sys.exit(f"error: {error}")
