"""What the predictor asks of an engine, whichever one the manifest names."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    class Engine(Protocol):
        """A loaded model."""

        def score(self, texts: Sequence[str]) -> list[Scores]:
            """Score each text, in order."""
            ...

        def check(self) -> None:
            """Read anew what of the model's files is read while it serves, and check it.

            Raises:
                BundleDamaged: It is no longer what was written.
            """
            ...

        def explain(self, text: str, label: int) -> list[tuple[str, float]] | None:
            """The terms of `text` with their weights for `label`, heaviest first.

            A weight is the classifier's coefficient times the term's tf-idf value. None where
            the classifier is not linear in the terms.
            """
            ...


class Scores:
    """What the model says of one text.

    Attributes:
        label: Index into the manifest's labels of the label that the model predicts.
        probabilities: One probability a label, in the manifest's order; None where the
            classifier offers none.
        terms: How many terms the vectorizer sees in the text, repeats included; None where the
            model has no vocabulary.
        unknown_terms: How many of them are not in its vocabulary; None like `terms`.
    """

    __slots__ = ("label", "probabilities", "terms", "unknown_terms")

    def __init__(
        self,
        label: int,
        probabilities: Sequence[float] | None,
        terms: int | None,
        unknown_terms: int | None,
    ) -> None:
        self.label = label
        self.probabilities = probabilities
        self.terms = terms
        self.unknown_terms = unknown_terms
