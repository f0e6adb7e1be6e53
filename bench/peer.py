"""One compiler of scikit-learn's models, or scikit-learn, or ours: `python -m bench.peer`.

Runs in the peers' environment, a process each. `convert` writes a bundle's model into a folder as
the peer has it, and says what it takes: whole records, or what the pipeline's first steps, that is
scikit-learn, make of them. `serve` reads a list of records a line, and writes a list of numbers a
record: the value, or a probability a class.

What only some need is imported there: a start is measured.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

type Predict = Callable[[list[dict[str, Any]]], list[list[float]]]

STACK = ("joblib", "scikit-learn", "pandas")
MODEL, FIRST, TOLD = "model.joblib", "first.joblib", "told.json"
CALLER, INSIDE = "scikit-learn", "in the model"
FAILED = "cannot"


def main() -> None:
    what, name, *folders = sys.argv[1:]
    bundle, folder = map(Path, folders)
    if what == "serve":
        serve(PEERS[name].load(bundle, folder))
        return
    (folder / TOLD).write_text(json.dumps(convert(PEERS[name], bundle, folder)), encoding="utf-8")


def serve(predict: Predict) -> None:
    for line in sys.stdin:
        sys.stdout.write(json.dumps(predict(json.loads(line))) + "\n")
        sys.stdout.flush()


def convert(peer: Any, bundle: Path, folder: Path) -> dict[str, Any]:
    """Let a peer take the model, and answer the golden examples; say what it then needs."""
    try:
        told: dict[str, Any] = peer.convert(bundle, folder)
        peer.load(bundle, folder)(read_golden(bundle))
        files = [one for one in folder.rglob("*") if one.is_file()]
        told["model_bytes"] = sum(one.stat().st_size for one in files)
        told["package_bytes"] = peer.weigh()
    except Exception as error:  # noqa: BLE001 - peers raise anything, and it is what they say
        return {FAILED: explain(error)}
    return told


def explain(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


class Quickthaw:
    """Ours: the frozen engine, with the kernel where the app has one."""

    def convert(self, bundle: Path, folder: Path) -> dict[str, Any]:
        (folder / "model.frozen").write_bytes((bundle / "model.frozen").read_bytes())
        return {"preprocessing": INSIDE}

    def load(self, bundle: Path, _: Path) -> Predict:
        from serving.app.engines.frozen.engine import load  # noqa: PLC0415 - peers do without
        from serving.app.inputs import find_input  # noqa: PLC0415
        from serving.bundle.manifest import read_manifest  # noqa: PLC0415

        manifest = read_manifest(bundle)
        engine, reader = load(bundle, manifest), find_input(manifest.input)

        def predict(records: list[dict[str, Any]]) -> list[list[float]]:
            scores = engine.score(reader.read_batch(records))
            return [list(one.probabilities or [one.value]) for one in scores]

        return predict

    def weigh(self) -> int:
        """The bytes of the app."""
        files = (one for one in Path("serving").rglob("*") if one.suffix in (".py", ".so"))
        return sum(one.stat().st_size for one in files)


class Sklearn:
    """joblib and scikit-learn; those that need it for a part of the work are made of it."""

    packages: tuple[str, ...] = STACK

    def convert(self, bundle: Path, folder: Path) -> dict[str, Any]:
        (folder / MODEL).write_bytes((bundle / MODEL).read_bytes())
        return {"preprocessing": INSIDE}

    def load(self, bundle: Path, folder: Path) -> Predict:
        import joblib  # noqa: PLC0415

        model = joblib.load(folder / MODEL)
        shape = find_shape(bundle)
        ask = getattr(model, "predict_proba", model.predict)
        return lambda records: as_lists(ask(shape(records)))

    def weigh(self) -> int:
        """The bytes of the packages."""
        from bench.footprint import measure_packages  # noqa: PLC0415

        return measure_packages(self.packages).bytes


class FirstSteps(Sklearn):
    """No model: what all those share that take the last step alone. They are made of this."""

    def convert(self, bundle: Path, folder: Path) -> dict[str, Any]:
        import joblib  # noqa: PLC0415

        model = joblib.load(bundle / MODEL)
        joblib.dump(model[:-1], folder / FIRST)
        self.compile(model[-1], folder)
        return {"preprocessing": CALLER}

    def load(self, bundle: Path, folder: Path) -> Predict:
        import joblib  # noqa: PLC0415

        first, shape = joblib.load(folder / FIRST), find_shape(bundle)
        ask = self.open(folder)

        def predict(records: list[dict[str, Any]]) -> list[list[float]]:
            features = first.transform(shape(records))
            return as_lists(ask(features.toarray() if hasattr(features, "toarray") else features))

        return predict

    def compile(self, model: Any, folder: Path) -> None:
        """Write the last step as the peer has it."""

    def open(self, _: Path) -> Callable[[Any], Any]:
        """What answers features."""
        return lambda features: features


class Treelite(FirstSteps):
    """Treelite's own interpreter."""

    packages = ("treelite", *STACK)

    def compile(self, model: Any, folder: Path) -> None:
        import treelite  # noqa: PLC0415

        treelite.sklearn.import_model(model).serialize(str(folder / "model.treelite"))

    def open(self, folder: Path) -> Callable[[Any], Any]:
        import treelite  # noqa: PLC0415

        model = treelite.Model.deserialize(str(folder / "model.treelite"))
        return lambda features: treelite.gtil.predict(model, features, nthread=1)


