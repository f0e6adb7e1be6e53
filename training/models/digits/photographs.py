"""Pictures as people might take them of a digit, drawn by a program: what MNIST has none of.

A digit is printed in a font or written by hand (strokes.py), on paper of some kind, in some light,
and photographed badly in one way or in all. The same seed gives the same pictures. They are in two
sets that have neither a font nor a way of writing in common: the model learns from one and is
scored on the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from serving.app.pictures import Picture
from training.models.digits.strokes import WAYS, trace

Grey = NDArray[np.float64]
Set = Literal["learnt", "scored"]
DIGITS = 10
GROUPS = (
    "plain",
    "tilted",
    "noisy",
    "blurred",
    "off_centre",
    "lined",
    "gradient",
    "shadow",
    "specks",
    "edge",
    "light_on_dark",
    "thin",
    "handwritten",
    "everything",
)
# Families, so that no digit that is scored has a sister among those that are learnt.
FONTS: dict[Set, tuple[str, ...]] = {
    "learnt": (
        "DejaVuSans",
        "DejaVuSans-Bold",
        "DejaVuSans-Oblique",
        "DejaVuSerif",
        "DejaVuSerif-Bold",
        "DejaVuSerif-Italic",
        "cmr10",
        "cmb10",
    ),
    "scored": (
        "DejaVuSansMono",
        "DejaVuSansMono-Bold",
        "STIXGeneral",
        "STIXGeneralBol",
        "STIXGeneralItalic",
        "cmss10",
        "cmtt10",
    ),
}
WRITTEN: dict[Set, tuple[int, ...]] = {"learnt": (0, 1), "scored": (2,)}  # places in WAYS
OVERSIZED = 3  # a stroke is drawn larger than needed, then reduced


class Photograph(NamedTuple):
    """A picture of a digit, and what is wrong with it: one of GROUPS."""

    digit: int
    group: str
    picture: Picture


@dataclass(frozen=True)
class Scene:
    """How a picture is taken. Levels are of 0 … 255, lengths shares of the digit's height.

    Attributes:
        side: Of the picture's shorter side, in pixels.
        share: The digit's height, of that side.
        weight: Of the pen, where the digit is written.
        tilt: In degrees.
        shift: How far from the middle, of the room that there is.
        paper, ink: Their levels.
        light: What share of the light the darkest place lacks.
        noise: Its standard deviation.
        blur: Its radius in pixels.
        lines: How much darker than the paper the lines of a sheet are; 0: there are none.
        shadow: What share of the light something keeps away from a part of the page.
        specks: How many dots of ink there are besides.
        edge: The level of what lies beside the sheet on one side; None: nothing is seen of it.
    """

    side: int
    share: float
    weight: float
    tilt: float
    shift: float
    paper: float
    ink: float
    light: float
    noise: float
    blur: float
    lines: float
    shadow: float
    specks: int
    edge: float | None


def take(
    number: int, seed: int, which: Set = "scored", groups: tuple[str, ...] = GROUPS
) -> Iterator[Photograph]:
    """That many pictures: each digit in each group as often as any other, or once more."""
    rng = np.random.default_rng(seed)
    for place in range(number):
        digit, group = place % DIGITS, groups[place // DIGITS % len(groups)]
        scene = _choose_scene(group, rng)
        by_hand = group in ("handwritten", "thin") or (group == "everything" and _happens(0.5, rng))
        shape = _write(digit, which, scene, rng) if by_hand else _print(digit, which, scene, rng)
        yield Photograph(digit, group, _photograph(shape, scene, rng))


def _happens(share: float, rng: np.random.Generator) -> bool:
    return bool(rng.random() < share)


def _choose_scene(group: str, rng: np.random.Generator) -> Scene:
    """A picture without faults but those of its group."""

    def has(name: str) -> bool:
        return group in (name, "everything")

    def draw(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    paper, ink = draw(190, 250), draw(5, 70)
    dark = has("light_on_dark") and (group != "everything" or _happens(0.3, rng))
    if dark:
        paper, ink = draw(5, 60), draw(190, 250)
    lined = has("lined") and (group != "everything" or _happens(0.5, rng))
    return Scene(
        side=int(rng.integers(60, 200)),
        share=draw(0.35, 0.85) if group != "off_centre" else draw(0.25, 0.5),
        weight=draw(0.03, 0.05) if group == "thin" else draw(0.06, 0.14),
        tilt=draw(-15, 15) if has("tilted") else draw(-3, 3),
        shift=draw(0.3, 1) if has("off_centre") else draw(0, 0.3),
        paper=paper,
        ink=ink,
        light=draw(0.25, 0.6) if group == "gradient" else draw(0, 0.35) if has("gradient") else 0,
        noise=draw(10, 22) if group == "noisy" else draw(2, 14) if has("noisy") else draw(0, 3),
        blur=draw(0.8, 2.2) if group == "blurred" else draw(0.3, 1) if has("blurred") else 0.4,
        lines=draw(30, 80) if lined else 0,
        shadow=draw(0.2, 0.5) if group == "shadow" else 0,
        specks=int(rng.integers(3, 12)) if group == "specks" else 0,
        edge=draw(0, 255) if group == "edge" else None,
    )


def _print(digit: int, which: Set, scene: Scene, rng: np.random.Generator) -> Image.Image:
    """A digit of a font, white on black, in its box."""
    name = str(rng.choice(FONTS[which]))
    path = Path(mpl.get_data_path(), "fonts", "ttf", f"{name}.ttf")
    high = max(12, int(scene.side * scene.share))
    font = ImageFont.truetype(str(path), int(high * 1.35))
    stroke = int(rng.integers(0, 1 + high // 40))
    left, top, right, bottom = font.getbbox(str(digit), stroke_width=stroke)
    image = Image.new("L", (int(right - left) + 2, int(bottom - top) + 2))
    place = (1 - left, 1 - top)
    ImageDraw.Draw(image).text(place, str(digit), 255, font, stroke_width=stroke)
    return image


def _write(digit: int, which: Set, scene: Scene, rng: np.random.Generator) -> Image.Image:
    """A digit of a hand, white on black, in its box."""
    high = max(16, int(scene.side * scene.share)) * OVERSIZED
    wide = high * rng.uniform(0.55, 0.85)
    slant = rng.uniform(-0.1, 0.35)
    pen = max(1.2 * OVERSIZED, scene.weight * high)
    way = WAYS[digit][int(rng.choice(WRITTEN[which]))]
    image = Image.new("L", (int(wide + slant * high + 2 * pen + high), int(high * 1.3 + 2 * pen)))
    draw = ImageDraw.Draw(image)
    for stroke in way:
        moved = [
            tuple(np.array(point) + rng.normal(0, 0.018, 2)) for point in _keep_corners(stroke)
        ]
        curve = trace(_give_corners(stroke, moved))
        x = curve[:, 0] * wide + (1 - curve[:, 1]) * slant * high + pen + high * 0.4
        y = curve[:, 1] * high + pen + high * 0.1
        _draw_curve(draw, np.column_stack([x, y]), pen)
    image = image.crop(image.getbbox())
    size = (max(1, image.width // OVERSIZED), max(1, image.height // OVERSIZED))
    return image.resize(size, Image.Resampling.BOX)


def _keep_corners(stroke: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return list(dict.fromkeys(stroke))


def _give_corners(stroke: list[tuple[float, float]], moved: list[Any]) -> list[tuple[float, float]]:
    """The stroke with each of its points where it has moved to, so corners stay corners."""
    places = dict(zip(_keep_corners(stroke), moved, strict=True))
    return [places[point] for point in stroke]


def _draw_curve(draw: ImageDraw.ImageDraw, points: Grey, pen: float) -> None:
    half = pen / 2
    for (x0, y0), (x1, y1) in pairwise(points):
        steps = max(1, int(max(abs(x1 - x0), abs(y1 - y0)) / max(1, half / 2)))
        for k in range(steps + 1):
            x, y = x0 + (x1 - x0) * k / steps, y0 + (y1 - y0) * k / steps
            draw.ellipse((x - half, y - half, x + half, y + half), fill=255)


def _photograph(shape: Image.Image, scene: Scene, rng: np.random.Generator) -> Picture:
    tilted = shape.rotate(scene.tilt, Image.Resampling.BICUBIC, expand=True)
    wide = max(scene.side, tilted.width + 4)
    high = max(int(scene.side * rng.uniform(1, 1.4)), tilted.height + 4)
    page = Image.new("L", (wide, high))
    page.paste(tilted, _choose_place(wide - tilted.width, high - tilted.height, scene.shift, rng))
    _spot(page, scene.specks, rng)
    cover = np.asarray(page.filter(ImageFilter.GaussianBlur(scene.blur)), float) / 255
    lines = _rule(wide, high, scene, rng)
    light = _light(wide, high, scene.light, rng) * _shade(wide, high, scene.shadow, rng)
    seen = (scene.paper + lines * (1 - cover) + (scene.ink - scene.paper) * cover) * light
    if scene.edge is not None:
        beside = int(rng.integers(3, 4 + int(scene.side * 0.1)))
        place = [slice(beside), slice(-beside, None)][int(rng.integers(2))]
        seen[:, place] = scene.edge
    seen += rng.normal(0, scene.noise, seen.shape)
    grey = np.clip(np.rint(seen), 0, 255).astype(np.uint8)
    return Picture(wide, high, grey.tobytes())


def _choose_place(
    across: int, down: int, shift: float, rng: np.random.Generator
) -> tuple[int, int]:
    def choose(room: int) -> int:
        return int(np.clip(room / 2 + rng.choice([-1, 1]) * shift * room / 2, 1, room - 1))

    return choose(across), choose(down)


def _light(wide: int, high: int, share: float, rng: np.random.Generator) -> Grey:
    """What of the light comes to each place: all at one side, less and less away from it."""
    y, x = np.mgrid[0:high, 0:wide]
    angle = rng.uniform(0, 2 * np.pi)
    along = np.cos(angle) * (x / wide - 0.5) + np.sin(angle) * (y / high - 0.5)
    fading: Grey = 1 - share * (0.5 - along / np.sqrt(2)) ** rng.uniform(0.7, 1.6)
    return fading


def _shade(wide: int, high: int, share: float, rng: np.random.Generator) -> Grey:
    """A shadow with a straight, soft edge: what of the light comes to each place."""
    if not share:
        return np.ones((high, wide))
    y, x = np.mgrid[0:high, 0:wide]
    angle = rng.uniform(0, 2 * np.pi)
    away = np.cos(angle) * (x - wide / 2) + np.sin(angle) * (y - high / 2)
    away -= rng.uniform(-0.25, 0.25) * wide
    inside: Grey = 1 / (1 + np.exp(-np.clip(away / rng.uniform(0.5, 3), -50, 50)))
    return 1 - share * inside


def _spot(page: Image.Image, number: int, rng: np.random.Generator) -> None:
    """Dots of ink anywhere, of a thirtieth of the page at most."""
    draw, size = ImageDraw.Draw(page), max(1.0, min(page.size) / 60)
    for _ in range(number):
        x, y, half = rng.uniform(0, page.width), rng.uniform(0, page.height), rng.uniform(0.4, 1)
        draw.ellipse((x - half * size, y - half * size, x + half * size, y + half * size), fill=255)


def _rule(wide: int, high: int, scene: Scene, rng: np.random.Generator) -> Grey:
    """What the lines of a sheet add to its paper; squares in three of ten."""
    if not scene.lines:
        return np.zeros((high, wide))
    y, x = np.mgrid[0:high, 0:wide]
    step, thick = int(rng.integers(high // 7, high // 4)), max(1, high // 90)
    ruled = (y - int(rng.integers(step))) % step < thick
    if _happens(0.3, rng):
        ruled |= (x - int(rng.integers(step))) % step < thick
    added: Grey = np.sign(scene.ink - scene.paper) * scene.lines * ruled
    return added
