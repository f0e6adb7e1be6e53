"""What any model of these topics must do (Ribeiro et al., 2020, "Beyond Accuracy: CheckList").

Minimum functionality: easy texts get their label. Invariance: what has no meaning changes
nothing. Direction: words of a topic make it more probable.
"""

import random

import pytest

from serving.bundle.inputs import MAX_TEXT_CHARS
from training.data.dataset import read_examples
from training.paths import Paths

TEST = Paths("topics").test
pytestmark = pytest.mark.trained

EASY = {
    "comp.graphics": "How do I render a 3D image with shading and save it as a JPEG file?",
    "misc.forsale": "For sale: used printer, works fine, 50 dollars or best offer plus shipping",
    "rec.autos": "The dealer changed the oil and the brakes of my car",
    "rec.motorcycles": "I wear a helmet whenever I ride my motorcycle",
    "rec.sport.baseball": "He hit a home run off the pitcher in the ninth inning",
    "rec.sport.hockey": "The goalie made 35 saves and the Bruins won in overtime",
    "sci.crypt": "The encryption key of this cipher is too short to keep the message secret",
    "sci.electronics": "Put a resistor and a capacitor into the circuit to lower the voltage",
    "sci.med": "The doctor says that this disease needs another treatment",
    "sci.space": "NASA put a satellite into orbit around the moon",
}
TELLING = {
    "rec.sport.hockey": "hockey nhl goalie",
    "sci.space": "nasa orbit shuttle",
    "sci.crypt": "encryption clipper cipher",
    "sci.med": "patients disease doctor",
    "rec.motorcycles": "motorcycle bike riding",
}


@pytest.mark.parametrize(("expected", "text"), EASY.items(), ids=EASY.keys())
def test_easy_text_gets_its_label(label, expected, text):
    assert label(text) == expected


def test_each_topic_has_golden_examples(predictor):
    labels = {one.id for one in predictor.manifest.labels}
    assert {one["label"] for one in predictor.manifest.golden} == labels


@pytest.mark.parametrize("text", EASY.values(), ids=EASY.keys())
@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        lambda text: f"  {text}\n\n",
        lambda text: text.replace(" ", "  "),
        lambda text: text.replace(" ", " 1999 "),
        lambda text: f"¡¡¡{text}!!! 🙂",
        lambda text: " ".join(random.Random(1).sample(text.split(), len(text.split()))),
    ],
    ids=["case", "margins", "spaces", "numbers", "signs", "order"],
)
def test_change_without_meaning_changes_no_score(predictor, text, change):
    (one,), (other,) = predictor.predict([text]), predictor.predict([change(text)])
    assert other.label == one.label
    assert other.scores.probabilities == pytest.approx(one.scores.probabilities, abs=1e-12)


@pytest.mark.parametrize(("topic", "words"), TELLING.items(), ids=TELLING.keys())
@pytest.mark.parametrize("start", ["I read about it today", *EASY.values()])
def test_words_of_a_topic_make_it_more_probable(probability, topic, words, start):
    assert probability(f"{start} {words}", topic) >= probability(start, topic)


def test_text_without_a_known_word_is_no_topic_for_sure(predictor):
    (prediction,) = predictor.predict(["xyzzy plugh"])
    assert prediction.scores.unknown_terms == prediction.scores.terms
    assert prediction.probability < 0.5


def test_documents_too_long_for_a_request_keep_their_label_when_cut(predictor):
    if not TEST.exists():
        pytest.skip(f"long documents are NOT tested: {TEST} is missing: run 'make train'")
    documents = read_examples(TEST)
    long = [one.input for one in documents if len(one.input) > MAX_TEXT_CHARS]
    assert len(long) / len(documents) < 0.002
    cut = [text[:MAX_TEXT_CHARS] for text in long]
    found = zip(predictor.predict(long), predictor.predict(cut), strict=True)
    assert all(one.label == other.label for one, other in found)
