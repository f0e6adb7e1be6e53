"""Step bundle: the manifest, with which the model goes into service.

It comes after evaluate, so a model below the gate has none, and the service refuses it.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from serving.bundle.errors import ModelError
from serving.bundle.manifest import (
    FORMAT,
    MANIFEST_NAME,
    VERSION_DIGITS,
    FilePin,
    Manifest,
    read_manifest,
)
from serving.bundle.versions import installed_versions
from training.console import StepError, say
from training.contract import read_model
from training.data.dataset import Example, hash_files, read_examples
from training.definition import Definition, read_definition
from training.evaluation.fitted import describe_steps
from training.inputs import read_golden_inputs
from training.model_file import load_model
from training.paths import Paths, run_for_model
from training.settings.schema import read_golden
from training.tasks import Mistaken


def main(paths: Paths) -> None:
    """Write the manifest beside the model."""
    definition, model = read_definition(paths), load_model(paths)
    schema, params, task, kind = definition
    frozen = paths.read_json(paths.freeze)
    engine = frozen.pop("engine")
    served = [paths.model, paths.frozen] if engine == "frozen" else [paths.model]
    pins = {
        path.name: FilePin(sha256=hash_files(path), size=path.stat().st_size) for path in served
    }
    golden = answer_golden(model, definition, paths)
    manifest = Manifest(
        format=FORMAT,
        name=paths.name,
        title=read_model(paths.name).title,
        version=pins[paths.model.name].sha256[:VERSION_DIGITS],
        task=schema.task,
        input=kind.describe(schema, golden[0]["input"]),
        engine=engine,
        files=pins,
        frozen=frozen,
        versions=installed_versions(),
        dataset_sha256=hash_files(paths.train, paths.test),
        parameters={
            **params.prepare,
            "scoring": params.train.scoring,
            "candidate": paths.read_json(paths.comparison)["best"],
            "pipeline": describe_steps(model),
        },
        metrics=paths.read_json(paths.metrics),
        golden=tuple(golden),
        profile=profile(model, definition, read_examples(paths.test)),
        **task.describe_answers(model, paths.read_json(paths.evaluation)),
    )
    write(manifest, paths.bundle)
    say(f"wrote {paths.bundle / MANIFEST_NAME}: model {manifest.name}, version {manifest.version}")


def write(manifest: Manifest, bundle: Path) -> None:
    """Put a manifest beside its model, once the service's own reader has read it.

    Raises:
        StepError: It cannot be written, or not be read.
    """
    with TemporaryDirectory(dir=bundle) as folder:
        path = Path(folder, MANIFEST_NAME)
        try:
            path.write_text(manifest.to_json(), encoding="utf-8")
            same = read_manifest(folder).to_json() == path.read_text(encoding="utf-8")
        except ValueError as error:
            raise StepError(f"there can be no such manifest: {error}") from None
        except ModelError:
            same = False
        if not same:
            raise StepError(
                "the service could not read the manifest of this model, so it is not written: "
                "training/steps/bundle.py writes what serving/bundle/manifest.py does not take"
            )
        path.replace(bundle / MANIFEST_NAME)


def answer_golden(model: Any, definition: Definition, paths: Paths) -> list[dict[str, Any]]:
    """The golden examples, each with the answer that this model gives.

    Raises:
        StepError: The model gives one of them another answer than a person expects.
    """
    task, kind = definition.task, definition.input
    trained = task.read_targets(read_examples(paths.train))
    golden = task.choose_golden(read_golden(paths, definition.schema), trained, paths.golden)
    inputs = read_golden_inputs(golden, kind, paths)
    scored = task.score(model, kind.shape(inputs), trained[: len(inputs)])
    wrong, answered = [], []
    for index, one in enumerate(golden):
        try:
            answer = task.answer_golden(one, scored, index)
        except Mistaken as mistake:
            wrong.append(f"{mistake}: {kind.show(inputs[index])}")
        else:
            answered.append({"input": one["input"], **answer})
    if wrong:
        raise StepError(
            f"golden examples are answered wrong ({paths.golden}):\n  " + "\n  ".join(wrong)
        )
    return answered


def profile(model: Any, definition: Definition, examples: list[Example]) -> dict[str, Any]:
    """What inputs look like to the model, and its answers, when nothing has drifted.

    Of the test part: on the inputs it was fitted to, a model is surer than it will be in service.
    """
    task, kind = definition.task, definition.input
    inputs = [one.input for one in examples]
    scored = task.score(model, kind.shape(inputs), task.read_targets(examples))
    return {"examples": len(examples), **kind.profile(model, inputs), **task.profile(scored)}


if __name__ == "__main__":
    run_for_model(main)
