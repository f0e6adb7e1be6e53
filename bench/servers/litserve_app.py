"""The same model behind LitServe."""

# Only where litserve is installed: requirements/servers.txt.
# mypy: disable-error-code="import-not-found,misc"

import sys
from typing import Any

import litserve as ls

from bench import plain
from bench.plain import One


class API(ls.LitAPI):
    def setup(self, device: str) -> None:
        """Nothing: the model was loaded with the module."""

    def decode_request(self, request: dict[str, Any]) -> Any:
        return plain.read_one(One.model_validate(request))

    def predict(self, value: Any) -> Any:
        return plain.predict([value])[0]

    def encode_response(self, output: Any) -> dict[str, Any]:
        found: dict[str, Any] = output.model_dump()
        return found


if __name__ == "__main__":
    server = ls.LitServer(
        API(api_path="/predict"), accelerator="cpu", workers_per_device=int(sys.argv[2])
    )
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="error"
    )
