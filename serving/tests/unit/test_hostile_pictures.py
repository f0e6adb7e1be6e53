"""Hostile and odd pictures through decode: each gets its status, soon and in little memory."""

import json
import subprocess
import sys

import pytest

from serving.app.pictures import DamagedPicture, Picture, PictureTooLarge, UnknownPicture
from serving.app.pictures.decode import decode
from serving.tests.hostile_pictures import GROUPS, PICTURES

ERRORS = {413: PictureTooLarge, 415: UnknownPicture, 422: DamagedPicture}
MAX_SECONDS = 2  # of the processor: what else runs has no say
MAX_MIB = 300
# Decodes all, in a process of its own, and tells the seconds and the largest memory of each. To
# write 5 there sets the mark of the largest memory back (man 5 proc).
MEASURE = """
import json, time
from serving.app.pictures import PictureError
from serving.app.pictures.decode import decode
from serving.tests.hostile_pictures import PICTURES

def measure(data):
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    start = time.process_time()
    try:
        decode(data)
    except PictureError:
        pass
    seconds = time.process_time() - start
    with open("/proc/self/status") as file:
        peak = next(line for line in file if line.startswith("VmHWM:"))
    return seconds, int(peak.split()[1]) / 1024

print(json.dumps({name: measure(data) for name, (_, data) in PICTURES.items()}))
"""


def test_no_two_pictures_have_one_name():
    assert len(PICTURES) == sum(len(files) for _, files in GROUPS)
    assert len(PICTURES) >= 110


@pytest.mark.parametrize("name", PICTURES)
def test_picture_is_hostile_gets_its_status(name):
    status, data = PICTURES[name]
    if status == 200:
        picture = decode(data)
        assert type(picture) is Picture
        assert len(picture.grey) == picture.width * picture.height
    else:
        with pytest.raises(ERRORS[status]) as raised:
            decode(data)
        assert raised.type is ERRORS[status]
        assert str(raised.value).startswith(("The ", "A "))
        assert " must " in str(raised.value)


@pytest.mark.skipif(sys.platform != "linux", reason="time and memory are NOT tested: needs Linux")
def test_pictures_are_hostile_each_takes_bounded_time_and_memory():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", MEASURE], capture_output=True, text=True, check=True
    )
    measured = json.loads(done.stdout)
    for place, unit, most in ((0, "s", MAX_SECONDS), (1, "MiB", MAX_MIB)):
        found, name = max((one[place], name) for name, one in measured.items())
        print(f"most: {found:.2f} {unit}, {name}")  # noqa: T201 - for those who look
        assert found < most, name
