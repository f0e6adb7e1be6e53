#!/bin/sh
# Print the name of a base image: AWS's own if it can be pulled, else the stand-in, made if it is
# not there. What is going on goes to standard error. DOCKER_DEFAULT_PLATFORM says for which
# processors; without it, x86-64.
set -eu
CDPATH= cd "$(dirname "$0")"

say() { printf '%s\n' "$*" >&2; }

platform=${DOCKER_DEFAULT_PLATFORM:-linux/amd64}
case $platform in
linux/amd64) suffix= emulator=x86_64 ;;
linux/arm64) suffix=-arm64 emulator=arm64 ;;
*)
    say "error: there is no base image for $platform"
    exit 1
    ;;
esac

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
name=quickthaw-base:$(cat Dockerfile bootstrap lambda-entrypoint.sh requirements.txt | sha256sum | cut -c1-12)$suffix
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
    say "making it: a minute, minutes where its processors are emulated"
    packages=python3.13-minimal,python3.13-venv,ca-certificates variant=minbase
    # To configure Debian takes a quarter of an hour under an emulator; unpacked, it does, too.
    [ -z "$suffix" ] || packages=$packages,base-files,coreutils,dash,libstdc++6 variant=extract
    mmdebstrap --quiet --variant="$variant" --include="$packages" \
        --architectures="${platform#linux/}" trixie "$work/debian.tar" >&2
    # Not 'docker import', which takes all for this machine's own processors.
    mkdir "$work/context" "$work/debian"
    mv "$work/debian.tar" "$work/debian"
    printf 'FROM scratch\nADD debian.tar /\n' >"$work/debian/Dockerfile"
    docker build --quiet --platform "$platform" --tag "quickthaw-debian:trixie$suffix" \
        "$work/debian" >/dev/null 2>"$work/errors" || {
        cat "$work/errors" >&2
        exit 1
    }
    cp Dockerfile bootstrap lambda-entrypoint.sh requirements.txt "$work/context"
    # Where the machine has certificates of its own, packages come through them.
    cp /etc/ssl/certs/ca-certificates.crt "$work/context"
    docker build --quiet --network host --platform "$platform" --tag "$name" \
        --build-arg "DEBIAN=quickthaw-debian:trixie$suffix" --build-arg "EMULATOR=$emulator" \
        "$work/context" >/dev/null 2>"$work/errors" || {
        cat "$work/errors" >&2
        exit 1
    }
fi
echo "$name"
