"""Set-up and make: what a shell, git or another folder have to say in them, which is nothing."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from serving.tests.tracked import ROOT, copy_tracked

# A Python that makes an environment of itself, and says what pip and uv would see.
PYTHON = """#!/bin/sh
case "$*" in
*" venv "*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && touch .venv/pyvenv.cfg ;;
*" pip "*) echo "pip: $*"; env | grep ^PIP_ || true; cp "$0" .venv/bin/uv; [ ! -e broken ] ;;
"venv "*) echo 'relocatable = true' >.venv/pyvenv.cfg ;;
"pip "*) env | grep ^UV_ || true ;;
esac
exit
"""
ODD = {
    "PIP_CONSTRAINT": "x",
    "PIP_DRY_RUN": "1",
    "PIP_TARGET": "/x",
    "UV_CONSTRAINT": "x",
    "UV_WORKING_DIRECTORY": "/",
    "CDPATH": "/",
}


def make(target, recipe, **exported):
    """What a recipe of the Makefile prints, in a shell that exports these besides."""
    done = subprocess.run(
        ["make", "--silent", f"--eval={target}: ; @{recipe}", target],
        cwd=ROOT,
        env=os.environ | exported,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "name",
    ["PYTHONSAFEPATH", "PYTHONPATH", "PYTHONHOME", "PYTHONWARNINGS", "GIT_DIR", "CDPATH"],
)
def test_shell_exports_what_is_for_other_work_no_command_sees_it(name):
    assert name not in {line.split("=")[0] for line in make("probe", "env", **{name: "/x"})}


@pytest.mark.parametrize(
    ("exported", "found"),
    [
        ({"no_proxy": "", "NO_PROXY": ""}, "127.0.0.1,localhost"),
        ({"no_proxy": "", "NO_PROXY": "a.b,c"}, "127.0.0.1,localhost,a.b,c"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_shell_has_a_proxy_loopback_is_never_asked_of_it(exported, found):
    seen = make("probe", "env", http_proxy="http://127.0.0.1:9", **exported)
    assert {f"no_proxy={found}", f"NO_PROXY={found}", "http_proxy=http://127.0.0.1:9"} <= set(seen)


def test_shell_names_another_platform_images_are_as_lambda_runs_them():
    seen = make("probe", "env", DOCKER_DEFAULT_PLATFORM="linux/arm64")
    assert "DOCKER_DEFAULT_PLATFORM=linux/amd64" in seen


def test_stage_is_of_arm_docker_is_told_in_its_recipes(tmp_path):
    python = tmp_path / "python"
    python.write_text(
        '#!/bin/sh\ncase "$*" in *"architecture --model"*"--stage dev"*) echo linux/arm64;; esac\n'
    )
    python.chmod(0o755)
    recipe = "--eval=probe: ; @$(PLATFORM) && env"
    command = ["make", "--silent", recipe, "probe", f"BIN={tmp_path}"]
    seen = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "DOCKER_DEFAULT_PLATFORM=linux/arm64" in seen.splitlines()


def test_modules_are_found_in_a_shell_with_safe_paths():
    found = make("probe", "$(BIN)/python -c 'import serving; print(1)'", PYTHONSAFEPATH="1")
    assert found == ["1"]


def test_checkout_has_the_line_ends_of_shells_whatever_git_is_told(tmp_path):
    copy_tracked(tmp_path)
    git = ("git", "-c", "core.autocrlf=true", "-c", "core.eol=crlf", "-c", "core.safecrlf=false")
    for command in ("init -q", "add -A", "rm -rqf --cached .", "add -A"):
        subprocess.run([*git, *command.split()], cwd=tmp_path, check=True)
    folder = tmp_path / "again"
    subprocess.run([*git, "checkout-index", "-a", f"--prefix={folder}/"], cwd=tmp_path, check=True)
    for path in filter(Path.is_file, folder.rglob("*")):
        assert path.read_bytes() == (tmp_path / path.relative_to(folder)).read_bytes(), path


def test_folder_is_copied_programs_run_the_python_beside_them(tmp_path):
    beside = tmp_path / "a copy/.venv/bin"
    beside.mkdir(parents=True)
    shutil.copy(Path(sys.executable).with_name("dvc"), beside)
    (beside / "python").write_text('#!/bin/sh\necho "$0"\n')
    (beside / "python").chmod(0o755)
    done = subprocess.run([beside / "dvc"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(beside / "python")


def set_up(folder):
    """Run the set-up in a folder, with a stand-in of Python in an odd shell."""
    (folder / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/install.sh", folder / "scripts")
    shutil.copy(ROOT / ".python-version", folder)
    (folder / "python").write_text(PYTHON)
    (folder / "python").chmod(0o755)
    return subprocess.run(
        ["scripts/install.sh", "serve"],
        cwd=folder,
        env=os.environ | ODD | {"PYTHON": str(folder / "python")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_pip_and_uv_are_told_of_other_places_the_setup_goes_into_venv(tmp_path):
    done = set_up(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "--no-user" in done.stdout
    assert not [name for name in ODD if name in done.stdout]
    assert (tmp_path / ".venv/pyvenv.cfg").read_text() == "relocatable = true\n"


def test_venv_cannot_be_moved_is_made_again(tmp_path):
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/pyvenv.cfg").write_text(f"home = {sys.base_prefix}/bin\n")
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    assert "if this one were copied; making it again" in set_up(tmp_path).stderr
    assert (tmp_path / ".venv/pyvenv.cfg").read_text() == "relocatable = true\n"


def test_pip_fails_the_setup_names_network_and_settings(tmp_path):
    (tmp_path / "broken").touch()
    done = set_up(tmp_path)
    assert done.returncode == 1
    assert re.search(r"pip says .* network, or a setting of yours: 'env \| grep PIP_'", done.stderr)
    assert not (tmp_path / ".venv").exists()


@pytest.mark.slow
def test_make_test_finds_its_tests_without_node():
    quick = re.search(r"^QUICK_TESTS := -m '(.*)'$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:xdist"]
    done = subprocess.run(
        [*command, "-m", quick[1], "serving/tests/cloud", "infrastructure"],
        cwd=ROOT,
        env=os.environ | {"JSII_NODE": "/nowhere/node", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "test_operate.py" in done.stdout
