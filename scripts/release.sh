#!/bin/sh
# Deploy a stage, try it, and go back to the version that answered before where either fails.
set -eu
cd "$(dirname "$0")/.."

before=$(.venv/bin/python -m serving.deployment.live --stage "$STAGE" --version)
if "$@" deploy && "$@" smoke; then
    exit 0
fi
after=$(.venv/bin/python -m serving.deployment.live --stage "$STAGE" --version)
if [ -z "$before" ]; then
    echo "error: stage $STAGE is not right, and there is no version before to go back to" >&2
elif [ "$before" = "$after" ]; then
    echo "error: stage $STAGE was not changed: version $before answers as before" >&2
else
    "$@" rollback TO="$before" YES=1
    echo "error: stage $STAGE is back at version $before: revert the commit" >&2
fi
exit 1
