"""The same model behind BentoML."""

# Only where bentoml is installed: requirements/servers.txt.
# mypy: disable-error-code="import-not-found,untyped-decorator"

import os
from typing import Any

import bentoml

from bench import plain
from bench.plain import One


@bentoml.service(workers=int(os.environ["WORKERS"]), logging={"access": {"enabled": False}})
class Service:
    @bentoml.api(route="/predict", input_spec=One)
    def predict(self, **body: Any) -> dict[str, Any]:
        (found,) = plain.predict([plain.read_one(One.model_validate(body))])
        answer: dict[str, Any] = found.model_dump()
        return answer
