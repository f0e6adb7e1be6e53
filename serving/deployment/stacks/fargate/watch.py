"""What wakes somebody where the model runs on Fargate, and the dashboard.

From metrics of the load balancer, of ECS and of filters of the log: whether CloudWatch makes
metrics of the EMF documents that another log driver sends is not known.
"""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from serving.deployment.curves import BLUE, GREEN, GREY, ORANGE, RED, REFUSED, REQUESTS
from serving.deployment.stack import Deployment
from serving.deployment.stacks.alarms import (
    FIVE_MINUTES,
    INIT_FAILURES,
    INIT_PATTERNS,
    MINUTE,
    Watch,
)
from serving.deployment.stacks.dashboard import (
    HEIGHT,
    PERIOD,
    WIDTH,
    list_queries,
    make_board,
    make_link,
)
from serving.deployment.stacks.fargate.balancer import Balancer
from serving.deployment.stacks.fargate.tasks import Tasks
from serving.deployment.stages import Stage

WORKERS_ENDED = "workers.ended"
# What the process says where one of its workers ended (serving/hosts/web/supervisor.py).
ENDED_PATTERN = '"a worker ended"'


class TaskAlarms(Watch):
    """The alarms of a deployment on Fargate.

    Where it stands in its stack is where `Alarms` stands in a stack of functions: so one that goes
    from one host to the other keeps its alarms, whose names no second one could have.
    """

    def __init__(  # noqa: PLR0913 - a construct's
        self,
        scope: Construct,
        identity: str,
        *,
        deployment: Deployment,
        stage: Stage,
        tasks: Tasks,
        balancer: Balancer,
        local: bool,
    ) -> None:
        super().__init__(scope, identity, deployment=deployment, stage=stage, group=tasks.logs)
        self._stage, self._balancer, self._local = stage, balancer, local
        self._add_alarms()

    def _add_alarms(self) -> None:
        stage, group = self._stage, self._balancer.group.metrics
        self.add("answers-5xx", self._count_failures(), "The service answers 5xx")
        self.add(
            "slow",
            group.target_response_time(statistic="p99", period=FIVE_MINUTES),
            f"A hundredth of the requests takes longer than {stage.p99_ms} ms",
            threshold=stage.p99_ms / 1000,  # the metric has seconds
            periods=3,
        )
        self.add(
            "unhealthy",
            group.unhealthy_host_count(statistic="Maximum", period=MINUTE),
            "A task does not pass its health checks",
            periods=3,
        )
        self.add(
            "tasks",
            group.healthy_host_count(statistic="Minimum", period=MINUTE),
            f"Fewer tasks answer than the {stage.tasks} that always should",
            threshold=stage.tasks,
            periods=5,
            below=True,
        )
        self.add(
            "init-failures",
            self.count_lines("Model", INIT_FAILURES, INIT_PATTERNS["Model"]),
            "Tasks have no model to serve",
        )
        self.add(
            "workers",
            self.count_lines("Workers", WORKERS_ENDED, ENDED_PATTERN),
            "A worker died, or took too long for an answer",
        )

    def _count_failures(self) -> cloudwatch.IMetric:
        """The answers with 5xx, of tasks and of the balancer itself."""
        metrics, balancer = self._balancer.group.metrics, self._balancer.balancer.metrics
        tasks = metrics.http_code_target(elb.HttpCodeTarget.TARGET_5XX_COUNT, period=MINUTE)
        if self._local:
            return tasks
        return cloudwatch.MathExpression(
            expression="FILL(tasks, 0) + FILL(balancer, 0)",
            using_metrics={
                "tasks": tasks,
                "balancer": balancer.http_code_elb(elb.HttpCodeElb.ELB_5XX_COUNT, period=MINUTE),
            },
            period=MINUTE,
        )


class TaskDashboard(Construct):
    """The dashboard of a deployment on Fargate; it stands where `Dashboard` does.

    Attributes:
        link: To the console.
    """

    def __init__(  # noqa: PLR0913 - a construct's
        self,
        scope: Construct,
        identity: str,
        *,
        name: str,
        task: str,
        tasks: Tasks,
        balancer: Balancer,
        bulk: cloudwatch.IWidget | None,
        alarms: TaskAlarms,
        region: str,
    ) -> None:
        super().__init__(scope, identity)
        self._tasks, self._balancer = tasks, balancer
        self.link = make_link(name, region)
        make_board(
            self,
            name,
            alarms.all,
            [
                self._show_requests(),
                self._show_tasks(),
                *([[bulk]] if bulk else ()),
                list_queries(tasks.logs, task),
            ],
        )

    def _show_requests(self) -> list[cloudwatch.IWidget]:
        group, balancer = self._balancer.group.metrics, self._balancer.balancer.metrics
        seconds = group.target_response_time
        count = group.http_code_target
        return [
            _graph(REQUESTS, group.request_count(period=PERIOD, label="requests", color=BLUE)),
            _graph(
                REFUSED,
                count(
                    elb.HttpCodeTarget.TARGET_4XX_COUNT, period=PERIOD, label="4xx", color=ORANGE
                ),
                count(elb.HttpCodeTarget.TARGET_5XX_COUNT, period=PERIOD, label="5xx", color=RED),
                balancer.http_code_elb(
                    elb.HttpCodeElb.ELB_5XX_COUNT,
                    period=PERIOD,
                    label="5xx of the balancer",
                    color=GREY,
                ),
            ),
            _graph(
                "Of the tasks (s)",
                *(
                    seconds(period=PERIOD, statistic=statistic, label=statistic, color=color)
                    for statistic, color in (("p50", GREEN), ("p99", ORANGE))
                ),
            ),
        ]

    def _show_tasks(self) -> list[cloudwatch.IWidget]:
        group, service = self._balancer.group.metrics, self._tasks.service
        return [
            _graph(
                "Tasks",
                group.healthy_host_count(
                    period=PERIOD, statistic="Minimum", label="healthy", color=GREEN
                ),
                group.unhealthy_host_count(
                    period=PERIOD, statistic="Maximum", label="unhealthy", color=RED
                ),
            ),
            _graph(
                "Processors (%)",
                service.metric_cpu_utilization(period=PERIOD, label="mean", color=BLUE),
            ),
            _graph(
                "Memory (%)",
                service.metric_memory_utilization(period=PERIOD, label="mean", color=BLUE),
            ),
        ]


def _graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title,
        left=list(metrics),
        left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
        width=WIDTH,
        height=HEIGHT,
    )
