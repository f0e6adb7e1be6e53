"""A stage that is not there is named, with those that are."""

import argparse

import pytest

from serving.deployment.commands.options import add_deployment


def test_stage_that_is_not_there_is_refused_with_the_variable_that_was_typed(capsys):
    parser = argparse.ArgumentParser()
    add_deployment(parser)
    assert parser.parse_args(["--model", "hobbies", "--stage", "prod"]).stage == "prod"
    with pytest.raises(SystemExit):
        parser.parse_args(["--model", "hobbies", "--stage", "prd"])
    assert "there is no stage prd: STAGE= one of dev, staging, prod" in capsys.readouterr().err
