"""Run on the other processor: loads a bundle as the service does, and scores values.

Standard input has the values, as the input kind reads them, standard output the answers, both
pickled. The standard library and the service alone are imported.
"""

import os
import pickle
import sys

from serving.app.engines.predictor import load_predictor
from serving.bundle.errors import ModelError


def main() -> None:
    """Answer, or end with 1 where the service would have no model."""
    values = pickle.load(sys.stdin.buffer)  # noqa: S301 - of the test that starts this
    try:
        model = load_predictor(sys.argv[1])
    except ModelError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    scores = model._engine.score(values)
    answers = [(one.label, one.probabilities, one.value, one.terms) for one in scores]
    pickle.dump((os.uname().machine, answers), sys.stdout.buffer)


if __name__ == "__main__":
    main()
