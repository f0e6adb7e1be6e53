"""What goes into an image, and what its tag depends on."""

import json
import os
import re
import shutil
import subprocess
import tarfile

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement

from serving.deployment.image import builder, sbom
from serving.deployment.image.architecture import PLATFORMS
from serving.deployment.image.builder import HOSTS, ImageError, Target, hash_content, list_context
from serving.kernel import build as kernel
from serving.tests.image.conftest import BUNDLE, NAME
from serving.tests.sample import fit, write_bundle

BASE = "sha256:0"
FEATURES = f"training/models/{NAME}/features.py"
MODEL = {"frozen": "model.frozen", "sklearn": "model.joblib", "records": "model.joblib"}
EACH = pytest.mark.parametrize("target", MODEL, indirect=True)
# Over the base image, bytecode included; the small model weighs nothing.
# Bytes and files: an op is two files, which are read where a model has it. Of the third, pandas has
# 60 MB: it makes tables of records for scikit-learn.
BUDGET = {"frozen": (18e6, 1_250), "sklearn": (290e6, 8_000), "records": (360e6, 11_000)}
STRANGERS = (
    ".env",
    ".git/config",
    ".venv/lib/secret.py",
    "README.md",
    "data/raw/20news.tar.gz",
    "requirements/dev.txt",
    "serving/app/__pycache__/handler.cpython-313.pyc",
    "serving/app/data/hobbies/model.joblib.bak",
    "serving/app/notes.txt",
    "serving/app/http/notes.txt",
    "serving/deployment/image/builder.py",
    "serving/tests/conftest.py",
    "training/remote.py",
    "training/models/hobbies/__init__.py",
    "training/models/hobbies/model.py",
    "training/steps/train.py",
)


@EACH
def test_context_is_code_locks_and_model_and_nothing_else(root, target):
    names = list_context(root, NAME, target)
    compiled = {"requirements/kernel.txt", "serving/kernel/build.py"}
    compiled |= {f"serving/kernel/{path.name}" for path in kernel.list_sources()}
    assert compiled & set(names) == (compiled if target == "frozen" else set())
    merging = set(builder.MERGING)
    assert merging & set(names) == (merging if target == "frozen" else set())
    names = sorted(set(names) - compiled - merging)
    code = [name for name in names if name.startswith("serving/") and name.endswith(".py")]
    served = [
        path
        for part in ("app", "bundle")
        for path in (builder.ROOT / "serving" / part).rglob("*.py")
    ]
    assert set(code) == {
        "serving/__init__.py",
        *(str(path.relative_to(builder.ROOT)) for path in served),
    }
    assert set(names) - set(code) == {
        builder.DOCKERFILE,
        f"{BUNDLE}/manifest.json",
        f"requirements/{target}.txt",
        "serving/app/http/page.html",
        f"{BUNDLE}/{MODEL[target]}",
        *([] if target == "frozen" else [FEATURES]),
    }


def test_nothing_but_times_and_strangers_changes_the_tag_stays(root, target):
    before = hash_content(root, NAME, target, BASE)
    for path in root.rglob("*"):
        os.utime(path, (0, 0))
    add_strangers(root)
    assert hash_content(root, NAME, target, BASE) == before
    write_bundle(root / BUNDLE, fit(), target)  # trained again to the same model
    assert hash_content(root, NAME, target, BASE) == before


def test_another_model_is_here_the_tag_stays_and_it_is_not_in_the_context(root, target):
    before = hash_content(root, NAME, target, BASE)
    write_bundle(root / "serving/app/data/another", fit(), target)
    copy = root / "training/models/another/features.py"
    copy.parent.mkdir()
    shutil.copy(root / FEATURES, copy)
    assert hash_content(root, NAME, target, BASE) == before
    assert not [name for name in list_context(root, NAME, target) if "another" in name]
    assert hash_content(root, "another", target, BASE) != before


@EACH
def test_any_file_of_it_changes_the_tag_does(root, target):
    tags = {hash_content(root, NAME, target, BASE), hash_content(root, NAME, target, "sha256:1")}
    names = list_context(root, NAME, target)
    for name in names:
        path = root / name
        whole = path.read_bytes()
        path.write_bytes(whole + b"\n")
        tags.add(hash_content(root, NAME, target, BASE))
        path.write_bytes(whole)
    (root / "serving/app/more.py").touch()
    tags.add(hash_content(root, NAME, target, BASE))
    assert len(tags) == len(names) + 3


