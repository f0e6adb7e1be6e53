"""The workers of bulk: the image of the host `bulk` as an ECS service that takes messages.

Nobody connects to them. There are as many as the queue has work for: more while messages wait, the
least when none waits and none is under way. A worker asks ECS not to stop it at work
(scoring/cloud/protection.py); one that is stopped all the same leaves its object undone.
"""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from serving.deployment.stack import Deployment
from serving.deployment.stacks.fargate import parts
from serving.deployment.stacks.fargate.network import build_closed_group, build_vpc
from serving.deployment.stacks.function import Image
from serving.deployment.stages import Stage

CONTAINER, SCRATCH = "bulk", "scratch"
FOLDER = "/tmp"  # noqa: S108 - a volume of the task's own
STOPPING = Duration.seconds(120)  # the most that Fargate has
# A worker touches a file while it waits, and while its work moves (scoring/cloud/__main__.py); the
# check looks how old it is.
ALIVE = f"{FOLDER}/quickthaw-worker"
HEALTH = f"import os, time; exit(time.time() - os.stat('{ALIVE}').st_mtime > 300)"
STARTING = Duration.seconds(60)
# Fewer than so many wait: one worker more; else all that there may be.
MANY = 10
MORE_AFTER = Duration.minutes(2)  # a task has started by then
IDLE_MINUTES = 15


class Workers(Construct):
    """The ECS service of a deployment's bulk, in a cluster and a network of its own.

    Args:
        deployment: Of which model, and where.
        stage: The settings.
        image: What the tasks run, of the host `bulk`.
        variables: The settings of what answers objects.
        statements: What a task may do.
        local: For a local AWS, which scales nothing.

    Attributes:
        service: It.
        logs: Where the tasks write.
    """

    def __init__(  # noqa: PLR0913 - a construct's
        self,
        scope: Construct,
        identity: str,
        *,
        deployment: Deployment,
        stage: Stage,
        image: Image,
        variables: Mapping[str, str],
        statements: Sequence[iam.PolicyStatement],
        local: bool,
    ) -> None:
        super().__init__(scope, identity)
        self._deployment, self._stage = deployment, stage
        name = deployment.bulk
        self.logs = parts.make_logs(self, name, stage.retention_days)
        definition = self._define(image, variables, statements)
        vpc = build_vpc(scope)
        self.service = parts.serve(
            self,
            name,
            definition,
            vpc,
            build_closed_group(scope, vpc),
            # Not said on AWS: a deployment would stop workers that have come. A new service has one
            # task then, which shows whether it starts.
            desired_count=max(1, stage.bulk_tasks) if local else None,
            # Nobody calls a worker, and messages wait: old ones end first, so that there are never
            # more of both than may be.
            min_healthy_percent=0,
            max_healthy_percent=100,
            # It would end tasks at work to spread them, and needs more than 100.
            availability_zone_rebalancing=ecs.AvailabilityZoneRebalancing.DISABLED,
        )

    def _define(
        self,
        image: Image,
        variables: Mapping[str, str],
        statements: Sequence[iam.PolicyStatement],
    ) -> ecs.FargateTaskDefinition:
        stage, name = self._deployment.stage, self._deployment.bulk
        said = "Quickthaw's worker: its buckets' objects and its queue's messages"
        role = parts.make_role(self, "Role", stage, said)
        for statement in statements:
            role.add_to_policy(statement)
        said = "ECS: fetches the image and writes the log of Quickthaw's worker"
        start_role = parts.make_role(self, "StartRole", stage, said, starts=True)
        definition = parts.define(self, name, self._stage, role, start_role)
        definition.add_volume(name=SCRATCH)
        container = definition.add_container(
            CONTAINER,
            **parts.shut_in(self, image, CONTAINER, self.logs),
            # The image's own is Lambda's.
            entry_point=["python3", "-m", "scoring.cloud"],
            environment={**variables, **parts.list_emf(name)},
            stop_timeout=STOPPING,
            health_check=ecs.HealthCheck(
                command=["CMD", "python3", "-c", HEALTH],
                interval=Duration.seconds(30),
                timeout=Duration.seconds(5),
                retries=3,
                start_period=STARTING,
            ),
        )
        container.add_mount_points(
            ecs.MountPoint(container_path=FOLDER, read_only=False, source_volume=SCRATCH)
        )
        return definition

    def scale(self, waiting: cloudwatch.Metric, hidden: cloudwatch.Metric) -> None:
        """From `bulk_tasks` to `bulk_concurrency`, by the messages that wait and are hidden."""
        stage = self._stage
        parts.scale(self.service, stage.bulk_tasks, stage.bulk_concurrency)
        more = self._make_step("More", scaling.AdjustmentType.CHANGE_IN_CAPACITY, MORE_AFTER)
        more.add_adjustment(adjustment=1, lower_bound=0, upper_bound=MANY - 1)
        more.add_adjustment(adjustment=stage.bulk_concurrency, lower_bound=MANY - 1)
        self._act("bulk-more", "Objects wait: workers start", waiting, more)
        less = self._make_step("Less", scaling.AdjustmentType.EXACT_CAPACITY)
        less.add_adjustment(adjustment=stage.bulk_tasks, upper_bound=0)
        both = cloudwatch.MathExpression(
            # SQS may tell of one of them alone. Of a minute that it has not told of yet 0 is wrong:
            # it takes a quarter of an hour of zeros to end workers.
            expression="FILL(waiting, 0) + FILL(hidden, 0)",
            using_metrics={"waiting": waiting, "hidden": hidden},
            period=Duration.minutes(1),
        )
        self._act("bulk-less", "Nothing is to be done: workers end", both, less, idle=True)

    def _make_step(
        self, identity: str, kind: scaling.AdjustmentType, after: Duration | None = None
    ) -> scaling.StepScalingAction:
        return scaling.StepScalingAction(
            self,
            identity,
            scaling_target=parts.find_target(self.service),
            policy_name=f"{self._deployment.bulk}-{identity.lower()}",
            adjustment_type=kind,
            cooldown=after,
            metric_aggregation_type=scaling.MetricAggregationType.MAXIMUM,
        )

    def _act(
        self,
        what: str,
        said: str,
        metric: cloudwatch.IMetric,
        step: scaling.StepScalingAction,
        *,
        idle: bool = False,
    ) -> None:
        """An alarm that wakes nobody: it starts workers, or ends them where the queue is idle."""
        compare, missing = cloudwatch.ComparisonOperator, cloudwatch.TreatMissingData
        cloudwatch.Alarm(
            self,
            what,
            alarm_name=f"{self._deployment.name}/{what}",
            alarm_description=f"{said}. It wakes nobody",
            metric=metric,
            threshold=1,
            evaluation_periods=IDLE_MINUTES if idle else 1,
            comparison_operator=(
                compare.LESS_THAN_THRESHOLD if idle else compare.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
            ),
            # SQS tells nothing of a queue that was not used for six hours: there is nothing to fill
            # then, and nothing to do.
            treat_missing_data=missing.BREACHING if idle else missing.NOT_BREACHING,
        ).add_alarm_action(actions.ApplicationScalingAction(step))
