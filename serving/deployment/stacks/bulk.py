"""Bulk as a stack of its own: each object of one bucket is answered by an object of another.

S3 sends a message for each object to a queue. Lambda hands the queue's messages to a function (AWS
Lambda Developer Guide, "Using Lambda with Amazon SQS"), or tasks of Fargate take them.
"""

from typing import Any, NamedTuple, cast

from aws_cdk import Acknowledgment, Aws, CfnElement, Duration, Fn, RemovalPolicy, Stack, Validations
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from serving.deployment.stack import NAME, BulkOutputs, Deployment
from serving.deployment.stacks.alarms import FIVE_MINUTES, MINUTE, add_alarm
from serving.deployment.stacks.fargate.worker import Workers
from serving.deployment.stacks.function import EMF, Function, Image, Work
from serving.deployment.stacks.whole import bound_roles, write_outputs
from serving.deployment.stages import Stage

ERRORS = "bulk.errors"
OLD_SECONDS = 60 * 60  # of a message: then an alarm goes off
TIMEOUT_SECONDS = 900  # the most that Lambda has
STORAGE_MB = 4096  # an object and its answers lie in /tmp
# As "Using Lambda with Amazon SQS" advises: the time for Lambda's own retries, and five attempts.
VISIBILITY, ATTEMPTS = Duration.seconds(6 * TIMEOUT_SECONDS), 5
HOLD = Duration.minutes(5)  # a worker asks for more while it works; killed, it does not
# What a worker logs that is neither an object's own fault nor what it goes on after by itself: no
# disk, no memory, no rights to an object, no start. A queue that stays away is seen by bulk-age.
FAULTS = (
    '{ ($.level = "ERROR") && ($.error != "StepError") && ($.error != "MessageError") '
    '&& ($.message != "the queue does not answer") && ($.message != "the task is not protected") }'
)
RETENTION = Duration.days(14)  # the most that SQS has
# A message names a version: it may wait 14 days, and 14 again once it was taken back.
OLD_VERSIONS = Duration.days(30)
MODEL_CHARS = 63 - len(f"{NAME}-") - len("-0123456789ab-out-") - 16  # of a bucket's name
# What cdk-nag finds and we leave, each with its reason.
LEFT = {
    "AwsSolutions-S1": "access logs would name objects, which may name people; CloudTrail can log",
    "Serverless-LambdaDLQ": "the queue has a dead-letter queue: Lambda keeps no event itself",
    "Serverless-LambdaEventSourceMappingDestination": "of a queue it has none: the same",
    "Serverless-SQSRedrivePolicy": "a dead-letter queue has no dead-letter queue",
}
# The same where tasks take the messages.
LEFT_OF_TASKS = {
    "AwsSolutions-ECS2": "the variables are settings: there is no secret among them",
    "AwsSolutions-ECS4": "its metrics are charged; those of the queue tell what is not done",
    "AwsSolutions-IAM5[Resource::*]": "to log in at ECR knows no resources",
    "AwsSolutions-VPC7": "nothing is reached from outside, and all that is called is AWS",
}


class Metrics(NamedTuple):
    """What bulk's queues tell: messages that wait, dead ones, seconds of the oldest."""

    waiting: cloudwatch.Metric
    dead: cloudwatch.Metric
    age: cloudwatch.Metric


def make_metrics(deployment: Deployment) -> Metrics:
    """The metrics of a deployment's bulk, by names: another stack shows them, too."""
    return Metrics(
        waiting=_measure_queue(deployment.bulk, "NumberOfMessagesVisible"),
        dead=_measure_queue(deployment.dead, "NumberOfMessagesVisible"),
        age=_measure_queue(deployment.bulk, "AgeOfOldestMessage"),
    )


