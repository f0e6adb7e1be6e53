"""The dashboard: who calls, how it goes, how fast, and whether the texts are still of a kind."""

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk.region_info import RegionInfo
from constructs import Construct

from serving.deployment.stack import NAME
from serving.deployment.stacks.alarms import Alarms
from serving.deployment.stacks.function import Function

GREEN, ORANGE, RED, BLUE, GREY = "#2ca02c", "#ff7f0e", "#d62728", "#1f77b4", "#7f7f7f"
PERIOD = Duration.minutes(1)
# By partition: a region of China or of GovCloud has another console.
CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
WIDTH, HEIGHT = 8, 6  # of 24 columns


class Dashboard(Construct):
    """The stage's dashboard.

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
        api: apigateway.RestApi,
        alarms: Alarms,
        region: str,
    ) -> None:
        super().__init__(scope, identity)
        self._name = name
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=name,
            default_interval=Duration.hours(3),
            period_override=cloudwatch.PeriodOverride.INHERIT,
            widgets=[
                [
                    cloudwatch.TextWidget(markdown=f"# {name}", width=12, height=2),
                    cloudwatch.AlarmStatusWidget(
                        alarms=list(alarms.all.values()), width=12, height=2, title="Alarms"
                    ),
                ],
                self._show_requests(function, api),
                self._show_speed(function, api),
                self._show_model(),
                self._show_logs(function),
            ],
        )
        console = CONSOLES.get(RegionInfo.get(region).partition or "aws", CONSOLES["aws"])
        self.link = (
            f"https://{region}.{console}/cloudwatch/home?region={region}#dashboards:name={name}"
        )

    def emf(
        self, metric: str, statistic: str, label: str, color: str | None = None
    ) -> cloudwatch.Metric:
        """A metric of the handler's, under the dimensions that aws-embedded-metrics gives it."""
        return cloudwatch.Metric(
            namespace=NAME,
            metric_name=metric,
            dimensions_map={
                "LogGroup": self._name,
                "ServiceName": self._name,
                "ServiceType": "AWS::Lambda::Function",
            },
            statistic=statistic,
            period=PERIOD,
            label=label,
            color=color,
        )

    def _show_requests(
        self, function: Function, api: apigateway.RestApi
    ) -> list[cloudwatch.IWidget]:
        alias = function.alias
        return [
            graph(
                "Requests a minute",
                api.metric_count(period=PERIOD, label="requests", color=BLUE),
                self.emf("input.num_texts", "Sum", "texts", GREY),
                self.emf("input.num_records", "Sum", "records", GREEN),
            ),
            graph(
                "Refused and failed",
                api.metric_client_error(period=PERIOD, statistic="Sum", label="4xx", color=ORANGE),
                api.metric_server_error(period=PERIOD, statistic="Sum", label="5xx", color=RED),
                self.emf("error.count", "Sum", "by the handler", GREY),
                alias.metric_throttles(period=PERIOD, label="throttled", color=BLUE),
            ),
            graph(
                "Environments",
                self.emf("cold_start", "Sum", "cold starts", BLUE),
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

    def _show_speed(self, function: Function, api: apigateway.RestApi) -> list[cloudwatch.IWidget]:
        return [
            graph(
                "For the caller (ms)",
                api.metric_latency(period=PERIOD, statistic="p50", label="p50", color=GREEN),
                api.metric_latency(period=PERIOD, statistic="p99", label="p99", color=ORANGE),
                api.metric_latency(period=PERIOD, statistic="Maximum", label="max", color=RED),
            ),
            graph(
                "Of the function (ms)",
                *(
                    function.alias.metric_duration(
                        period=PERIOD, statistic=statistic, label=statistic, color=color
                    )
                    for statistic, color in (("p50", GREEN), ("p99", ORANGE))
                ),
                self.emf("predict.duration", "p50", "predict p50", GREY),
            ),
            graph(
                "Loading the model (ms)", self.emf("load_model.duration", "Maximum", "max", BLUE)
            ),
        ]

    def _show_model(self) -> list[cloudwatch.IWidget]:
        return [
            graph(
                "Confidence",
                self.emf("prediction.confidence", "Average", "mean", GREEN),
                self.emf("prediction.confidence", "p10", "lowest tenth", ORANGE),
                most=1,
            ),
            graph(
                "Share of unknown terms",
                self.emf("input.unknown_terms", "Average", "mean", BLUE),
                self.emf("input.unknown_terms", "p90", "highest tenth", ORANGE),
                most=1,
            ),
            graph(
                "Share of values that the model has not met",
                self.emf("input.missing", "Average", "missing", BLUE),
                self.emf("input.unknown_categories", "Average", "unknown categories", ORANGE),
                self.emf("input.out_of_range", "Average", "out of range", RED),
                most=1,
            ),
            graph(
                "Predicted value",
                self.emf("prediction.value", "Average", "mean", GREEN),
                self.emf("prediction.value", "p10", "lowest tenth", GREY),
                self.emf("prediction.value", "p90", "highest tenth", GREY),
            ),
            graph(
                "Characters a request",
                self.emf("input.num_chars", "p50", "p50", BLUE),
                self.emf("input.num_chars", "p99", "p99", GREY),
            ),
        ]

    def _show_logs(self, function: Function) -> list[cloudwatch.IWidget]:
        queries = {
            "Labels": "filter ispresent(label) | stats count() as n by label | sort n desc",
            "Models": "filter ispresent(modelVersion) | stats count() as n by modelVersion, engine",
            "Errors": "filter level = 'ERROR' or status >= 500 "
            "| fields @timestamp, error, message, status, requestId | limit 20",
        }
        return [
            cloudwatch.LogQueryWidget(
                title=title,
                log_group_names=[function.logs.log_group_name],
                query_string=query,
                view=cloudwatch.LogQueryVisualizationType.TABLE,
                width=WIDTH,
                height=HEIGHT,
            )
            for title, query in queries.items()
        ]


def graph(
    title: str, *metrics: cloudwatch.IMetric, most: float | None = None
) -> cloudwatch.GraphWidget:
    """A diagram over time, from zero."""
    return cloudwatch.GraphWidget(
        title=title,
        left=list(metrics),
        left_y_axis=cloudwatch.YAxisProps(min=0, max=most, show_units=False),
        width=WIDTH,
        height=HEIGHT,
    )
