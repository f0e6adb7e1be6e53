"""A small real model, bundles of it, and a client that calls the handler as Lambda does."""

import json
from copy import replace
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import joblib
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from serving.app.features import normalize
from serving.app.request.shapes import find_shape
from serving.bundle.manifest import FORMAT, VERSION_DIGITS, FilePin, Label, Manifest, seal
from serving.bundle.versions import installed_versions
from serving.tests.shapes import read_back
from training.data.dataset import hash_files
from training.freezing.compiler import compile_pipeline
from training.freezing.file import write

SENTENCES = {
    "cooking": [
        "simmer the sauce and season the soup with salt",
        "bake the bread until the crust is brown",
        "the recipe wants butter flour and two eggs",
        "roast the vegetables with oil and garlic",
    ],
    "gardening": [
        "water the roses and prune the hedge in spring",
        "sow the seeds in rich soil and pull the weeds",
        "the tulips bloom beside the lawn in april",
        "compost feeds the soil of the vegetable bed",
    ],
    "sailing": [
        "hoist the sail and steer the boat into the wind",
        "the crew dropped anchor in the harbour at dusk",
        "tie the rope to the mast before the storm",
        "the keel keeps the boat upright in the waves",
    ],
}
INPUT = {"kind": "text", "example": "hoist the sail"}
TEXTS = [text for texts in SENTENCES.values() for text in texts]
LABELS = [label for label, texts in SENTENCES.items() for _ in texts]


def fit(classifier=None, labels=LABELS, **options):
    """A text pipeline fitted on the sentences above."""
    classifier = classifier or LogisticRegression(C=10)
    vectorizer = TfidfVectorizer(preprocessor=normalize, ngram_range=(1, 2), **options)
    return Pipeline([("vectorizer", vectorizer), ("classifier", classifier)]).fit(TEXTS, labels)


def write_bundle(folder: Path, pipeline, engine="sklearn", **changes) -> Manifest:
    """Write a model and its manifest; `changes` are manifest fields of another value."""
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "model.joblib"
    joblib.dump(pipeline, model)
    files, frozen = {model.name: pin(model)}, {}
    if engine == "frozen":
        path = folder / "model.frozen"
        frozen = {"root": write(path, compile_pipeline(pipeline))}
        files[path.name] = pin(path)
    manifest = Manifest(
        format=FORMAT,
        name="hobbies",
        title="Hobbies",
        version=files[model.name].sha256[:VERSION_DIGITS],
        task="classification",
        input=INPUT,
        target=None,
        interval=None,
        engine=engine,
        files=files,
        frozen=frozen,
        versions=installed_versions(),
        dataset_sha256="0" * 64,
        parameters={"classifier": {"name": "logistic_regression"}},
        metrics={"macro_f1": 1.0},
        labels=tuple(
            Label(
                id=str(one),
                title=str(one).title(),
                description=f"About {one}",
                url="https://example.org/",
            )
            for one in getattr(pipeline, "classes_", ())
        ),
        golden=(),
        profile={},
    )
    manifest = replace(manifest, **changes)
    (folder / "manifest.json").write_text(manifest.to_json(), encoding="utf-8")
    return manifest


def change_manifest(folder: Path, **changes) -> None:
    """Give members of a written manifest any other value, and the checksum that fits."""
    path = folder / "manifest.json"
    members = json.loads(path.read_text(encoding="utf-8")) | changes
    del members["checksum"]
    path.write_text(seal(json.dumps(members).removesuffix("}")), encoding="utf-8")


def pin(path: Path) -> FilePin:
    return FilePin(sha256=hash_files(path), size=path.stat().st_size)


def proxy_event(method="POST", path="/predict", body=None, **members):
    """An API Gateway proxy event with what the handler reads of one."""
    return {
        "httpMethod": method,
        "path": path,
        "headers": {"Content-Type": "application/json"},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"stage": "prod", "path": f"/prod{path}"},
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
    } | members


@dataclass(frozen=True)
class Answer:
    """What came back, the EMF documents and the log records written on the way."""

    status: int
    headers: dict[str, str]
    text: str
    emf: list[dict]
    logged: list[dict]

    @property
    def json(self):
        return json.loads(self.text)


class Client:
    """Calls the handler as Lambda does, with events like API Gateway's."""

    def __init__(self, handler, capsys):
        self.handler = handler
        self._capsys = capsys

    def send(self, event) -> Answer:
        self._capsys.readouterr()
        context = SimpleNamespace(aws_request_id="request-1")
        answer = read_back(self.handler.lambda_handler(event, context), find_shape(event))
        written = self._capsys.readouterr()
        documents = [json.loads(line) for line in written.out.splitlines()]
        headers = {name: ", ".join(values) for name, values in answer["multiValueHeaders"].items()}
        return Answer(
            answer["statusCode"],
            headers,
            answer["body"],
            [document for document in documents if "_aws" in document],
            [json.loads(line) for line in written.err.splitlines()],
        )

    def request(self, *args, **members) -> Answer:
        return self.send(proxy_event(*args, **members))
