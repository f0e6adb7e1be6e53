"""Each candidate tried on a few documents, so that a wrong value is found before the training."""

import re
import warnings
from collections import defaultdict
from collections.abc import Iterable

from training.console import StepError, say
from training.data.dataset import Document
from training.fitting.candidates import Candidate
from training.freezing.compiler import CannotFreeze, compile_pipeline

PER_CLASS = 20


def rehearse(candidates: Iterable[Candidate], documents: list[Document]) -> None:
    """Fit each candidate on a few documents of each class; say which could not be frozen.

    Raises:
        StepError: A candidate has a value that scikit-learn does not take.
    """
    few = take_few(documents)
    for candidate in candidates:
        if not fits(candidate, few):
            continue
        try:
            compile_pipeline(candidate.pipeline)
        except CannotFreeze as error:
            say(f"candidate {candidate} could not be frozen, scikit-learn would serve it: {error}")


def fits(candidate: Candidate, documents: list[Document]) -> bool:
    """Whether a candidate can be fitted on so few documents.

    Raises:
        StepError: It can never be, for one of its values.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of so few documents they say nothing
        try:
            texts = [one.text for one in documents]
            candidate.pipeline.fit(texts, [one.label for one in documents])
        except (TypeError, re.PatternError) as error:  # InvalidParameterError is a TypeError
            raise StepError(f"params.yaml: candidate {candidate}: {error}") from None
        except ValueError:  # perhaps of so few documents only: the comparison will tell
            return False
    return True


def take_few(documents: list[Document]) -> list[Document]:
    """The first documents of each class."""
    by_label: defaultdict[str, list[Document]] = defaultdict(list)
    for one in documents:
        by_label[one.label].append(one)
    return [one for same in by_label.values() for one in same[:PER_CLASS]]
