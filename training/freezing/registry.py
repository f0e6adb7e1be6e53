"""What can be frozen: a rule for each class of scikit-learn's, by exact type.

A subclass may compute anything; one that only learns in another way (it defines `fit` and no other
method of its class's) is taken for its class. Everything else is refused by name: the sklearn
engine serves it just as well, only later after a cold start.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    BaggingClassifier,
    BaggingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    TargetEncoder,
)

from serving.app.engines.frozen.rows import MAX_WIDTH
from training.freezing.file import Op

LEARNING = {"__init__", "fit", "fit_transform", "partial_fit"}
# What Python and the abstract base classes write into each class.
OF_EVERY_CLASS = {
    "__abstractmethods__",
    "__annotations__",
    "__doc__",
    "__firstlineno__",
    "__module__",
    "__static_attributes__",
    "_abc_impl",
}
# What scikit-learn writes into each class, for its metadata routing.
REQUEST = re.compile(r"set_\w+_request")


class CannotFreeze(Exception):
    """The pipeline has a step or a setting that has no frozen form; the message names it."""


class Given(NamedTuple):
    """What a step is given.

    Attributes:
        rows: In scikit-learn's form: texts, a table, an array or a sparse matrix.
        errors: Of each number of the rows, how far the frozen model's may be from it: an array of
            their shape. None where they are the same to the last bit.
    """

    rows: Any
    errors: NDArray[np.float64] | None = None


class Predictor(NamedTuple):
    """A model as ops.

    Attributes:
        ops: From what it is given to scores: a classifier's decision function, its probabilities,
            or whatever it decides by; of a regression the value alone.
        answer: From scores to an outcome; of a regression nothing.
        decides: Whether the scores are what its `decision_function` gives.
        weighs: Whether the last of `ops` explains an answer, as engines/explain.py does.
    """

    ops: list[Op]
    answer: list[Op]
    decides: bool = False
    weighs: bool = False


class Rule(NamedTuple):
    """How a class is frozen.

    Attributes:
        freeze: Makes ops of a step, or of a model a `Predictor`.
        bound: Of a fitted estimator and what it is given: the errors of what it gives (of a model
            those of its scores), or None if the frozen one gives the same to the last bit. Without
            one that is so whenever what it is given has no errors, and else the step is refused.
        scores: Of a fitted model and rows: what the ops' scores are held against, an array of the
            shape (n_rows, n_scores). None of a transformer.
    """

    freeze: Callable[["Step"], Any]
    bound: Callable[[Any, Given], NDArray[np.float64] | None] | None
    scores: Callable[[Any, Any], NDArray[np.float64]] | None


RULES: dict[type, Rule] = {}
# What takes numbers of any kind, or leaves it to what is within it to refuse some.
UNCHECKED = (
    BaggingClassifier,
    BaggingRegressor,
    CalibratedClassifierCV,
    ColumnTransformer,
    FeatureUnion,
    FunctionTransformer,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    OneHotEncoder,
    OneVsOneClassifier,
    OneVsRestClassifier,
    OrdinalEncoder,
    Pipeline,
    StackingClassifier,
    StackingRegressor,
    TargetEncoder,
    TransformedTargetRegressor,
    VotingClassifier,
    VotingRegressor,
)


def rule(
    *kinds: type,
    bound: Callable[[Any, Given], NDArray[np.float64] | None] | None = None,
    scores: Callable[[Any, Any], NDArray[np.float64]] | None = None,
) -> Callable[[Callable[["Step"], Any]], Callable[["Step"], Any]]:
    """Make a function the rule of classes; see `Rule`."""

    def register(freeze: Callable[["Step"], Any]) -> Callable[["Step"], Any]:
        RULES.update(dict.fromkeys(kinds, Rule(freeze, bound, scores)))
        return freeze

    return register


def find_rule(estimator: Any) -> Rule | None:
    """The rule of an estimator; None where it has no frozen form."""
    kind = type(estimator)
    while kind not in RULES:
        if not _only_learns_otherwise(kind):
            return None
        (kind,) = kind.__bases__
    return RULES[kind]


def _only_learns_otherwise(kind: type) -> bool:
    """Whether a class is another one that is fitted in another way."""
    if len(kind.__bases__) != 1 or kind.__bases__ == (object,):
        return False
    changed = {name for name in vars(kind) if hasattr(kind.__base__, name)}
    changed -= LEARNING | OF_EVERY_CLASS
    return all(map(REQUEST.fullmatch, changed))


class Step:
    """A fitted estimator and where it stands.

    Attributes:
        name: Where it stands, for messages.
        estimator: Fitted.
        given: What it is given, of a few examples.
    """

    def __init__(self, name: str, estimator: Any, given: Given) -> None:
        self.name = name
        self.estimator = estimator
        self.given = given

    @property
    def is_sparse(self) -> bool:
        """Whether it is given sparse rows."""
        return bool(issparse(self.given.rows))

    @property
    def width(self) -> int:
        """How many columns it is given."""
        return int(self.given.rows.shape[1])

    def at(self, name: str, estimator: Any, given: Given | None = None) -> "Step":
        """A step within this one: of the same examples, unless others are given."""
        return Step(f"{self.name}, {name}", estimator, self.given if given is None else given)

    def refuse(self, **refused: bool) -> None:
        """Refuse the step for the first of its settings that is marked so.

        Raises:
            CannotFreeze: There is one.
        """
        for setting, wrong in refused.items():
            if wrong:
                raise CannotFreeze(f"{self.name}: there is no frozen form for its {setting}")

    def check_part(self, part: Any, *kinds: type) -> None:
        """Refuse a part of the estimator that is not exactly of one of these classes."""
        if type(part) not in kinds:
            raise CannotFreeze(f"{self.name}: {type(part).__name__} has no frozen form")
        check_methods(self.name, part)

    def freeze(self) -> list[Op]:
        """The ops of a transformer, or of a pipeline of them.

        Raises:
            CannotFreeze: It has no frozen form.
        """
        found = self._freeze()
        if isinstance(found, Predictor):
            raise self._unknown()
        return found  # type: ignore[no-any-return]

    def freeze_model(self) -> Predictor:
        """The ops of a model, or of a pipeline that ends with one.

        Raises:
            CannotFreeze: It has no frozen form.
        """
        found = self._freeze()
        if not isinstance(found, Predictor):
            raise self._unknown()
        return found

    def _freeze(self) -> Any:
        with reading(self.name):
            found = find_rule(self.estimator)
            if found is None:
                raise self._unknown()
            check_methods(self.name, self.estimator)
            if self.given.errors is not None and found.bound is None:
                raise CannotFreeze(
                    f"{self.name}: {type(self.estimator).__name__} has no frozen form after a step "
                    "whose numbers are scikit-learn's but for rounding: a rounding could make "
                    "another answer"
                )
            return self.check_finite(found.freeze(self))

    def check_finite(self, found: Any) -> Any:
        """What was frozen, after an op that refuses the numbers that scikit-learn refuses."""
        rows = self.given.rows
        if not has_numbers(rows) or isinstance(self.estimator, UNCHECKED):
            return found
        takes_nan = bool(self.estimator.__sklearn_tags__().input_tags.allow_nan)
        if takes_nan and hasattr(rows, "columns"):  # a record has no infinity
            return found
        check = Op("finite", {"nan": takes_nan}, {})
        if isinstance(found, Predictor):
            return found._replace(ops=[check, *found.ops])
        return [check, *found] if found else found

    def _unknown(self) -> CannotFreeze:
        kind = type(self.estimator).__name__
        return CannotFreeze(f"{self.name or 'the pipeline'}: {kind} has no frozen form")

    def densify(self) -> list[Op]:
        """What makes a list of a sparse row; nothing where rows are dense."""
        if not self.is_sparse:
            return []
        self.refuse(**{"number of columns": self.width > MAX_WIDTH})
        return [Op("dense", {"width": self.width}, {})]

    def follow(self) -> Given:
        """What the step makes of what it is given."""
        return follow(self.estimator, self.given)


def follow(transformer: Any, given: Given) -> Given:
    """What a fitted transformer makes of rows, and the errors of that."""
    if transformer in (None, "passthrough"):
        return given
    return Given(transformer.transform(given.rows), find_errors(transformer, given))


def find_errors(estimator: Any, given: Given) -> NDArray[np.float64] | None:
    """The errors of what an estimator gives; see `Rule.bound`."""
    found = find_rule(estimator)
    return None if found is None or found.bound is None else found.bound(estimator, given)


def has_numbers(rows: Any) -> bool:
    """Whether rows are dense, and of numbers alone."""
    kinds = getattr(rows, "dtypes", None)
    if kinds is not None:
        return all(kind.kind in "fiub" for kind in kinds)
    return isinstance(rows, np.ndarray) and rows.ndim > 1 and rows.dtype.kind in "fiub"


def check_methods(name: str, part: Any) -> None:
    """Refuse an object of which an attribute stands for a method.

    Raises:
        CannotFreeze: It has one.
    """
    for attribute in vars(part):
        if callable(getattr(type(part), attribute, None)):
            raise CannotFreeze(f"{name}: there is no frozen form for its {attribute}")


@contextmanager
def reading(step: str) -> Iterator[None]:
    """Refuse what is not fitted, or was changed to what scikit-learn itself may not take."""
    try:
        yield
    except (CannotFreeze, MemoryError):
        raise
    except Exception as error:
        raise CannotFreeze(
            f"{step}: the freezer cannot read it ({type(error).__name__}: {error})"
        ) from error
