"""Text preprocessing that training and serving share.

A pickled pipeline refers to these functions by module and name, and a frozen one by name: to move
or rename one is to retrain.
"""

import re
from string import ascii_lowercase

# Any byte but a-z to a space; in UTF-8 no other character has one of a-z among its bytes.
_LETTERS = ascii_lowercase.encode().rjust(ord("z") + 1).ljust(256)


def normalize(text: str) -> str:
    """Lower-case `text` and replace each run of anything but a-z by one space.

    The training texts come in this form; requests do not.
    """
    # Compiled when it is first needed: a cold start of the frozen engine does without.
    return re.sub(r"[^a-z]+", " ", text.lower())


def split_words(text: str) -> list[str]:
    """The words of two letters or more in `text`, lower-cased.

    What scikit-learn's default token pattern finds in `normalize(text)`, in a third of the time.
    The kernel does the same (serving/kernel/terms.c).
    """
    letters = text.lower().encode(errors="replace").translate(_LETTERS).decode("ascii")
    return [word for word in letters.split() if len(word) > 1]


# What a vectorizer can have as its preprocessor and still be frozen.
PREPROCESSORS = {"normalize": normalize}
# A quicker way to the words that scikit-learn's default token pattern finds after one of them. None
# needs one; the stage `freeze` holds each against what it stands for.
SPLITTERS = {"normalize": split_words}
