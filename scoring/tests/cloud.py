"""A local S3 and SQS, with the buckets and queues of a stage with bulk."""

import json
import os
import subprocess
import sys
import tempfile
from urllib.parse import quote_plus

import boto3

from serving.tests.tracked import ROOT

TRIES = 3
HOLD = 4  # seconds till a killed worker's message is back


def make_message(key="a.csv", name="ObjectCreated:Put", **more):
    """As "Event message structure", Amazon S3 User Guide, has it; moto's own knows no versions."""
    told = {"key": quote_plus(key, "/"), "versionId": "v", "size": 1} | more
    record = {"eventName": name, "s3": {"bucket": {"name": "asked"}, "object": told}}
    return json.dumps({"Records": [record]})


class Cloud:
    """Two buckets, a queue of what is put into the first one, and a queue of the dead."""

    def __init__(self, port):
        self._logs = {}
        self.environ = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EMF_ENVIRONMENT": "Local",
            "QUICKTHAW_BULK_OUT": "answers",
            "QUICKTHAW_BULK_HOLD": str(HOLD),
        }
        given = {
            "endpoint_url": self.environ["AWS_ENDPOINT_URL"],
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "region_name": "us-east-1",
        }
        self.s3, self.sqs = boto3.client("s3", **given), boto3.client("sqs", **given)
        for name in ("asked", "answers"):
            self.s3.create_bucket(Bucket=name)
        self.s3.put_bucket_versioning(Bucket="asked", VersioningConfiguration={"Status": "Enabled"})
        self.dead = self._make_queue("dead")
        redrive = {"deadLetterTargetArn": self._find_arn(self.dead), "maxReceiveCount": TRIES}
        self.queue = self._make_queue("bulk", RedrivePolicy=json.dumps(redrive))
        self.environ["QUICKTHAW_BULK_QUEUE"] = self.queue

    def _make_queue(self, name, **attributes):
        return self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def _find_arn(self, url):
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return found["Attributes"]["QueueArn"]

    def put(self, key, body):
        """Put an object, and say so as S3 does; its version."""
        version = self.s3.put_object(Bucket="asked", Key=key, Body=body)["VersionId"]
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=make_message(key, versionId=version))
        return version

    def receive(self, queue=None, count=10):
        found = self.sqs.receive_message(QueueUrl=queue or self.queue, MaxNumberOfMessages=count)
        return found.get("Messages", [])

    def make_event(self):
        """What Lambda is given of the messages that wait."""
        return {
            "Records": [
                {
                    "messageId": one["MessageId"],
                    "receiptHandle": one["ReceiptHandle"],
                    "body": one["Body"],
                }
                for one in self.receive()
            ]
        }

    def read(self):
        """The answers by key."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket="answers")
        keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
        return {key: self.s3.get_object(Bucket="answers", Key=key)["Body"].read() for key in keys}

    def count(self, queue):
        """How many messages wait in a queue, or are worked on."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)

    def start(self, bundle):
        """A worker, as a process. It writes to a file: a pipe that is full would stop it."""
        log = tempfile.TemporaryFile("a+")  # noqa: SIM115 - end()
        worker = subprocess.Popen(
            [sys.executable, "-m", "scoring.cloud"],
            cwd=ROOT,
            env=os.environ | self.environ | {"QUICKTHAW_BUNDLE": str(bundle)},
            stdout=log,
            stderr=log,
        )
        self._logs[worker] = log
        return worker

    def read_log(self, worker):
        """What a worker has said so far."""
        self._logs[worker].seek(0)
        return self._logs[worker].read()

    def wait(self, worker):
        """What a worker has said when it has ended by itself."""
        worker.wait(timeout=60)
        return self.read_log(worker)

    def end(self):
        """End the workers that are there still."""
        for worker, log in self._logs.items():
            worker.kill()
            worker.wait()
            log.close()
