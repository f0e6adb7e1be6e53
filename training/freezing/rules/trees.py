"""Trees: decision trees, forests, gradient boosting, histogram-based boosting.

All become questions that are numbered once, however many trees ask them; see the op `trees`.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreeClassifier,
    ExtraTreeRegressor,
)

from serving.app.engines.frozen.ops.trees import LEFT, RIGHT
from serving.app.engines.paths import settle
from training.freezing.file import Op
from training.freezing.registry import Given, Predictor, Step, rule
from training.freezing.rules.linear import decide, predict
from training.freezing.rules.numbers import bound_function, doubles

U16 = 1 << 16
CODES = 256  # a histogram has no more bins


class Tree(NamedTuple):
    """A fitted tree, a node an entry.

    Attributes:
        features, thresholds, lefts, rights: Of each node; children are -1 of a leaf.
        missing: Whether missing values go left.
        codes: Of a node that asks for a category, the set of codes that go left; else None.
        values: What each node says: of the shape (n_nodes, n_values).
        shown: The same as an explanation has it; None where nodes above leaves say nothing.
    """

    features: NDArray[np.intp]
    thresholds: NDArray[np.float64]
    lefts: NDArray[np.intp]
    rights: NDArray[np.intp]
    missing: NDArray[np.bool]
    codes: list[frozenset[int] | None]
    values: NDArray[np.float64]
    shown: NDArray[np.float64] | None


Question = tuple[float, bool] | tuple[frozenset[int], bool]


def widen(thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Thresholds of single precision, for doubles.

    scikit-learn rounds a number x to single precision and asks whether it is at most t. That is
    whether x is at most the largest double that is rounded to a single that is: half way to the
    next single, or just below that where half way is rounded up, away from an odd last bit.

    Args:
        thresholds: scikit-learn's, doubles.
    """
    below = thresholds.astype(np.float32)
    below = np.where(below > thresholds, np.nextafter(below, np.float32(-np.inf)), below)
    above = np.nextafter(below, np.float32(np.inf))
    middle = (below.astype(np.float64) + above.astype(np.float64)) / 2
    is_even = (below.view(np.uint32) & 1) == 0
    return np.where(is_even, middle, np.nextafter(middle, -np.inf))


def read_tree(tree: Any, values: NDArray[np.float64], shown: Any = None) -> Tree:
    """One of scikit-learn's own trees (sklearn.tree._tree.Tree)."""
    return Tree(
        tree.feature,
        widen(tree.threshold),
        tree.children_left,
        tree.children_right,
        tree.missing_go_to_left.astype(bool),
        [None] * tree.node_count,
        values,
        shown,
    )


def read_histogram_tree(predictor: Any) -> Tree:
    """A tree of histogram-based boosting, which asks doubles."""
    nodes = predictor.nodes
    is_leaf = nodes["is_leaf"].astype(bool)
    codes: list[frozenset[int] | None] = [None] * len(nodes)
    for node in np.flatnonzero(nodes["is_categorical"].astype(bool) & ~is_leaf):
        bits = predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]]
        codes[node] = _read_bits(bits)
    return Tree(
        nodes["feature_idx"].astype(np.intp),
        nodes["num_threshold"],
        np.where(is_leaf, -1, nodes["left"].astype(np.intp)),
        np.where(is_leaf, -1, nodes["right"].astype(np.intp)),
        nodes["missing_go_to_left"].astype(bool),
        codes,
        nodes["value"].reshape(-1, 1),
        None,
    )


