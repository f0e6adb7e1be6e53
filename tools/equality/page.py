"""The page of what can be frozen, made of the registry and of results.json."""

import json
from pathlib import Path

from training.freezing import rules
from training.freezing.registry import RULES

assert rules
RESULTS = Path(__file__).parent / "results.json"
PAGE = Path("docs/frozen.md")
EQUALITY = {
    "exact": "to the last bit",
    "parts": "as what it is given",
    "bounded": "within a bound",
}
KERNEL = {
    "native": "The kernel in C gave the same bits as Python.",
    "python": "The kernel in C was not there.",
}
HEAD = (
    "Class",
    "Equality",
    "Bound",
    "Refused",
    "Worst",
    "Loose",
    "Probabilities within",
    "Near ties",
    "scikit-learn's own",
)
TEXT = """\
<!-- Written by `make equality`; training/tests/test_equality.py holds it to the registry. -->
# What can be frozen, and how equal it answers

Each class that has a rule in `training/freezing/rules`, in a pipeline in which it decides \
(`training/tests/zoo.py`): frozen, and asked {inputs:,} generated inputs, as the proof of a model \
asks them (values in and around each threshold, categories that were never seen, missing values in \
all patterns, extremes of double and of single precision, odd texts). `make equality` measured it \
on {date}, with scikit-learn {scikit-learn}, numpy {numpy}, scipy {scipy} and Python {python}, on \
{processor} with {blas}; numpy saw {features}. {kernel}

- *Equality*: scores are scikit-learn's *to the last bit*; or *within a bound* that follows from \
the arithmetic, for each input anew; or *as what it is given*: to the last bit here, and within a \
bound after a step, or of members or dense rows, that have one.
- *Bound*: what the rules compute, in short. n numbers are summed, or m members say something; e \
is how far what a class is given may be off itself; w are weights, b is what is added to a sum; \
ε is 2⁻⁵², the distance from 1 to the next number.
- *Refused*: inputs to which neither has an answer, such as numbers that single precision does not \
hold, or categories that are no category of the training.
- *Worst*: the largest difference of a score from scikit-learn's in a batch, divided \
by the bound of that score. 1 would be as far as it may be. A share, for an absolute number says \
little where inputs go to 1e38.
- *Loose*: inputs of which a bound is more than {loose:g} of 1 and the score: the largest numbers, \
whose sums cancel or overflow. There the bound proves little. On inputs like those of the training \
there is none (`training/tests/test_freeze_any.py`).
- *Probabilities within*: the largest difference of a probability.
- *Near ties*: inputs that got another label, for the two best scores are nearer than the bounds.
- *scikit-learn's own*: its scores of {rows} of the rows, each alone, against those of the same \
rows in a batch of {batch:,}: how many rows differ at all, and the worst by the same measure. \
Where that is not 0, there is no answer that a frozen model could have to the last bit.

"""


def build_summary(results):
    """The sentence of docs/explanation/freezing.md."""
    classes = results["classes"]
    shares = [one["share"] for one in classes if one["share"] is not None]
    ties = sum(one["near_ties"] or 0 for one in classes)
    return (
        f"Each of these {len(classes)} classes was tested with "
        f"{min(one['inputs'] for one in classes):,} generated inputs ({results['date']}): "
        f"{len(classes) - len(shares)} classes answered to the last bit, of the others no score "
        f"differed by more than {max(shares):.2f} of its bound, and {ties} inputs were near ties"
    )


def build_page(results):
    """The page, in Markdown."""
    machine, classes = results["machine"], results["classes"]
    words = {
        **machine,
        "blas": " and ".join(machine["blas"]),
        "features": ", ".join(machine["features"]),
        "kernel": KERNEL[machine["kernel"]],
    }
    text = TEXT.format(
        **words,
        **{name: results[name] for name in ("date", "batch", "loose")},
        inputs=min(one["inputs"] for one in classes),
        rows=min(one["own"]["rows"] for one in classes),
    )
    lines = [f"| {' | '.join(HEAD)} |", "|" + "---|" * len(HEAD)]
    ordered = sorted(classes, key=lambda one: (one["module"], one["class"]))
    lines += [f"| {' | '.join(list_cells(one))} |" for one in ordered]
    return text + "\n".join(lines) + "\n"


def list_cells(found):
    """The row of a class."""
    own = found["own"]
    share = "" if own["share"] is None else f", {format_share(own['share'])}"
    return [
        f"`{found['module']}.{found['class']}`",
        EQUALITY[found["equality"]],
        describe_bound(found["class"]),
        format_count(found["refused"]),
        format_share(found["share"]),
        format_count(found["loose"]),
        format_share(found["probability"]),
        format_count(found["near_ties"]),
        f"{own['differ']:,} of {own['rows']:,} rows{share}" if own["differ"] else "the same",
    ]


def describe_bound(name):
    """A class's bound: the first line that its rule says of it."""
    (bound,) = (rule.bound for kind, rule in RULES.items() if kind.__name__ == name)
    return bound.__doc__.partition("\n")[0].rstrip(".").replace("|", "\\|") if bound else ""


def format_count(count):
    return "" if count is None else f"{count:,}"


def format_share(share):
    """Nothing where there is none."""
    if share is None:
        return ""
    return f"{share:.2g}" if share >= 0.001 or not share else f"{share:.1e}"


def read_results(path=RESULTS):
    return json.loads(path.read_text(encoding="utf-8"))
