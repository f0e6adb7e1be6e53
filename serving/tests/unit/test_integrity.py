"""No damage to a bundle is taken for the bundle, and nothing is unpickled that was not checked."""

import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import zlib
from contextlib import suppress

import joblib
import pytest
from sklearn.linear_model import LogisticRegression

from serving.app.engines import sklearn
from serving.app.engines.predictor import load_predictor
from serving.bundle.errors import BundleDamaged, BundleMissing, ModelError, VersionMismatch
from serving.bundle.manifest import FROZEN_NAME, MANIFEST_NAME, MODEL_NAME, read_manifest
from serving.tests.sample import change_manifest, fit, pin, write_bundle
from tools.fuzz.damage import (
    EVERY,
    Damage,
    changed,
    flip_frozen,
    flip_joblib,
    flip_manifest,
    resize,
)

NAMES = (MANIFEST_NAME, FROZEN_NAME, MODEL_NAME)


@pytest.fixture(params=["frozen", "sklearn"])
def folder(request, tmp_path):
    path = tmp_path / "bundle"
    write_bundle(path, fit(), request.param)
    return path


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    path = tmp_path_factory.mktemp("frozen")
    write_bundle(path, fit(), "frozen")
    return path


@pytest.fixture
def unpickled(monkeypatch):
    """What was unpickled: by joblib, by pickle."""
    calls = []

    def spy(function):
        return lambda *arguments, **options: (
            calls.append(arguments) or function(*arguments, **options)
        )

    for module, name in ((joblib, "load"), (pickle, "load"), (pickle, "loads")):
        monkeypatch.setattr(module, name, spy(getattr(module, name)))
    return calls


def test_any_bit_of_the_manifest_flips_is_refused(frozen, unpickled):
    size = (frozen / MANIFEST_NAME).stat().st_size
    assert flip_manifest(frozen) == {"refused": 8 * size}
    assert not unpickled


def test_any_byte_of_the_frozen_model_changes_is_refused(frozen, unpickled):
    size = (frozen / FROZEN_NAME).stat().st_size
    assert flip_frozen(frozen, 0, size) == {"refused": size}
    assert not unpickled


def test_any_byte_of_the_model_changes_is_refused_before_it_is_unpickled(frozen, unpickled):
    size = (frozen / MODEL_NAME).stat().st_size
    assert flip_joblib(frozen, EVERY) == {"refused": size}
    assert not unpickled


@pytest.mark.parametrize("name", NAMES)
def test_file_is_cut_at_any_length_or_lengthened_is_refused(frozen, unpickled, name):
    size = (frozen / name).stat().st_size
    found = resize(frozen, name, EVERY)
    assert found["taken"] == 0
    assert found["refused"] > size
    assert not unpickled


def test_bundle_is_whole_its_model_is_what_is_unpickled(folder, unpickled):
    load_predictor(folder)
    assert len(unpickled) == (read_manifest(folder).engine == "sklearn")


@pytest.fixture(autouse=True, scope="module")
def unchanged(frozen):
    """After all damage the bundle is as it was, or tests after it would see another one."""
    before = [(frozen / name).read_bytes() for name in NAMES]
    yield
    assert [(frozen / name).read_bytes() for name in NAMES] == before


def test_model_is_unpickled_before_it_is_checked_that_is_noticed(frozen, monkeypatch):
    def careless(bundle, *_):
        sklearn.load((bundle / MODEL_NAME).read_bytes(), None)

    monkeypatch.setattr("serving.app.engines.predictor.read_pinned", careless)
    assert flip_joblib(frozen, 3) == {"taken": 3}


def test_damage_is_taken_it_is_counted(frozen):
    found = Damage()
    found.check(read_manifest, frozen)
    with changed(frozen / MANIFEST_NAME, 5, 1):
        found.check(read_manifest, frozen)
    assert found == {"taken": 1, "refused": 1}


