"""What a deployment costs a month: `python -m serving.deployment.costs` prints the tables.

They stand in docs/explanation/costs.md.

Public list prices in US dollars, of us-east-1, each of its first tier: more volume is
cheaper, so large figures are upper bounds. Free tiers, savings plans, taxes and queries are not
counted. GB are 2^30 bytes, as the example of Amazon S3's FAQ counts them.

The pricing pages draw most numbers in the browser. AWS's own text confirms REST requests (its
whitepaper on private APIs) and X-Ray's traces (its pricing page); the others were compared with
what third parties quote of the pages, most of them in 2026. Not confirmed: that metrics are charged
for the hours in which they have values alone; what log events are compressed to; that 26 bytes an
event are charged; whether an image's disk counts in its snapshot.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from serving.deployment.curves import count_metrics
from serving.deployment.stages import FARGATE_CPU, STAGES, Stage

READ = "2026-11-21"  # when the prices were looked up, that of ARM on 2026-11-26
READ_FARGATE = "2026-11-27"  # those of Fargate, of the load balancer and of addresses
RATES = (0, 1, 100)  # requests a second
SECONDS = 730 * 3600  # a month, as AWS's calculator has it
DAYS = SECONDS / 86_400
MILLION = 1e6
GB = 2**30  # bytes
CENT = 0.01


class Price(NamedTuple):
    """A list price.

    Attributes:
        what: What is charged.
        usd: US dollars a unit.
        unit: The unit.
        page: The pricing page that it stands on.
    """

    what: str
    usd: float
    unit: str
    page: str


LAMBDA_REQUESTS = Price("Lambda: requests", 0.20, "million", "AWS Lambda Pricing")
LAMBDA_DURATION = Price("Lambda: duration", 0.0000166667, "GB-second", "AWS Lambda Pricing")
LAMBDA_DURATION_ARM = Price("Lambda: on ARM", 0.0000133334, "GB-second", "AWS Lambda Pricing")
GATEWAY = Price("API Gateway: REST requests", 3.50, "million", "Amazon API Gateway pricing")
TRANSFER = Price("Data transfer out", 0.09, "GB", "Amazon EC2 On-Demand Pricing")
LOGS_INGESTED = Price("CloudWatch Logs: ingested", 0.50, "GB", "Amazon CloudWatch Pricing")
LOGS_STORED = Price("CloudWatch Logs: stored", 0.03, "GB", "Amazon CloudWatch Pricing")
METRICS = Price("CloudWatch: custom metrics", 0.30, "metric", "Amazon CloudWatch Pricing")
ALARMS = Price("CloudWatch: alarms", 0.10, "alarm", "Amazon CloudWatch Pricing")
DASHBOARDS = Price("CloudWatch: dashboard", 3.00, "dashboard", "Amazon CloudWatch Pricing")
TRACES = Price("X-Ray: traces", 5.00, "million", "AWS X-Ray pricing")
IMAGES = Price("ECR: images", 0.10, "GB", "Amazon ECR pricing")
MODELS = Price("S3: models", 0.023, "GB", "Amazon S3 pricing")
DURATIONS = {"x86_64": LAMBDA_DURATION, "arm64": LAMBDA_DURATION_ARM}
# What is not part of a deployment unless it is asked for.
PROVISIONED = Price("Provisioned concurrency", 0.0000041667, "GB-second", "AWS Lambda Pricing")
PROVISIONED_DURATION = Price("Its duration", 0.0000097222, "GB-second", "AWS Lambda Pricing")
SNAPSHOT_CACHE = Price("SnapStart: cache", 0.0000015046, "GB-second", "AWS Lambda Pricing")
SNAPSHOT_RESTORE = Price("SnapStart: restore", 0.0001397998, "GB", "AWS Lambda Pricing")
# Of a stage whose host is Fargate.
TASK_CPU = Price("Fargate: processors", 0.04048, "vCPU-hour", "AWS Fargate Pricing")
TASK_MEMORY = Price("Fargate: memory", 0.004445, "GB-hour", "AWS Fargate Pricing")
BALANCER = Price("Load balancer", 0.0225, "hour", "Elastic Load Balancing pricing")
BALANCER_UNITS = Price("Load balancer: LCUs", 0.008, "LCU-hour", "Elastic Load Balancing pricing")
ADDRESSES = Price("Public IPv4 addresses", 0.005, "address-hour", "Amazon VPC pricing")
FIREWALL = Price("WAF: web ACL", 5.00, "ACL", "AWS WAF Pricing")
FIREWALL_RULES = Price("WAF: rules", 1.00, "rule", "AWS WAF Pricing")
FIREWALL_REQUESTS = Price("WAF: requests", 0.60, "million", "AWS WAF Pricing")

# Bytes a request, measured where it says so.
EMF_BYTES = 1_100  # measured in the image: 1,010, and what Lambda's longer names add
PLATFORM_BYTES = 240  # START, END and REPORT: 233 measured under the emulator
ACCESS_BYTES = 460  # a line of API Gateway's access log: api.py's format, ids of usual length
EVENT_BYTES = 26  # of metadata an event (PutLogEvents API reference)
FUNCTION_EVENTS = 4
LOG_BYTES = EMF_BYTES + PLATFORM_BYTES + FUNCTION_EVENTS * EVENT_BYTES + ACCESS_BYTES + EVENT_BYTES
ACCESS_SHARE = (ACCESS_BYTES + EVENT_BYTES) / LOG_BYTES
COMPRESSED = 0.15  # of what is stored: assumed
# X-Ray Developer Guide, "Configuring sampling rules": of each second the first, and of the others
TRACED_A_SECOND, TRACED_SHARE = 1, 0.05
BASE_GB = 0.2  # the base image's layers, compressed, which all versions share: assumed
VERSION_GB = 0.02  # an image's own layers: docs/reference/image.md
ZONES = 2  # of a load balancer, each with an address
REQUEST_BYTES = 600  # of a text and headers: assumed
TASK_LOG_BYTES = EMF_BYTES + EVENT_BYTES
CHECKS_A_SECOND = ZONES / 10 + 1 / 30  # of a task's health, by each zone and in the container
MODEL_GB = 0.01  # model.joblib and model.frozen, and a reserve


@dataclass(frozen=True)
class Load:
    """What a deployment, of one model at one stage, is and what it is asked.

    Attributes:
        kind, task: The model's, which say what is measured.
        architecture: The function's processors.
        memory_mb: The function's memory.
        warm_ms: What a request takes; Lambda rounds each up to a millisecond.
        cold_ms: What a cold start takes in addition: its init is billed, too, as that of an image
            always was, and since August 2025 that of any function (AWS Compute Blog).
        cold_share: Cold starts, of the requests. AWS finds less than 1% (the same article); what
            is asked evenly has far fewer.
        answer_bytes: Sent out for a request: 131 of the body, measured, and headers.
        log_days: How long logs are kept.
        alarms: Their number.
        versions: Images and models kept.
    """

    kind: str = "text"
    task: str = "classification"
    architecture: str = STAGES["prod"].architecture
    memory_mb: int = STAGES["prod"].memory_mb
    warm_ms: float = 3
    cold_ms: float = 200
    cold_share: float = 0.001
    answer_bytes: int = 600
    log_days: int = STAGES["prod"].retention_days
    alarms: int = 6
    versions: int = 10

    @property
    def memory_gb(self) -> float:
        return self.memory_mb / 1024

    @property
    def billed_ms(self) -> float:
        """Of a request, cold starts shared out."""
        return math.ceil(self.warm_ms) + self.cold_share * math.ceil(self.cold_ms)


type Usage = dict[Price, float]  # units of each price in a month


def measure_usage(rate: float, load: Load) -> Usage:
    """What a month uses.

    Args:
        rate: Requests a second, evenly.
        load: Everything else.
    """
    millions = rate * SECONDS / MILLION
    log_gb = rate * SECONDS * LOG_BYTES / GB
    return {
        LAMBDA_REQUESTS: millions,
        DURATIONS[load.architecture]: millions * MILLION * load.billed_ms / 1000 * load.memory_gb,
        GATEWAY: millions,
        TRANSFER: rate * SECONDS * load.answer_bytes / GB,
        LOGS_INGESTED: log_gb,
        LOGS_STORED: log_gb * COMPRESSED * load.log_days / DAYS,
        METRICS: count_metrics(load.kind, load.task) if rate else 0,
        TRACES: count_traces(rate) * SECONDS / MILLION,
        ALARMS: load.alarms,
        DASHBOARDS: 1,
        IMAGES: BASE_GB + load.versions * VERSION_GB,
        MODELS: load.versions * MODEL_GB,
    }


def count_traces(rate: float) -> float:
    """Traces a second by X-Ray's default rule."""
    first = min(rate, TRACED_A_SECOND)
    return first + TRACED_SHARE * (rate - first)


