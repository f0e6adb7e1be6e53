"""The stages that the service is deployed to, and what each gives its function."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """A stage's settings.

    Attributes:
        memory_mb: The function's memory; its share of a processor goes with it.
        timeout_seconds: What an invocation may take; API Gateway waits for 29 s.
    """

    memory_mb: int = 512
    timeout_seconds: int = 28


STAGES = {"dev": Stage(), "staging": Stage(), "prod": Stage()}
