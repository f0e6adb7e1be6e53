"""Freezes any fitted pipeline of the tests', and holds it against itself."""

import numpy as np

from serving.app.inputs.image import Image
from training.freezing.compiler import TEXT, compile_pipeline
from training.freezing.engines import open_engines
from training.freezing.file import write
from training.freezing.proof import prove

ONE_CATEGORY = {"type": "category", "nullable": True, "example": "a"}
ONE_NUMBER = {"type": "number", "nullable": True, "example": 1.0}


def describe_records(numbers, categories=()):
    """The description of records of these fields, all of which can be null."""
    fields = [{"name": name, **ONE_NUMBER} for name in numbers]
    fields += [{"name": name, **ONE_CATEGORY} for name in categories]
    return {"kind": "record", "fields": fields}


def read_records(table):
    """The rows of a data frame, as the input kind reads them."""
    return [
        tuple(None if value is None or value != value else value for value in row)  # noqa: PLR0124
        for row in table.astype(object).itertuples(index=False)
    ]


def read_images(pixels):
    """Rows of bytes, as the input kind reads them."""
    return [Image(bytes(row), 0, 0) for row in np.asarray(pixels, np.uint8).tolist()]


def freeze(path, pipeline, described=TEXT, values=("", "a")):
    """The engines of a fitted pipeline that was frozen to a file: Python's, and the kernel's."""
    root = write(path, compile_pipeline(pipeline, described, values))
    return open_engines(path, root, described)


def hold(path, pipeline, described, values):
    """Freeze a fitted pipeline and prove it: what the proof found."""
    engine, *others = freeze(path, pipeline, described, values[:20])
    return prove(pipeline, engine, values, described, others)