def sum_costs(usage: Usage) -> float:
    """US dollars."""
    return sum(price.usd * units for price, units in usage.items())


def cost_of_month(rate: float, load: Load) -> float:
    """US dollars a month at so many requests a second."""
    return sum_costs(measure_usage(rate, load))


def cost_of_million(memory_mb: int, billed_ms: float, architecture: str = "x86_64") -> float:
    """What Lambda alone asks for a million requests, in US dollars."""
    gb_seconds = MILLION * billed_ms / 1000 * memory_mb / 1024
    return LAMBDA_REQUESTS.usd + gb_seconds * DURATIONS[architecture].usd


def measure_tasks(rate: float, load: Load) -> Usage:
    """What a month of the same uses on Fargate: as many tasks as a stage has at least, behind a
    load balancer in two zones.

    X-Ray, API Gateway's access log, Lambda's own lines and the handler's metrics are not there.
    """
    stage, hours, usage = Stage(), SECONDS / 3600, measure_usage(rate, load)
    lines = rate + stage.tasks * CHECKS_A_SECOND
    log_gb = lines * SECONDS * TASK_LOG_BYTES / GB
    return {
        TASK_CPU: stage.tasks * count_processors(load) * hours,
        TASK_MEMORY: stage.tasks * load.memory_gb * hours,
        BALANCER: hours,
        BALANCER_UNITS: count_units(rate, load) * hours,
        ADDRESSES: (stage.tasks + ZONES) * hours,
        TRANSFER: usage[TRANSFER],
        LOGS_INGESTED: log_gb,
        LOGS_STORED: log_gb * COMPRESSED * load.log_days / DAYS,
        ALARMS: load.alarms,
        DASHBOARDS: 1,
        IMAGES: usage[IMAGES],
        MODELS: usage[MODELS],
    }


