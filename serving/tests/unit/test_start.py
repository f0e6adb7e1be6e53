"""The file of the modules that a start needs, as the image of a frozen model has it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from serving.deployment.image.builder import MERGE
from serving.tests.sample import TEXTS, proxy_event, write_bundle
from tools.runtime_api import ROOT, Runtime

HANDLER = "serving.app.handler.lambda_handler"
EVENTS = [
    proxy_event(body={"text": TEXTS[0]}),
    proxy_event(body={"text": ""}),
    proxy_event("GET", "/model"),
    proxy_event("GET", "/nowhere"),
]


def copy_code(folder):
    for part in ("app", "bundle"):
        shutil.copytree(
            ROOT / "serving" / part,
            folder / "serving" / part,
            ignore=shutil.ignore_patterns("__pycache__", "data"),
        )
    (folder / "serving/__init__.py").touch()
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, pipeline):
    folder = tmp_path_factory.mktemp("frozen")
    write_bundle(folder, pipeline, "frozen")
    return folder


@pytest.fixture
def merged(tmp_path, bundle):
    root = copy_code(tmp_path / "code")
    assert merge(root, bundle).returncode == 0
    return root


def merge(root, bundle):
    command = [sys.executable, ROOT / MERGE, root, root, bundle]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def find_file(root):
    return root / "serving" / f"start.{sys.implementation.cache_tag}"


def run(root, bundle, code, *options):
    return subprocess.run(
        [sys.executable, *options, "-c", f"import sys; sys.path.insert(0, {str(root)!r})\n{code}"],
        env={"QUICKTHAW_BUNDLE": str(bundle), "AWS_EMF_ENVIRONMENT": "Local"},
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
    )


def test_start_reads_one_file_and_answers_the_same(merged, bundle):
    answers = []
    for root in (ROOT, merged):
        with Runtime(HANDLER, {"QUICKTHAW_BUNDLE": str(bundle)}, root=root) as runtime:
            answers.append([runtime.invoke(one).json for one in EVENTS])
    ours, theirs = answers
    for one in (*ours, *theirs):
        one["multiValueHeaders"].pop("X-Request-Id")
        one["body"] = {**json.loads(one["body"]), "request_id": ""}
    assert ours == theirs
    done = run(merged, bundle, "import serving.app.handler\nprint(*sys.modules)", "-v")
    loaded = {one for one in done.stdout.split() if one.startswith("serving")}
    alone = {one for one in loaded if f"\nimport '{one}' #" in done.stderr}
    assert len(loaded) > 20
    assert alone <= {"serving", "serving.app.handler", "serving.app._kernel"}


def test_modules_of_the_file_are_what_imports_would_have_made(merged, bundle):
    code = """
import gc, importlib.util, inspect, json, linecache
import serving.app.handler
from serving.app.engines.frozen import engine
from serving.bundle.manifest import FilePin
found = {}
for name, module in sys.modules.items():
    if name.startswith("serving."):
        spec = importlib.util.find_spec(name)
        assert spec.name == name
        assert module.__package__ == spec.parent
        found[name] = [module.__file__, getattr(module, "__path__", None)]
        parent, _, last = name.rpartition(".")
        assert getattr(sys.modules[parent], last) is module
assert "def score" in inspect.getsource(engine.FrozenEngine)
assert engine.FrozenEngine.score.__annotations__ == {}
assert FilePin.__annotations__ == {"sha256": "str", "size": "int"}
assert gc.isenabled()
assert gc.get_freeze_count() > 1000
from serving.app.http import full_app
print(json.dumps(found))
"""
    done = run(merged, bundle, code)
    assert done.stderr == ""
    for name, (file, path) in json.loads(done.stdout).items():
        place = merged / name.replace(".", "/")
        if "_kernel" in name:
            continue
        assert Path(file) == (place / "__init__.py" if path else place.with_suffix(".py"))
        assert path in (None, [str(place)])


def test_an_error_in_one_of_them_shows_its_line(merged, bundle):
    done = run(
        merged, bundle, "from serving.app.engines.frozen.file import count_blocks\ncount_blocks(1)"
    )
    assert f'File "{merged}/serving/app/engines/frozen/file.py", line ' in done.stderr
    assert 'raise ValueError(f"no frozen file has {size} bytes")' in done.stderr


def test_it_is_the_same_each_time_and_without_the_handler(merged, bundle):
    before = find_file(merged).read_bytes()
    find_file(merged).unlink()
    assert merge(merged, bundle).returncode == 0
    assert find_file(merged).read_bytes() == before
    assert b"serving.app.engines.frozen.engine" in before
    assert b"serving.app.handler" not in before
    # Another Python has another name for it, and imports as ever.
    find_file(merged).rename(merged / "serving/start.cpython-399")
    assert run(merged, bundle, "import serving.app.handler").returncode == 0


def test_model_cannot_be_served_no_file_is_written(tmp_path, bundle):
    root = copy_code(tmp_path / "code")
    done = merge(root, tmp_path)
    assert done.returncode != 0
    assert not find_file(root).exists()
