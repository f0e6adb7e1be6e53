"""What wakes somebody, and what stops a canary."""

from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from serving.deployment.stack import ALIAS, NAME, Deployment
from serving.deployment.stacks.front import Front
from serving.deployment.stacks.function import Function
from serving.deployment.stages import Stage

MINUTE, FIVE_MINUTES = Duration.minutes(1), Duration.minutes(5)
INIT_FAILURES = "init.failures"
SERVER_ERRORS = "server.errors"
# Lambda's own record of an init that failed or took too long, and the handler's of a model that
# cannot be served (serving/app/telemetry/log.py).
INIT_PATTERNS = {
    "Init": '"INIT_REPORT" "Status:"',
    "Model": '{ $.message = "no model to serve" }',
}


class Watch(Construct):
    """Alarms of a deployment.

    Args:
        deployment: Of which model, and where.
        stage: The settings.
        group: Where it logs.

    Attributes:
        all: Each of them, by name.
    """

    def __init__(
        self,
        scope: Construct,
        identity: str,
        *,
        deployment: Deployment,
        stage: Stage,
        group: logs.LogGroup,
    ) -> None:
        super().__init__(scope, identity)
        self._deployment, self._stage, self._logs = deployment, stage, group
        self.all: dict[str, cloudwatch.Alarm] = {}

    def add(self, what: str, metric: cloudwatch.IMetric, description: str, **how: Any) -> None:
        """Add an alarm, whose description ends in the command that reads the log."""
        self.all[what] = add_alarm(
            self,
            what,
            deployment=self._deployment,
            stage=self._stage,
            metric=metric,
            description=f"{description}: {self._deployment.make('logs')}",
            **how,
        )

    def count_lines(self, identity: str, name: str, pattern: str) -> cloudwatch.Metric:
        """How many lines of the log a pattern finds; several of a name are one metric."""
        name = f"{name}.{self._deployment.name}"
        logs.MetricFilter(
            self,
            identity,
            log_group=self._logs,
            filter_pattern=logs.FilterPattern.literal(pattern),
            metric_namespace=NAME,
            metric_name=name,
        )
        return cloudwatch.Metric(namespace=NAME, metric_name=name, **_sum(MINUTE))


class Alarms(Watch):
    """The alarms of a deployment.

    Attributes:
        all: Each of them, by name; "canary" stops the shift to a new version.
    """

    def __init__(  # noqa: PLR0913 - a construct's
        self,
        scope: Construct,
        identity: str,
        *,
        deployment: Deployment,
        function: Function,
        api: Front,
        stage: Stage,
    ) -> None:
        super().__init__(scope, identity, deployment=deployment, stage=stage, group=function.logs)
        self._name = deployment.name
        alias = function.alias
        self.add("errors", alias.metric_errors(**_sum(MINUTE)), "An invocation failed")
        self.add("throttles", alias.metric_throttles(**_sum(MINUTE)), "Lambda refuses requests")
        self.add(
            "slow",
            alias.metric_duration(statistic="p99", period=FIVE_MINUTES),
            f"A hundredth of the invocations takes longer than {stage.p99_ms} ms",
            threshold=stage.p99_ms,
            periods=3,
        )
        self.add("answers-5xx", api.failed(**_sum(MINUTE)), "The API answers 5xx")
        self.add("init-failures", self._count_init_failures(), "Environments do not start")
        if stage.canary:
            self.add("canary", self._count_errors_of_version(function), "The new version fails")

    def _count_init_failures(self) -> cloudwatch.Metric:
        for identity, pattern in INIT_PATTERNS.items():
            metric = self.count_lines(identity, INIT_FAILURES, pattern)
        return metric

    def _count_errors_of_version(self, function: Function) -> cloudwatch.IMetric:
        """What the version that is being deployed fails: invocations, and answers with 5xx.

        The handler raises nothing, so Lambda does not count the latter. The old version's failures
        do not count: they may be what is being mended.
        """
        name, dimension = f"{SERVER_ERRORS}.{self._name}", "functionVersion"
        logs.MetricFilter(
            self,
            "Version",
            log_group=function.logs,
            filter_pattern=logs.FilterPattern.number_value("$.status", ">=", 500),
            metric_namespace=NAME,
            metric_name=name,
            dimensions={dimension: f"$.{dimension}"},
        )
        version = function.function.current_version.version
        answers = cloudwatch.Metric(
            namespace=NAME, metric_name=name, dimensions_map={dimension: version}, **_sum(MINUTE)
        )
        # "Working with Lambda function metrics": the version that an alias's invocation ran.
        invocations = function.alias.metric_errors(**_sum(MINUTE)).with_(
            dimensions_map={
                "FunctionName": self._name,
                "Resource": f"{self._name}:{ALIAS}",
                "ExecutedVersion": version,
            }
        )
        return cloudwatch.MathExpression(
            expression="FILL(answers, 0) + FILL(invocations, 0)",
            using_metrics={"answers": answers, "invocations": invocations},
            period=MINUTE,
        )


def add_alarm(  # noqa: PLR0913 - what an alarm has
    scope: Construct,
    what: str,
    *,
    deployment: Deployment,
    stage: Stage,
    metric: cloudwatch.IMetric,
    description: str,
    threshold: float = 1,
    periods: int = 1,
    below: bool = False,
) -> cloudwatch.Alarm:
    """An alarm of a deployment, named after that and `what`; the description ends in a command.

    It goes off where the metric reaches the threshold so many periods one after the other; with
    `below`, where it is less, or is not there.
    """
    compare, missing = cloudwatch.ComparisonOperator, cloudwatch.TreatMissingData
    alarm = cloudwatch.Alarm(
        scope,
        what,
        # A slash, which no name has: a policy can tell where the stage's ends.
        alarm_name=f"{deployment.name}/{what}",
        alarm_description=description,
        metric=metric,
        threshold=threshold,
        evaluation_periods=periods,
        comparison_operator=(
            compare.LESS_THAN_THRESHOLD if below else compare.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
        ),
        treat_missing_data=missing.BREACHING if below else missing.NOT_BREACHING,
    )
    if arn := stage.alarm_topic_arn:
        topic = sns.Topic.from_topic_arn(scope, f"{what}-topic", arn)
        alarm.add_alarm_action(actions.SnsAction(topic))
        alarm.add_ok_action(actions.SnsAction(topic))
    return alarm


def _sum(period: Duration) -> dict[str, Any]:
    return {"statistic": "Sum", "period": period}
