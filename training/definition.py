"""All that a step knows of its model besides examples: what a person wrote, and what follows."""

from typing import NamedTuple

from training.inputs import Input, read_input
from training.paths import Paths
from training.settings.params import Params, read_params
from training.settings.schema import Schema, read_schema
from training.tasks import Task, find_task


class Definition(NamedTuple):
    """What is to be trained.

    Attributes:
        schema, params: As they are written.
        task: What it answers.
        input: What it is asked, as the step `prepare` has found it in the training part.
    """

    schema: Schema
    params: Params
    task: Task
    input: Input


def read_definition(paths: Paths) -> Definition:
    """The definition of a model whose data is prepared.

    Raises:
        StepError: A file is missing, or has another form.
    """
    schema, params = read_schema(paths), read_params(paths)
    return Definition(schema, params, find_task(schema), read_input(paths, params))
