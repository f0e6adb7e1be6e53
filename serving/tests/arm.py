"""An aarch64 processor for tests: Debian's Python under qemu-user, whatever this machine is."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EMULATOR = "qemu-aarch64-static"


class Refused(Exception):
    """The service would have no model there; the message is its log's."""


def find_interpreter():
    """What starts its Python, and the folder of its packages."""
    found = subprocess.run(
        [ROOT / "tools/arm/python.sh"],
        env=os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout.strip()
    return (EMULATOR, "-L", found, f"{found}/usr/bin/python3.13", "-B"), f"{found}/packages"


def answer_on_arm(bundle, values):
    """What a frozen model's engine answers there: its machine, and of each value a tuple."""
    interpreter, _ = find_interpreter()
    done = subprocess.run(
        [*interpreter, "-m", "tools.arm.answer", bundle],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        input=pickle.dumps(list(values)),
        capture_output=True,
        check=False,
        timeout=500,
    )
    if done.returncode == 1:
        raise Refused(done.stderr.decode())
    assert done.returncode == 0, done.stderr.decode()
    return pickle.loads(done.stdout)  # noqa: S301 - what we have started


def compare(found, expected):
    """The largest difference of a probability; labels, values and terms must be the same."""
    worst = 0.0
    assert len(found) == len(expected)
    for (label, probabilities, *others), one in zip(found, expected, strict=True):
        assert (label, *others) == (one.label, one.value, one.terms)
        assert (probabilities is None) == (one.probabilities is None)
        pairs = zip(probabilities or (), one.probabilities or (), strict=True)
        worst = max([worst, *(abs(there - here) for there, here in pairs)])
    return worst
