#!/bin/sh
# Print the name of a base image: AWS's own if it can be pulled, else the stand-in, made if it is
# not there. What is going on goes to standard error.
set -eu
cd "$(dirname "$0")"
aws=${BASE_IMAGE:-public.ecr.aws/lambda/python:3.13}
if docker image inspect "$aws" >/dev/null 2>&1 || timeout 120 docker pull --quiet "$aws" >/dev/null 2>&1; then
    echo "base image: $aws" >&2
    echo "$aws"
    exit
fi
name=quickthaw-base:$(cat Dockerfile base.txt bootstrap lambda-entrypoint.sh | sha256sum | cut -c1-12)
echo "base image: $aws cannot be had; its stand-in is $name (serving/tests/image/Dockerfile)" >&2
if ! docker image inspect "$name" >/dev/null 2>&1; then
    command -v mmdebstrap >/dev/null || {
        echo "error: the stand-in needs mmdebstrap: 'sudo apt-get install mmdebstrap', or log in where the base image is" >&2
        exit 1
    }
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    echo "making it: a minute" >&2
    mmdebstrap --quiet --variant=minbase --include=python3.13-minimal,python3.13-venv,ca-certificates \
        trixie "$work/debian.tar" >&2
    docker import "$work/debian.tar" quickthaw-debian:trixie >/dev/null
    mkdir "$work/context"
    cp Dockerfile base.txt bootstrap lambda-entrypoint.sh "$work/context"
    # Where the machine has certificates of its own, packages come through them.
    cp /etc/ssl/certs/ca-certificates.crt "$work/context"
    docker build --quiet --network host --build-arg DEBIAN=quickthaw-debian:trixie --tag "$name" \
        "$work/context" >/dev/null
fi
echo "$name"
