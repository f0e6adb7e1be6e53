#!/bin/sh
# Print the folder that holds a Python 3.13 for aarch64 (Debian's own, unpacked; nothing of it is
# installed), fetched if it is not there; in its packages/ is what an image of a frozen model has,
# from the same locks. What is going on goes to standard error.
set -eu
CDPATH= cd "$(dirname "$0")/../.."

folder=.local/arm64
mkdir -p .local
# One at a time: the tests run on all cores.
exec 9>.local/arm64.lock
flock 9
if [ ! -e "$folder/usr/bin/python3.13" ]; then
    echo "fetching a Python for aarch64: some seconds" >&2
    rm -rf "$folder"
    # Not configured, so no program of it has to run; what links to usr is not in a package.
    mmdebstrap --quiet --architectures=arm64 --variant=extract \
        --include=python3.13-minimal,libpython3.13-stdlib,libstdc++6 trixie "$folder.part" >&2
    [ -e "$folder.part/lib" ] || ln -s usr/lib "$folder.part/lib"
    mv "$folder.part" "$folder"
fi
locks="requirements/frozen-images.txt tools/image/base/requirements.txt"
# shellcheck disable=SC2086 - a list
wanted=$(cat $locks | sha256sum)
if [ "$(cat "$folder/packages.ok" 2>/dev/null)" != "$wanted" ]; then
    rm -rf "$folder/packages" "$folder/packages.ok"
    for lock in $locks; do
        uv pip install --quiet --target "$folder/packages" --python-platform aarch64-manylinux_2_34 \
            --python-version 3.13 --only-binary :all: --no-deps --require-hashes \
            --requirement "$lock" >&2
    done
    # By this machine's Python of the same version: what is emulated would take minutes.
    python3 -m compileall -q "$folder/usr/lib/python3.13" "$folder/packages" >&2 || true
    echo "$wanted" >"$folder/packages.ok"
fi
echo "$PWD/$folder"
