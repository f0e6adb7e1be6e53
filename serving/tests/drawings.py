"""Pictures of all sorts, as a model sees them, with the kernel and without."""

import math
import random

from serving.app import native
from serving.app.pictures import Picture, PictureError
from serving.app.pictures.decode import decode
from serving.app.pictures.prepare import prepare
from serving.bundle.inputs import PREPARATIONS
from serving.tests.picture_files import KINDS, chunk, list_rows, png

SIDES = [1, 2, 3, 5, 8, 13, 15, 16, 17, 28, 28, 28, 40, 97, 140, 170]
FRAMES = [(28, 28), (28, 28), (28, 28), (8, 8), (1, 1), (3, 40), (33, 20)]


def draw(rng):
    """Strokes on paper: even, lit from a side, shadowed, lined, noisy; or noise alone."""
    width, height = rng.choice(SIDES), rng.choice(SIDES)
    paper, ink = rng.choice([0, 255, rng.randrange(256)]), rng.randrange(256)
    light = [rng.choice([0.0, 0.0, rng.uniform(-2, 2)]) for _ in range(2)]
    levels = [[paper + light[0] * x + light[1] * y for x in range(width)] for y in range(height)]
    for _ in range(rng.randrange(5)):
        _draw_stroke(rng, levels, rng.choice([ink, ink, rng.randrange(256)]))
    if rng.random() < 0.2:  # a sheet with lines
        for row in range(0, height, rng.choice([3, 7, 20])):
            levels[row] = [ink] * width
    if rng.random() < 0.1:  # a shadow
        shaded = rng.randrange(width)
        levels = [[one * 0.4 for one in row[:shaded]] + row[shaded:] for row in levels]
    noise = rng.choice([0, 0, 1, 4, 40, 300])
    grey = [min(255, max(0, int(one + rng.gauss(0, noise)))) for row in levels for one in row]
    return Picture(width, height, bytes(grey))


def draw_even(rng):
    """Of few levels in large parts: what is compared is often equal."""
    width, height = rng.choice(SIDES), rng.choice(SIDES)
    levels, size = rng.sample(range(256), rng.choice([2, 2, 3])), rng.choice([1, 2, 8, 60])
    slant, halves = rng.choice([0, 0, 1, 3]), rng.random() < 0.3
    grey = [
        levels[(x >= width // 2) if halves else ((x + slant * y) // size + y // size) % len(levels)]
        for y in range(height)
        for x in range(width)
    ]
    for place in rng.sample(range(len(grey)), rng.choice([0, 0, 1, min(len(grey), 4)])):
        grey[place] = rng.choice([*levels, rng.randrange(256)])
    return Picture(width, height, bytes(grey))


def _draw_stroke(rng, levels, ink):
    height, width = len(levels), len(levels[0])
    x, y, thick = rng.uniform(0, width), rng.uniform(0, height), rng.choice([0.4, 0.8, 1.5, 3, 6])
    angle = rng.uniform(0, 2 * math.pi)
    for _ in range(rng.randrange(1, 80)):
        for row in levels[max(0, int(y - thick)) : int(y + thick) + 1]:
            left, right = (min(width, max(0, int(x + edge))) for edge in (-thick, thick + 1))
            row[left:right] = [ink] * (right - left)
        angle += rng.uniform(-0.3, 0.3)
        x, y = x + math.cos(angle), y + math.sin(angle)


def make_png(rng):
    """A file of noise, of any kind, with any filters; some of these there are not."""
    colour, depth = rng.choice(KINDS)
    width, height = rng.choice(SIDES), rng.choice(SIDES)
    filters = 5 if rng.random() < 0.9 else 256
    # Of few values, so that some pixels are of the colour that is transparent.
    values = rng.randbytes(rng.choice([1, 2, 256]))
    rows = [
        bytes([rng.randrange(filters), *rng.choices(values, k=length)])
        for length in list_rows(width, height, depth, colour)
    ]
    key = bytes(rng.choices(values, k={0: 2, 2: 6, 3: 1}.get(colour, 0)))
    before = [chunk(b"tRNS", key)] if key and rng.random() < 0.3 else []
    return png(width, height, depth, colour, pixels=b"".join(rows), before=before)


def make_case(seed):
    """A picture or a file of one, the size of a model's, and how it is prepared for it."""
    rng = random.Random(seed)
    picture = rng.choice([draw, draw, draw_even, make_png])(rng)
    return picture, *rng.choice(FRAMES), rng.choice(PREPARATIONS)


def ask(case, kernel):
    """What the model sees, or the rule that the file breaks."""
    picture, *frame = case
    before, native.kernel = native.kernel, kernel
    try:
        picture = decode(picture) if isinstance(picture, bytes) else picture
        return picture.grey, prepare(picture, *frame)
    except PictureError as error:
        return str(error)
    finally:
        native.kernel = before
