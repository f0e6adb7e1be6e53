"""The container image, built once per content: `make image`.

Its tag is the model's name and a hash of all that goes into it: the files that .dockerignore lets
through and that its kind of image uses, the Dockerfile, the base image's name, the processors that
it is for. If that tag is there, nothing is built.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from serving.deployment.commands.options import add_deployment
from serving.deployment.git import GitError, git
from serving.deployment.image.architecture import PLATFORMS, PROCESSORS
from serving.deployment.stack import NAME, say
from serving.deployment.stages import STAGES
from serving.kernel import build as kernel

ROOT = Path(__file__).parents[3]
SBOMS = Path(".local/image")
LAMBDA_BYTES = 10 * 1024**3  # AWS Lambda Developer Guide, "Lambda quotas"
BASE = "public.ecr.aws/lambda/python:3.13"
DOCKERFILE = "serving/deployment/image/Dockerfile"
MERGE = "serving/deployment/image/merge.py"
MERGING = (MERGE, "serving/deployment/image/start.py")
# A model's folders, as .dockerignore has them: of any model.
BUNDLES, HOMES = "serving/app/data/*", "training/models/*"
# What the kernel of frozen models is compiled from, and its place in what Docker gets.
KERNEL = (
    "requirements/kernel.txt",
    *(f"serving/kernel/{name}" for name in ("*.c", "*.h", "build.py")),
)
COMPILED = f"kernel/{kernel.NAME}"
# Which of requirements/ an image is of, by the engine and the kind of input.
LOCKS = {
    "frozen": {"text": "frozen", "record": "frozen", "image": "frozen-images"},
    "sklearn": {"text": "sklearn", "record": "records", "image": "images"},
}
_ALL_LOCKS = {lock for locks in LOCKS.values() for lock in locks.values()}
# What only images of the other engine use.
_UNUSED = {
    "frozen": {f"{BUNDLES}/model.joblib", f"{HOMES}/features.py"},
    "sklearn": {f"{BUNDLES}/model.frozen", *MERGING, *KERNEL},
}
# What only images of other hosts use: of the web process, of the cloud's bulk.
_WEB = {"requirements/web.txt", "serving/hosts/*.py", "serving/hosts/web/*.py"}
_CONSOLE = ("training/__init__.py", "training/console.py")
_BULK = {
    "requirements/bulk.txt",
    "serving/bulk.py",
    *(f"scoring/{name}*.py" for name in ("", "cloud/", "sources/")),
    *_CONSOLE,
    *(f"training/data/{name}.py" for name in ("__init__", "convert", "origin", "table")),
}
HOSTS = {"lambda": _WEB | _BULK, "web": _BULK, "bulk": _WEB}
# What only images of other locks use.
OTHERS = {
    lock: {f"requirements/{other}.txt" for other in _ALL_LOCKS - {lock}} | _UNUSED[engine]
    for engine, locks in LOCKS.items()
    for lock in locks.values()
}


# Where all files of images are, but a model's own code.
SOURCES = (".dockerignore", "requirements", "scoring", "serving", "training/data", *_CONSOLE)


class Target(NamedTuple):
    """What an image is to run on.

    Attributes:
        architecture: Its processors, a name of `PLATFORMS`.
        host: What runs it, a name of `HOSTS`.
    """

    architecture: str = "x86_64"
    host: str = "lambda"


LAMBDA = Target()


class ImageError(Exception):
    """What is wrong, where, and the command that mends it."""


def main() -> None:
    """Build the image of the manifest's engine, unless it is there; print its name."""
    parser = argparse.ArgumentParser(prog="make image", description=__doc__)
    add_deployment(parser)
    parser.add_argument("--base", required=True, help="the base image")
    parser.add_argument("--host", default="lambda", choices=HOSTS, help="what is to run it")
    arguments = parser.parse_args()
    architecture = STAGES[arguments.stage].of(arguments.model).architecture
    try:
        target = Target(architecture, arguments.host)
        image = build(ROOT, arguments.model, arguments.base, target=target)
        write_sbom(ROOT, arguments.model, image)
    except ImageError as error:
        sys.exit(f"error: {error}")
    print(image)


