"""The same model behind FastAPI and uvicorn: a server, where there is no Lambda."""

# Only where fastapi is installed, which no lock does.
# mypy: disable-error-code="import-not-found,untyped-decorator,valid-type"

import socket
import sys

import uvicorn
from fastapi import FastAPI

from bench import plain
from bench.plain import Many, One, Prediction, Predictions, Value

app = FastAPI()


# Coroutines: FastAPI hands plain functions to a thread, which costs each request more.
@app.post("/predict")
async def predict(body: One) -> Prediction | Value:
    (prediction,) = plain.predict([plain.read_one(body)])
    return prediction


@app.post("/predict/batch")
async def predict_batch(body: Many) -> Predictions:
    return Predictions(predictions=plain.predict(plain.read_many(body)))


if __name__ == "__main__":
    # Listening before the process starts: what waits for it need not try again and again.
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    server.run(sockets=[socket.socket(fileno=int(sys.argv[1]))])