@EACH
@pytest.mark.parametrize(
    ("host", "path"), [("web", "serving/hosts/web/app.py"), ("bulk", "scoring/cloud/handler.py")]
)
def test_what_only_one_host_uses_changes_the_tag_of_its_image_alone(root, target, host, path):
    def find_tags():
        return {one: hash_content(root, NAME, target, BASE, Target(host=one)) for one in HOSTS}

    before = find_tags()
    with (root / path).open("a") as file:
        file.write("# more\n")
    after = find_tags()
    assert {one for one in HOSTS if before[one] != after[one]} == {host}
    assert len({*before.values(), *after.values()}) == len(HOSTS) + 1 == 4


@EACH
def test_it_is_for_other_processors_the_tag_is_another(root, target):
    found = {hash_content(root, NAME, target, BASE, Target(one)) for one in PLATFORMS}
    assert len(found) == len(PLATFORMS) == 2
    assert hash_content(root, NAME, target, BASE) in found


@EACH
def test_what_only_other_images_use_changes_the_tag_stays(root, target):
    before = hash_content(root, NAME, target, BASE)
    for name in builder.OTHERS[target]:
        (root / name.replace("*", NAME)).write_bytes(b"else")
    assert hash_content(root, NAME, target, BASE) == before


@pytest.mark.parametrize("name", ["manifest.json", "model"])
def test_there_is_no_model_it_is_said_and_what_makes_it(root, target, name):
    (root / BUNDLE / (MODEL[target] if name == "model" else name)).unlink()
    with pytest.raises(ImageError, match="'make train MODEL=hobbies'"):
        builder.find_tag(root, NAME, BASE)


@pytest.mark.parametrize("target", ["sklearn"], indirect=True)
def test_code_that_the_pickle_needs_is_missing_it_is_said_and_what_brings_it(root, target):
    (root / FEATURES).unlink()
    with pytest.raises(ImageError, match=f"{FEATURES} is missing: 'git checkout {FEATURES}'"):
        builder.find_tag(root, NAME, BASE)


@pytest.mark.parametrize("kind", ["folder", "link", "dangling link"])
def test_something_of_it_is_no_file_that_is_said(root, target, kind):
    path = root / "serving/app/odd.py"
    if kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("handler.py" if kind == "link" else "nowhere.py")
    with pytest.raises(ImageError, match=r"serving/app/odd\.py"):
        hash_content(root, NAME, target, BASE)


def test_ignore_file_takes_something_away_again_it_is_refused(root, target):
    with (root / ".dockerignore").open("a") as file:
        file.write("serving/app/telemetry/log.py\n")
    with pytest.raises(ImageError, match=r"serving/app/telemetry/log\.py"):
        hash_content(root, NAME, target, BASE)


def test_there_is_a_second_ignore_file_it_is_refused(root, target):
    (root / f"{builder.DOCKERFILE}.dockerignore").touch()
    with pytest.raises(ImageError, match="take the place of"):
        hash_content(root, NAME, target, BASE)


@pytest.mark.docker
def test_docker_gets_the_context_that_the_tag_is_made_of_and_no_stranger(root, target):
    add_strangers(root)
    (root / "serving/deployment/image/Dockerfile").write_text(
        'FROM scratch\nCOPY . /context\nCMD ["none"]\n'
    )
    name = f"quickthaw-context:{target}-{os.getpid()}"
    write_bundle(root / "serving/app/data/another", fit(), target)
    with builder.pack_context(root, NAME) as context:
        command = ["docker", "build", "--quiet", "--tag", name, "--file", builder.DOCKERFILE, "-"]
        subprocess.run(command, stdin=context, check=True, capture_output=True)
    try:
        allowed = set().union(*(names for _, names in builder.match_allowed(root, NAME)))
        assert set(read_files(name, "/context")) == allowed | {builder.COMPILED}
        assert set(list_context(root, NAME, target)) <= allowed
        assert not [one for one in allowed if "another" in one or one in STRANGERS]
    finally:
        docker("image", "rm", name)


@pytest.mark.docker
@pytest.mark.slow
@EACH
def test_image_holds_what_its_lock_names_within_its_budget(built, target):
    found = sbom.read_contents(built)
    assert [(one.name, one.version) for one in found.packages] == read_lock(target)
    most_bytes, most_files = BUDGET[target]
    assert found.bytes <= most_bytes
    assert found.files <= most_files
    assert found.models == [MODEL[target]]
    files = read_files(built)
    assert "serving/deployment/image/Dockerfile" not in files
    assert ("serving/start.cpython-313" in files) == (target == "frozen")
    own = {name for name in files if name.startswith("training/") and name.endswith(".py")}
    assert own == (set() if target == "frozen" else {FEATURES})
    assert all(mode & 0o777 in (0o644, 0o755) for mode, _ in files.values())


