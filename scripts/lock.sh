#!/bin/sh
# Write the locks from pyproject.toml's groups; with --check, say whether they still fit it.
#
# dev holds every group but peers and servers, so it is solved first; the others are held to its versions. What a
# lock already pins stays until `make lock UPGRADE=1`.
set -eu
CDPATH= cd "$(dirname "$0")/.."

target=requirements
if [ "${1:-}" = --check ]; then
    target=$(mktemp -d)
    trap 'rm -rf "$target"' EXIT
    cp requirements/*.txt "$target"
fi

solve() {
    group=$1
    shift
    uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
        --python-version 3.13 --no-emit-index-url --no-emit-find-links \
        ${UPGRADE:+--upgrade} --group "pyproject.toml:$group" "$@" \
        --output-file "$target/$group.txt" >/dev/null
}

solve dev
solve serve --constraints "$target/dev.txt"
solve train --constraints "$target/dev.txt"
solve dask --constraints "$target/dev.txt"
# serving/app/telemetry/emf.py does without it and what it needs.
echo "aiohttp; python_version < '0'" >"$target/.without"
for group in frozen frozen-images sklearn records images; do
    solve "$group" --constraints "$target/dev.txt" --override "$target/.without"
done
rm "$target/.without"
solve web --constraints "$target/dev.txt"
solve bulk --constraints "$target/dev.txt"
solve load --constraints "$target/dev.txt"
solve docs --constraints "$target/dev.txt"
solve peers --constraints "$target/dev.txt"
# BentoML wants a cattrs of 2023: these have an environment of their own.
sed '/^cattrs==/,/[^\\]$/d' "$target/dev.txt" >"$target/.without"
solve servers --constraints "$target/.without"
rm "$target/.without"
solve deploy --constraints "$target/dev.txt"
solve kernel --constraints "$target/dev.txt"
solve bootstrap

if [ "$target" != requirements ] && ! diff -ru requirements "$target"; then
    echo "error: the locks in requirements/ do not fit pyproject.toml: run 'make lock'" >&2
    exit 1
fi
