"""The frozen engine: serves a frozen model with the standard library alone.

A frozen model is a list of typed ops; see file.py for its file. Today's are three: a text
is vectorized, scored by a linear model, and the scores make a label.
"""

from __future__ import annotations

import json
import os
import sys

from serving.app.engines.base import Scores
from serving.app.engines.frozen.file import BLOCK, FORMAT, KEPT_BLOCKS, MAGIC, PREFIX, FrozenFile
from serving.app.engines.frozen.ops.classify import Calibrate, Classify, Linear
from serving.app.engines.frozen.ops.vectorize import Vectorize
from serving.bundle.errors import BundleDamaged, VersionMismatch
from serving.bundle.files import name_command
from serving.bundle.manifest import FROZEN_NAME, python_version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from serving.bundle.files import Folder
    from serving.bundle.manifest import Manifest

# What can stand in each place of the list.
OPS: tuple[dict[str, Any], ...] = (
    {"vectorize": Vectorize},
    {"linear": Linear},
    {"classify": Classify, "calibrate": Calibrate},
)
# From so many texts or characters on it pays to read the model whole, and to ask numpy, where it is
# there. Of characters as many hold more terms than are kept: looked up one by one, they are looked
# up again and again.
LARGE_BATCH = 200
LARGE_CHARS = 200_000
TOGETHER = 500  # texts at a time, for the memory's sake
# Up to so many bytes of a file, for many texts (some 170,000 terms of twenty labels) and for many
# characters: a full body costs one by one, of 200,000 terms, five seconds, and whole one.
MAX_READ_WHOLE = 32 * 1024 * 1024
MAX_READ_FOR_CHARS = 128 * 1024 * 1024


class FrozenEngine:
    """Scores texts with a frozen model.

    Attributes:
        classes: The labels, in the classifier's order.

    Raises:
        BundleDamaged: The file's header is not one that this code can serve.
    """

    def __init__(self, file: FrozenFile) -> None:
        self._file = file
        try:
            header = _read_header(file)
            self.classes: list[str] = header["classes"]
            self._vectorize: Vectorize
            self._linear: Linear
            self._classify: Classify | Calibrate
            self._vectorize, self._linear, self._classify = (
                kinds[op["type"]](file, op) for kinds, op in zip(OPS, header["ops"], strict=True)
            )
            self._linear.check(len(self.classes))
        except BundleDamaged:
            raise
        except Exception as error:
            raise BundleDamaged(
                f"{FROZEN_NAME} is not one that this code can serve "
                f"({type(error).__name__}): {file.mend}"
            ) from error

    def score(self, texts: Sequence[str]) -> list[Scores]:
        if self._are_many(texts):
            self._vectorize.read_all()
            if self._file.size > KEPT_BLOCKS * BLOCK:  # else all that is read of it is kept
                self._linear.read_all()
            if found := self._score_together(texts):
                return found
        return [self._score(text) for text in texts]

    def check(self) -> None:
        self._file.check()

    def _score(self, text: str) -> Scores:
        features = self._vectorize(text)
        outcome = self._classify(self._linear(features))
        return Scores(*outcome, features.terms, features.unknown_terms)

    def _are_many(self, texts: Sequence[str]) -> bool:
        if len(texts) >= LARGE_BATCH and self._file.size <= MAX_READ_WHOLE:
            return True
        return sum(map(len, texts)) >= LARGE_CHARS and self._file.size <= MAX_READ_FOR_CHARS

    def _score_together(self, texts: Sequence[str]) -> list[Scores] | None:
        """The same with numpy; None where there is none."""
        try:
            from serving.app.engines.frozen.together import score_together  # noqa: PLC0415 - numpy
        except Exception:  # noqa: BLE001 - there is no numpy, or one that does not work
            return None
        ops = (self._vectorize, self._linear, self._classify)
        answers = []
        for start in range(0, len(texts), TOGETHER):
            answers += score_together(*ops, texts[start : start + TOGETHER])
        return answers

    @property
    def split(self) -> Callable[[str], list[str]]:
        """What makes tokens of a text."""
        return self._vectorize.split

    def analyze(self, text: str) -> list[str]:
        """The terms of a text, as scikit-learn's analyzer gives them."""
        return self._vectorize.analyze(text)

    def decision_function(self, text: str) -> list[float]:
        """The linear op's scores of a text: scikit-learn's decision function."""
        found: list[float] = self._linear(self._vectorize(text))
        return found

    def explain(self, text: str, label: int) -> list[tuple[str, float]] | None:
        return self._linear.explain(self._vectorize(text), self._vectorize.names(text), label)


def _read_header(file: FrozenFile) -> Any:
    """The header, parsed.

    Raises:
        ValueError: This is no frozen file, or one of another format.
    """
    prefix = file.read(0, PREFIX)
    if prefix[:-4] != MAGIC + FORMAT.to_bytes(4, "little"):
        raise ValueError("not of this format")
    return json.loads(file.read(PREFIX, PREFIX + int.from_bytes(prefix[-4:], "little")))


def load(bundle: Folder, manifest: Manifest) -> FrozenEngine:
    """Open the frozen model that the manifest pins.

    Raises:
        BundleMissing, BundleDamaged: model.frozen is not there, not the manifest's, or nothing
            that this code can serve.
        VersionMismatch: It was frozen with another Python, whose Unicode tables may differ.
    """
    if manifest.versions.get("python") != python_version():
        raise VersionMismatch(
            f"the model was frozen with Python {manifest.versions.get('python', 'unknown')} "
            f"(here: {python_version()}): use that one, or train it again with "
            f"{name_command('train', bundle)}"
        )
    if sys.byteorder != "little":
        raise VersionMismatch("a frozen model needs a little-endian processor")
    pin = manifest.files[FROZEN_NAME]
    path = os.path.join(bundle, FROZEN_NAME)
    engine = FrozenEngine(FrozenFile(path, pin.size, manifest.frozen["root"]))
    if engine.classes != [label.id for label in manifest.labels]:
        raise BundleDamaged(
            f"the labels of {FROZEN_NAME} are not the manifest's: "
            f"{name_command('train', bundle)} writes both again"
        )
    return engine
