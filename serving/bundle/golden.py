"""Whether an answer to a golden example is the one that the manifest has."""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# How far a number in an answer may be from the manifest's, of 1 and relatively. Not exact: another
# processor sums in another order, and a frozen model rounds within the first of these. A value of
# another model is further off.
TOLERANCES = {"label": 0.0, "probability": 1e-12, "value": 1e-9}


def compare(example: Mapping[str, Any], answer: Mapping[str, Any]) -> str | None:
    """What is wrong with an answer; None where nothing is."""
    for member, tolerance in TOLERANCES.items():
        got, wanted = answer.get(member), example.get(member)
        if got != wanted and not _is_near(got, wanted, tolerance):
            return f"{member} {got}, not {wanted}"
    return None


def _is_near(got: Any, wanted: Any, tolerance: float) -> bool:
    """Whether these are two numbers, and as near as that."""
    numbers = all(type(one) in (int, float) for one in (got, wanted))
    return numbers and math.isclose(got, wanted, rel_tol=tolerance, abs_tol=tolerance)
