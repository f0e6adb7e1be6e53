"""From texts to predictions, with the engine that the manifest names."""

from __future__ import annotations

import time

from serving.bundle.errors import BundleDamaged, VersionMismatch
from serving.bundle.files import read_pinned
from serving.bundle.manifest import MODEL_NAME, check_versions, read_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from serving.app.engines.base import Engine, Scores
    from serving.bundle.files import Folder
    from serving.bundle.manifest import Label, Manifest


class Prediction:
    """The answer for one text.

    Attributes:
        label: The predicted label.
        probability: Of that label; None where the classifier offers none.
        scores: What the engine said, of all labels.
    """

    __slots__ = ("label", "probability", "scores")

    def __init__(self, label: Label, probability: float | None, scores: Scores) -> None:
        self.label = label
        self.probability = probability
        self.scores = scores


class Predictor:
    """A model, ready to predict.

    Attributes:
        manifest: The model's passport.
        load_milliseconds: How long loading took.
    """

    def __init__(self, manifest: Manifest, engine: Engine, load_milliseconds: float) -> None:
        self.manifest = manifest
        self.load_milliseconds = load_milliseconds
        self._engine = engine

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """Predict each text, in order."""
        labels = self.manifest.labels
        return [
            Prediction(
                labels[scores.label],
                None if scores.probabilities is None else scores.probabilities[scores.label],
                scores,
            )
            for scores in self._engine.score(texts)
        ]

    def check(self) -> None:
        """Look whether it can still predict.

        Raises:
            BundleDamaged: A part of its file is no longer what was written.
        """
        self._engine.check()

    def top(self, prediction: Prediction, count: int) -> list[tuple[Label, float | None]]:
        """The `count` most probable labels, the predicted one first.

        Fewer where the model has fewer; the predicted one alone where the classifier offers no
        probabilities.
        """
        predicted = prediction.scores.label
        probabilities = prediction.scores.probabilities
        if probabilities is None:
            return [(prediction.label, None)]
        order = sorted(
            range(len(probabilities)), key=lambda i: (i != predicted, -probabilities[i], i)
        )
        return [(self.manifest.labels[i], probabilities[i]) for i in order[:count]]

    def explain(
        self, text: str, prediction: Prediction, count: int
    ) -> list[tuple[str, float]] | None:
        """The `count` terms of `text` that count most for its label, with weights.

        Terms that count against it are left out. Empty where no term counts for it; None where
        the classifier is not linear in the terms.
        """
        weighed = self._engine.explain(text, prediction.scores.label)
        if weighed is None:
            return None
        return [(term, weight) for term, weight in weighed[:count] if weight > 0]


def load_predictor(bundle: Folder) -> Predictor:
    """Check the bundle in a folder and load its model.

    Raises:
        ModelError: There is no model, or it is not what the manifest says; see errors.py.
    """
    start = time.perf_counter()
    manifest = read_manifest(bundle)
    engine = _load_engine(bundle, manifest)
    return Predictor(manifest, engine, (time.perf_counter() - start) * 1000)


def _load_engine(bundle: Folder, manifest: Manifest) -> Engine:
    # Each imported only where it serves: an image of the one need not hold what the other needs.
    if manifest.engine == "frozen":
        from serving.app.engines.frozen import engine as frozen  # noqa: PLC0415

        return frozen.load(bundle, manifest)
    if manifest.engine == "sklearn":
        # First, for the import takes seconds, and a wrong model should be known of at once.
        check_versions(manifest)
        data = read_pinned(bundle, MODEL_NAME, manifest.files[MODEL_NAME])
        try:
            from serving.app.engines import sklearn  # noqa: PLC0415
        except Exception as error:
            raise VersionMismatch(
                f"scikit-learn cannot be imported ({type(error).__name__}): install the versions "
                "of the locks with 'scripts/install.sh serve train'"
            ) from error
        return sklearn.load(data, manifest)
    raise BundleDamaged(
        f"the manifest names the engine {manifest.engine!r}, which this code does not have: "
        "write the bundle again with 'make train'"
    )
