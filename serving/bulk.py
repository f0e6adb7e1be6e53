"""The names of answers in the cloud's bulk, for those who write them and those who look."""

from __future__ import annotations

from pathlib import PurePosixPath

# Tables, which are answered in their own format; what is none is a picture, answered by a line.
TABLES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".parquet")


def name_answer(model_version: str, key: str, object_version: str) -> str:
    """The key of the answers.

    It follows from what was asked of which model alone: whoever answers again writes to the same
    place, with the same code the same bytes, and the answers of two models never mix.

    Args:
        model_version: Of the model that answers.
        key: Of the object.
        object_version: Of the object, as S3 names versions.
    """
    suffix = PurePosixPath(key).suffix.lower()
    return f"{model_version}/{key}.{object_version}{suffix if suffix in TABLES else '.jsonl'}"