class Payload:
    """What, unpickled, makes a folder: code of somebody else's."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def compress_badly(data):
    """Compressed as joblib does it, with a wrong checksum at the end."""
    return zlib.compress(data)[:-1] + b"\0"


def dump(payload, **options):
    file = io.BytesIO()
    joblib.dump(payload, file, **options)
    return file.getvalue()


MALICIOUS = {
    "plain": dump,
    "compressed": lambda payload: dump(payload, compress=3),
    "compressed by gzip": lambda payload: dump(payload, compress=("gzip", 3)),
    # Longer than what is decompressed at a time: its end is read after its start has run.
    "with a wrong checksum": lambda one: compress_badly(dump([one, os.urandom(3_000_000)])),
    "a plain pickle": pickle.dumps,
}


@pytest.mark.parametrize("make", MALICIOUS.values(), ids=MALICIOUS.keys())
def test_model_is_malicious_its_payload_never_runs(folder, tmp_path, unpickled, make):
    ran = tmp_path / "ran"
    data = make(Payload(ran))
    (folder / MODEL_NAME).write_bytes(data)
    if read_manifest(folder).engine == "frozen":  # it needs no model.joblib
        load_predictor(folder)
    else:
        with pytest.raises(BundleDamaged, match="the manifest says"):
            load_predictor(folder)
    assert not ran.exists()
    assert not unpickled
    # What would have happened: even where the checksum is wrong the payload runs first.
    with suppress(zlib.error):
        joblib.load(folder / MODEL_NAME)
    assert ran.exists()


def swap(folder):
    other = folder.with_name("other")
    write_bundle(other, fit(LogisticRegression(C=1)), read_manifest(folder).engine)
    return other


BROKEN = {
    "manifest missing": (lambda one: (one / MANIFEST_NAME).unlink(), BundleMissing),
    "folder missing": (shutil.rmtree, BundleMissing),
    "model missing": (
        lambda one: [(one / name).unlink(missing_ok=True) for name in NAMES[1:]],
        BundleMissing,
    ),
    "models swapped": (
        lambda one: [shutil.copy(path, one) for path in swap(one).glob("model.*")],
        BundleDamaged,
    ),
    "manifests swapped": (lambda one: shutil.copy(swap(one) / MANIFEST_NAME, one), BundleDamaged),
    "manifest older": (lambda one: change_manifest(one, format=1), VersionMismatch),
    "manifest of before the checksum": (lambda one: unseal(one, format=2), VersionMismatch),
    "manifest without its checksum": (lambda one: unseal(one, format=4), BundleDamaged),
    "manifest too long": (lambda one: change_manifest(one, name="a" * 5_000_000), BundleDamaged),
    "hash that is none": (lambda one: change_hash(one, "a\r\nX-Evil: " + "a" * 53), BundleDamaged),
    "size that is none": (lambda one: change_size(one, 10**30), BundleDamaged),
    "manifest newer": (lambda one: change_manifest(one, format=99, more={}), VersionMismatch),
    "Python older": (lambda one: change_versions(one, python="3.12"), VersionMismatch),
    "Python newer": (lambda one: change_versions(one, python="3.14"), VersionMismatch),
    "engine unknown": (lambda one: change_manifest(one, engine="steam"), BundleDamaged),
    "pipe for a manifest": (lambda one: replace_by_pipe(one / MANIFEST_NAME), BundleDamaged),
    "pipes for models": (
        lambda one: [replace_by_pipe(one / name) for name in NAMES[1:]],
        BundleDamaged,
    ),
    "folder for a manifest": (lambda one: replace_by_folder(one / MANIFEST_NAME), BundleMissing),
    "endless manifest": (lambda one: replace_by_endless(one / MANIFEST_NAME), BundleDamaged),
    "endless models": (
        lambda one: [replace_by_endless(one / name) for name in NAMES[1:]],
        BundleDamaged,
    ),
}


def unseal(folder, **changes):
    path = folder / MANIFEST_NAME
    members = json.loads(path.read_text(encoding="utf-8")) | changes
    del members["checksum"]
    path.write_text(json.dumps(members))


def change_pins(folder, **changes):
    pins = {name: vars(one) | changes for name, one in read_manifest(folder).files.items()}
    change_manifest(folder, files=pins)


def change_hash(folder, sha256):
    change_pins(folder, sha256=sha256)


def change_size(folder, size):
    change_pins(folder, size=size)


def change_versions(folder, **versions):
    change_manifest(folder, versions=read_manifest(folder).versions | versions)


def replace_by_pipe(path):
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def replace_by_folder(path):
    path.unlink()
    path.mkdir()


def replace_by_endless(path):
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(("spoil", "error"), BROKEN.values(), ids=BROKEN.keys())
def test_bundle_is_broken_says_how_and_answers_503(folder, start_service, logged, spoil, error):
    spoil(folder)
    with pytest.raises(ModelError, match=r"'(make|scripts/install\.sh) ?[^']*'") as raised:
        load_predictor(folder)
    assert raised.type is error
    client = start_service(folder)
    record = logged()[-1]
    assert (record["error"], record["reason"]) == (error.__name__, str(raised.value))
    for method, path in [("POST", "/predict"), ("GET", "/health"), ("GET", "/model")]:
        answer = client.request(method, path, body={"text": "the boat"})
        assert answer.status == 503
        assert answer.json["detail"] == f"The service {error.told}. Its log says more."


def test_only_the_manifest_is_of_other_versions_it_is_known_without_importing_scikit_learn(folder):
    """Or a wrong model would take seconds of each start, to be refused."""
    change_versions(folder, python="3.12")
    program = """if True:
        import sys
        from serving.app import handler
        assert type(handler._service._model).__name__ == "VersionMismatch"
        assert not {"sklearn", "numpy", "joblib"} & set(sys.modules)
    """
    environment = os.environ | {"QUICKTHAW_BUNDLE": str(folder)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


def test_manifest_lies_about_who_pickled_the_model_is_a_version_mismatch(tmp_path, monkeypatch):
    pipeline = fit()
    with monkeypatch.context() as patch:
        patch.setattr("sklearn.base.__version__", "1.0.2")
        write_bundle(tmp_path, pipeline)
    with pytest.raises(VersionMismatch, match=r"pickled by scikit-learn 1\.0\.2 \(installed: "):
        load_predictor(tmp_path)


def test_frozen_model_is_exchanged_with_its_pin_but_not_its_root_is_refused(frozen, tmp_path):
    folder = shutil.copytree(frozen, tmp_path / "bundle")
    manifest = read_manifest(folder)
    shutil.copy(swap(folder) / FROZEN_NAME, folder)
    files = {name: vars(one) for name, one in manifest.files.items()}
    files[FROZEN_NAME] = vars(pin(folder / FROZEN_NAME))
    change_manifest(folder, files=files)
    with pytest.raises(BundleDamaged, match="root"):
        load_predictor(folder)
