"""Post the manifest's golden examples to the deployed URL, and compare: `make smoke`."""

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from typing import Any, NamedTuple

from serving.bundle import golden
from serving.deployment.commands.options import add_deployment
from serving.deployment.image import builder
from serving.deployment.image.builder import ImageError
from serving.deployment.stack import (
    Deployment,
    StackError,
    locate,
    make_client,
    read_key,
    read_outputs,
    say,
)
from serving.deployment.stages import STAGES

RETRIED = {403, 429}  # a new key takes seconds to be known everywhere; too many requests
TRIES = 5
# What a request is signed for, by the stage's api.
SERVICES = {"rest": "execute-api", "http": "execute-api", "url": "lambda"}
SECONDS = 30  # for an answer: API Gateway waits for 29


class Reply(NamedTuple):
    """Status, headers (names in lower case) and body of an answer."""

    status: int
    headers: dict[str, str]
    body: Any


class Api:
    """The API of a deployment.

    Attributes:
        url: Its own, as the stack says it.
        address: Where it is to be asked.
        stage: Its settings.

    Raises:
        StackError: It is not there, or there are no credentials to sign with.
    """

    def __init__(self, deployment: Deployment) -> None:
        outputs = read_outputs(deployment)
        self.url = outputs.Url
        self.stage = STAGES[deployment.stage].of(deployment.model)
        self._signer = Signer(SERVICES[self.stage.api]) if self.stage.auth == "iam" else None
        self.address, self._headers = locate(outputs.Url)
        if key := read_key(outputs):
            self._headers["X-Api-Key"] = key

    def make_headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        """What a request has to carry, a key or a signature among it."""
        headers = dict(self._headers)
        if body:
            headers["Content-Type"] = "application/json"
        return self._signer.sign(method, url, body, headers) if self._signer else headers

    def post(self, path: str, value: Any) -> Reply:
        """Post JSON; wait and try again where that may help.

        Raises:
            StackError: No answer came.
        """
        body = json.dumps(value).encode()
        url = self.address + path
        headers = self.make_headers("POST", url, body)
        for wait in range(TRIES):
            reply = fetch(urllib.request.Request(url, body, headers))  # noqa: S310 - an output's
            if reply.status not in RETRIED:
                break
            time.sleep(2**wait / 4)
        return reply


class Signer:
    """Makes AWS's signatures, version 4, for a service.

    Raises:
        StackError: There are no credentials.
    """

    def __init__(self, service: str) -> None:
        import boto3  # noqa: PLC0415

        self._credentials = boto3.Session().get_credentials()
        if self._credentials is None:
            raise StackError("there are no credentials to sign with: check AWS_PROFILE")
        self._service = service
        self._region = make_client("sts").meta.region_name

    def sign(self, method: str, url: str, body: bytes, headers: dict[str, str]) -> dict[str, str]:
        """These headers, and those of the signature."""
        from botocore.auth import SigV4Auth  # noqa: PLC0415
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415

        request = AWSRequest(method, url, data=body, headers=headers)
        SigV4Auth(self._credentials, self._service, self._region).add_auth(request)
        return dict(request.headers.items())


def fetch(request: urllib.request.Request) -> Reply:
    """Send a request.

    Raises:
        StackError: No answer came.
    """
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
            return read(answer.status, answer)
    except urllib.error.HTTPError as error:
        with error:
            return read(error.code, error)
    except OSError as error:
        raise StackError(f"{request.full_url} does not answer ({error})") from None


def read(status: int, answer: Any) -> Reply:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    text = answer.read()
    try:
        return Reply(status, headers, json.loads(text))
    except ValueError:
        return Reply(status, headers, None)


def compare(example: dict[str, Any], version: str, reply: Reply) -> str | None:
    """What is wrong with the answer to a golden example; None where nothing is."""
    if reply.status != 200 or not isinstance(reply.body, dict):  # noqa: PLR2004 - OK
        return f"status {reply.status}: {json.dumps(reply.body)[:200]}"
    found = reply.headers.get("x-model-version")
    if found != version:
        return f"model {found} answers, not {version}"
    return golden.compare(example, reply.body)


def smoke(deployment: Deployment) -> list[str]:
    """Try a deployment: what is wrong, an entry for each golden example that is not answered right.

    Raises:
        ImageError: There is no manifest.
        StackError: It is not deployed, or does not answer.
    """
    manifest = builder.read_manifest(builder.ROOT, deployment.model)
    version, examples = manifest["version"], manifest["golden"]
    api = Api(deployment)
    say(f"{api.url}: {len(examples)} golden examples of {deployment.model} {version}")
    wrong = []
    for number, example in enumerate(examples, 1):
        reply = api.post("predict", example["input"])
        if found := compare(example, version, reply):
            wrong.append(f"example {number}: {found}")
    return wrong


def main() -> None:
    """Try a deployment, and end with 1 where it is not right."""
    parser = argparse.ArgumentParser(prog="make smoke", description=__doc__)
    add_deployment(parser)
    options = parser.parse_args()
    try:
        deployment = Deployment(options.model, options.stage)
        wrong = smoke(deployment)
    except (ImageError, StackError) as error:
        sys.exit(f"error: {error}")
    if wrong:
        for line in wrong:
            say(f"  {line}")
        sys.exit(
            f"error: {len(wrong)} golden examples are answered wrongly: "
            f"{deployment.make('logs')} says more, {deployment.make('rollback')} goes back"
        )
    say("all are answered as the manifest says")


if __name__ == "__main__":
    main()
