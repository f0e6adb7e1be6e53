"""The files and commands of the guide of pictures make a model of two folders of them."""

import random
import re
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from serving.tests.console import check_shown, list_steps, make_tree, run, serving
from serving.tests.pages import PAGES

GUIDE = PAGES["guides/pictures.md"]
FOLDER = Path("training/models/shapes")
pytestmark = pytest.mark.slow


def draw_folders(count):
    """Circles and squares, each of another place, size and grey, as PNG and JPEG."""
    rng = random.Random(0)
    for label in ("circle", "square"):
        folder = Path("pictures", label)
        folder.mkdir(parents=True)
        for number in range(count):
            picture = Image.new("L", (160, 120), rng.randint(200, 255))
            pen = ImageDraw.Draw(picture)
            left, top, side = rng.randint(10, 70), rng.randint(10, 40), rng.randint(30, 70)
            draw = pen.ellipse if label == "circle" else pen.rectangle
            box = (left, top, left + side, top + side)
            draw(box, outline=rng.randint(0, 120), width=rng.randint(2, 6))
            picture.save(folder / f"{number:02}.{'jpg' if number % 3 else 'png'}")


def write_files():
    """The files that the guide shows."""
    FOLDER.mkdir()
    for path, text in re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", GUIDE, re.DOTALL):
        Path(path).write_text(text)
    (FOLDER / "schema.json").write_text(re.search(r"```json\n(.*?)```", GUIDE, re.DOTALL)[1])
    (FOLDER / "__init__.py").touch()
    (FOLDER / "features.py").write_text('"""None."""\n')


def test_two_folders_of_pictures_are_trained_frozen_and_served_as_it_is_shown(
    tmp_path, monkeypatch
):
    make_tree(tmp_path, monkeypatch)
    draw_folders(60)
    write_files()
    *steps, (serve, shown) = list_steps(GUIDE)
    for command, _ in steps:
        said = run(command)
    pin = said[-1].split()[0]
    path = FOLDER / "pictures.zip"
    params = (FOLDER / "params.yaml").read_text()
    changed = params.replace(f"path: {path}", f"path: {path}, sha256: {pin}")
    (FOLDER / "params.yaml").write_text(changed)
    with serving(serve) as (_, lines):
        check_shown(shown, lines)
