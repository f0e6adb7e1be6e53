"""How far a frozen pipeline's scores are from scikit-learn's, and how far that is from itself."""

import random
import tempfile
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from serving.app.engines.shape import shape
from training.freezing.inputs import generate
from training.freezing.proof import CHUNK, Held
from training.freezing.registry import RULES, Given, find_errors, find_rule
from training.tests.frozen import freeze
from training.tests.zoo import list_classes, make_case

SEED = 1
BATCH = 1_000  # rows that scikit-learn is given at once
# A bound that is more of a score than that says little: an overflow is near.
LOOSE = 1e-8


class Asked(NamedTuple):
    """How much is asked: how many generated `inputs`, and `rows` of scikit-learn alone."""

    inputs: int
    rows: int


class Case:
    """A fitted pipeline in which a class decides, frozen."""

    def __init__(self, name, path):
        (self.kind,) = (one for one in list_classes() if one.__name__ == name)
        self.pipeline, self.described, self.values = make_case(self.kind)
        self.engines = freeze(path, self.pipeline, self.described, self.values[:20])
        self.engine = self.engines[0]
        self.stop = -1 if self.engine.classes else None

    def generate(self, count):
        return list(generate(self.described, self.pipeline, self.values, count, SEED))

    def answers(self, value):
        """Whether the engine does; a proof tells whether scikit-learn does."""
        try:
            self.engine.score([value])
        except ValueError:
            return False
        return True

    def score(self, values):
        """What scikit-learn gives of them together."""
        return find_rule(self.pipeline).scores(self.pipeline, shape(self.described, values))

    def find_errors(self, values):
        """How far each of the scores may be from these; None if not at all."""
        return find_errors(self.pipeline, Given(shape(self.described, values)))


def measure(name, asked):
    """What the table says of a class.

    Raises:
        ProofFailed: The frozen pipeline answers otherwise than its class of equality allows.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"), tempfile.TemporaryDirectory() as at:
        warnings.simplefilter("ignore")  # what scikit-learn says of odd inputs is no news here
        case = Case(name, Path(at, "model.frozen"))
        values = case.generate(asked.inputs)
        taken, refused = [], []
        for value in values:
            (taken if case.answers(value) else refused).append(value)
        proof = prove(case, taken, refused)
        return {
            "class": name,
            "module": case.kind.__module__.split(".")[1],
            "equality": tell_equality(case.kind, exact=proof["exact"]),
            "inputs": len(values),
            "refused": proof["refused"],
            **hold(case, taken),
            "near_ties": proof.get("near_ties", 0) if case.engine.classes else None,
            "probability": proof.get("worst_probability_difference"),
            "own": compare_rows(case, taken[:BATCH], asked.rows),
        }


def tell_equality(kind, *, exact):
    """The class of equality: "exact", "bounded", or "parts", exact if what it is given is.

    Args:
        kind: Of scikit-learn's.
        exact: Whether a pipeline was in which what the class is given, and made of, is exact.
    """
    if RULES[kind].bound is None:
        return "exact"
    return "parts" if exact else "bounded"


def prove(case, taken, refused):
    """Hold all against scikit-learn; those that are refused apart, for it is to refuse each."""
    held = Held(case.pipeline, case.engines, case.described)
    for start in range(0, len(taken), CHUNK):
        held.compare(taken[start : start + CHUNK])
    for value in refused:
        held.compare([value])
    return held.tell(len(taken) + len(refused))


def hold(case, values):
    """The worst difference as a share of its bound, and of how many inputs the bound is loose."""
    worst, loose = 0.0, 0
    for start in range(0, len(values), BATCH):
        chunk = values[start : start + BATCH]
        expected, errors = case.score(chunk), case.find_errors(chunk)
        if errors is None:
            return {"share": None, "loose": None}
        found = np.array([case.engine.run(value, case.stop) for value in chunk])
        worst = max(worst, find_share(found, expected, errors))
        loose += int((errors > LOOSE * (1 + np.abs(expected))).any(axis=1).sum())
    return {"share": worst, "loose": loose}


def find_share(found, expected, errors):
    """The worst difference as a share of its bound: of equal numbers 0, infinite over no bound."""
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    shares = np.where(same, 0.0, np.abs(found - expected) / errors)
    return float(shares.max(initial=0.0))


def compare_rows(case, batch, count):
    """scikit-learn's scores of rows alone against those of the same rows in a batch.

    Returns:
        How many `rows` were held against the batch, how many of them `differ`, and by what `share`
        of the bound; None where there is none.
    """
    chosen = sorted(random.Random(SEED).sample(range(len(batch)), min(count, len(batch))))
    together = case.score(batch)[chosen]
    alone = np.concatenate([case.score([batch[number]]) for number in chosen])
    errors = case.find_errors(batch)
    same = (alone == together) | (np.isnan(alone) & np.isnan(together))
    return {
        "rows": len(chosen),
        "differ": int((~same).any(axis=1).sum()),
        "share": None if errors is None else find_share(alone, together, errors[chosen]),
    }
