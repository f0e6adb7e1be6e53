"""The vectorizer that params.yaml describes."""

from collections.abc import Callable
from typing import Any

from sklearn.feature_extraction.text import TfidfVectorizer

from serving.app.features import normalize
from training.console import StepError
from training.settings.params import Settings, freeze_lists

# What train.vectorizer.preprocessing can be; without one, text is read as scikit-learn reads it.
PREPROCESSING: dict[Any, Callable[[str], str] | None] = {None: None, "letters": normalize}


def build_vectorizer(options: Settings) -> TfidfVectorizer:
    """The vectorizer of params.yaml, with the preprocessing that it names.

    Raises:
        StepError: A setting is unknown.
    """
    # Of all its settings scikit-learn wants stop words alone as a list.
    settings = {
        name: value if name == "stop_words" else freeze_lists(value)
        for name, value in options.items()
    }
    preprocessing = settings.pop("preprocessing", None)
    try:
        return TfidfVectorizer(preprocessor=PREPROCESSING[preprocessing], **settings)
    except KeyError:
        raise StepError(
            f"params.yaml: train.vectorizer.preprocessing: {preprocessing!r} is none of "
            f"{', '.join(filter(None, PREPROCESSING))} (training/text/vectorizer.py)"
        ) from None
    except TypeError as error:
        raise StepError(f"params.yaml: train.vectorizer: {error}") from None
