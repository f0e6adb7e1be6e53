"""A small real model over images, and pictures for it: bars that stand, and bars that lie."""

import io
import random
from base64 import b64encode

import numpy as np
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from serving.app.engines.pixels import build_pixels
from serving.app.inputs.image import ImageInput
from serving.tests.sample import write_bundle

SIDE = 8
INPUT = {"kind": "image", "width": SIDE, "height": SIDE, "preparation": "resize"}


def draw(label, rng):
    """A picture of dark ink on light paper, as PNG."""
    paper = np.full((24, 24), rng.randint(180, 255), dtype=np.uint8)
    start, ink = rng.randint(2, 16), rng.randint(0, 60)
    paper[3:21, start : start + 5] = ink
    return to_png(paper if label == "bar" else paper.T)


def to_png(pixels, **options):
    return save(Image.fromarray(np.ascontiguousarray(pixels)), "PNG", **options)


def save(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def encode(picture):
    return b64encode(picture).decode()


def make_pictures(count=60, seed=5):
    rng = random.Random(seed)
    labels = ["bar", "dash"] * (count // 2)
    return labels, [draw(label, rng) for label in labels]


LABELS, PICTURES = make_pictures()
INPUT["example"] = encode(PICTURES[0])


def to_pixels(pictures):
    reads = ImageInput(INPUT)
    return build_pixels([reads.read(one).pixels for one in pictures])


def fit_images(model=None):
    pipeline = make_pipeline(MinMaxScaler(), LogisticRegression() if model is None else model)
    return pipeline.fit(to_pixels(PICTURES), LABELS)


def write_images(folder, pipeline=None, **changes):
    golden = ({"input": {"image": INPUT["example"]}, "label": "bar", "probability": 1.0},)
    return write_bundle(
        folder,
        pipeline or fit_images(),
        **{"input": INPUT, "title": "Bars", "name": "bars", "golden": golden} | changes,
    )
