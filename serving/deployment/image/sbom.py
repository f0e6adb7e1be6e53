"""The image's bill of materials (SBOM), from what is in the image itself."""

import hashlib
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from email import message_from_bytes
from email.message import Message
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import IO, Any, NamedTuple

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

TASK = "/var/task"  # Lambda's LAMBDA_TASK_ROOT, which the Dockerfile copies to


class Package(NamedTuple):
    """A Python package: its licence as its own metadata says it."""

    name: str
    version: str
    licence: str


class Contents(NamedTuple):
    """What is in the task's folder: bytes of the files, their number; packages and models.

    The kernel's sha256 is None where there is none.
    """

    bytes: int
    files: int
    packages: list[Package]
    models: list[str]
    kernel: str | None = None


def read_contents(image: str) -> Contents:
    """Look into an image, without running it.

    Raises:
        subprocess.CalledProcessError, tarfile.ReadError: Docker does not give it.
    """
    size, files, packages, models, kernel = 0, 0, [], [], None
    for name, length, file in _read_files(image):
        size += length
        files += 1
        if name.match("*.dist-info/METADATA"):
            packages.append(describe(message_from_bytes(file.read())))
        elif name.match("serving/app/data/model.*"):
            models.append(name.name)
        elif name.match("serving/app/_kernel.abi3.so"):
            kernel = hashlib.sha256(file.read()).hexdigest()
    return Contents(size, files, sorted(packages), models, kernel)


def _read_files(image: str) -> Iterator[tuple[PurePosixPath, int, IO[bytes]]]:
    container = subprocess.check_output(["docker", "create", image], text=True).strip()
    try:
        command = ["docker", "cp", f"{container}:{TASK}/.", "-"]
        with (
            subprocess.Popen(command, stdout=subprocess.PIPE) as copy,
            tarfile.open(fileobj=copy.stdout, mode="r|") as archive,
        ):
            for member in archive:
                if file := archive.extractfile(member):
                    yield PurePosixPath(member.name), member.size, file
            if copy.wait():
                raise subprocess.CalledProcessError(copy.returncode, command)
    finally:
        subprocess.run(["docker", "rm", container], stdout=subprocess.DEVNULL, check=True)


def describe(metadata: Message) -> Package:
    """Name, version and licence: the SPDX expression where there is one, else what was written."""
    licence = metadata.get("License-Expression") or metadata.get("License") or ""
    # Some put all of its text there, and some only how many there are.
    if licence in ("", "Dual License") or "\n" in licence:
        classifiers = metadata.get_all("Classifier", [])
        names = [one.split(" :: ")[-1] for one in classifiers if one.startswith("License :: ")]
        licence = ", ".join(names) or "unknown"
    return Package(metadata["Name"].lower().replace("_", "-"), metadata["Version"], licence)


def to_json(manifest: Mapping[str, Any], labels: Mapping[str, str], contents: Contents) -> str:
    """The bill of materials of an image, as CycloneDX 1.6 in JSON.

    Args:
        manifest: The model's.
        labels: The image's.
        contents: What is in it.
    """
    bom = Bom()
    bom.metadata.component = Component(
        type=ComponentType.CONTAINER,
        name=labels["org.opencontainers.image.title"],
        version=labels["quickthaw.content"],
        bom_ref="image",
        properties=[Property(name=name, value=value) for name, value in labels.items()],
    )
    base = Component(
        type=ComponentType.CONTAINER,
        name=labels["org.opencontainers.image.base.name"],
        version=labels["quickthaw.base"],
        bom_ref="base",
    )
    model = Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        name=manifest["name"],
        version=manifest["version"],
        bom_ref="model",
        hashes=[
            HashType(alg=HashAlgorithm.SHA_256, content=manifest["files"][name]["sha256"])
            for name in contents.models
        ],
    )
    make_licence = LicenseFactory().make_from_string
    packages = [
        Component(
            type=ComponentType.LIBRARY,
            name=one.name,
            version=one.version,
            purl=PackageURL("pypi", name=one.name, version=one.version),
            bom_ref=f"{one.name}=={one.version}",
            licenses=[make_licence(one.licence)],
        )
        for one in contents.packages
    ]
    kernels = (
        [
            Component(
                type=ComponentType.LIBRARY,
                name=f"{labels['org.opencontainers.image.title']}-kernel",
                version=labels["quickthaw.kernel"],
                bom_ref="kernel",
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=contents.kernel)],
                licenses=[make_licence("MIT")],
                properties=[Property(name="compiler", value=f"ziglang {version('ziglang')}")],
            )
        ]
        if contents.kernel
        else []
    )
    components = (base, model, *kernels, *packages)
    for component in components:
        bom.components.add(component)
    bom.register_dependency(bom.metadata.component, components)
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"
