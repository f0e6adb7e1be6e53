"""A function URL: Lambda itself answers https, and nothing stands in between.

Lambda Developer Guide, "Creating and managing Lambda function URLs" and "Control access".
"""

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from serving.deployment.stacks.access import EXPOSED, PREFLIGHT
from serving.deployment.stacks.function import Function
from serving.deployment.stages import Stage


class FunctionUrl(Construct):
    """The URL of a deployment's function, of its alias.

    Attributes:
        url: It, with a slash at the end.
    """

    def __init__(
        self,
        scope: Construct,
        identity: str,
        *,
        function: Function,
        stage: Stage,
    ) -> None:
        super().__init__(scope, identity)
        origin = stage.allow_origin
        found = function.alias.add_function_url(
            auth_type=(
                lambda_.FunctionUrlAuthType.AWS_IAM
                if stage.auth == "iam"
                else lambda_.FunctionUrlAuthType.NONE
            ),
            cors=lambda_.FunctionUrlCorsOptions(
                allowed_origins=[origin],
                allowed_methods=[lambda_.HttpMethod.ALL],
                allowed_headers=PREFLIGHT,
                exposed_headers=EXPOSED,
            )
            if origin
            else None,
        )
        self.url = found.url
