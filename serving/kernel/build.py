"""Compile the kernel: the arithmetic of some ops of frozen models, in C. `make kernel`.

The compiler is Zig's, from a package that the locks pin: it needs no other tool and no C library
here, and compiles for either processor on both. The same sources give the same bytes, wherever that
is done, so the hash of the sources names the kernel.
"""

import argparse
import hashlib
import os
import platform
import subprocess
import sys
import sysconfig
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = "serving/kernel"  # of a checkout
NAME = "_kernel.abi3.so"
PLACE = HERE.parent / "app" / NAME  # where Python looks for it
# By the name that Python has for the processor. Amazon Linux 2023, which Lambda runs, has glibc
# 2.34; the kernel asks for no more than what older systems have, too.
TARGETS = {"x86_64": "x86_64-linux-gnu.2.28", "aarch64": "aarch64-linux-gnu.2.28"}
# Products and sums are rounded one by one, as Python's are. No debugging symbols: they have paths.
FLAGS = ("-std=c11", "-O3", "-g0", "-ffp-contract=off", "-fPIC", "-fvisibility=hidden")
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wno-missing-field-initializers")


class KernelError(Exception):
    """What is wrong, where, and the command that mends it."""


def main() -> None:
    """Compile the kernel for this machine, unless it is there; or for another one."""
    parser = argparse.ArgumentParser(prog="make kernel", description=__doc__)
    parser.add_argument("--machine", choices=TARGETS, default=platform.machine())
    parser.add_argument("--to", type=Path, default=PLACE, help="the file to write")
    arguments = parser.parse_args()
    if sys.platform != "linux" or arguments.machine not in TARGETS:
        print(
            f"note: there is no kernel for {sys.platform} on {arguments.machine}: Python serves "
            "the same answers",
            file=sys.stderr,
        )
        return
    try:
        compile_kernel(arguments.machine, arguments.to)
    except KernelError as error:
        sys.exit(f"error: {error}")


def list_sources(folder: Path = HERE) -> list[Path]:
    """The C files and their headers."""
    return sorted([*folder.glob("*.c"), *folder.glob("*.h")])


def find_version(folder: Path = HERE) -> str:
    """Sixteen hex digits of a sha256 over all that the kernel is made of, but its target.

    Raises:
        KernelError: The compiler is not installed.
    """
    total = hashlib.sha256(f"{_find_compiler()}\0{' '.join(FLAGS)}\0".encode())
    for path in list_sources(folder):
        total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()[:16]


def compile_kernel(machine: str, to: Path, folder: Path = HERE) -> None:
    """Write the kernel for a machine, of the sources in a folder: whole, or not at all.

    Raises:
        KernelError: There is no compiler, there are no headers of Python, or it fails.
    """
    headers = Path(sysconfig.get_path("include"))
    if not (headers / "Python.h").exists():
        raise KernelError(
            f"{headers} has no Python.h: install the headers of this Python (on Debian: "
            "'sudo apt-get install python3.13-dev')"
        )
    print(f"compiling the kernel for {machine}", file=sys.stderr)
    part = to.with_suffix(f".{os.getpid()}.part")  # two may compile it at once
    sources = [path.name for path in list_sources(folder) if path.suffix == ".c"]
    with tempfile.TemporaryDirectory() as cache:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "ziglang", "cc", "-target", TARGETS[machine]),
                *(*FLAGS, *WARNINGS, "-shared", "-s", f"-isystem{headers}"),
                *(f'-DQUICKTHAW_SOURCE="{find_version(folder)}"', *sources, "-lm"),
                *("-o", str(part.absolute())),
            ],
            cwd=folder,
            env={**os.environ, "ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        part.unlink(missing_ok=True)
        raise KernelError(f"the kernel cannot be compiled:\n{done.stderr.strip()}")
    part.replace(to)


def _find_compiler() -> str:
    try:
        return f"ziglang {version('ziglang')}"
    except PackageNotFoundError:
        raise KernelError(
            "the compiler is not installed: 'make .venv/deploy.ok' brings the package ziglang"
        ) from None


if __name__ == "__main__":
    main()
