"""Text preprocessing that training and serving share.

A pickled pipeline refers to these functions by module and name, and a frozen one by name: to move
or rename one is to retrain.
"""

import re

_NOT_LETTERS = re.compile(r"[^a-z]+")


def normalize(text: str) -> str:
    """Lower-case `text` and replace each run of anything but a-z by one space.

    The training texts come in this form; requests do not.
    """
    return _NOT_LETTERS.sub(" ", text.lower())


# What a vectorizer can have as its preprocessor and still be frozen.
PREPROCESSORS = {"normalize": normalize}
