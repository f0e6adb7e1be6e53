#!/bin/sh
# Make URL, of the environment, DVC's default remote, verified: unless told to, DVC takes what lies
# in a bucket for the model without looking at its hash.
set -eu
cd "$(dirname "$0")/.."

case ${URL:-} in
*[![:space:]]*) ;;
*)
    echo "error: where is the remote? make remote URL=s3://bucket/path" >&2
    exit 1
    ;;
esac

# DVC writes addresses that it cannot read again; and half of this is worse than nothing.
kept=$(mktemp)
trap 'rm -f "$kept"' EXIT
cp .dvc/config "$kept"
if ! { .venv/bin/dvc remote add --quiet --default --force store -- "$URL" &&
    .venv/bin/dvc remote modify --quiet store verify true; }; then
    cp "$kept" .dvc/config
    echo "error: DVC does not take this URL (see above); .dvc/config is as it was: make remote URL=s3://bucket/path" >&2
    exit 1
fi
echo ".dvc/config has the remote, verified; next: '.venv/bin/dvc push', then 'git commit .dvc/config'"
