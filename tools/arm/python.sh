#!/bin/sh
# Print the folder that holds a Python 3.13 for aarch64 (Debian's own, unpacked; nothing of it is
# installed), fetched if it is not there. What is going on goes to standard error.
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
        --include=python3.13-minimal,libpython3.13-stdlib trixie "$folder.part" >&2
    [ -e "$folder.part/lib" ] || ln -s usr/lib "$folder.part/lib"
    mv "$folder.part" "$folder"
fi
echo "$PWD/$folder"
