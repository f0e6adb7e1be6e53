"""Step freeze: compile the model to the file that serves it, and prove that it answers the same.

What cannot be compiled is no failure: the sklearn engine serves it, and the report says why.
"""

import json
from typing import Any

from serving.bundle.manifest import processor
from training.console import StepError, say
from training.data.dataset import read_examples
from training.definition import read_definition
from training.freezing.compiler import PROBED, CannotFreeze, compile_pipeline
from training.freezing.engines import open_engines
from training.freezing.file import write
from training.freezing.inputs import generate
from training.freezing.proof import ProofFailed, SplitterDiffers, prove, tell_proof
from training.model_file import load_model
from training.paths import Paths, run_for_model


def main(paths: Paths) -> None:
    """Write the frozen model, or in its place why there is none, and what the proof found.

    Raises:
        StepError: There is no model yet, or no test part to prove it on.
    """
    for path in (paths.model, paths.test, paths.input):
        if not path.exists():
            raise StepError(f"{path} is missing: make it with {paths.make('train')}")
    pipeline = load_model(paths)
    try:
        report = {"engine": "frozen", **freeze(pipeline, paths)}
    except CannotFreeze as error:
        # DVC wants every output of a step, and warns of an empty one.
        paths.frozen.write_text(f"not frozen: {error}\n", encoding="utf-8")
        report = {"engine": "sklearn", "refused": str(error)}
        say(f"the model cannot be frozen: {error}")
        say("the sklearn engine will serve it: the same answers, a slower cold start")
    report["processor"] = processor()
    paths.freeze.write_text(json.dumps(report, indent=2) + "\n")


def freeze(pipeline: Any, paths: Paths) -> dict[str, Any]:
    """Write a frozen model and prove it.

    Returns:
        The hash of its `root`, and what `prove` found.

    Raises:
        CannotFreeze: The pipeline has a step or a setting that has no frozen form.
        StepError: The frozen model answers otherwise than the pipeline. It leaves no file.
    """
    definition, path = read_definition(paths), paths.frozen
    described, params = definition.input.described, definition.params.freeze
    values = [definition.input.read(one.input) for one in read_examples(paths.test)]
    model = compile_pipeline(pipeline, described, values[:PROBED])
    values += generate(described, pipeline, values, params.generated_inputs, params.seed)
    unproved = path.with_suffix(".unproved")
    try:
        root = write(unproved, model)
        engine, *others = open_engines(unproved, root, described)
        proof = prove(pipeline, engine, values, described, others)
        unproved.replace(path)
    except SplitterDiffers as error:
        raise StepError(str(error)) from None
    except ProofFailed as error:
        raise StepError(
            f"the frozen model is not the model: {error}. That is a fault of training/freezing or "
            "of serving/app/engines/frozen/ops: please report it"
        ) from None
    finally:
        unproved.unlink(missing_ok=True)
    say(f"wrote {path} ({path.stat().st_size / 1e6:.1f} MB): {tell_proof(proof)}")
    return {"root": root, **proof}


if __name__ == "__main__":
    run_for_model(main)
