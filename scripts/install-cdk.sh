#!/bin/sh
# Install CDK's command line, as infrastructure/cdk locks it, into .venv/cdk.
set -eu
CDPATH= cd "$(dirname "$0")/.."
for tool in node npm; do
    command -v "$tool" >/dev/null || {
        echo "error: there is no $tool, which CDK runs on: install Node.js (20 or newer)" >&2
        exit 1
    }
done
if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
    echo "error: Node.js $(node --version) is too old for CDK: install 20 or newer" >&2
    exit 1
fi
echo "setup: installing CDK's command line" >&2
mkdir -p .venv/cdk
cp infrastructure/cdk/package.json infrastructure/cdk/package-lock.json .venv/cdk
npm ci --prefix .venv/cdk --no-audit --no-fund --ignore-scripts --loglevel=error >/dev/null
