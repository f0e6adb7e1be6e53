"""Step bundle: the manifest, the passport with which the model goes into service.

It comes after evaluate, so a model below the gate has none, and the service refuses it.
"""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from serving.app.engines.terms import Terms
from serving.bundle.errors import ModelError
from serving.bundle.manifest import (
    FORMAT,
    MANIFEST_NAME,
    VERSION_DIGITS,
    FilePin,
    Label,
    Manifest,
    installed_versions,
    read_manifest,
)
from training.console import StepError, say
from training.contract import read_model
from training.data.dataset import Document, hash_files, read_documents
from training.evaluation.fitted import describe_steps
from training.model_file import load_model
from training.paths import Paths, run_for_model
from training.settings.params import read_params
from training.settings.words import read_golden, read_labels
from training.steps.evaluate import Scored, score

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
CONFIDENCE_BINS = 10


def main(paths: Paths) -> None:
    """Write the manifest beside the model."""
    pipeline = load_model(paths)
    frozen = json.loads(paths.freeze.read_text())
    engine = frozen.pop("engine")
    served = [paths.model, paths.frozen] if engine == "frozen" else [paths.model]
    pins = {
        path.name: FilePin(sha256=hash_files(path), size=path.stat().st_size) for path in served
    }
    known = read_labels(paths)
    params = read_params(paths.params)
    golden = tuple(golden_examples(pipeline, paths))
    manifest = Manifest(
        format=FORMAT,
        name=paths.name,
        title=read_model(paths.name).title,
        version=pins[paths.model.name].sha256[:VERSION_DIGITS],
        task="classification",
        input={"kind": "text", "example": golden[0]["input"]["text"]},
        target=None,
        interval=None,
        engine=engine,
        files=pins,
        frozen=frozen,
        versions=installed_versions(),
        dataset_sha256=hash_files(paths.train, paths.test),
        parameters={
            **params.prepare,
            "scoring": params.train.scoring,
            "candidate": json.loads(paths.comparison.read_text())["best"],
            "pipeline": describe_steps(pipeline),
        },
        metrics=json.loads(paths.metrics.read_text()),
        labels=tuple(Label(**known[str(label)]) for label in pipeline.classes_),
        golden=golden,
        profile=profile(pipeline, read_documents(paths.test)),
    )
    write(manifest, paths.bundle)
    say(f"wrote {paths.bundle / MANIFEST_NAME}: model {manifest.name}, version {manifest.version}")


def write(manifest: Manifest, bundle: Path) -> None:
    """Put a manifest beside its model, once the service's own reader has read it.

    Raises:
        StepError: It cannot be written, or not be read.
    """
    with TemporaryDirectory(dir=bundle) as folder:
        path = Path(folder, MANIFEST_NAME)
        try:
            path.write_text(manifest.to_json(), encoding="utf-8")
            same = read_manifest(folder).to_json() == path.read_text(encoding="utf-8")
        except ValueError as error:
            raise StepError(f"there can be no such manifest: {error}") from None
        except ModelError:
            same = False
        if not same:
            raise StepError(
                "the service could not read the manifest of this model, so it is not written: "
                "training/steps/bundle.py writes what serving/bundle/manifest.py does not take"
            )
        path.replace(bundle / MANIFEST_NAME)


def golden_examples(pipeline: Any, paths: Paths) -> list[dict[str, Any]]:
    """Sentences of our own with the answer that this model gives.

    Raises:
        StepError: The model gives one of them another label than the one it was written for.
    """
    classes = pipeline.classes_.tolist()
    examples = read_golden(paths, classes)
    texts = [one["text"] for one in examples]
    wrong = [
        f"{label} instead of {one['label']}: {one['text']}"
        for one, label in zip(examples, pipeline.predict(texts), strict=True)
        if label != one["label"]
    ]
    if wrong:
        raise StepError(
            f"golden examples are mislabelled ({paths.golden}):\n  " + "\n  ".join(wrong)
        )
    rows = pipeline.predict_proba(texts) if hasattr(pipeline, "predict_proba") else None
    return [
        {
            "input": {"text": one["text"]},
            "label": one["label"],
            "probability": None if rows is None else float(rows[i, classes.index(one["label"])]),
        }
        for i, one in enumerate(examples)
    ]


def profile(pipeline: Any, documents: list[Document]) -> dict[str, Any]:
    """What texts look like to the model when nothing has drifted.

    Of the test part: on the texts it was fitted to, a model is surer than it will be in service.
    What a model has not (a vocabulary, probabilities) is not in it.
    """
    scored = score(pipeline, documents)
    texts = [one.text for one in documents]
    return {
        "documents": len(documents),
        "num_chars": _quantiles([len(text) for text in texts]),
        **_profile_terms(pipeline, texts),
        "labels": {
            str(label): float((scored.predicted == label).mean()) for label in scored.classes
        },
        **_profile_confidence(scored),
    }


def _profile_terms(pipeline: Any, texts: list[str]) -> dict[str, Any]:
    terms = Terms.find(pipeline)
    if terms is None:
        return {}
    counts = [terms.count(found) for found in terms.analyze(texts)]
    shares = [unknown / total for total, unknown in counts if total]
    return {"unknown_terms": _quantiles(shares)} if shares else {}


def _profile_confidence(scored: Scored) -> dict[str, Any]:
    if scored.confidence is None:
        return {}
    counts, _ = np.histogram(scored.confidence, bins=CONFIDENCE_BINS, range=(0, 1))
    return {"confidence_histogram": (counts / counts.sum()).tolist()}


def _quantiles(values: list[float] | list[int]) -> dict[str, float]:
    found = np.quantile(values, QUANTILES)
    return {f"p{100 * q:g}": float(value) for q, value in zip(QUANTILES, found, strict=True)}


if __name__ == "__main__":
    run_for_model(main)
