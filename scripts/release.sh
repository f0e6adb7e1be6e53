#!/bin/sh
# Deploy a model to a stage, try it, and go back to the version that answered before where either fails.
# The arguments are the command that is make.
set -eu
CDPATH= cd "$(dirname "$0")/.."

read_versions() { .venv/bin/python -m serving.deployment.commands.live --model "$MODEL" --stage "$STAGE" --versions; }
# The version that answers is the one that was deployed last: no old one that takes its place.
is_newest() {
    now=$(read_versions)
    [ "${now% *}" = "${now#* }" ]
}

before=$(read_versions)
before=${before% *} # 0: there is none
if "$@" deploy && "$@" smoke && is_newest; then
    exit 0
fi
after=$(read_versions)
if [ "$before" = 0 ]; then
    echo "error: $MODEL at stage $STAGE is not right, and there is no version before to go back to" >&2
elif [ "$before" = "${after% *}" ]; then
    echo "error: $MODEL at stage $STAGE was not changed: version $before answers as before" >&2
else
    "$@" rollback TO="$before" YES=1
    echo "error: $MODEL at stage $STAGE is back at version $before: revert the commit" >&2
fi
exit 1
