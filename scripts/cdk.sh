#!/bin/sh
# CDK's command line with our settings: what it makes goes to .local/cdk, nothing is told to AWS
# about its use, and an old Node.js is no reason for a page of warnings.
set -eu
CDPATH= cd "$(dirname "$0")/.."
export CDK_DISABLE_CLI_TELEMETRY=true NODE_NO_WARNINGS=1
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION="$(node -p 'process.versions.node.split(".")[0]')"
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION=1
case ${CDK_FOLDER-} in
"" | *[!a-z0-9-]*)
    echo "error: STAGE='${STAGE-}' is no stage: dev, staging or prod" >&2
    exit 1
    ;;
esac
[ -x .venv/cdk/node_modules/.bin/cdk ] || {
    rm -f .venv/cdk.ok
    echo "error: CDK's command line is not there any more: the same command again installs it" >&2
    exit 1
}
exec .venv/cdk/node_modules/.bin/cdk --no-notices --output ".local/cdk/$CDK_FOLDER" "$@"
