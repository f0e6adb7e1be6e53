"""What the predictor asks of an engine, whichever one the manifest names."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Protocol

    class Engine(Protocol):
        """A loaded model. What it is given are values as the input kind reads them.

        Attributes:
            kernel: Which does the frozen engine's arithmetic; None of another engine.
        """

        @property
        def kernel(self) -> str | None: ...

        def score(self, values: Sequence[Any]) -> list[Scores]:
            """Score each value, in order."""
            ...

        def check(self) -> None:
            """Read anew what of the model's files is read while it serves, and check it.

            Raises:
                BundleDamaged: It is no longer what was written.
            """
            ...

        def explain(self, value: Any, label: int) -> list[tuple[str, float]] | None:
            """The terms of a text, or the fields of a record, with their weights for `label`.

            The heaviest first. A term's weight is the model's coefficient times the term's tf-idf
            value; what a field's is, explain.py says. None where the model has no such weights.
            """
            ...


class Scores:
    """What the model says of one input.

    Attributes:
        label: Index into the manifest's labels of the label that the model predicts.
        probabilities: One probability a label, in the manifest's order; None where the
            classifier offers none.
        terms: How many terms the vectorizer sees in a text, repeats included; None where the
            model has no vocabulary.
        unknown_terms: How many of them are not in its vocabulary; None like `terms`.
        value: What a regression predicts, which has neither label nor probabilities.
    """

    __slots__ = ("label", "probabilities", "terms", "unknown_terms", "value")

    def __init__(
        self,
        label: int = 0,
        probabilities: Sequence[float] | None = None,
        terms: int | None = None,
        unknown_terms: int | None = None,
        value: float = 0.0,
    ) -> None:
        self.label = label
        self.probabilities = probabilities
        self.terms = terms
        self.unknown_terms = unknown_terms
        self.value = value
