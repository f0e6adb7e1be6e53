"""Models to measure with: the repository's for the other engine, and synthetic ones of any size."""

import random
import shutil
import string
from copy import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from serving.bundle.errors import ModelError
from serving.bundle.manifest import (
    FROZEN_NAME,
    MANIFEST_NAME,
    MODEL_NAME,
    VERSION_DIGITS,
    FilePin,
    Label,
    Manifest,
    read_manifest,
)
from serving.bundle.versions import installed_versions
from training.console import StepError
from training.data.dataset import hash_files
from training.freezing.compiler import compile_pipeline
from training.freezing.file import write

CLASSES = 20
SEED = 13


class NotMeasured(StepError):
    """The model is one that scikit-learn serves."""


def check_ready(bundle: Path) -> None:
    """Refuse to measure without the runtime, or a model that is not there, or not frozen.

    Raises:
        StepError: What is missing, and what mends it.
    """
    if not find_spec("awslambdaric"):
        raise StepError("awslambdaric is not installed: 'make bench' does that, on Linux")
    try:
        manifest = read_manifest(bundle)
    except ModelError as error:
        raise StepError(str(error)) from None
    if manifest.engine != "frozen":
        raise NotMeasured(f"the model in {bundle} is not frozen: nothing to measure")
    if not all((bundle / one).exists() for one in (FROZEN_NAME, MODEL_NAME)):
        raise StepError(
            f"{bundle} lacks the frozen model: make it with 'make train MODEL={bundle.name}'"
        )


def copy_bundle(folder: Path, bundle: Path) -> Path:
    """A bundle that stays the same, whatever is trained while it is measured."""
    folder.mkdir()
    for name in (MANIFEST_NAME, MODEL_NAME, FROZEN_NAME):
        shutil.copy(bundle / name, folder)
    return folder


def write_sklearn_bundle(folder: Path, bundle: Path) -> Path:
    """The same model for the sklearn engine."""
    folder.mkdir()
    shutil.copy(bundle / MODEL_NAME, folder)
    _write_manifest(folder, replace(read_manifest(bundle), engine="sklearn"))
    return folder


def write_synthetic_bundle(folder: Path, bundle: Path, terms: list[str]) -> Path:
    """A frozen model of these terms, and the pipeline that it is frozen from."""
    folder.mkdir()
    pipeline = build_pipeline(terms)
    joblib.dump(pipeline, folder / MODEL_NAME)
    root = write(folder / FROZEN_NAME, compile_pipeline(pipeline))
    files = {
        name: FilePin(sha256=hash_files(folder / name), size=(folder / name).stat().st_size)
        for name in (MODEL_NAME, FROZEN_NAME)
    }
    manifest = replace(
        read_manifest(bundle),
        engine="frozen",
        files=files,
        frozen={"root": root},
        version=files[MODEL_NAME].sha256[:VERSION_DIGITS],
        versions=installed_versions(),
        labels=tuple(
            Label(id=str(one), title=str(one), description=str(one), url="https://example.org/")
            for one in pipeline.classes_
        ),
    )
    _write_manifest(folder, manifest)
    return folder


def _write_manifest(folder: Path, manifest: Manifest) -> None:
    (folder / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")


def make_terms(count: int) -> list[str]:
    """Words and pairs of words: the first of many are the few."""
    rng = random.Random(SEED)
    letters = string.ascii_lowercase
    terms: dict[str, None] = {}
    words: list[str] = []
    while len(terms) < count:
        word = "".join(rng.choices(letters, k=rng.randint(3, 10)))
        words.append(word)
        terms[word] = None
        for other in rng.sample(words, min(2, len(words))):
            terms[f"{other} {word}"] = None
    return list(terms)[:count]


def build_pipeline(terms: list[str]) -> Any:
    """A pipeline as if fitted: TF-IDF of words and pairs with a logistic regression."""
    rng = np.random.default_rng(SEED)
    names = [f"class {index:02}" for index in range(CLASSES)]
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    classifier = LogisticRegression(max_iter=10)
    pipeline = Pipeline([("vectorizer", vectorizer), ("classifier", classifier)])
    pipeline.fit([f"{name} word{name}" for name in names], names)
    # numpy's integers, as fit leaves them wherever min_df or max_features prunes.
    columns = np.arange(len(terms))
    vectorizer.vocabulary_ = dict(zip(sorted(terms), columns, strict=True))
    vectorizer._tfidf.n_features_in_ = len(terms)  # noqa: SLF001
    vectorizer.idf_ = 1 + rng.exponential(3, len(terms))
    classifier.n_features_in_ = len(terms)
    # Column by column, as fit leaves them.
    classifier.coef_ = np.asfortranarray(rng.normal(0, 0.5, (CLASSES, len(terms))))
    classifier.intercept_ = rng.normal(0, 0.1, CLASSES)
    return pipeline
