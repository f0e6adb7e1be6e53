"""Templates as CDK writes them, and what cdk-nag finds in them."""

import json
import os
import subprocess
import sys
from pathlib import Path

# Which Node.js runs CDK is of no interest here, and any output a warning.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

import aws_cdk as cdk
import yaml
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

ACCOUNT, REGION = "123456789012", "eu-central-1"
ENVIRONMENT = cdk.Environment(account=ACCOUNT, region=REGION)


class Templates(dict):
    """Templates by the stack's name.

    Attributes:
        folder: Where they lie.
        findings: Those of cdk-nag that nobody acknowledged, as "rule construct".
    """

    def __init__(self, app):
        cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
        try:
            app.synth()
        except RuntimeError as error:
            if "validation-report.json" not in str(error):  # which says what it is
                raise
        self.folder = Path(app.outdir)
        super().__init__(
            (path.name.removesuffix(".template.json"), json.loads(path.read_text()))
            for path in self.folder.glob("*.template.json")
        )
        report = json.loads((self.folder / "validation-report.json").read_text())
        self.findings = [
            f"{one['ruleName']} {place['constructPath']}"
            for plugin in report["pluginReports"]
            for one in plugin["violations"]
            for place in one["violatingConstructs"]
        ]


def lint(*several):
    """What cfn-lint says of templates; empty where they are clean."""
    # CDK names a function's role as a dependency, although a reference says so, too (W3005).
    options = ("--regions", REGION, "--ignore-checks", "W3005")
    paths = [path for one in several for path in one.folder.glob("*.template.json")]
    program = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run(
        [program, *options, "--", *paths], capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow=False, indentless=False):  # noqa: FBT002 - PyYAML's
        return super().increase_indent(flow)

    def ignore_aliases(self, data):
        return True


def measure(template):
    """The characters of a template as CDK's command line sends it: as YAML, whatever the file is.

    Within 40 of what CDK's own writer (npm's yaml 1.10) makes of the three models' templates.
    """
    return len(yaml.dump(template, Dumper=_Dumper, width=10**9, sort_keys=False))


def find(template, kind):
    """The properties of a template's resources of a kind, by logical id."""
    return {
        name: one.get("Properties", {})
        for name, one in template["Resources"].items()
        if one["Type"] == kind
    }


def only(template, kind):
    """The properties of a template's one resource of a kind."""
    (found,) = find(template, kind).values()
    return found


def list_statements(template):
    """Every statement of a policy that an entity gets, as (actions, resources, conditions)."""
    documents = [
        one["PolicyDocument"]
        for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
        for one in find(template, kind).values()
    ]
    documents += [
        policy["PolicyDocument"]
        for role in find(template, "AWS::IAM::Role").values()
        for policy in role.get("Policies", ())
    ]
    return [
        (as_list(one["Action"]), as_list(one["Resource"]), one.get("Condition", {}))
        for document in documents
        for one in document["Statement"]
        if one["Effect"] == "Allow"
    ]


def as_list(value):
    return value if isinstance(value, list) else [value]


def as_text(value):
    """A value with the functions of CloudFormation in it, as one string."""
    return value if isinstance(value, str) else json.dumps(value)