class Tl2cgen(FirstSteps):
    """Treelite's model as C."""

    packages = ("tl2cgen", *STACK)

    def compile(self, model: Any, folder: Path) -> None:
        import tl2cgen  # noqa: PLC0415
        import treelite  # noqa: PLC0415

        tl2cgen.export_lib(
            treelite.sklearn.import_model(model),
            toolchain="gcc",
            libpath=str(folder / "model.so"),
            params={"parallel_comp": 8},
        )

    def open(self, folder: Path) -> Callable[[Any], Any]:
        import tl2cgen  # noqa: PLC0415

        model = tl2cgen.Predictor(str(folder / "model.so"), nthread=1)
        return lambda features: model.predict(tl2cgen.DMatrix(features))


class M2cgen(FirstSteps):
    """m2cgen's C, which needs nothing to run, called a row at a time: it has no batch."""

    def compile(self, model: Any, folder: Path) -> None:
        import subprocess  # noqa: PLC0415
        import tempfile  # noqa: PLC0415

        import m2cgen  # noqa: PLC0415

        sys.setrecursionlimit(100_000)  # a call a level of a tree, and some
        (folder / "width").write_text(str(len(getattr(model, "classes_", "1"))))
        with tempfile.TemporaryDirectory() as sources:  # no part of what is shipped
            source = Path(sources, "model.c")
            source.write_text(m2cgen.export_to_c(model), encoding="utf-8")
            # A forest is one long function: of the houses' this takes minutes, and -O3 hours.
            options = ("-O1", "-shared", "-fPIC", "-o", folder / "model.so", source)
            subprocess.run(["gcc", *options], check=True, capture_output=True)  # noqa: S607

    def open(self, folder: Path) -> Callable[[Any], Any]:
        import ctypes  # noqa: PLC0415

        score = ctypes.CDLL(str(folder / "model.so")).score
        width = int((folder / "width").read_text())
        score.restype = ctypes.c_double if width == 1 else None

        def ask(features: Any) -> Iterator[list[float]]:
            for row in features:
                given = (ctypes.c_double * len(row))(*row)
                found = (ctypes.c_double * width)()
                if width == 1:
                    yield [score(given)]
                else:
                    score(given, found)
                    yield list(found)

        return ask


class Timber(FirstSteps):
    """Timber's C."""

    packages = ("timber-compiler", *STACK)

    def compile(self, model: Any, folder: Path) -> None:
        import pickle  # noqa: PLC0415 - its own, written and read here
        import tempfile  # noqa: PLC0415

        from timber.codegen.c99 import C99Emitter, TargetSpec  # noqa: PLC0415
        from timber.frontends import parse_model  # noqa: PLC0415
        from timber.optimizer.pipeline import OptimizerPipeline  # noqa: PLC0415

        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch, "last.pkl")
            file.write_bytes(pickle.dumps(model))
            parsed = parse_model(str(file), format_hint="sklearn")
        found = OptimizerPipeline().run(parsed).ir
        C99Emitter(target=TargetSpec()).emit(found).write(folder / "timber")
        self.open(folder)
        for one in (folder / "timber").glob("*.c"):
            one.unlink()  # no part of what is shipped

    def open(self, folder: Path) -> Callable[[Any], Any]:
        from timber.runtime.predictor import TimberPredictor  # noqa: PLC0415

        predictor = TimberPredictor.from_artifact(folder / "timber")
        return predictor.predict  # type: ignore[no-any-return]