def build(root: Path, model: str, base: str, name: str = NAME, target: Target = LAMBDA) -> str:
    """Build the image, unless it is there.

    Args:
        root: The repository.
        model: The model's name.
        base: The base image.
        name: What the image is called, without a tag.
        target: What it is to run on.

    Returns:
        Its name, tag included.

    Raises:
        ImageError: There is no model, no base image or no Docker, or the build failed.
    """
    manifest = read_manifest(root, model)
    base_id = find_base(base, target.architecture)
    image = f"{name}:{find_tag(root, model, base, target)}"
    if docker("image", "inspect", image).returncode == 0:
        say(f"{image} is there: nothing to build")
        return image
    say(f"building {image} ({manifest['engine']}, model {manifest['name']} {manifest['version']})")
    labels = {
        "org.opencontainers.image.title": NAME,
        "org.opencontainers.image.version": manifest["version"],
        "org.opencontainers.image.revision": read_revision(root),
        "org.opencontainers.image.base.name": base,
        "quickthaw.base": base_id,
        "quickthaw.content": image.partition(":")[2],
        "quickthaw.engine": manifest["engine"],
        "quickthaw.host": target.host,
        **({"quickthaw.kernel": find_kernel(root)} if manifest["engine"] == "frozen" else {}),
        "quickthaw.model": model,
    }
    with pack_context(root, model, target.architecture) as context:
        done = docker(
            # The machine's own network, for it may be what knows the way to the packages.
            *("build", "--network", "host", "--force-rm"),
            *("--platform", PLATFORMS[target.architecture]),
            *("--target", manifest["engine"] if target.host == "lambda" else target.host),
            *("--tag", image),
            *("--build-arg", f"MODEL={model}", "--build-arg", f"BASE_IMAGE={base}"),
            *("--build-arg", f"LOCK={find_lock(manifest)}"),
            *("--build-arg", f"ENGINE={manifest['engine']}"),
            *(part for label in labels.items() for part in ("--label", "=".join(label))),
            *("--file", DOCKERFILE, "-"),
            stdin=context,
        )
    if done.returncode:
        said = f"{done.stdout[-2000:]}{done.stderr}"
        raise ImageError(f"the image could not be built{_find_emulation(said)}:\n{said}")
    if int(inspect(image, "{{.Size}}")) > LAMBDA_BYTES:
        raise ImageError(f"{image} is over the 10 GB that Lambda takes: 'docker history {image}'")
    return image


def find_kernel(root: Path) -> str:
    """What names the kernel: a hash of all that it is compiled from.

    Raises:
        ImageError: Its compiler is not installed.
    """
    try:
        return kernel.find_version(root / kernel.FOLDER)
    except kernel.KernelError as error:
        raise ImageError(str(error)) from None


def compile_kernel(root: Path, architecture: str) -> Path:
    """The kernel's file for an architecture, compiled unless it is there.

    Raises:
        ImageError: It cannot be compiled.
    """
    path = root / ".local" / "kernel" / f"{find_kernel(root)}-{architecture}.so"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            kernel.compile_kernel(PROCESSORS[architecture], path, root / kernel.FOLDER)
        except kernel.KernelError as error:
            raise ImageError(str(error)) from None
    return path


def _find_emulation(said: str) -> str:
    """What to do where an image is for processors that this machine has not."""
    if "exec format error" not in said:
        return ""
    return (
        " (this machine cannot run what is for other processors: install Debian's qemu-user-static "
        "and binfmt-support, or build on such a machine)"
    )


def find_base(base: str, architecture: str = "x86_64") -> str:
    """The id of the base image, pulled where it is not here, or here for other processors.

    Raises:
        ImageError: It cannot be had.
    """
    platform = PLATFORMS[architecture]
    shown = docker("image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", base)
    if shown.stdout.strip() != platform:
        say(f"pulling {base} ({platform})")
        done = docker("pull", "--quiet", "--platform", platform, base)
        if done.returncode:
            raise ImageError(
                f"the base image {base} ({platform}) cannot be pulled: {done.stderr.strip()}"
            )
    return inspect(base, "{{.Id}}")