def _read_bits(bits: Any) -> frozenset[int]:
    return frozenset(code for code in range(CODES) if bits[code // 32] >> (code % 32) & 1)


class Questions:
    """All questions of trees, numbered a feature at a time.

    Args:
        trees: That ask them.
        known: By feature, the codes that were seen, of features of codes.
    """

    def __init__(self, trees: list[Tree], known: dict[int, frozenset[int]]) -> None:
        asked: dict[int, set[Question]] = {}
        for tree in trees:
            for node in np.flatnonzero(tree.lefts >= 0).tolist():
                asked.setdefault(int(tree.features[node]), set()).add(_ask(tree, node))
        self.numbers: dict[tuple[int, Question], int] = {}
        self.features: list[list[int]] = []
        self._missing, self._tables = bytearray(), bytearray()
        self._thresholds: list[float] = []
        for feature in sorted(asked):
            # Codes, too, in an order that is the same each time.
            questions = sorted(asked[feature], key=_order)
            for question in questions:
                self.numbers[feature, question] = len(self.numbers) + 1
                self._missing.append(LEFT if question[1] else RIGHT)
            codes = self._add_codes(questions, known[feature]) if feature in known else 0
            if not codes:
                self._thresholds += [question[0] for question in questions]  # type: ignore[misc]
            self.features.append([feature, len(questions), codes])

    def _add_codes(self, questions: list[Any], known: frozenset[int]) -> int:
        """The answers of each code; of those that were not seen none."""
        count = max(known) + 1
        for code in range(count):
            for lefts, _ in questions:
                answer = LEFT if code in lefts else RIGHT
                self._tables.append(answer if code in known else 0)
        return count

    def write(self) -> dict[str, bytes]:
        """Their sections."""
        return {
            "thresholds": doubles(self._thresholds),
            "missing": bytes(self._missing),
            "tables": bytes(self._tables),
        }


def _ask(tree: Tree, node: int) -> Question:
    """The question of a node."""
    codes = tree.codes[node]
    if codes is not None:
        return codes, bool(tree.missing[node])
    return float(tree.thresholds[node]), bool(tree.missing[node])


def _order(question: Any) -> Any:
    asked, goes_left = question
    return (sorted(asked) if isinstance(asked, frozenset) else asked, goes_left)


def grow(  # noqa: PLR0913 - named where it is called
    trees: list[Tree],
    init: list[float],
    *,
    divisor: float = 1.0,
    single: bool = True,
    turned: bool = False,
    known: dict[int, frozenset[int]] | None = None,
) -> Op:
    """The op of trees.

    Args:
        trees: In the order in which they are added.
        init: What sums begin with, a number an output.
        divisor: Of the sums.
        single: Whether they read numbers in single precision.
        turned: Whether an explanation of the first of two labels is that of the second, turned.
        known: As `Questions` has it.
    """
    questions = Questions(trees, known or {})
    width = trees[0].values.shape[1]
    asked: list[int] = []
    distances: list[int] = []
    leaves: dict[bytes, int] = {}
    roots, shown = [], []
    for tree in trees:
        roots.append(len(asked))
        order = list(_walk(tree))
        places = {node: place for place, node in enumerate(order)}
        for place, node in enumerate(order):
            left = int(tree.lefts[node])
            if left >= 0:
                asked.append(questions.numbers[int(tree.features[node]), _ask(tree, node)])
                distances.append(places[left] - place - LEFT)
            else:
                asked.append(0)
                distances.append(leaves.setdefault(doubles(tree.values[node]), len(leaves)))
        if tree.shown is not None:
            shown.append(tree.shown[order])
    types = {"questions": _choose_type(asked), "distances": _choose_type(distances)}
    sections = {
        **questions.write(),
        "roots": np.array(roots, "<u4").tobytes(),
        "questions": np.array(asked, f"<{_NUMPY[types['questions']]}").tobytes(),
        "distances": np.array(distances, f"<{_NUMPY[types['distances']]}").tobytes(),
        "leaves": b"".join(leaves),
    }
    if shown:
        sections["nodes"] = doubles(np.concatenate(shown))
    settings = {
        "features": questions.features,
        "outputs": len(init),
        "init": init,
        "divisor": divisor,
        "whole": width == len(init) and width > 1,
        "single": single,
        "turned": turned,
        "types": types,
    }
    return Op("trees", settings, sections)


_NUMPY = {"H": "u2", "I": "u4"}


def _choose_type(numbers: list[int]) -> str:
    return "H" if max(numbers, default=0) < U16 else "I"


def _walk(tree: Tree) -> Iterator[int]:
    """The nodes, breadth first, the children of one next to each other."""
    level = [0]
    while level:
        yield from level
        level = [
            child
            for node in level
            if tree.lefts[node] >= 0
            for child in (int(tree.lefts[node]), int(tree.rights[node]))
        ]


def prepare(step: Step) -> list[Op]:
    """What comes before trees: sparse rows are spread, and may have no missing value."""
    if not step.is_sparse:
        return []
    return [*step.densify(), Op("finite", {"nan": False}, {})]


def _probabilities(classifier: Any, rows: Any) -> NDArray[np.float64]:
    return classifier.predict_proba(rows)  # type: ignore[no-any-return]


SHARES = Op("classify", {"link": "as_they_are"}, {})


def _read_forest(step: Step) -> list[Tree]:
    model = step.estimator
    step.refuse(**{"several outputs": model.n_outputs_ != 1})
    trees = [one.tree_ for one in getattr(model, "estimators_", [model])]
    return [read_tree(tree, tree.value[:, 0], tree.value[:, 0]) for tree in trees]


@rule(
    DecisionTreeRegressor,
    ExtraTreeRegressor,
    ExtraTreesRegressor,
    RandomForestRegressor,
    scores=predict,
)
def freeze_regressor(step: Step) -> Predictor:
    trees = _read_forest(step)
    op = grow(trees, [0.0], divisor=float(len(trees)))
    return Predictor([*prepare(step), op], [], weighs=True)


# Classifiers whose scores are probabilities, so that none is rounded further.
SHARING = (
    DecisionTreeClassifier,
    ExtraTreeClassifier,
    ExtraTreesClassifier,
    RandomForestClassifier,
)


@rule(*SHARING, scores=_probabilities)
def freeze_classifier(step: Step) -> Predictor:
    trees = _read_forest(step)
    count = len(step.estimator.classes_)
    step.refuse(classes_=count < 2)  # noqa: PLR2004
    op = grow(trees, [0.0] * count, divisor=float(len(trees)))
    return Predictor([*prepare(step), op], [SHARES], weighs=True)


def _read_boosting(step: Step) -> tuple[list[Tree], list[float]]:
    """The trees in their order, an output after the other, and what sums begin with."""
    model = step.estimator
    is_plain = model.init_ == "zero" or isinstance(model.init_, DummyClassifier | DummyRegressor)
    step.refuse(init=not is_plain)
    trees = [one.tree_ for one in model.estimators_.ravel()]
    start = model._raw_predict_init(np.zeros((1, model.n_features_in_), np.float32))[0]
    rate = model.learning_rate
    read = [read_tree(one, rate * one.value[:, 0], rate * settle(one).values) for one in trees]
    return read, start.tolist()


@rule(GradientBoostingRegressor, scores=predict)
def freeze_boosted_regressor(step: Step) -> Predictor:
    trees, init = _read_boosting(step)
    return Predictor([*prepare(step), grow(trees, init)], [], weighs=True)


@rule(GradientBoostingClassifier, scores=decide)
def freeze_boosted_classifier(step: Step) -> Predictor:
    trees, init = _read_boosting(step)
    step.refuse(classes_=len(step.estimator.classes_) < 2)  # noqa: PLR2004
    single = len(init) == 1
    link = "logistic" if single else "softmax"
    if step.estimator.loss == "exponential":
        link = "half_logistic"
    # Its predict takes a score of zero for the second label.
    answer = Op("classify", {"link": link, "tie": 1}, {})
    op = grow(trees, init, turned=single)
    return Predictor([*prepare(step), op], [answer], decides=True, weighs=True)


def _read_histograms(step: Step) -> tuple[list[Op], Op]:
    """What makes codes of categories, and the trees."""
    model = step.estimator
    trees = [read_histogram_tree(one) for round_ in model._predictors for one in round_]
    before: list[Op] = []
    known: dict[int, frozenset[int]] = {}
    if model.is_categorical_ is not None:
        before = _encode(step)
        thresholds = model._bin_mapper.bin_thresholds_
        for feature in np.flatnonzero(model._is_categorical_remapped).tolist():
            known[feature] = frozenset(map(int, thresholds[feature]))
    init = model._baseline_prediction.ravel().tolist()
    return before, grow(trees, init, single=False, known=known)


def _encode(step: Step) -> list[Op]:
    """Its own ColumnTransformer: codes for categories, and numbers as they are after those."""
    model = step.estimator
    encoder = step.at("its encoder", model._preprocessor.named_transformers_["encoder"])
    columns = np.flatnonzero(model.is_categorical_).tolist()
    others = np.flatnonzero(~model.is_categorical_).tolist()
    settings = {
        "takes": "values",
        "columns": [columns, others],
        "widths": [len(columns), len(others)],
        "factors": [None, None],
        "sparse": False,
    }
    return [Op("join", settings, {}, [encoder.freeze(), []])]


def _name_link(model: Any) -> str:
    return type(model._loss.link).__name__


def _bound_histograms(model: Any, given: Given) -> Any:
    """Nothing; with a logarithmic link 4ε of the value."""
    if _name_link(model) != "LogLink":
        return None
    raw = model._raw_predict(given.rows)
    return bound_function("exp", Given(raw))


@rule(HistGradientBoostingRegressor, bound=_bound_histograms, scores=predict)
def freeze_histogram_regressor(step: Step) -> Predictor:
    step.refuse(**{"inexact numbers": step.given.errors is not None})
    link = _name_link(step.estimator)
    step.refuse(loss=link not in ("IdentityLink", "LogLink"))
    before, trees = _read_histograms(step)
    after = [Op("function", {"name": "exp"}, {})] if link == "LogLink" else []
    return Predictor([*before, trees, *after], [])


@rule(HistGradientBoostingClassifier, scores=decide)
def freeze_histogram_classifier(step: Step) -> Predictor:
    before, trees = _read_histograms(step)
    link = "logistic" if len(trees.settings["init"]) == 1 else "softmax"
    answer = Op("classify", {"link": link}, {})
    return Predictor([*before, trees], [answer], decides=True)