class Onnx(FirstSteps):
    """The whole pipeline, where skl2onnx can, else its last step; numbers are of 32 bits.

    Of 64 bits it writes ensembles of trees that ONNX Runtime refuses: their values are of 32.
    """

    packages: tuple[str, ...] = ("onnxruntime",)

    def convert(self, bundle: Path, folder: Path) -> dict[str, Any]:
        import joblib  # noqa: PLC0415

        model, types = joblib.load(bundle / MODEL), find_types(bundle)
        try:
            write_onnx(model, types, folder)
            self.load(bundle, folder)(read_golden(bundle))
        except Exception as error:  # noqa: BLE001 - as above
            self.packages = ("onnxruntime", *STACK)
            return super().convert(bundle, folder) | {"whole": explain(error)}
        return {"preprocessing": INSIDE}

    def load(self, bundle: Path, folder: Path) -> Predict:
        if (folder / FIRST).exists():
            return super().load(bundle, folder)
        import numpy as np  # noqa: PLC0415

        session = open_session(folder)
        numbers: dict[str, Any] = {"tensor(float)": np.float32, "tensor(string)": np.object_}
        dtypes = {one.name: numbers[one.type] for one in session.get_inputs()}

        def predict(records: list[dict[str, Any]]) -> list[list[float]]:
            columns = {
                name: np.array([[one[name]] for one in records], dtype)
                for name, dtype in dtypes.items()
            }
            return as_lists(session.run(None, columns)[-1])

        return predict

    def compile(self, model: Any, folder: Path) -> None:
        from skl2onnx.common.data_types import FloatTensorType  # noqa: PLC0415

        write_onnx(model, [("features", FloatTensorType([None, model.n_features_in_]))], folder)

    def open(self, folder: Path) -> Callable[[Any], Any]:
        session = open_session(folder)
        return lambda features: session.run(None, {"features": features.astype("float32")})[-1]


def write_onnx(model: Any, types: list[tuple[str, Any]], folder: Path) -> None:
    from skl2onnx import to_onnx  # noqa: PLC0415

    last = model[-1] if hasattr(model, "steps") else model
    # Probabilities as an array, not as a list of dictionaries.
    options = {id(last): {"zipmap": False}} if hasattr(last, "classes_") else None
    made = to_onnx(model, initial_types=types, options=options)
    (folder / "model.onnx").write_bytes(made.SerializeToString())


def open_session(folder: Path) -> Any:
    import onnxruntime  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # as all of them
    return onnxruntime.InferenceSession(
        str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )


def find_types(bundle: Path) -> list[tuple[str, Any]]:
    """A column a field."""
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType  # noqa: PLC0415

    return [
        (one["name"], (StringTensorType if is_text(one) else FloatTensorType)([None, 1]))
        for one in read_manifest(bundle)["input"]["fields"]
    ]


def is_text(field: dict[str, Any]) -> bool:
    return field["type"] in ("text", "category")


def read_manifest(bundle: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((bundle / "manifest.json").read_bytes())
    return found


def read_golden(bundle: Path) -> list[dict[str, Any]]:
    return [one["input"] for one in read_manifest(bundle)["golden"]]


def find_shape(bundle: Path) -> Callable[[list[dict[str, Any]]], Any]:
    """What makes records a table, as the pipeline was trained on."""
    from serving.app.engines.frame import build_frame  # noqa: PLC0415

    fields = read_manifest(bundle)["input"]["fields"]
    names = [one["name"] for one in fields]
    return lambda records: build_frame(fields, [tuple(map(one.get, names)) for one in records])


def as_lists(found: Any) -> list[list[float]]:
    import numpy as np  # noqa: PLC0415

    table = np.asarray(found if hasattr(found, "shape") else list(found), dtype=float)
    rows: list[list[float]] = table.reshape(len(table), -1).tolist()
    return rows


PEERS: dict[str, Any] = {
    "quickthaw": Quickthaw(),
    "quickthaw, python": Quickthaw(),
    "sklearn": Sklearn(),
    "first": FirstSteps(),
    "onnx": Onnx(),
    "treelite": Treelite(),
    "tl2cgen": Tl2cgen(),
    "m2cgen": M2cgen(),
    "timber": Timber(),
}

if __name__ == "__main__":
    main()