def write_sbom(root: Path, model: str, image: str) -> Path:
    """Write the image's bill of materials, unless it is there: .local/image/<tag>.cdx.json.

    Raises:
        ImageError: The image cannot be read.
    """
    path = root / SBOMS / f"{image.partition(':')[2]}.cdx.json"
    if not path.exists():
        from serving.deployment.image import sbom  # noqa: PLC0415 - a second of imports

        try:
            contents = sbom.read_contents(image)
        except (OSError, subprocess.CalledProcessError, tarfile.ReadError) as error:
            raise ImageError(f"{image} cannot be read: {error}") from None
        labels = json.loads(inspect(image, "{{json .Config.Labels}}"))
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(
            sbom.to_json(read_manifest(root, model), labels, contents), encoding="utf-8"
        )
        part.replace(path)
        say(
            f"{contents.bytes / 1e6:.1f} MB in {contents.files:,} files and "
            f"{len(contents.packages)} packages over the base image"
        )
    say(f"its bill of materials (CycloneDX): {path.relative_to(root)}")
    return path


def find_tag(root: Path, model: str, base: str, target: Target = LAMBDA) -> str:
    """The tag of the image of a model of this tree: a commit has one, whatever machine asks.

    Raises:
        ImageError: There is no model.
    """
    lock = find_lock(read_manifest(root, model))
    content = hash_content(root, model, lock, base, target)
    return f"{model}-{content}" if target.host == "lambda" else f"{model}-{target.host}-{content}"


def find_lock(manifest: dict[str, Any]) -> str:
    """Which of requirements/ the image of a model is of."""
    return LOCKS[manifest["engine"]][manifest["input"]["kind"]]


def hash_content(root: Path, model: str, lock: str, base: str, target: Target = LAMBDA) -> str:
    """Twelve hex digits of a sha256 over all that the image is made of.

    Raises:
        ImageError: A file of it is missing.
    """
    total = hashlib.sha256(f"{lock}\0{base}\0{PLATFORMS[target.architecture]}\0".encode())
    for name in list_context(root, model, lock, target.host):
        data = read_file(root, name)
        total.update(f"{name}\0{hashlib.sha256(data).hexdigest()}\0".encode())
    return total.hexdigest()[:12]


def read_file(root: Path, name: str) -> bytes:
    """A file of the context.

    Raises:
        ImageError: It is no file, or a link, which Docker would copy as such.
    """
    path = root / name
    if path.is_symlink():
        raise ImageError(
            f"{name} is a link: put the file itself there (of a model: "
            "'dvc config --local cache.type copy', then 'dvc checkout --relink')"
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"{name} cannot be read ({error.strerror}): remove or mend it") from None


def list_context(root: Path, model: str, lock: str, host: str = "lambda") -> list[str]:
    """The files that the image of a lock is made of for a host, sorted.

    Raises:
        ImageError: One that .dockerignore names is missing.
    """
    found: set[str] = set()
    for pattern, names in match_allowed(root, model):
        if pattern in OTHERS[lock] | HOSTS[host]:
            continue
        if not names:
            own = _of_model(pattern, model)
            raise ImageError(f"{own} is missing: {_find_mend(own, model)}")
        found |= names
    return sorted(found)


def pack_context(root: Path, model: str, architecture: str = "x86_64") -> IO[bytes]:
    """What Docker gets: a tar of the files that .dockerignore lets through, of this model alone,
    and the kernel.

    Docker itself would look into no folder that a pattern of it names by an asterisk.
    """
    packed = tempfile.TemporaryFile()  # noqa: SIM115 - the caller's to close
    # Docker tells a tar by its first kilobyte, which an extended header would fill.
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name in sorted(set().union(*(names for _, names in match_allowed(root, model)))):
            archive.add(root / name, name)
        archive.add(compile_kernel(root, architecture), COMPILED)
    packed.seek(0)
    return packed