def count_processors(load: Load) -> float:
    """Of a task."""
    return next(one for one in FARGATE_CPU if 2 * one <= load.memory_mb) / 1024


def count_units(rate: float, load: Load) -> float:
    """The LCUs of a load balancer: of connections and of bytes, the more of them.

    "Elastic Load Balancing pricing": 25 new connections a second, or a GB an hour. Each request
    has a connection of its own, as where callers keep none.
    """
    return max(rate / 25, rate * 3600 * (load.answer_bytes + REQUEST_BYTES) / GB)


def cost_of_url(rate: float, load: Load) -> float:
    """US dollars a month where callers reach the function's own URL: no gateway, no access log."""
    usage = measure_usage(rate, load)
    kept = 1 - ACCESS_SHARE
    logs = {price: kept * usage[price] for price in (LOGS_INGESTED, LOGS_STORED)}
    return sum_costs(usage | logs | {GATEWAY: 0})


def find_break_even(load: Load, cost: Callable[[float, Load], float] = cost_of_month) -> float:
    """The requests a second from which on Fargate costs less than functions, of which `cost` is."""
    low, high = 0.0, 1000.0
    for _ in range(60):
        middle = (low + high) / 2
        cheaper = sum_costs(measure_tasks(middle, load)) < cost(middle, load)
        low, high = (low, middle) if cheaper else (middle, high)
    return high


def render() -> str:
    """The page's part in Markdown: assumptions, what a month costs, what settings add."""
    load = Load()
    tables = ("\n".join(_tabulate_month(load)), "\n".join(_tabulate_settings(load)))
    parts = (_describe(load), *tables, _explain(load), _describe_tasks(load))
    return "\n\n".join((*parts, "\n".join(_tabulate_tasks(load))))


def _describe(load: Load) -> str:
    return (
        f"List prices of us-east-1 and {load.architecture} in US dollars, looked up on {READ}, "
        "most of them in quotations of AWS's pricing pages. Not counted: free tiers, cheaper tiers "
        "of large volumes, queries of logs, metrics and traces, DNS. Of one model at one stage, "
        f"over {load.kind}s: {count_metrics(load.kind, load.task)} metrics (over records "
        f"{count_metrics('record', 'regression')}). "
        f"Assumed: {load.memory_mb} MB, "
        f"{math.ceil(load.warm_ms)} ms billed a request, {load.cold_ms:g} ms more for a cold start "
        f"(init is billed), of which there is one in {1 / load.cold_share:,.0f} requests; "
        f"{LOG_BYTES:,} bytes of logs a request, kept {load.log_days} days; {load.answer_bytes} "
        f"bytes an answer; {load.versions} versions of image and model; a month of 730 hours."
    )


def _tabulate_month(load: Load) -> Iterator[str]:
    usages = [measure_usage(rate, load) for rate in RATES]
    yield from _head("A month at", "Price")
    for price in usages[0]:
        cells = [_dollars(price.usd * usage[price]) for usage in usages]
        yield _row(price.what, _quote(price), *cells)
    yield _row("**Together**", "", *(f"**{_dollars(sum_costs(usage))}**" for usage in usages))


