"""The comparison with other ways to serve a model: what is said of them, not their times."""

import random
import subprocess
import sys
from importlib.metadata import distribution

import pytest

from bench import environment, peer, peers, readme, report
from bench.results import Results

TOOK = {
    "preprocessing": "in the model",
    **dict.fromkeys(("cold", "warm", "batch"), 12.5),
    **dict.fromkeys(("peak_one", "peak_batches", "model_bytes", "package_bytes"), 1_000_000),
}


def test_answers_are_the_same_bits_all_are_equal():
    answers = [[0.1, 0.9], [1e300, -1.0]]
    assert peers.agree(answers, answers) == {"equal": 1.0, "worst": 0.0}


def test_answers_differ_in_the_last_bit_they_are_not_equal():
    found = peers.agree([[0.5], [3.0000000000000004]], [[0.5], [3.0]])
    assert found["equal"] == 0.5
    assert found["worst"] == pytest.approx(1.5e-16, rel=0.1)


def test_answers_are_features_nothing_is_said_of_them():
    assert peers.agree([[1.0, 2.0]], [[3.0]]) == {"equal": None, "worst": None}


def test_records_are_mixed_values_stay_in_their_fields():
    records = [{"rooms": number, "street": f"street {number}"} for number in range(20)]
    found = peers.mix(random.Random(1), records, 50)
    assert len(found) == 50
    assert {type(one["rooms"]) for one in found} == {int}
    assert any(one not in records for one in found)


def test_ratios_are_those_of_the_rounds():
    ours, theirs = peers.Times([1, 2, 4], [1], [1]), peers.Times([2, 6, 4], [3], [5])
    assert peers.sum_up(ours, theirs)["ratios"] == {"cold": 2, "warm": 3, "batch": 5}


def test_peer_refuses_the_model_what_it_says_is_told():
    class Refusing(peer.Sklearn):
        def convert(self, *_):
            raise ValueError("no such\n  model")

    found = peer.convert(Refusing(), None, None)
    assert found == {"cannot": "ValueError: no such model"}


def test_peers_process_ends_that_is_told(tmp_path):
    command = [sys.executable, "-c", "raise SystemExit(7)"]
    found = peers.convert(command, tmp_path, tmp_path)
    assert found == {"cannot": "its process ended with status 7"}


def test_peer_cannot_the_tables_have_the_others_and_its_reason():
    results = Results(
        {},
        peers={
            "quickthaw": {**TOOK, "equal": 1.0, "worst": 0.0},
            "first": {**TOOK, "equal": None, "worst": None},
            "timber": {"cannot": "it took more than 9 s"},
        },
    )
    _, ours, first = report.build_peers_table(results)
    assert ours == [
        *("Quickthaw, frozen", "in the model", "12.5", "12.5", "12.5", "1.0", "2.0", "100.0%", "0")
    ]
    assert first[-2:] == ["-", "-"]
    assert [*report.describe_failures(results)] == ["timber cannot take it: it took more than 9 s"]
    assert "- timber cannot take it" in "\n".join(readme._peers(vars(results)))


def test_peers_are_the_ones_that_are_named():
    assert set(peer.PEERS) == {"quickthaw", "quickthaw, python", *peers.OTHERS} == set(report.PEERS)


def test_environment_of_some_packages_has_them_and_no_pth_files(tmp_path):
    python = environment.make_environment(tmp_path / "some", ["packaging"])
    said = "import sys, packaging; print(*sys.path, sep='\\n')"
    found = subprocess.run([python, "-c", said], capture_output=True, text=True, check=True)
    assert str(tmp_path) in found.stdout
    assert not [*tmp_path.rglob("*.pth")]
    assert distribution("pytest")
    missing = subprocess.run([python, "-c", "import pytest"], capture_output=True, check=False)
    assert missing.returncode


def test_copy_of_the_app_answers_to_its_kernel(tmp_path):
    root = environment.copy_app(tmp_path, kernel=False)
    assert (root / "serving/app/handler.py").exists()
    assert not [*root.rglob("*.so")]
    assert not (root / "serving/app/data").exists()


def test_what_scikit_learn_serves_in_the_bench_has_no_kernel_as_its_image_has_none(tmp_path):
    root = environment.copy_plain(tmp_path)
    for path in ("bench/naive.py", "serving/app/engines/sklearn.py", "training/models"):
        assert (root / path).exists()
    assert not [*root.rglob("*.so")]
    assert not (root / "bench/results").exists()
