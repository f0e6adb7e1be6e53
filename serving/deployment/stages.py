"""The stages that models are deployed to: all that differs from one to another."""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

INTEGRATION_SECONDS = 29  # API Gateway, "Integration timeout"
MEMORY_MB = range(128, 10_240 + 1)  # AWS Lambda Developer Guide, "Lambda quotas"
# Amazon ECS Developer Guide, "Task CPU and memory": what there is with half as many units of a
# processor as MB, or the next step below.
FARGATE_MB, FARGATE_CPU = (512, *MEMORY_MB[1024 - 128 :: 1024]), (4096, 2048, 1024, 512, 256)
BULK_CONCURRENCY = range(2, 1000 + 1)  # the same, "Using Lambda with Amazon SQS"
# CloudWatch Logs takes these alone (PutRetentionPolicy API reference); more are not needed here.
RETENTION_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731)


HOST = r"[a-z0-9-]+(\.[a-z0-9-]+)+"
# Of one part, as a REST API has it, in letters that the handler takes, too.
ROUTES = r"docs|health|labels|model|openapi\.json|predict"
BASE_PATH = rf"(?!(\.{{1,2}}|{ROUTES})$)[A-Za-z0-9._-]{{1,128}}"
ORIGIN = r"\*|https?://[a-zA-Z0-9.-]+(:[0-9]+)?"
# Without a hyphen: what stands after the last one in a name is the stage, in policies, too.
STAGE = r"[a-z][a-z0-9]{0,15}"
TOPIC = r"arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[\w-]+"


class StageError(ValueError):
    """A stage has settings that cannot be, or not together."""


def fits(pattern: str, value: str | None) -> bool:
    return value is None or bool(re.fullmatch(pattern, value))


