#!/bin/sh
# CDK's command line with our settings: what it makes goes to .local/cdk, nothing is told to AWS
# about its use, and an old Node.js is no reason for a page of warnings.
set -eu
cd "$(dirname "$0")/.."
export CDK_DISABLE_CLI_TELEMETRY=true NODE_NO_WARNINGS=1
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION="$(node -p 'process.versions.node.split(".")[0]')"
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION=1
exec .venv/cdk/node_modules/.bin/cdk --no-notices --output ".local/cdk/${CDK_FOLDER:-$$}" "$@"
