"""The same model behind FastAPI and uvicorn: a server, where there is no Lambda."""

# Only where fastapi is installed, which no lock does.
# mypy: disable-error-code="import-not-found,untyped-decorator"

import os
import socket
import sys
from pathlib import Path
from typing import Annotated

import joblib
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, Field

DEFAULT = Path(__file__).parents[1] / "serving/app/data/model.joblib"

app = FastAPI()
model = joblib.load(os.environ.get("MODEL_PATH", DEFAULT))
labels = [str(label) for label in model.classes_]

Text = Annotated[str, Field(min_length=1, max_length=50_000)]


class PredictRequest(BaseModel):
    text: Text


class BatchRequest(BaseModel):
    texts: list[Text] = Field(min_length=1, max_length=1_000)


class Prediction(BaseModel):
    label: str
    probability: float = Field(ge=0, le=1)


class BatchResponse(BaseModel):
    predictions: list[Prediction]


# Coroutines: FastAPI hands plain functions to a thread, which costs each request more.
@app.post("/predict")
async def predict(body: PredictRequest) -> Prediction:
    (prediction,) = classify([body.text])
    return prediction


@app.post("/predict/batch")
async def predict_batch(body: BatchRequest) -> BatchResponse:
    return BatchResponse(predictions=classify(body.texts))


def classify(texts: list[str]) -> list[Prediction]:
    probabilities = model.predict_proba(texts)
    best = probabilities.argmax(axis=1).tolist()
    highest = probabilities.max(axis=1).tolist()
    return [
        Prediction(label=labels[index], probability=probability)
        for index, probability in zip(best, highest, strict=True)
    ]


if __name__ == "__main__":
    # Listening before the process starts: what waits for it need not try again and again.
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    server.run(sockets=[socket.socket(fileno=int(sys.argv[1]))])