@dataclass(frozen=True, kw_only=True)
class Domain:
    """A custom domain.

    Attributes:
        name: As api.example.org.
        certificate_arn: Of a certificate of that name in the stage's region.
        base_path: What stands before the routes, as nlp (/nlp/predict); without, they are at the
            domain's root.
        zone_id, zone_name: The Route 53 zone that gets the record; without, it is made by hand.
    """

    name: str
    certificate_arn: str
    base_path: str | None = None
    zone_id: str | None = None
    zone_name: str | None = None

    def __post_init__(self) -> None:
        """Refuse what AWS would refuse, and half a zone.

        Raises:
            StageError: It names the setting.
        """
        if not re.fullmatch(HOST, self.name):
            raise StageError("serving/deployment/stages.py: a domain's name is as api.example.org")
        if not fits(BASE_PATH, self.base_path):
            raise StageError(
                "serving/deployment/stages.py: a domain's base_path must be one part of a path, "
                "such as nlp, and no route of the service"
            )
        if bool(self.zone_id) != bool(self.zone_name):
            raise StageError("serving/deployment/stages.py: a zone needs zone_id and zone_name")


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage's settings.

    Attributes:
        host: What runs the model: functions of Lambda, or tasks of Fargate behind a load balancer.
        architecture: The processors, as Lambda names them; the image is built for them.
        memory_mb: The memory of a function or a task; its share of a processor goes with it.
        tasks, max_tasks: So many tasks run at least and at most, where host is fargate.
        timeout_seconds: What an invocation may take, less than API Gateway waits.
        api: What callers reach: a REST API, an HTTP API, or the function's own URL.
        auth: What a caller needs: an API key, an AWS signature, or nothing.
        rate_per_second, burst: What API Gateway lets through, in all and of a key.
        allow_origin: The origin whose pages may call the API ("*": all); without, none may.
        domain: The API's own domain, of one model; without, it has the one that API Gateway gives.
        retention_days: How long logs are kept.
        p99_ms: The function's slowest hundredth may take so long before an alarm goes off.
        alarm_topic_arn: The SNS topic that alarms go to; without, they are on the dashboard alone.
        canary: Whether a tenth of the requests tries a new version for five minutes first.
        reserved_concurrency: So many environments may run at once, and are kept for the stage.
        provisioned_concurrency: So many environments are always started, and paid for.
        snap_start: Whether environments start from a snapshot of one that has started.
        bulk: Whether objects put into a bucket are answered, too, by what is theirs alone.
        bulk_host: What answers them: a function of Lambda, or tasks of Fargate.
        bulk_concurrency: So many objects may be answered at once: it bounds what a flood costs.
        bulk_tasks: So many tasks wait for objects at least, where bulk_host is fargate.
        models: What is otherwise for a model: by its name, settings as above.
    """

    host: Literal["lambda", "fargate"] = "lambda"
    architecture: Literal["x86_64", "arm64"] = "x86_64"
    memory_mb: int = 1024
    tasks: int = 2
    max_tasks: int = 10
    timeout_seconds: int = 28
    api: Literal["rest", "http", "url"] = "rest"
    auth: Literal["api_key", "iam", "none"] = "api_key"
    rate_per_second: int | None = 50
    burst: int | None = 100
    allow_origin: str | None = None
    domain: Domain | None = None
    retention_days: int = 30
    p99_ms: int = 2_000
    alarm_topic_arn: str | None = None
    canary: bool = False
    reserved_concurrency: int | None = None
    provisioned_concurrency: int | None = None
    snap_start: bool = False
    bulk: bool = False
    bulk_host: Literal["lambda", "fargate"] = "lambda"
    bulk_concurrency: int = 10
    bulk_tasks: int = 0
    models: Mapping[str, Mapping[str, Any]] | None = None

    def __post_init__(self) -> None:
        """Refuse what AWS would refuse, or what defeats itself, before anything is deployed.

        Raises:
            StageError: It names the setting.
        """
        starts = (self.reserved_concurrency, self.provisioned_concurrency, self.snap_start or None)
        checks = {
            "architecture must be x86_64 or arm64": self.architecture in ("x86_64", "arm64"),
            "memory_mb must be from 128 to 10,240": self.memory_mb in MEMORY_MB,
            f"timeout_seconds must be less than API Gateway's {INTEGRATION_SECONDS}": (
                0 < self.timeout_seconds < INTEGRATION_SECONDS
            ),
            "auth must be api_key, iam or none": self.auth in ("api_key", "iam", "none"),
            "rate_per_second and burst must be at least 1": all(
                one is None or one >= 1 for one in (self.rate_per_second, self.burst)
            ),
            **self._check_host(),
            **(self._check_api() if self.host == "lambda" else {}),
            **self._check_bulk(),
            f"retention_days must be one of {RETENTION_DAYS}": (
                self.retention_days in RETENTION_DAYS
            ),
            "only one of reserved_concurrency, provisioned_concurrency and snap_start may be set": (
                sum(one is not None for one in starts) <= 1
            ),
            "p99_ms must be from 1 to the time-out": 1
            <= self.p99_ms
            <= self.timeout_seconds * 1000,
            "allow_origin must be * or as https://app.example.org": fits(ORIGIN, self.allow_origin),
            "alarm_topic_arn must be an SNS topic's": fits(TOPIC, self.alarm_topic_arn),
            "concurrency must be at least 1": all(one >= 1 for one in starts if one is not None),
        }
        for rule, holds in checks.items():
            if not holds:
                raise StageError(f"serving/deployment/stages.py: {rule}")
        for model, settings in (self.models or {}).items():
            if unknown := settings.keys() - vars(self).keys():
                raise StageError(f"serving/deployment/stages.py: {model}: no settings {unknown}")
            self.of(model)

    def _check_host(self) -> dict[str, bool]:
        """What tasks behind a load balancer lack, no setting may want (docs/guides/fargate.md)."""
        starts = (self.reserved_concurrency, self.provisioned_concurrency, self.snap_start or None)
        rules = {
            "api must be left out where host is fargate: a load balancer is what callers reach": (
                self.api == "rest"
            ),
            "auth must be none where host is fargate: a load balancer has neither keys nor "
            "signatures": self.auth == "none",
            "rate_per_second and burst must be None where host is fargate, whose load balancer "
            "has no throttle: max_tasks bounds it": (
                (self.rate_per_second, self.burst) == (None, None)
            ),
            "reserved_concurrency, provisioned_concurrency and snap_start must be left out where "
            "host is fargate: tasks is how many always run": starts == (None, None, None),
            "canary must be False where host is fargate: a deployment whose tasks fail goes back "
            "by itself": not self.canary,
            "a domain's base_path must be left out where host is fargate": (
                not (self.domain and self.domain.base_path)
            ),
            "memory_mb must be 512 or a multiple of 1,024 where host is fargate": (
                self.memory_mb in FARGATE_MB
            ),
            "tasks must be at least 1, and max_tasks no less": 1 <= self.tasks <= self.max_tasks,
        }
        return {"host must be lambda or fargate": self.host in ("lambda", "fargate")} | (
            rules if self.host == "fargate" else {}
        )

    def _check_bulk(self) -> dict[str, bool]:
        """What a function or a task of bulk cannot have."""
        on_fargate = self.bulk_host == "fargate"
        return {
            "bulk_host must be lambda or fargate": self.bulk_host in ("lambda", "fargate"),
            "bulk_concurrency must be from 2 to 1,000": self.bulk_concurrency in BULK_CONCURRENCY,
            "memory_mb must be 512 or a multiple of 1,024 where bulk_host is fargate": (
                not on_fargate or self.memory_mb in FARGATE_MB
            ),
            "bulk_tasks must be left out where bulk_host is lambda, which starts what it needs": (
                on_fargate or self.bulk_tasks == 0
            ),
            "bulk_tasks must be at least 0, and bulk_concurrency no less": (
                0 <= self.bulk_tasks <= self.bulk_concurrency
            ),
        }

    @property
    def cpu_units(self) -> int:
        """The 1,024ths of a processor that a task has with its memory."""
        return next(one for one in FARGATE_CPU if 2 * one <= self.memory_mb)

    def _check_api(self) -> dict[str, bool]:
        """What an API lacks, no setting may want (docs/guides/aws.md)."""
        rates = (self.rate_per_second, self.burst)
        return {
            "api must be rest, http or url": self.api in ("rest", "http", "url"),
            f"auth must be iam or none where api is {self.api}: it has no API keys": (
                self.api == "rest" or self.auth != "api_key"
            ),
            "rate_per_second and burst must be None where api is url, which has no throttle: "
            "reserved_concurrency bounds it": self.api != "url" or rates == (None, None),
            f"rate_per_second and burst must be set where api is {self.api}": (
                self.api == "url" or None not in rates
            ),
            "domain must be None where api is url: a function URL has no other name": (
                self.api != "url" or self.domain is None
            ),
            "a domain's base_path needs api rest: other events do not tell it": (
                self.api == "rest" or not (self.domain and self.domain.base_path)
            ),
        }

    def of(self, model: str) -> "Stage":
        """The settings of a model at this stage."""
        return replace(self, **(self.models or {}).get(model, {}), models=None)

    def list_variants(self) -> Iterator["Stage"]:
        """The settings of each model that has some of its own, and those of all others."""
        yield from map(self.of, self.models or ())
        yield replace(self, models=None)


def check_stages(stages: dict[str, Stage]) -> dict[str, Stage]:
    """The stages, whose names and settings go together.

    Raises:
        StageError: A name is none, or two models would have one domain.
    """
    for name, stage in stages.items():
        if not re.fullmatch(STAGE, name):
            raise StageError(
                f"serving/deployment/stages.py: {name!r} is no name of a stage: at most 16 "
                "lower-case letters and digits, a letter first"
            )
        if stage.domain:
            raise StageError(
                f"serving/deployment/stages.py: the domain of stage {name} is one model's: "
                'models={"<model>": {"domain": Domain(…)}}'
            )
    return stages


def list_stages() -> dict[str, Stage]:
    """The stages; what you change is here."""
    return {
        "dev": Stage(retention_days=7, rate_per_second=10, burst=20),
        "staging": Stage(retention_days=14),
        "prod": Stage(retention_days=90, canary=True),
    }


try:
    STAGES = check_stages(list_stages())
except StageError as wrong:  # whatever program it is that wants them
    sys.exit(f"error: {wrong}")