def match_allowed(root: Path, model: str) -> Iterator[tuple[str, set[str]]]:
    """Each pattern of .dockerignore, and the files that it lets through for a model."""
    for pattern in read_allowed(root):
        found = root.glob(_of_model(pattern, model))
        yield pattern, {path.relative_to(root).as_posix() for path in found}


def _of_model(pattern: str, model: str) -> str:
    """A pattern of .dockerignore, where it is of any model, as one of this model."""
    for folder in (BUNDLES, HOMES):
        pattern = pattern.replace(folder, folder.replace("*", model))
    return pattern


def _find_mend(name: str, model: str) -> str:
    """What brings a missing file."""
    if name.startswith(_of_model(BUNDLES, model)):
        return f"'make train MODEL={model}' makes it"
    return f"'git checkout {name}' takes it back"


def read_allowed(root: Path) -> Iterable[str]:
    """What .dockerignore lets through.

    Raises:
        ImageError: It takes something away again, or a second one does: the tag would not know.
    """
    second = root / f"{DOCKERFILE}.dockerignore"
    if second.exists():
        raise ImageError(f"{second} would take the place of .dockerignore: remove it")
    lines = (root / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for line in lines:
        if line.strip() and line != "*" and not line.startswith(("#", "!")):
            raise ImageError(
                f".dockerignore may hold '*' and lines that begin with '!', not {line!r}"
            )
    return [line.removeprefix("!") for line in lines if line.startswith("!")]


def read_manifest(root: Path, model: str) -> dict[str, Any]:
    """A model's manifest.

    Raises:
        ImageError: There is no such model, no manifest, or one of an engine that no target serves.
    """
    path = Path(BUNDLES.replace("*", model), "manifest.json")
    try:
        data = (root / path).read_bytes()
        manifest: dict[str, Any] = json.loads(data)
        end = len(data) - len(f'{manifest["checksum"]}"\n}}\n')
        if hashlib.blake2b(data[:end], digest_size=32).hexdigest() != manifest["checksum"]:
            raise ImageError(f"{path} is damaged: take it back with 'git checkout {path}'")
        if manifest["input"]["kind"] not in LOCKS.get(manifest["engine"], ()):
            raise ImageError(f"{path} names an engine or an input that there is no image for")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ImageError(
            f"{path} cannot be read ({type(error).__name__}): write it with 'make train "
            f"MODEL={model}'"
        ) from None
    return manifest


def read_revision(root: Path) -> str:
    """The commit, with "+" where the tree differs from it; "unknown" where git does not tell."""
    try:
        commit = git(root, "rev-parse", "HEAD")
        paths = (*SOURCES, f":(glob){HOMES}/features.py")
        changed = git(root, "status", "--porcelain", "--", *paths)
    except GitError as error:
        say(f"note: of which commit this tree is, is not known: {error}")
        return "unknown"
    return commit + ("+" if changed else "")


def inspect(image: str, what: str) -> str:
    """Something that Docker knows of an image.

    Raises:
        ImageError: There is no such image, or no Docker.
    """
    done = docker("image", "inspect", "--format", what, image)
    if done.returncode:
        raise ImageError(f"Docker does not show the image {image}: {done.stderr.strip()}")
    return done.stdout.strip()


def docker(*arguments: str, stdin: str | IO[bytes] = "") -> subprocess.CompletedProcess[str]:
    """Run Docker's command line; a text or a file is its standard input.

    Raises:
        ImageError: There is none.
    """
    try:
        return subprocess.run(
            ["docker", *arguments],
            **({"input": stdin} if isinstance(stdin, str) else {"stdin": stdin}),
            capture_output=True,
            text=True,
            check=False,
            # Lambda refuses the index of images that BuildKit makes for its attestations.
            env={**os.environ, "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"},
        )
    except OSError:
        raise ImageError("there is no Docker: install it, and start its engine") from None


if __name__ == "__main__":
    main()
