"""What the deployed stack of a stage says of itself, by its outputs."""

from typing import Any, NamedTuple

NAME = "quickthaw"
ACCOUNT = f"{NAME}-account"  # the stack of infrastructure/


class StackError(Exception):
    """What is wrong, where, and the command that mends it."""


class Outputs(NamedTuple):
    """The stack's outputs, by their names in the template.

    Attributes:
        Url: Of the API, stage included, with a slash at its end.
        KeyId: The API key's id, "none" where the API wants none.
        FunctionName: The function's name.
        LogGroup: Where the function logs.
        Dashboard: A link to the console.
    """

    Url: str
    KeyId: str
    FunctionName: str
    LogGroup: str
    Dashboard: str


def name_stack(stage: str) -> str:
    """The name of a stage's stack, and of its function."""
    return f"{NAME}-{stage}"


def read_outputs(stage: str) -> Outputs:
    """Ask CloudFormation.

    Raises:
        StackError: There is no such stack, or AWS does not answer.
    """
    import boto3  # noqa: PLC0415 - the names above are wanted without it
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    name = name_stack(stage)
    try:
        client: Any = boto3.client("cloudformation")
        stack = client.describe_stacks(StackName=name)["Stacks"][0]
    except (BotoCoreError, ClientError) as error:
        if "does not exist" in str(error):
            raise StackError(f"there is no stack {name}: 'make deploy STAGE={stage}'") from None
        raise StackError(
            f"AWS does not tell of stack {name} ({error}): check AWS_PROFILE and AWS_REGION"
        ) from None
    found = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", ())}
    try:
        return Outputs(**{name: found[name] for name in Outputs._fields})
    except KeyError as error:
        raise StackError(
            f"stack {name} has no output {error} ({stack['StackStatus']}): "
            f"'make deploy STAGE={stage}'"
        ) from None
