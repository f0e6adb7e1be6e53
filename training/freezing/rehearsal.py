"""Each candidate tried on a few examples, so that a wrong value is found before the training."""

import re
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from training.console import StepError, say
from training.fitting.candidates import Candidate
from training.freezing.compiler import PROBED, CannotFreeze, compile_pipeline
from training.inputs import Input


def rehearse(
    candidates: Iterable[Candidate], kind: Input, inputs: Sequence[Any], targets: Any
) -> None:
    """Fit each candidate on a few examples; say which could not be frozen.

    Args:
        candidates: To be fitted.
        kind: Of the inputs.
        inputs: Of a few examples.
        targets: Of each.

    Raises:
        StepError: A candidate has a value that scikit-learn does not take.
    """
    values = kind.shape(inputs)
    probed = [kind.read(one) for one in inputs[:PROBED]]
    for candidate in candidates:
        if not fits(candidate, values, targets):
            continue
        try:
            compile_pipeline(candidate.pipeline, kind.described, probed)
        except CannotFreeze as error:
            say(f"candidate {candidate} could not be frozen, scikit-learn would serve it: {error}")


def fits(candidate: Candidate, values: Any, targets: Any) -> bool:
    """Whether a candidate can be fitted on so few examples.

    Raises:
        StepError: It can never be, for one of its values.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of so few documents they say nothing
        try:
            candidate.pipeline.fit(values, targets)
        except (TypeError, re.PatternError) as error:  # InvalidParameterError is a TypeError
            raise StepError(f"params.yaml: candidate {candidate}: {error}") from None
        except ValueError:  # perhaps of so few documents only: the comparison will tell
            return False
    return True
