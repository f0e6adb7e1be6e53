#!/bin/sh
# Make URL, of the environment, DVC's default remote, verified: unless told to, DVC takes what lies
# in a bucket for the model without looking at its hash.
set -eu
CDPATH= cd "$(dirname "$0")/.."

fail() {
    echo "error: $1: make remote URL=s3://bucket/path" >&2
    exit 1
}

url=${URL:-}
case $url in
*[![:space:]]*) ;;
*) fail "there is no URL" ;;
esac
case $url in
/*) ;;
[a-z]*://*)
    authority=${url#*://}
    case ${authority%%/*} in
    "") fail "the remote's URL names no bucket or host" ;;
    *@*) fail "the remote's URL holds a user, and .dvc/config goes into git" ;;
    esac
    ;;
*) fail "the remote's URL is neither scheme://… nor a folder's full path" ;;
esac

# DVC writes addresses that it cannot read again; and half of this is worse than nothing.
kept=$(mktemp)
cp .dvc/config "$kept"
trap 'rm -f "$kept"' EXIT
trap 'cp "$kept" .dvc/config; exit 1' INT TERM
set_up() {
    if grep -q 'remote "store"' .dvc/config; then # its other settings stay
        .venv/bin/dvc remote modify --quiet store -- url "$url"
        .venv/bin/dvc remote default --quiet store
    else
        .venv/bin/dvc remote add --quiet --default store -- "$url"
    fi &&
        .venv/bin/dvc remote modify --quiet store verify true
}
if ! set_up; then
    cp "$kept" .dvc/config
    fail "DVC does not take this URL (see above), .dvc/config is as it was"
fi
for setting in core.remote=store "remote.store.url=$url" remote.store.verify=true; do
    if [ "$(.venv/bin/dvc config "${setting%%=*}")" != "${setting#*=}" ]; then
        echo "warning: another ${setting%%=*} wins on this machine: see .dvc/config.local" >&2
    fi
done
echo "wrote .dvc/config: a remote that is verified; next: 'make push', then 'git commit .dvc/config'"