def _tabulate_settings(load: Load) -> Iterator[str]:
    yield from _head("A setting costs a month at", "Counted above")
    for settings in zip(*(_list_settings(rate, load) for rate in RATES), strict=True):
        what, counted, _ = settings[0]
        yield _row(what, counted, *(_dollars(sum_costs(usage)) for _, _, usage in settings))


def _list_settings(rate: float, load: Load) -> Iterator[tuple[str, str, Usage]]:
    """Each setting, whether `measure_usage` has it, and what it uses or would use."""
    usage, month = measure_usage(rate, load), SECONDS * load.memory_gb
    price = DURATIONS[load.architecture]
    millions, duration = usage[LAMBDA_REQUESTS], usage[price]
    logs = (LOGS_INGESTED, LOGS_STORED)
    restored = millions * MILLION * load.cold_share * load.memory_gb
    firewall = {FIREWALL: 1.0, FIREWALL_RULES: 1.0, FIREWALL_REQUESTS: millions}
    yield "Access logs", "yes", {price: ACCESS_SHARE * usage[price] for price in logs}
    yield "X-Ray tracing", "yes", {TRACES: usage[TRACES]}
    yield f"{load.alarms} alarms", "yes", {ALARMS: usage[ALARMS]}
    yield "Usage plan, API key, throttling", "yes", {}
    yield "Reserved concurrency", "no", {}
    yield "Custom domain with a certificate (without DNS)", "no", {}
    yield "Twice the memory, if that makes nothing faster", "no", {price: duration}
    if load.architecture == "x86_64":
        saved = {LAMBDA_DURATION: -duration, LAMBDA_DURATION_ARM: duration}
        yield "`arm64`, if that makes nothing slower", "no", saved
    yield "Provisioned concurrency of one, idle (1)", "no", {PROVISIONED: month}
    yield "SnapStart, one published version (2)", "no", {SNAPSHOT_CACHE: month}
    yield "SnapStart, restoring at cold starts", "no", {SNAPSHOT_RESTORE: restored}
    yield "WAF with one rule", "no", firewall


def _explain(load: Load) -> str:
    """The notes of the settings' table."""
    least = 3 * 3600 * load.memory_gb * SNAPSHOT_CACHE.usd
    return (
        f"(1) What it serves costs {_quote(PROVISIONED_DURATION)} of duration instead of "
        f"{_quote(DURATIONS[load.architecture])}. "
        f"(2) At {load.memory_mb} MB, from three hours (${least:.3f}) until it is deleted: each "
        "version that is kept costs as much again."
    )


def _describe_tasks(load: Load) -> str:
    """What the table of Fargate assumes, and from when on it costs less."""
    behind_url = find_break_even(load, cost_of_url)
    return (
        f"The same on Fargate (`host`), by prices of {READ_FARGATE}, from quotations of 2024 to "
        f"2026: {Stage().tasks} tasks of {count_processors(load):g} processors each, which answer "
        f"{RATES[-1]} requests a second of a text; {ZONES} zones; a connection a request, of "
        f"{REQUEST_BYTES + load.answer_bytes:,} bytes; {TASK_LOG_BYTES:,} bytes of logs each, and "
        "of a health check; without traces and the handler's metrics. At an even rate it costs "
        f"less from {find_break_even(load):.1f} requests a second on than functions behind a REST "
        f"API, from {behind_url:.0f} on than functions with a URL of their own. If requests come "
        "only during the day, their average is lower."
    )


def _tabulate_tasks(load: Load) -> Iterator[str]:
    usages = [measure_tasks(rate, load) for rate in RATES]
    yield from _head("A month on Fargate at", "Price")
    for price in usages[0]:
        cells = [_dollars(price.usd * usage[price]) for usage in usages]
        yield _row(price.what, _quote(price), *cells)
    yield _row("**Together**", "", *(f"**{_dollars(sum_costs(usage))}**" for usage in usages))


def _head(first: str, second: str) -> Iterator[str]:
    yield _row(first, second, *(f"{rate} request{'s' * (rate != 1)}/s" for rate in RATES))
    yield "|---" * (2 + len(RATES)) + "|"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _quote(price: Price) -> str:
    """A price with all its digits, two at least."""
    digits = f"{price.usd:.10f}".rstrip("0")
    return f"${max(digits, f'{price.usd:.2f}', key=len)} per {price.unit}"


def _dollars(usd: float) -> str:
    if 0 < abs(usd) < CENT:
        return "< $0.01"
    return f"{'-' * (usd < 0)}${abs(usd):,.2f}"


if __name__ == "__main__":
    print(render())