class Bulk(Stack):
    """The buckets, the queues and the function, or the tasks, of a deployment's bulk.

    Not in the service's stack, whose template would be larger than CloudFormation takes it without
    a bucket for it.

    Args:
        deployment: Of which model, and where.
        stage: The settings there, as that model has them.
        image: What the function runs, or the tasks.
        local: For a local AWS, which scales no tasks.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        deployment: Deployment,
        stage: Stage,
        image: Image,
        local: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            scope,
            deployment.bulk,
            description=f"Quickthaw, bulk, model {deployment.model}, stage {deployment.stage}",
            **kwargs,
        )
        bound_roles(self, deployment)
        self._deployment, self._stage = deployment, stage
        self._dead = self._make_dead()
        self._queue = self._make_queue()
        self._in = self._make_input()
        self._out = self._make_bucket("Out")
        if stage.bulk_host == "fargate":
            errors = self._answer_by_tasks(image, local=local)
        else:
            errors = self._answer_by_function(image)
        self._watch(errors)
        self._acknowledge()
        kind = "ecs" if stage.bulk_host == "fargate" else "lambda"
        write_outputs(
            self,
            BulkOutputs(
                BulkIn=self._in.bucket_name,
                BulkOut=self._out.bucket_name,
                BulkQueue=self._queue.queue_url,
                BulkDead=self._dead.queue_url,
                BulkLogs=f"/aws/{kind}/{deployment.bulk}",
            ),
        )

    @property
    def availability_zones(self) -> list[str]:
        """Two of the region's, which CloudFormation knows: CDK would look them up."""
        return [Fn.select(one, Fn.get_azs()) for one in range(2)]

    def _answer_by_function(self, image: Image) -> cloudwatch.Metric:
        """A function, to which Lambda hands the messages: the metric of its errors."""
        stage = self._stage
        function = Function(
            self,
            "Function",
            deployment=self._deployment,
            image=image,
            stage=stage,
            work=self._make_work(),
        )
        function.alias.add_event_source_mapping(
            "Messages",
            event_source_arn=self._queue.queue_arn,
            # One, for several large objects would share the fifteen minutes of one invocation.
            batch_size=1,
            max_concurrency=stage.bulk_concurrency,
            report_batch_item_failures=True,
        )
        return cloudwatch.Metric(
            namespace="AWS/Lambda",
            metric_name="Errors",
            dimensions_map={"FunctionName": self._deployment.bulk},
            statistic="Sum",
            period=MINUTE,
        )

    def _answer_by_tasks(self, image: Image, *, local: bool) -> cloudwatch.Metric:
        """Tasks that take the messages: the metric of their errors, which the log tells."""
        workers = Workers(
            self,
            "Worker",  # of which the ids are made: others could not take the same names
            deployment=self._deployment,
            stage=self._stage,
            image=image,
            variables={
                "AWS_REGION": self.region,
                "QUICKTHAW_BULK_HOLD": str(HOLD.to_seconds()),
                **self._list_variables(),
            },
            statements=[*self._list_statements(), self._protect()],
            local=local,
        )
        if not local:
            workers.scale(
                *(
                    _measure_queue(self._deployment.bulk, f"NumberOfMessages{what}", MINUTE)
                    for what in ("Visible", "NotVisible")
                )
            )
        return self._count_faults(workers)

    def _count_faults(self, workers: Workers) -> cloudwatch.Metric:
        name = f"{ERRORS}.{self._deployment.bulk}"
        logs.MetricFilter(
            self,
            "Errors",
            log_group=workers.logs,
            filter_pattern=logs.FilterPattern.literal(FAULTS),
            metric_namespace=NAME,
            metric_name=name,
        )
        return cloudwatch.Metric(namespace=NAME, metric_name=name, statistic="Sum", period=MINUTE)

    def _watch(self, errors: cloudwatch.Metric) -> None:
        stage, metrics = self._stage, make_metrics(self._deployment)
        failed = "A worker" if stage.bulk_host == "fargate" else "An invocation for an object"
        for what, metric, wrong, threshold in (
            ("bulk-dead", metrics.dead, "An object is dead", 1),
            ("bulk-age", metrics.age, "An object waits for an hour", OLD_SECONDS),
            ("bulk-errors", errors, f"{failed} failed", 1),
        ):
            add_alarm(
                self,
                what,
                deployment=self._deployment,
                stage=stage,
                metric=metric,
                description=f"{wrong}: {self._deployment.make('logs', 'BULK=1')}",
                threshold=threshold,
            )

    def _make_dead(self) -> sqs.Queue:
        # By its name, for the queue itself names this one.
        arn = self.format_arn(service="sqs", resource=self._deployment.bulk)
        source = sqs.Queue.from_queue_arn(self, "Source", arn)
        return sqs.Queue(
            self,
            "Dead",
            queue_name=self._deployment.dead,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=RETENTION,
            redrive_allow_policy=sqs.RedriveAllowPolicy(source_queues=[source]),
        )

    def _make_queue(self) -> sqs.Queue:
        return sqs.Queue(
            self,
            "Queue",
            queue_name=self._deployment.bulk,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=RETENTION,
            visibility_timeout=HOLD if self._stage.bulk_host == "fargate" else VISIBILITY,
            dead_letter_queue=sqs.DeadLetterQueue(queue=self._dead, max_receive_count=ATTEMPTS),
        )

    def _make_input(self) -> s3.Bucket:
        bucket = self._make_bucket("In", versioned=True, noncurrent_version_expiration=OLD_VERSIONS)
        # By its name, for the bucket waits for this policy: S3 tries whether it may send.
        self._queue.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self._queue.queue_arn],
                conditions={
                    "ArnEquals": {"aws:SourceArn": f"arn:{Aws.PARTITION}:s3:::{self._name('in')}"},
                    "StringEquals": {"aws:SourceAccount": self.account},
                },
            )
        )
        # Not add_event_notification: it brings a function that may write any bucket's settings.
        resource = cast("s3.CfnBucket", bucket.node.default_child)
        resource.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            queue_configurations=[
                s3.CfnBucket.QueueConfigurationProperty(
                    event="s3:ObjectCreated:*", queue=self._queue.queue_arn
                )
            ]
        )
        bucket.node.add_dependency(self._queue.node.find_child("Policy"))
        return bucket

    def _name(self, end: str) -> str:
        """A bucket's name, which no other account may have, nor this one's earlier stack: its end
        tells policies the stage, the last part of the stack's GUID makes it its own.
        """
        guid = Fn.select(4, Fn.split("-", Fn.select(2, Fn.split("/", Aws.STACK_ID))))
        model, stage = self._deployment.model[:MODEL_CHARS], self._deployment.stage
        return f"{NAME}-{model}-{guid}-{end}-{stage}"

    def _make_bucket(
        self,
        identity: str,
        *,
        versioned: bool = False,
        noncurrent_version_expiration: Duration | None = None,
    ) -> s3.Bucket:
        return s3.Bucket(
            self,
            identity,
            bucket_name=self._name(identity.lower()),
            versioned=versioned,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            # What people put there is theirs; of a deployment that fails, nothing is left.
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
            lifecycle_rules=[
                s3.LifecycleRule(
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                    noncurrent_version_expiration=noncurrent_version_expiration,
                )
            ],
        )

    def _make_work(self) -> Work:
        return Work(
            name=self._deployment.bulk,
            description=f"Quickthaw: answers objects with the model {self._deployment.model}",
            timeout_seconds=TIMEOUT_SECONDS,
            variables=EMF | self._list_variables(),
            storage_mb=STORAGE_MB,
            rights="its buckets' objects and its queue's messages",
            statements=self._list_statements(),
        )

    def _list_variables(self) -> dict[str, str]:
        return {
            "QUICKTHAW_BULK_OUT": self._out.bucket_name,
            "QUICKTHAW_BULK_QUEUE": self._queue.queue_url,
        }

    def _list_statements(self) -> list[iam.PolicyStatement]:
        """Written out, for CDK's grants are wider."""
        given, answers = self._in.arn_for_objects("*"), self._out.arn_for_objects("*")
        return [
            iam.PolicyStatement(actions=actions, resources=resources)
            for actions, *resources in (
                (["s3:GetObject", "s3:GetObjectVersion"], given),
                (["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"], answers),
                # Without it S3 says of what is not there that it is forbidden.
                (["s3:ListBucket"], self._in.bucket_arn, self._out.bucket_arn),
                (
                    [
                        "sqs:ChangeMessageVisibility",
                        "sqs:DeleteMessage",
                        "sqs:GetQueueAttributes",
                        "sqs:ReceiveMessage",
                    ],
                    self._queue.queue_arn,
                ),
            )
        ]

    def _protect(self) -> iam.PolicyStatement:
        """How a task asks not to be stopped while it works (scoring/cloud/protection.py)."""
        return iam.PolicyStatement(
            actions=["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"],
            resources=[self._name_tasks()],
        )

    def _name_tasks(self) -> str:
        return self.format_arn(
            service="ecs", resource="task", resource_name=f"{self._deployment.bulk}/*"
        )

    def _acknowledge(self) -> None:
        shown = {
            f"<{self.get_logical_id(cast('CfnElement', one.node.default_child))}.Arn>"
            for one in (self._in, self._out)
        }
        objects = {
            f"AwsSolutions-IAM5[Resource::{one}/*]": "callers name the objects" for one in shown
        }
        of_tasks = {}
        if self._stage.bulk_host == "fargate":
            tasks = self._name_tasks().replace(Aws.PARTITION, "<AWS::Partition>")
            of_tasks = LEFT_OF_TASKS | {f"AwsSolutions-IAM5[Resource::{tasks}]": "ids are ECS's"}
        for rule, reason in (LEFT | of_tasks | objects).items():
            Validations.of(self).acknowledge(Acknowledgment(id=rule, reason=reason))


def _measure_queue(queue: str, what: str, period: Duration = FIVE_MINUTES) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/SQS",
        metric_name=f"Approximate{what}",
        dimensions_map={"QueueName": queue},
        statistic="Maximum",
        period=period,
    )
