"""Pipelines of kinds that the framework is to train, report and serve as it does any other."""

from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler
from sklearn.svm import LinearSVC


class Shouting(TfidfVectorizer):
    """A subclass with an analyzer of its own, which changes terms each time that it runs."""

    def build_analyzer(self):
        analyze = super().build_analyzer()
        return lambda text: [f"{term}!" for term in analyze(text)]


def shorten(texts):
    return [text[:40] for text in texts]


def _unite():
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4))
    return FeatureUnion([("words", TfidfVectorizer(stop_words=["the"])), ("letters", letters)])


def _vote():
    members = (LogisticRegression(), MultinomialNB())
    return VotingClassifier(
        [(f"{n}", make_pipeline(TfidfVectorizer(), one)) for n, one in enumerate(members)],
        voting="soft",
    )


PIPELINES = {
    "hashing": lambda: make_pipeline(
        HashingVectorizer(n_features=256, stop_words=["the"]), LogisticRegression()
    ),
    "union of features": lambda: make_pipeline(_unite(), LogisticRegression()),
    "letters": lambda: make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)), LogisticRegression()
    ),
    "function first": lambda: make_pipeline(
        FunctionTransformer(shorten), TfidfVectorizer(), LogisticRegression()
    ),
    "pipeline first": lambda: make_pipeline(
        make_pipeline(CountVectorizer(), MaxAbsScaler()), LogisticRegression()
    ),
    "nothing first": lambda: Pipeline(
        [
            ("none", "passthrough"),
            ("terms", TfidfVectorizer()),
            ("no", None),
            ("svm", LinearSVC(random_state=1)),
        ]
    ),
    "scaler after": lambda: make_pipeline(CountVectorizer(), MaxAbsScaler(), LogisticRegression()),
    "selection": lambda: make_pipeline(TfidfVectorizer(), SelectKBest(k=5), LogisticRegression()),
    "dense and linear": lambda: make_pipeline(
        TfidfVectorizer(), TruncatedSVD(3, random_state=1), LogisticRegression()
    ),
    "dense and a forest": lambda: make_pipeline(
        TfidfVectorizer(),
        TruncatedSVD(3, random_state=1),
        RandomForestClassifier(5, random_state=1),
    ),
    "no probabilities": lambda: make_pipeline(TfidfVectorizer(), LinearSVC(random_state=1)),
    "neither": lambda: make_pipeline(HashingVectorizer(n_features=256), LinearSVC(random_state=1)),
    "subclass": lambda: make_pipeline(Shouting(), LogisticRegression()),
    "calibrated pipeline": lambda: CalibratedClassifierCV(
        make_pipeline(TfidfVectorizer(), LinearSVC(random_state=1)), cv=2
    ),
    "vote of pipelines": _vote,
}
