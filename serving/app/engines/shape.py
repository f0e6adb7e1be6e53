"""Inputs as a pipeline of scikit-learn's takes them: training, service and the proof share it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def shape(described: dict[str, Any], values: Sequence[Any]) -> Any:
    """Values in the form that the pipeline was trained on: texts, a table, an array of pixels.

    Args:
        described: The input, as the manifest describes it.
        values: As the input kind reads them.
    """
    if described["kind"] == "text":
        return values
    if described["kind"] == "image":
        from serving.app.engines.pixels import build_pixels  # noqa: PLC0415 - as below

        return build_pixels([one.pixels for one in values])
    from serving.app.engines.frame import build_frame  # noqa: PLC0415 - pandas

    return build_frame(described["fields"], values)
