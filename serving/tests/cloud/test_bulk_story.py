"""Bulk on a local AWS: the real CDK, real containers of the real image, a real queue."""

import json

import pytest

from serving.tests.cloud.checkout import Checkout
from serving.tests.cloud.node import install_cdk
from tools.cloud import local

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.node]
STAGES = "serving/deployment/stages.py"
TEXTS = ["tie the rope to the boat", "bake bread", "hoist the sail"]


@pytest.fixture
def checkout(tmp_path):
    install_cdk()
    with local.run(tmp_path, host=local.find_bridge()) as variables:
        made = Checkout(tmp_path / "checkout", variables)
        stages = made.folder / STAGES
        text = stages.read_text()
        assert '"dev": Stage(' in text
        stages.write_text(text.replace('"dev": Stage(', '"dev": Stage(bulk=True, '))
        yield made


def test_files_are_put_answered_fetched_and_nothing_of_people_is_deleted(
    checkout, pipeline, tmp_path
):
    version = checkout.take_model(pipeline)
    checkout.make("bootstrap", "GITHUB=owner/name", "PROVIDER=false", "YES=1")
    checkout.make("deploy", "YES=1")
    asked = tmp_path / "asked"
    (asked / "more").mkdir(parents=True)
    lines = [json.dumps({"text": one}) for one in TEXTS]
    (asked / "posts.jsonl").write_text("\n".join([*lines, '{"text": 1}', ""]))
    (asked / "more/posts.csv").write_text("id,text\n" + "".join(f"7,{one}\n" for one in TEXTS))

    said = checkout.make("bulk", f"IN={asked}", f"OUT={tmp_path / 'out'}")
    assert "2 of 2 answered" in said
    found = {path.name.split(".")[1]: path for path in (tmp_path / "out" / version).rglob("posts*")}
    assert set(found) == {"jsonl", "csv"}
    rows = [json.loads(line) for line in found["jsonl"].read_text().splitlines()]
    labels = list(pipeline.predict(TEXTS))
    assert [one["label"] for one in rows] == [*labels, None]
    assert {one["model"] for one in rows} == {version}
    assert rows[-1]["error"].startswith("body.text: ")
    assert [line.split(",")[3] for line in found["csv"].read_text().splitlines()[1:]] == labels

    assert "nothing is dead" in checkout.make("redrive", "YES=1")
    assert "the stack is as committed" in checkout.make("live")
    checkout.make("destroy", "YES=1")
    assert "set bulk=True" in checkout.make("bulk", status=2)
