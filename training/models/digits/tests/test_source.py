"""What is read of MNIST's files, and what is refused; photographs are learnt from besides."""

import io
import tarfile
from base64 import b64decode
from types import SimpleNamespace

import pytest

from serving.app.pictures import Picture
from serving.app.pictures.prepare import prepare
from training.console import StepError
from training.models.digits.source import (
    ARCHIVE,
    MEMBER,
    PARTS,
    SIDE,
    Settings,
    read_part,
    split,
)

SIZE = SIDE * SIDE
FORM = SimpleNamespace(width=SIDE, height=SIDE, preparation="ink")
SCHEMA = SimpleNamespace(image=FORM)


def make_files(number, labels=None):
    """The two files of a part: bars of growing length, as pictures of the digits from 0 on."""
    pictures = [
        bytes(SIZE // 2) + b"\xff" * (2 * k + 3) + bytes(SIZE // 2 - 2 * k - 3)
        for k in range(number)
    ]
    count = number.to_bytes(4, "big")
    return (
        bytes([0, 0, 8, 3]) + count + 2 * SIDE.to_bytes(4, "big") + b"".join(pictures),
        bytes([0, 0, 8, 1]) + count + bytes(labels or [k % 10 for k in range(number)]),
    )


def write_archive(path, **parts):
    with tarfile.open(path, "w:gz") as archive:
        for part, files in parts.items():
            for what, data in zip(("images-idx3", "labels-idx1"), files, strict=True):
                info = tarfile.TarInfo(MEMBER.format(part=PARTS[part], what=what))
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))


def test_pictures_are_read_with_their_labels_in_the_sources_order(tmp_path):
    write_archive(tmp_path / "a.tgz", test=make_files(3))
    found = read_part("test", tmp_path / "a.tgz")
    assert [label for label, _ in found] == ["0", "1", "2"]
    assert found[2][1] == Picture(SIDE, SIDE, bytes(SIZE // 2) + b"\xff" * 7 + bytes(SIZE // 2 - 7))


@pytest.mark.parametrize(
    ("place", "change", "says"),
    [
        (0, lambda data: data[:-1], "pictures"),
        (0, lambda data: data + b"\0", "pictures"),
        (0, lambda data: b"\1" + data[1:], "pictures"),
        (0, lambda data: data[:11] + b"\x1d" + data[12:], "pictures"),
        (0, lambda _: b"", "pictures"),
        (1, lambda data: data[:-1], "labels"),
        (1, lambda data: data[:-1] + b"\x0a", "labels"),
        (1, lambda _: b"", "labels"),
    ],
)
def test_file_has_another_form_is_refused(tmp_path, place, change, says):
    files = [*make_files(3)]
    files[place] = change(files[place])
    write_archive(tmp_path / "a.tgz", train=files)
    with pytest.raises(StepError, match=rf"the {says} of the train part are no IDX file"):
        read_part("train", tmp_path / "a.tgz")


def test_archive_is_missing_damaged_or_lacks_a_part_says_so(tmp_path):
    path = tmp_path / "a.tgz"
    with pytest.raises(StepError, match="cannot be read"):
        read_part("test", path)
    for data in (b"", b"\x1f\x8b", b"no archive"):
        path.write_bytes(data)
        with pytest.raises(StepError, match="cannot be read"):
            read_part("test", path)
    write_archive(path, train=make_files(1))
    with pytest.raises(StepError, match="t10k-images-idx3-ubyte cannot be read"):
        read_part("test", path)


def test_examples_have_the_prepared_pixels_and_photographs_go_on_behind(tmp_path):
    write_archive(tmp_path / ARCHIVE, train=make_files(5), test=make_files(4))
    train, test = split(tmp_path, Settings(photographs=12, seed=3), SCHEMA)
    assert (len(train), len(test)) == (17, 4)
    assert [one.row for one in train] == [*range(1, 18)]
    assert [one.target for one in train[5:]] == [str(k % 10) for k in range(12)]
    _, picture = read_part("test", tmp_path / ARCHIVE)[3]
    assert b64decode(test[3].input["pixels"]) == prepare(picture, SIDE, SIDE, "ink")
    assert b64decode(test[3].input["image"]).startswith(b"\x89PNG")
    assert all(len(b64decode(one.input["pixels"])) == SIZE for one in train)
    assert split(tmp_path, Settings(photographs=12, seed=3), SCHEMA) == (train, test)