@pytest.mark.docker
@pytest.mark.slow
def test_every_module_is_compiled_and_needs_no_time_to_be_valid(built):
    files = read_files(built)
    for name in files:
        if name.endswith(".py"):
            folder, _, module = name.rpartition("/")
            _, code = files[f"{folder}/__pycache__/{module[:-3]}.cpython-313.pyc".lstrip("/")]
            assert code[4:8] == b"\1\0\0\0", name  # PEP 552: by hash, not checked


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.parametrize("target", ["frozen"], indirect=True)  # the other one's are the same steps
def test_image_is_built_again_from_nothing_its_files_are_the_same(root, built, base, target):
    again = f"quickthaw-again:{os.getpid()}"
    with builder.pack_context(root, NAME) as context:
        builder.docker(
            *("build", "--no-cache", "--network", "host", "--target", target, "--tag", again),
            *("--build-arg", f"BASE_IMAGE={base}", "--build-arg", f"MODEL={NAME}"),
            *("--build-arg", f"LOCK={target}"),
            *("--file", builder.DOCKERFILE, "-"),
            stdin=context,
        )
    try:
        assert read_files(again) == read_files(built)
    finally:
        docker("image", "rm", again)


@pytest.mark.docker
@pytest.mark.slow
def test_bill_of_materials_is_valid_and_names_all_that_ships(root, build, target):
    built = build(root)
    path = builder.write_sbom(root, NAME, built)
    text = path.read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found = json.loads(text)
    manifest = builder.read_manifest(root, NAME)
    kinds = {one["type"]: one for one in found["components"]}
    assert kinds["machine-learning-model"]["version"] == manifest["version"]
    (pinned,) = kinds["machine-learning-model"]["hashes"]
    assert pinned["content"] == manifest["files"][MODEL[target]]["sha256"]
    assert found["metadata"]["component"]["version"] == built.partition(":")[2]
    libraries = [one for one in found["components"] if one["type"] == "library"]
    names = {name for name, _ in read_lock(target)}
    kernels = {"quickthaw-kernel": builder.find_kernel(root)} if target == "frozen" else {}
    assert {one["name"] for one in libraries} == names | set(kernels)
    versions = {one["name"]: one["version"] for one in libraries}
    assert versions | kernels == versions
    assert all(one["licenses"] for one in libraries)


@pytest.mark.docker
@pytest.mark.slow
def test_image_is_there_nothing_is_built_and_its_labels_say_what_it_is(root, build, target, capsys):
    built = build(root)
    capsys.readouterr()
    assert build(root) == built
    assert capsys.readouterr().err == f"{built} is there: nothing to build\n"
    labels = json.loads(builder.inspect(built, "{{json .Config.Labels}}"))
    manifest = builder.read_manifest(root, NAME)
    assert labels["org.opencontainers.image.version"] == manifest["version"]
    assert labels["quickthaw.content"] == built.partition(":")[2]
    assert labels["quickthaw.engine"] == target
    assert labels.get("quickthaw.kernel") == (
        builder.find_kernel(root) if target == "frozen" else None
    )
    assert labels["com.amazonaws.lambda.feature.snapstart"] == "Allow"


def read_lock(target):
    """Name and version of what the lock has for this platform."""
    lock = (builder.ROOT / f"requirements/{target}.txt").read_text()
    pins = [Requirement(line) for line in re.findall(r"^[\w.-]+==[^\\\n]+", lock, re.MULTILINE)]
    return sorted(
        (one.name, str(one.specifier).removeprefix("=="))
        for one in pins
        if one.marker is None or one.marker.evaluate()
    )


def add_strangers(root):
    for name in STRANGERS:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("more")


def docker(*arguments):
    return subprocess.run(["docker", *arguments], check=True, capture_output=True).stdout


def read_files(name, folder=sbom.TASK):
    """Mode and bytes of each file of a folder in an image, by name."""
    container = docker("create", name).decode().strip()
    try:
        with (
            subprocess.Popen(
                ["docker", "cp", f"{container}:{folder.rstrip('/')}/.", "-"], stdout=subprocess.PIPE
            ) as copy,
            tarfile.open(fileobj=copy.stdout, mode="r|") as archive,
        ):
            return {
                member.name.removeprefix("./"): (member.mode, archive.extractfile(member).read())
                for member in archive
                if member.isfile()
            }
    finally:
        docker("rm", container)


def test_revision_is_of_all_that_images_are_made_of():
    allowed = {
        one for one in builder.read_allowed(builder.ROOT) if not one.startswith("training/m")
    }
    assert not [one for one in allowed if not one.startswith(builder.SOURCES)]
