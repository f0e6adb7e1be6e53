"""The dashboard: who calls, how it goes, how fast, and whether what is sent is still of a kind."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from aws_cdk.region_info import RegionInfo
from constructs import Construct

from serving.deployment import curves
from serving.deployment.curves import BLUE, GREEN, GREY, ORANGE, RED, Curve, list_curves
from serving.deployment.stack import NAME
from serving.deployment.stacks.alarms import Alarms
from serving.deployment.stacks.bulk import Metrics
from serving.deployment.stacks.front import Front
from serving.deployment.stacks.function import Function

PERIOD = Duration.minutes(1)
# By partition: a region of China or of GovCloud has another console.
CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
WIDTH, HEIGHT = 8, 6  # of 24 columns
# Tables of the logs: title, query, and the task that has what it asks for ("": each).
QUERIES = (
    (
        "Labels",
        "filter ispresent(label) | stats count() as n by label | sort n desc",
        "classification",
    ),
    (
        "Models",
        "filter ispresent(modelVersion) | stats count() as n by modelVersion, engine",
        "",
    ),
    (
        "Errors",
        (
            "filter level = 'ERROR' or status >= 500 "
            "| fields @timestamp, error, message, status, requestId | limit 20"
        ),
        "",
    ),
)


class Dashboard(Construct):
    """The dashboard of a deployment.

    Attributes:
        link: To the console.
    """

    def __init__(  # noqa: PLR0913 - a construct's
        self,
        scope: Construct,
        identity: str,
        *,
        name: str,
        function: Function,
        api: Front,
        bulk: Metrics | None,
        alarms: Alarms,
        region: str,
    ) -> None:
        super().__init__(scope, identity)
        self._name = name
        manifest = function.image.manifest
        self._task = manifest["task"]
        self._curves = list_curves(manifest["input"]["kind"], self._task)
        make_board(
            self,
            name,
            alarms.all,
            [
                self._show_requests(function, api),
                self._show_speed(function, api),
                self._show_model(),
                *([[show_bulk(bulk)]] if bulk else ()),
                list_queries(function.logs, self._task),
            ],
        )
        self.link = make_link(name, region)

    def _graph(self, title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
        """A diagram over time, from zero: metrics of AWS's, and the handler's curves."""
        drawn = [self._draw(curve) for curve in self._curves.pop(title, [])]
        most = 1 if title in curves.SHARES else None
        return cloudwatch.GraphWidget(
            title=title,
            left=[*metrics, *drawn],
            left_y_axis=cloudwatch.YAxisProps(min=0, max=most, show_units=False),
            width=WIDTH,
            height=HEIGHT,
        )

    def _draw(self, curve: Curve) -> cloudwatch.Metric:
        """A metric of the handler's, under the dimensions that aws-embedded-metrics gives it."""
        return cloudwatch.Metric(
            namespace=NAME,
            metric_name=curve.metric,
            dimensions_map={
                "LogGroup": self._name,
                "ServiceName": self._name,
                "ServiceType": "AWS::Lambda::Function",
            },
            statistic=curve.statistic,
            period=PERIOD,
            label=curve.label,
            color=curve.color,
        )

    def _show_requests(self, function: Function, api: Front) -> list[cloudwatch.IWidget]:
        alias = function.alias
        return [
            self._graph(curves.REQUESTS, api.requests(period=PERIOD, label="requests", color=BLUE)),
            self._graph(
                curves.REFUSED,
                api.refused(period=PERIOD, statistic="Sum", label="4xx", color=ORANGE),
                api.failed(period=PERIOD, statistic="Sum", label="5xx", color=RED),
                alias.metric_throttles(period=PERIOD, label="throttled", color=BLUE),
            ),
            self._graph(
                curves.ENVIRONMENTS,
                function.function.metric(
                    "ConcurrentExecutions",
                    period=PERIOD,
                    statistic="Maximum",
                    label="at once",
                    color=GREY,
                ),
                alias.metric_errors(period=PERIOD, label="failed invocations", color=RED),
            ),
        ]

    def _show_speed(self, function: Function, api: Front) -> list[cloudwatch.IWidget]:
        return [
            self._graph(
                "For the caller (ms)",
                api.latency(period=PERIOD, statistic="p50", label="p50", color=GREEN),
                api.latency(period=PERIOD, statistic="p99", label="p99", color=ORANGE),
                api.latency(period=PERIOD, statistic="Maximum", label="max", color=RED),
            ),
            self._graph(
                curves.SPEED,
                *(
                    function.alias.metric_duration(
                        period=PERIOD, statistic=statistic, label=statistic, color=color
                    )
                    for statistic, color in (("p50", GREEN), ("p99", ORANGE))
                ),
            ),
            self._graph(curves.LOADING),
        ]

    def _show_model(self) -> list[cloudwatch.IWidget]:
        """What no diagram above has taken: what this kind of input and this task have alone."""
        return [self._graph(title) for title in list(self._curves)]


def make_link(name: str, region: str) -> str:
    """To a dashboard in the console."""
    console = CONSOLES.get(RegionInfo.get(region).partition or "aws", CONSOLES["aws"])
    return f"https://{region}.{console}/cloudwatch/home?region={region}#dashboards:name={name}"


def make_board(
    scope: Construct,
    name: str,
    alarms: Mapping[str, cloudwatch.Alarm],
    rows: Sequence[Sequence[cloudwatch.IWidget]],
) -> None:
    """Make a dashboard: its name and alarms, and rows of diagrams under them."""
    cloudwatch.Dashboard(
        scope,
        "Dashboard",
        dashboard_name=name,
        default_interval=Duration.hours(3),
        period_override=cloudwatch.PeriodOverride.INHERIT,
        widgets=[
            [
                cloudwatch.TextWidget(markdown=f"# {name}", width=12, height=2),
                cloudwatch.AlarmStatusWidget(
                    alarms=list(alarms.values()), width=12, height=2, title="Alarms"
                ),
            ],
            *map(list, rows),
        ],
    )


def show_bulk(bulk: Metrics) -> cloudwatch.GraphWidget:
    """The diagram of bulk's queues."""

    def draw(metric: cloudwatch.Metric, label: str, color: str) -> cloudwatch.IMetric:
        return metric.with_(period=PERIOD, label=label, color=color)

    return cloudwatch.GraphWidget(
        title="Objects of bulk",
        left=[draw(bulk.waiting, "waiting", BLUE), draw(bulk.dead, "dead", RED)],
        right=[draw(bulk.age, "oldest (s)", ORANGE)],
        width=WIDTH,
        height=HEIGHT,
    )


def list_queries(group: logs.ILogGroup, task: str) -> list[cloudwatch.IWidget]:
    """The tables of a log, those that a task has."""
    return [
        cloudwatch.LogQueryWidget(
            title=title,
            log_group_names=[group.log_group_name],
            query_string=query,
            view=cloudwatch.LogQueryVisualizationType.TABLE,
            width=WIDTH,
            height=HEIGHT,
        )
        for title, query, only in QUERIES
        if only in ("", task)
    ]
