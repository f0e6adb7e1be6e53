#!/bin/sh
# Print the name of a base image: AWS's own if it can be pulled, else the stand-in, made if it is
# not there. What is going on goes to standard error.
set -eu
CDPATH= cd "$(dirname "$0")"

say() { printf '%s\n' "$*" >&2; }

is_here() { docker image inspect "$1" >/dev/null 2>&1; }

command -v docker >/dev/null || {
    say "error: there is no Docker: install it, and start its engine"
    exit 1
}
docker version >/dev/null 2>&1 || {
    say "error: Docker's engine does not answer: $(docker version 2>&1 >/dev/null | tail -n 1)"
    exit 1
}
aws=${BASE_IMAGE:-public.ecr.aws/lambda/python:3.13}
why=
if is_here "$aws" || why=$(docker pull --quiet "$aws" 2>&1 >/dev/null); then
    say "base image: $aws"
    echo "$aws"
    exit
fi
if [ -n "${BASE_IMAGE:-}" ]; then
    say "error: the base image $aws is not here and cannot be pulled: $why"
    exit 1
fi
name=quickthaw-base:$(cat Dockerfile bootstrap lambda-entrypoint.sh requirements.txt | sha256sum | cut -c1-12)
say "base image: $aws cannot be pulled ($why)"
say "its stand-in is $name (tools/image/base)"
# One at a time: the tests run on all cores.
exec 9>"${TMPDIR:-/tmp}/quickthaw-base.lock"
flock 9
if ! is_here "$name"; then
    command -v mmdebstrap >/dev/null || {
        say "error: the stand-in needs mmdebstrap: 'sudo apt-get install mmdebstrap', or log in where the base image is"
        exit 1
    }
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    say "making it: a minute"
    mmdebstrap --quiet --variant=minbase --include=python3.13-minimal,python3.13-venv,ca-certificates \
        trixie "$work/debian.tar" >&2
    docker import "$work/debian.tar" quickthaw-debian:trixie >/dev/null
    mkdir "$work/context"
    cp Dockerfile bootstrap lambda-entrypoint.sh requirements.txt "$work/context"
    # Where the machine has certificates of its own, packages come through them.
    cp /etc/ssl/certs/ca-certificates.crt "$work/context"
    docker build --quiet --network host --build-arg DEBIAN=quickthaw-debian:trixie --tag "$name" \
        "$work/context" >/dev/null 2>"$work/errors" || {
        cat "$work/errors" >&2
        exit 1
    }
fi
echo "$name"
