"""The ops of frozen models: each takes a row as the one before it gives it, and gives another.

A class here says what it `takes` and `gives`, each one of

- "text": a string;
- "record": the fields' values, as inputs/record.py reads them;
- "image": what inputs/image.py reads;
- "values": a list, of numbers, or of texts and None as well where they are categories;
- "features": a sparse row (rows.py);
- "outcome": a label's number and the probabilities of all labels, or None.

It is called with one row.
"""

from __future__ import annotations

from serving.app import native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from serving.app.engines.frozen.file import FrozenFile

# Module and class of each type. A module is imported when a model has an op of it.
OPS = {
    "activate": ("matrix", "Activate"),
    "average": ("combine", "Average"),
    "binarize": ("numbers", "Binarize"),
    "bins": ("numbers", "Bins"),
    "calibrate": ("calibrate", "Calibrate"),
    "calibrate_each": ("combine", "CalibrateEach"),
    "category_logs": ("discriminants", "CategoryLogs"),
    "choose": ("numbers", "Choose"),
    "choose_sparse": ("numbers", "ChooseSparse"),
    "classify": ("classify", "Classify"),
    "codes": ("categories", "Codes"),
    "cosine": ("vectors", "Cosine"),
    "count": ("combine", "Count"),
    "decided": ("ensembles", "Decided"),
    "dense": ("join", "Dense"),
    "duels": ("ensembles", "Duels"),
    "fields": ("inputs", "Fields"),
    "finite": ("fill", "Finite"),
    "function": ("numbers", "Function"),
    "gaussian": ("discriminants", "Gaussian"),
    "hash": ("hash", "Hash"),
    "impute": ("fill", "Impute"),
    "join": ("join", "Join"),
    "kernels": ("vectors", "Kernels"),
    "label": ("combine", "LabelOf"),
    "linear": ("linear", "Linear"),
    "margin": ("ensembles", "Margin"),
    "matrix": ("matrix", "Matrix"),
    "median": ("ensembles", "Median"),
    "normalize": ("norms", "Normalize"),
    "one_hot": ("categories", "OneHot"),
    "pairs": ("vectors", "Pairs"),
    "pixels": ("inputs", "Pixels"),
    "place": ("ensembles", "Place"),
    "power": ("numbers", "Power"),
    "probabilities": ("classify", "Probabilities"),
    "products": ("numbers", "Products"),
    "quadratic": ("discriminants", "Quadratic"),
    "quantiles": ("curves", "Quantiles"),
    "rest": ("ensembles", "Rest"),
    "reweigh": ("hash", "Reweigh"),
    "scale": ("numbers", "Scale"),
    "splines": ("curves", "Splines"),
    "stretch": ("numbers", "Stretch"),
    "trees": ("trees", "Trees"),
    "vectorize": ("vectorize", "Vectorize"),
    "votes": ("vectors", "Votes"),
}


def build(file: FrozenFile, ops: Sequence[dict[str, Any]], takes: str) -> tuple[list[Any], str]:
    """Ops, made of a part of the header, and what the last one gives.

    Args:
        file: Of the model.
        ops: As file.py describes them.
        takes: What the first one is given.

    Raises:
        ValueError: One takes something else than it is given.
        BundleDamaged: One has a section that the file does not have.
        Exception: Any other, by an op whose settings or sections are not its own.
    """
    if sum(map(count_bytes, ops)) > file.size:
        raise ValueError("sections over each other")
    found = []
    for op in ops:
        module, name = OPS[op["type"]]
        for start, stop in op.get("sections", {}).values():
            file.check_bounds(start, stop)
        made = getattr(__import__(f"{__name__}.{module}", fromlist=[name]), name)(file, op)
        if made.takes != takes:
            raise ValueError(f"{op['type']} takes {made.takes}, and is given {takes}")
        found.append(made)
        takes = made.gives
    return found, takes


def count_bytes(op: dict[str, Any]) -> int:
    """How many bytes the sections of an op have, and of those within it: all of them are read."""
    own: int = sum(stop - start for start, stop in op.get("sections", {}).values())
    return own + sum(count_bytes(one) for part in op.get("parts", ()) for one in part)


def join(ops: list[Any], types: Sequence[str]) -> list[Any]:
    """The ops of these types; neighbours are joined where the kernel does them at once.

    What they make of a row is the same to the last bit. Of the ops of a part none are joined.
    """
    if native.kernel and [*types[:2]] == ["vectorize", "linear"]:
        from serving.app.engines.frozen.ops.words import join_words  # noqa: PLC0415 - for some

        return join_words(ops)
    if native.kernel and "matrix" in types:
        from serving.app.engines.frozen.ops.layers import join_layers  # noqa: PLC0415 - for some

        return join_layers(ops)
    return ops


def run(ops: Sequence[Any], row: Any) -> Any:
    """What ops make of a row, one after the other."""
    for op in ops:
        row = op(row)
    return row
