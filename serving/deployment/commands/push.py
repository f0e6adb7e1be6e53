"""Put the image into the account's repository under the hash of its content (`make deploy`).

Where the repository has that tag, nothing is built and nothing is sent: a revert finds the image
of the commit that it goes back to. The tag goes to standard output. Where the stage has bulk, a
second image goes the same way, and its tag nowhere.
"""

import argparse
import base64
import sys
import tempfile

from serving.deployment.commands.options import add_deployment
from serving.deployment.image import builder
from serving.deployment.image.builder import LAMBDA, ImageError, Target
from serving.deployment.stack import NAME, StackError, make_client, quote_make, say, tell_errors
from serving.deployment.stages import STAGES


def main() -> None:
    """Push the image of this tree, and print its tag."""
    parser = argparse.ArgumentParser(prog="make deploy", description=__doc__)
    add_deployment(parser)
    parser.add_argument("--base", required=True, help="the base image")
    parser.add_argument("--local", action="store_true", help="a local AWS runs Docker's own images")
    options = parser.parse_args()
    stage = STAGES[options.stage].of(options.model)
    host = "web" if stage.host == "fargate" else "lambda"
    hosts = (host, "bulk") if stage.bulk else (host,)
    try:
        if builder.read_revision(builder.ROOT).endswith("+"):
            say("note: this tree is not what was committed")
        tag, *_ = [
            push(options.model, options.base, Target(stage.architecture, host), local=options.local)
            for host in hosts
        ]
        print(tag)
    except (ImageError, StackError) as error:
        sys.exit(f"error: {error}")


def push(model: str, base: str, target: Target = LAMBDA, *, local: bool = False) -> str:
    """Push an image, built where it is not there.

    Returns:
        Its tag.

    Raises:
        ImageError: It cannot be built.
        StackError: The repository does not take it.
    """
    tag = builder.find_tag(builder.ROOT, model, base, target)
    registry = name_registry(find_account(), find_region())
    if not local and is_there(tag):
        say(f"{registry}/{NAME}:{tag} is there: nothing to build or to push")
        return tag
    built = builder.build(builder.ROOT, model, base, NAME, target)
    docker("tag", built, f"{registry}/{NAME}:{tag}")
    if not local:
        say(f"pushing {registry}/{NAME}:{tag}")
        send(registry, tag)
    return tag


def find_account() -> str:
    """The account's number.

    Raises:
        StackError: There are no credentials.
    """
    with tell_errors("find the account"):
        return str(make_client("sts").get_caller_identity()["Account"])


def find_region() -> str:
    """The region that the clients have."""
    return str(make_client("ecr").meta.region_name)


def name_registry(account: str, region: str) -> str:
    """The host of the account's images; what it ends in depends on the partition, as in China."""
    import boto3  # noqa: PLC0415 - half a second

    partition = boto3.Session().get_partition_for_region(region)
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    return f"{account}.dkr.ecr.{region}.{suffix}"


def is_there(tag: str) -> bool:
    """Whether the repository has the tag.

    Raises:
        StackError: There is no repository, or AWS does not answer.
    """
    client = make_client("ecr")
    with tell_errors("look into the repository of images"):
        try:
            client.describe_images(repositoryName=NAME, imageIds=[{"imageTag": tag}])
        except client.exceptions.ImageNotFoundException:
            return False
        except client.exceptions.RepositoryNotFoundException:
            raise StackError(
                f"there is no repository {NAME}: {quote_make('bootstrap')} makes it"
            ) from None
    return True


def send(registry: str, tag: str) -> None:
    """Log in for as long as it takes, and push.

    Raises:
        StackError: AWS gives no token.
        ImageError: Docker does not log in, or does not push.
    """
    with tell_errors("log in to the repository of images"):
        found = make_client("ecr").get_authorization_token()["authorizationData"][0]
    user, _, password = base64.b64decode(found["authorizationToken"]).decode().partition(":")
    # A folder of its own: Docker would leave the password in the home folder.
    with tempfile.TemporaryDirectory() as config:
        options = ("--config", config, "--host", find_engine())
        docker(*options, "login", "--username", user, "--password-stdin", registry, stdin=password)
        try:
            docker(*options, "push", "--quiet", f"{registry}/{NAME}:{tag}")
        except ImageError:
            if not is_there(tag):  # else another one was quicker, with the same content
                raise


def find_engine() -> str:
    """Where Docker's engine is: what the folder of its own does not know.

    Raises:
        ImageError: Docker does not tell.
    """
    return docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}").strip()


def docker(*arguments: str, stdin: str = "") -> str:
    """Run a command of Docker's that must not fail; what it prints.

    Raises:
        ImageError: It failed.
    """
    done = builder.docker(*arguments, stdin=stdin)
    if done.returncode:
        raise ImageError(f"docker {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    main()
