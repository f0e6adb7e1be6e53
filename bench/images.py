"""Images instead of processes: what they weigh, and their cold starts under Lambda's emulator."""

import random
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.contenders import Failed
from bench.footprint import APP, FULL_APP, READER, Footprint, find_requirements, list_stack
from bench.measure import Rounds
from serving.bundle.manifest import MANIFEST_NAME, MODEL_NAME, read_manifest
from serving.deployment.image import builder, sbom
from tools.image.container import VCPU_MB, Container, ContainerDied

SHARES = (0.25, 0.5, 1.0)  # of a processor
SLOW = {"sklearn", "naive"}
BASE = Path("tools/image/base/build.sh")
LOCK = Path("requirements/dev.txt")  # every group's


def is_docker_here() -> bool:
    """Whether Docker's engine answers."""
    try:
        command = ["docker", "version"]
        return not subprocess.run(command, capture_output=True, check=False).returncode
    except OSError:
        return False


def build_images(folder: Path, model: str, frozen: Path, sklearn: Path) -> dict[str, str]:
    """The names of the images, by contender.

    Args:
        folder: To make their contexts in.
        model: The model's name.
        frozen: A bundle.
        sklearn: One of the same model for the other engine.

    Raises:
        Failed: One cannot be built.
    """
    found = subprocess.run([BASE], stdout=subprocess.PIPE, text=True, check=False)
    if found.returncode:
        raise Failed("there is no base image (see above)")
    base = found.stdout.strip()
    try:
        ours = {
            name: builder.build(
                _copy_context(folder / name, model, bundle), model, base, "quickthaw-bench"
            )
            for name, bundle in (("frozen", frozen), ("sklearn", sklearn))
        }
    except builder.ImageError as error:
        raise Failed(str(error)) from None
    context = _write_naive_context(folder / "naive", model, frozen)
    empty, naive = (_build_other(context, name, base) for name in ("empty", "naive"))
    return {"empty": empty, **ours, "naive": naive}


def _copy_context(root: Path, model: str, bundle: Path) -> Path:
    """What `make image` builds from, with another bundle."""
    for pattern in (".dockerignore", *builder.read_allowed(builder.ROOT)):
        for path in builder.ROOT.glob(pattern):
            copy = root / path.relative_to(builder.ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    shutil.copytree(bundle, root / "serving/app/data" / model, dirs_exist_ok=True)
    return root


def _write_naive_context(root: Path, model: str, bundle: Path) -> Path:
    """The handlers to compare with, what the model is unpickled by, the packages' lock."""
    kind = read_manifest(bundle).input["kind"]
    modules = [f"serving/{name}.py" for name in ("__init__", "app/__init__", "app/features")]
    modules += [f"training/models/{model}/features.py", "bench/Dockerfile"]
    modules += [f"bench/{name}.py" for name in ("__init__", "empty", "naive", "plain")]
    if kind == "image":  # the preparation of pictures is the service's
        modules += [str(path) for part in (APP, READER) for path in part.rglob("*.py")]
    for name in modules:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(name, root / name)
    (root / "serving/app/data").mkdir()
    for name in (MANIFEST_NAME, MODEL_NAME):
        shutil.copy(bundle / name, root / "serving/app/data")
    needed = find_requirements((*FULL_APP, *list_stack(kind)))
    blocks = LOCK.read_text(encoding="utf-8").replace("\\\n", "").splitlines()
    kept = [line for line in blocks if line.partition("==")[0] in needed]
    (root / "requirements.txt").write_text("\n".join(kept) + "\n", encoding="utf-8")
    return root


def _build_other(context: Path, target: str, base: str) -> str:
    name = f"quickthaw-bench:{target}"
    done = builder.docker(
        *("build", "--network", "host", "--target", target, "--tag", name),
        *("--build-arg", f"BASE_IMAGE={base}", "--file", str(context / "bench/Dockerfile")),
        str(context),
    )
    if done.returncode:
        raise Failed(f"{name} cannot be built:\n{done.stdout[-2000:]}{done.stderr}")
    return name


def measure_sizes(images: Mapping[str, str]) -> dict[str, Footprint]:
    """What each adds to the base image: all of them do so in the task's folder alone."""
    found = {name: sbom.read_contents(one) for name, one in images.items()}
    return {name: Footprint(one.bytes, one.files) for name, one in found.items()}


def time_cold_containers(
    images: Mapping[str, str], event: Any, rng: random.Random, *, rounds: int, slow_every: int
) -> dict[str, Rounds]:
    """Cold starts by share of a processor: milliseconds from the first event, which starts the
    runtime, to its answer; starting the container itself is not in it.

    Raises:
        Failed: One does not answer.
    """
    found: dict[str, Rounds] = {f"{one:g}": {name: {} for name in images} for one in SHARES}
    for number in range(rounds):
        starts = [
            (share, name)
            for share in SHARES
            for name in images
            if name not in SLOW or number % slow_every == 0
        ]
        rng.shuffle(starts)
        for share, name in starts:
            found[f"{share:g}"][name][number] = _time_cold(images[name], share, event)
    return found


def _time_cold(name: str, share: float, event: Any) -> float:
    try:
        # Memory for all alike: it is the processor's share that is compared.
        with Container(name, VCPU_MB, vcpu=share) as container:
            seconds, answer = container.invoke(event)
    except ContainerDied as error:
        raise Failed(str(error)) from None
    if answer.get("statusCode") != 200:  # noqa: PLR2004
        raise Failed(f"{name}: {answer}")
    return seconds * 1000
