"""What is read of the archive of 20 Newsgroups, and what is refused."""

import json
import zipfile

import pytest

from training.console import StepError
from training.data.dataset import Example
from training.models.topics.source import (
    ARCHIVE,
    FIRST_ROW,
    MEMBER,
    NEUTRAL,
    Settings,
    read_part,
    split,
)
from training.paths import Paths
from training.settings.schema import read_schema

TOPICS = Paths("topics")


def write_archive(path, train):
    """Write both parts as the real archive has them, the test part without a document."""
    with zipfile.ZipFile(path, "w") as archive:
        for part, rows in (("train", train), ("test", [])):
            lines = ["Category\tText", "d\tstring", "class\t", ""]
            lines += [f"{topic}\t{text}" for topic, text in rows]
            archive.writestr(MEMBER.format(part=part), "\n".join(lines) + "\n")


def test_archive_is_read_gives_rows_of_the_source(tmp_path):
    path = tmp_path / "a.whl"
    write_archive(path, [("sci.med", 'he said "no'), ("sci.space", "orbit")])
    assert read_part("train", path) == [
        Example(FIRST_ROW, "sci.med", 'he said "no'),
        Example(FIRST_ROW + 1, "sci.space", "orbit"),
    ]
    assert read_part("test", path) == []


def archive_of(path, text):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MEMBER.format(part="train"), text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "columns"),
        ("Topic\tText\n", "columns"),
        ("Category\tText\nd\tstring\nclass\t\n\nsci.med\n", "line 5 has 1 columns"),
    ],
)
def test_table_has_another_form_says_where(tmp_path, text, says):
    archive_of(tmp_path / "a.whl", text)
    with pytest.raises(StepError, match=says):
        read_part("train", tmp_path / "a.whl")


def test_archive_is_missing_or_damaged_says_so(tmp_path):
    with pytest.raises(StepError, match="cannot be read"):
        read_part("train", tmp_path / "a.whl")
    (tmp_path / "a.whl").write_bytes(b"PK")
    with pytest.raises(StepError, match="cannot be read"):
        read_part("train", tmp_path / "a.whl")


def test_topics_that_are_not_asked_for_are_left_out(tmp_path):
    write_archive(tmp_path / ARCHIVE, [("alt.atheism", "a"), ("sci.space", "orbit")])
    for topics, labels in (("ten", ["sci.space"]), ("all", ["alt.atheism", "sci.space"])):
        train, _ = split(tmp_path, Settings(topics=topics), None)
        assert [one.target for one in train] == labels


def test_ten_topics_are_labels_and_have_golden_examples():
    labels = {one.id for one in read_schema(TOPICS).labels}
    assert len(labels) == 20
    assert len(NEUTRAL) == 10
    assert labels > NEUTRAL
    assert {one["label"] for one in json.loads(TOPICS.golden.read_text())} == NEUTRAL
