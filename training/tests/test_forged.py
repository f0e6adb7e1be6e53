"""Frozen files that somebody forged are refused, or do no harm; and harm is noticed."""

import os
import time

import pytest

from serving.app.engines.frozen.analysis import make_analyzer
from serving.app.engines.frozen.engine import FrozenEngine
from serving.app.engines.frozen.ops import OPS
from serving.app.engines.frozen.vocabulary import MAX_BUCKET
from tools.fuzz import forged
from tools.fuzz.forge import Forgery, forge

FEW, MANY = 6, 100  # files of each type of op
ENGINES = list(forged.list_engines())


def attack_op(kind, seeds):
    for engine in ENGINES:
        counts, found = forged.attack_many(kind, engine, seeds)
        assert not found
        assert counts["refused"] + counts["asked"] == len(seeds)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", OPS)
def test_a_few_forged_files_do_no_harm(kind):
    attack_op(kind, range(FEW))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", OPS)
def test_forged_files_do_no_harm(kind):
    attack_op(kind, range(FEW, MANY))


@pytest.fixture(scope="module")
def target():
    return forged.find_target("vectorize")


def write_forgery(tmp_path, target, change=lambda _: None):
    forgery = Forgery(target.model)
    change(forgery)
    data, root = forgery.seal()
    path = tmp_path / "model.frozen"
    path.write_bytes(data)
    return path, root


@pytest.mark.parametrize("engine", ENGINES)
def test_file_is_whole_it_is_asked(tmp_path, target, engine):
    kernel = forged.list_engines()[engine]
    assert forged.attack(target, *write_forgery(tmp_path, target), kernel) == "asked"


def test_files_of_one_seed_are_the_same(target):
    assert forge(target.model, "vectorize", 1) == forge(target.model, "vectorize", 1)
    assert forge(target.model, "vectorize", 1) != forge(target.model, "vectorize", 2)


def end(*_):
    os._exit(7)


def take_long(*_):
    while True:
        pass


def take_memory(*_):
    return [0] * 10**9


def raise_other(*_):
    raise OSError("another error")


@pytest.mark.parametrize(
    ("weakness", "says"),
    [
        (end, "the process ended (7)"),
        (take_long, "no answer within"),
        (take_memory, "MemoryError"),
        (raise_other, "OSError: another error"),
    ],
)
def test_engine_is_weak_each_file_comes_through(monkeypatch, weakness, says):
    monkeypatch.setattr(FrozenEngine, "score", weakness)
    monkeypatch.setattr(forged, "MAX_SECONDS", 1)
    monkeypatch.setattr(forged, "forge", lambda model, *_: Forgery(model).seal())
    counts, found = forged.attack_many("margin", "python", range(2))
    assert counts == {"refused": 0, "asked": 0, "through": 2}
    assert [seed for seed, _ in found] == [0, 1]
    assert all(says in words for _, words in found)


@pytest.mark.parametrize("engine", ENGINES)
def test_all_terms_are_in_one_bucket_the_look_is_refused(tmp_path, target, engine):
    def put_together(forgery):
        op = forgery.header["ops"][0]
        start, stop = (place - forgery.start for place in op["sections"]["terms"])
        terms = bytes(forgery.data[start:stop]) * (MAX_BUCKET // (stop - start) + 1)
        begin = forgery.start + len(forgery.data)
        op["sections"]["terms"] = [begin, begin + len(terms)]
        op["sections"]["buckets"] = [begin + len(terms), begin + len(terms) + 8]
        forgery.data += terms + bytes(4) + len(terms).to_bytes(4, "little")

    path, root = write_forgery(tmp_path, target, put_together)
    opened = forged.open_file(path, root, target.described, forged.list_engines()[engine])
    with pytest.raises(ValueError, match="a bucket out of its section"):
        opened.score(["boat"])


SETTINGS = {
    "analyzer": "word",
    "preprocessor": None,
    "lowercase": True,
    "strip_accents": None,
    "stop_words": None,
    "ngram_range": [1, 1],
}
QUICK = {
    r"(?i)[a-z]+|\d+": ["it", "s", "a", "semi", "detached", "house", "at", "b", "c", "5", "1"],
    r"[A-Za-z]+(?=\s+)": ["s", "a", "detached", "house", "at", "c"],
    r"#?\w+": ["it", "s", "a", "semi", "detached", "house", "at", "#b", "c", "5", "1"],
    r"\b[^\d\W]{2,}\b": ["it", "semi", "detached", "house", "at"],
    r"\w+(?:[-']\w+)*": ["it's", "a", "semi-detached", "house", "at", "b", "c", "5", "1"],
    r"(?:\w+-)*\w+": ["it", "s", "a", "semi-detached", "house", "at", "b", "c", "5", "1"],
    r"[a-z]+(?:-[a-z]+)?(?!')|\d+(?:\.\d+)?%?": [
        *("i", "s", "a", "semi-detached", "house", "at", "b", "c", "5.1%"),
    ],
}
SLOW = [
    *(r"(a+)+$", r"(\w+\s?)*$", r"\w*\w*x", r"(?:a|aa)+$", r"(?:a?)*b", r"(?:.*,)*x", r"(?:\w+)+"),
    *(r"(?:\b){1000000000}", r"(\w)\1+", r"(?i:a+)A+", r"a{0,20}a{0,20}a{0,20}b", "a|" * 2000),
    *(r"(a)+(a)+x", r"\w+(?:-\w+)*(?:-\w+)*x", r"(?:ab)*[ab]*x", r"(?:(?:-a)*b)*c"),
    *("a?" * 30 + "a" * 30, "(a|b?)" * 20 + "c", r"(?=a*)a*x", "[\U00030000-\U00030005]+" * 2),
]
TEXT = "It's a semi-detached house at #b, c 5.1%"


@pytest.mark.parametrize("pattern", QUICK)
def test_token_pattern_that_no_text_makes_slow_is_taken(pattern):
    _, analyze = make_analyzer(SETTINGS | {"token_pattern": pattern})
    assert analyze(TEXT) == QUICK[pattern]


@pytest.mark.parametrize("pattern", SLOW)
def test_token_pattern_that_a_text_can_make_slow_is_refused(pattern):
    start = time.process_time()
    with pytest.raises(ValueError, match=r"."):
        make_analyzer(SETTINGS | {"token_pattern": pattern})
    assert time.process_time() - start < 5
