"""What a deployed stack says of itself, and what the programs around it have in common."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from serving.bundle.names import check_name

NAME = "quickthaw"
ALIAS = "live"  # the version of a function that the API calls
SAID = f"{NAME}.said"  # the label of a container that says which model and image a task runs
ACCOUNT = f"{NAME}-account"  # the stack of infrastructure/
LOCAL = "QUICKTHAW_LOCAL"  # the variable by which make says that it has LOCAL=1


class StackError(Exception):
    """What is wrong, where, and the command that mends it.

    Attributes:
        code: AWS's own, where the error is AWS's.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Outputs(NamedTuple):
    """The stack's outputs, by their names in the template.

    Attributes:
        Url: Of the API, stage included, or of the load balancer; with a slash at its end.
        KeyId: The API key's id, "none" where callers need none.
        FunctionName: The function's name; on Fargate the ECS service's.
        LogGroup: Where it logs.
        Dashboard: A link to the console.
    """

    Url: str
    KeyId: str
    FunctionName: str
    LogGroup: str
    Dashboard: str


class BulkOutputs(NamedTuple):
    """The outputs of the stack of bulk.

    Attributes:
        BulkIn, BulkOut: The buckets' names: of what is to be answered, and of the answers.
        BulkQueue, BulkDead: The URLs of the queue, and of the one of dead messages.
        BulkLogs: Where the function logs, or the workers do.
    """

    BulkIn: str
    BulkOut: str
    BulkQueue: str
    BulkDead: str
    BulkLogs: str


@dataclass(frozen=True)
class Deployment:
    """A model at a stage: an image, a stack, what runs and reaches it, a dashboard of its own.

    Raises:
        StackError: A model cannot be called so.
    """

    model: str
    stage: str

    def __post_init__(self) -> None:
        try:
            check_name(self.model)
        except ValueError as error:
            raise StackError(f"{error}: rename its folder in training/models") from None

    @property
    def name(self) -> str:
        """Of its stack and its function, and what the names of all else begin with or end in."""
        return f"{NAME}-{self.model}-{self.stage}"

    @property
    def bulk(self) -> str:
        """Of the stack that answers objects of a bucket, of its function or service, its queue."""
        return f"{NAME}-{self.model}-bulk-{self.stage}"

    @property
    def dead(self) -> str:
        """Of the dead-letter queue."""
        return f"{NAME}-{self.model}-dead-{self.stage}"

    def make(self, target: str, *more: str) -> str:
        """The command that runs a target for it, as an error quotes it."""
        return quote_make(target, f"MODEL={self.model}", f"STAGE={self.stage}", *more)


def quote_make(target: str, *more: str) -> str:
    """A command of make as an error quotes it, for the AWS that this process was started for.

    Without LOCAL=1 the command of a message from a local AWS would act on AWS itself.
    """
    local = ["LOCAL=1"] if os.environ.get(LOCAL) else []
    return f"'{' '.join(['make', target, *more, *local])}'"


def match_names(stage: str) -> str:
    """The pattern, as policies have it, of the names of any model's deployments at a stage.

    No other stage's names match it: what stands after the last hyphen is the stage
    (stages.py refuses hyphens there).
    """
    return f"{NAME}-*-{stage}"


@contextmanager
def tell_errors(doing: str) -> Iterator[None]:
    """Turn what boto3 raises into an error that says what to do.

    Raises:
        StackError: In the place of what was raised.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - names do without

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        answer = getattr(error, "response", None) or {}
        raise StackError(
            f"AWS does not let us {doing} ({error}): check AWS_PROFILE and AWS_REGION",
            answer.get("Error", {}).get("Code", ""),
        ) from None


def make_client(service: str) -> Any:
    """A client of boto3, which takes half a second to import.

    Raises:
        StackError: No region, or no such profile.
    """
    import boto3  # noqa: PLC0415

    with tell_errors(f"talk to {service}"):
        # boto3 reads AWS_DEFAULT_REGION alone; AWS's other tools, and GitHub's action, AWS_REGION.
        return boto3.client(service, region_name=os.environ.get("AWS_REGION"))


def read_stack(name: str, mend: str) -> dict[str, str]:
    """The outputs of a stack.

    Raises:
        StackError: There is no such stack, or AWS does not answer.
    """
    from botocore.exceptions import ClientError  # noqa: PLC0415

    with tell_errors(f"read the stack {name}"):
        try:
            stack = make_client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                raise StackError(f"there is no stack {name}: {mend}") from None
            raise
    return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", ())}


def read_outputs(deployment: Deployment) -> Outputs:
    """What the stack of a deployment says.

    Raises:
        StackError: There is no such stack, or it is not whole, or AWS does not answer.
    """
    return _read_as(Outputs, deployment.name, deployment.make("deploy"))


def read_bulk(deployment: Deployment) -> BulkOutputs:
    """What the stack of a deployment's bulk says.

    Raises:
        StackError: There is no such stack, or it is not whole, or AWS does not answer.
    """
    mend = f"set bulk=True in serving/deployment/stages.py, then {deployment.make('deploy')}"
    return _read_as(BulkOutputs, deployment.bulk, mend)


def _read_as[Kind: (Outputs, BulkOutputs)](kind: type[Kind], name: str, mend: str) -> Kind:
    found = read_stack(name, mend)
    try:
        return kind(**{field: found[field] for field in kind._fields})
    except KeyError as error:
        raise StackError(
            f"stack {name} has no output {error}, it was not deployed whole: {mend}"
        ) from None


def read_key(outputs: Outputs) -> str | None:
    """The API key itself; None where the API wants none.

    Raises:
        StackError: AWS does not tell.
    """
    if outputs.KeyId == "none":
        return None
    with tell_errors("read the API key"):
        found = make_client("apigateway").get_api_key(apiKey=outputs.KeyId, includeValue=True)
    return str(found["value"])


def locate(url: str) -> tuple[str, dict[str, str]]:
    """Where a deployed API is to be asked, and with which headers.

    A local AWS (AWS_ENDPOINT_URL) tells APIs by their hosts, which not every resolver knows.
    """
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if not endpoint:
        return url, {}
    parts, address = urlsplit(url), urlsplit(endpoint)
    return f"{address.scheme}://{address.netloc}{parts.path}", {"Host": parts.netloc}


def make_local_url(api: str, stage: str = "") -> str:
    """The address of an API on a local AWS."""
    address = urlsplit(os.environ.get("AWS_ENDPOINT_URL", "http://localhost:4566"))
    path = f"{stage}/" if stage else ""
    return f"{address.scheme}://{api}.execute-api.localhost:{address.port}/{path}"


def make_balancer_url(name: str) -> str:
    """The address of a load balancer on a local AWS."""
    address = urlsplit(os.environ.get("AWS_ENDPOINT_URL", "http://localhost:4566"))
    return f"{address.scheme}://{name}.alb.localhost:{address.port}/"


def confirm(question: str, *, yes: bool) -> None:
    """Ask before harm is done.

    Raises:
        StackError: The answer was not yes, or nobody is there to give one.
    """
    say(question)
    if yes:
        return
    if not sys.stdin.isatty():
        raise StackError("nobody is there to be asked: say YES=1 to go on without")
    if input("Go on? [y/N] ").strip().lower() not in ("y", "yes"):
        raise StackError("nothing was done")


def say(line: str) -> None:
    print(line, file=sys.stderr)
