"""From values to predictions, by the input kind, the engine and the task of the manifest."""

from __future__ import annotations

import time

from serving.app.inputs import find_input
from serving.bundle import errors
from serving.bundle.files import name_command, read_pinned
from serving.bundle.manifest import MODEL_NAME, processor, read_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from serving.app.engines.base import Engine
    from serving.bundle.files import Folder
    from serving.bundle.manifest import Label, Manifest


class Predictor:
    """A model, ready to predict.

    Attributes:
        manifest: The model's.
        input: Reads the values to predict from.
        task: Turns the engine's scores into answers.
        load_milliseconds: How long loading took.
        properties: Properties of the model in each document of metrics.
    """

    def __init__(self, manifest: Manifest, engine: Engine, load_milliseconds: float) -> None:
        self.manifest = manifest
        self.input = find_input(manifest.input)
        self.task = _find_task(manifest)
        self.load_milliseconds = load_milliseconds
        self.properties = {"engine": manifest.engine, "modelVersion": manifest.version}
        if engine.kernel:
            self.properties["kernel"] = engine.kernel
        self._engine = engine

    def predict(self, values: Sequence[Any]) -> list[Any]:
        """Predict from each value, in order: a Prediction or an Estimate each.

        Raises:
            Invalid: There is no finite answer to one of them.
        """
        return [self.task.decide(scores) for scores in self._engine.score(values)]

    def check(self) -> None:
        """Check that the model can still predict.

        Raises:
            BundleDamaged: A part of its file is no longer what was written.
        """
        self._engine.check()

    def top(self, prediction: Any, count: int) -> list[tuple[Label, float | None]] | None:
        """The `count` most probable labels, the predicted one first; None of a regression."""
        found: list[tuple[Label, float | None]] | None = self.task.rank(prediction, count)
        return found

    def explain(self, value: Any, prediction: Any) -> list[dict[str, Any]] | None:
        """How much each part of a value contributes to the prediction, as the input kind shows it.

        None where the model has no exact weights.
        """
        weighed = self._engine.explain(value, prediction.scores.label)
        return None if weighed is None else self.input.show_weights(weighed)


def load_predictor(bundle: Folder) -> Predictor:
    """Check the bundle in a folder and load its model.

    Raises:
        ModelError: There is no model, or it is not what the manifest says, or on this processor it
            is not; see errors.py.
    """
    start = time.perf_counter()
    manifest = read_manifest(bundle)
    model = Predictor(manifest, _load_engine(bundle, manifest), 0)
    if processor() != manifest.processor:
        from serving.app.engines.elsewhere import check_golden  # noqa: PLC0415

        check_golden(model)
    model.load_milliseconds = (time.perf_counter() - start) * 1000
    return model


# The functions below import a module only where it is used: an image does not need the other
# engine's packages, and a cold start does not pay for imports that it does not need.


def _find_task(manifest: Manifest) -> Any:
    if manifest.task == "classification":
        from serving.app.engines.classification import Classification  # noqa: PLC0415

        return Classification(manifest)
    from serving.app.engines.regression import Regression  # noqa: PLC0415

    return Regression(manifest)


def _load_engine(bundle: Folder, manifest: Manifest) -> Engine:
    if manifest.engine == "frozen":
        from serving.app.engines.frozen import engine as frozen  # noqa: PLC0415

        return frozen.load(bundle, manifest)
    if manifest.engine == "sklearn":
        from serving.bundle import versions  # noqa: PLC0415

        # First, for the import takes seconds, and a wrong model should be known of at once.
        versions.check_versions(manifest)
        data = read_pinned(bundle, MODEL_NAME, manifest.files[MODEL_NAME])
        try:
            from serving.app.engines import sklearn  # noqa: PLC0415
        except Exception as error:
            raise errors.VersionMismatch(
                f"scikit-learn cannot be imported ({type(error).__name__}): install the versions "
                "of the locks with 'scripts/install.sh serve train'"
            ) from error
        return sklearn.load(data, manifest)
    raise errors.BundleDamaged(
        f"the manifest names the engine {manifest.engine!r}, which this code does not have: "
        f"{name_command('train', bundle)} writes the bundle again"
    )
