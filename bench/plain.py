"""The same model served in the straightforward way, whatever holds it: Lambda or a web server.

Types of bodies and answers, and one call of scikit-learn's a request. What a person would type for
one model, its fields, is read from the manifest that lies beside the model's file, so that one
module does for all.
"""

import base64
import json
import os
from pathlib import Path
from typing import Annotated, Any

import joblib
from pydantic import BaseModel, ConfigDict, Field, create_model

DEFAULT = Path(__file__).parents[1] / "serving/app/data/model.joblib"
PATH = Path(os.environ.get("MODEL_PATH", DEFAULT))
DESCRIBED = json.loads(PATH.with_name("manifest.json").read_bytes())["input"]

Text = Annotated[str, Field(min_length=1, max_length=50_000)]
TYPES: dict[str, Any] = {
    "number": float,
    "integer": int,
    "boolean": bool,
    "text": str,
    "category": str,
}


class TextRequest(BaseModel):
    text: Text


class TextBatch(BaseModel):
    texts: list[Text] = Field(min_length=1, max_length=1_000)


class ImageRequest(BaseModel):
    image: str


class ImageBatch(BaseModel):
    images: list[str] = Field(min_length=1, max_length=1_000)


class Prediction(BaseModel):
    label: str
    probability: float | None = Field(ge=0, le=1)


class Value(BaseModel):
    value: float


class Predictions(BaseModel):
    predictions: list[Prediction | Value]


def _make_types() -> tuple[Any, Any]:
    """The types of a body, and of a batch's."""
    if DESCRIBED["kind"] == "text":
        return TextRequest, TextBatch
    if DESCRIBED["kind"] == "image":
        return ImageRequest, ImageBatch
    fields: Any = {
        one["name"]: (TYPES[one["type"]] | None if one["nullable"] else TYPES[one["type"]], ...)
        for one in DESCRIBED["fields"]
    }
    record = create_model("Record", __config__=ConfigDict(extra="forbid"), **fields)
    several = (list[record], Field(min_length=1, max_length=1_000))  # type: ignore[valid-type]
    return record, create_model("RecordBatch", records=several)


model = joblib.load(PATH)
labels = [str(label) for label in getattr(model, "classes_", ())]
One, Many = _make_types()


def read_one(body: Any) -> Any:
    """What `predict` takes of a body."""
    return body.model_dump() if DESCRIBED["kind"] == "record" else getattr(body, DESCRIBED["kind"])


def read_many(body: Any) -> list[Any]:
    """The same of a batch's."""
    if DESCRIBED["kind"] == "record":
        return [one.model_dump() for one in body.records]
    found: list[Any] = getattr(body, DESCRIBED["kind"] + "s")
    return found


def predict(values: list[Any]) -> list[Prediction | Value]:
    """What the model says of values: texts, records, or pictures in base64."""
    features = SHAPES[DESCRIBED["kind"]](values)
    if not labels:
        return [Value(value=one) for one in model.predict(features).tolist()]
    if not hasattr(model, "predict_proba"):
        return [Prediction(label=str(one), probability=None) for one in model.predict(features)]
    probabilities = model.predict_proba(features)
    best = probabilities.argmax(axis=1).tolist()
    highest = probabilities.max(axis=1).tolist()
    return [
        Prediction(label=labels[index], probability=probability)
        for index, probability in zip(best, highest, strict=True)
    ]


def shape_records(records: list[Any]) -> Any:
    """The table that the model was trained on."""
    import pandas as pd  # noqa: PLC0415 - texts and pictures do without

    dtypes = {"integer": "int64", "number": "float64", "boolean": "bool"}
    kinds = {
        one["name"]: "float64"
        if one["nullable"] and one["type"] in dtypes
        else dtypes.get(one["type"], "str")
        for one in DESCRIBED["fields"]
    }
    return pd.DataFrame(records, columns=list(kinds)).astype(kinds)


def shape_pictures(pictures: list[str]) -> Any:
    """A row a picture. The preparation is the service's own: any other would be another model."""
    from serving.app.engines.pixels import build_pixels  # noqa: PLC0415 - as above
    from serving.app.pictures.decode import decode  # noqa: PLC0415
    from serving.app.pictures.prepare import prepare  # noqa: PLC0415

    how = (DESCRIBED["width"], DESCRIBED["height"], DESCRIBED["preparation"])
    found = [prepare(decode(base64.b64decode(one)), *how) for one in pictures]
    return build_pixels(found)


SHAPES: dict[str, Any] = {"text": list, "record": shape_records, "image": shape_pictures}
if DESCRIBED["kind"] == "record":
    import pandas as pd  # noqa: F401 - at init, as one imports it
