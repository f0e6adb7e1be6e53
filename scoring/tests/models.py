"""Bundles of each kind of input, frozen where the engine of that name is to serve."""

from sklearn.ensemble import GradientBoostingRegressor

from serving.app.inputs import find_input
from serving.tests import images, records, sample
from serving.tests.sample import change_manifest, pin, write_bundle
from training.freezing.compiler import compile_pipeline
from training.freezing.file import write


def freeze(folder, pipeline, described, bodies):
    """Let the frozen engine serve a bundle that scikit-learn serves."""
    values = [find_input(described).read(one) for one in bodies]
    path = folder / "model.frozen"
    root = write(path, compile_pipeline(pipeline, described, values))
    pins = {one.name: vars(pin(one)) for one in (folder / "model.joblib", path)}
    change_manifest(folder, engine="frozen", files=pins, frozen={"root": root})


def write_rents(folder):
    pipeline = records.fit(
        GradientBoostingRegressor(n_estimators=20, random_state=1), records.PRICES
    )
    records.write_regression(folder, pipeline)
    freeze(folder, pipeline, records.INPUT, records.RECORDS[:20])


def write_bars(folder):
    pipeline = images.fit_images()
    images.write_images(folder, pipeline)
    bodies = [{"image": images.encode(one)} for one in images.PICTURES[:20]]
    freeze(folder, pipeline, images.INPUT, bodies)


BUNDLES = {
    "text": lambda folder: write_bundle(folder, sample.fit(), "frozen"),
    "record": write_rents,
    "image": write_bars,
    "text of scikit-learn": lambda folder: write_bundle(folder, sample.fit()),
    "record of scikit-learn": records.write_classification,
}
