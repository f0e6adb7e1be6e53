"""What CDK's command line runs for the account: `cdk --app "python -m infrastructure.app"`."""

import os
import re
import subprocess
import sys
from typing import Any

import aws_cdk as cdk

from infrastructure.access import PLAN, TRAINING, Access
from infrastructure.account import Account
from serving.deployment.stack import StackError
from serving.deployment.stages import STAGES


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
    github = app.node.try_get_context("github") or read_origin()
    if not re.fullmatch(r"[\w.@-]+/[\w.@-]+", github):
        raise StackError(f"{github!r} is no repository: GITHUB=owner/name")
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


def read_origin() -> str:
    """The GitHub repository that git's origin is.

    Raises:
        StackError: It is none.
    """
    found = subprocess.run(
        ["git", "remote", "get-url", "origin"],  # noqa: S607 - whichever git there is
        capture_output=True,
        text=True,
        check=False,
    )
    match = re.search(r"github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$", found.stdout.strip())
    if not match:
        raise StackError(
            "git's origin is no GitHub repository: say which one's workflows are to be trusted "
            "with 'make bootstrap GITHUB=owner/name'"
        )
    return match[1]


if __name__ == "__main__":
    try:
        build_app().synth()
    except StackError as error:
        sys.exit(f"error: {error}")
