#!/bin/sh
# Install the locks named as arguments (serve, train, dev) into .venv, making .venv where needed.
set -eu
cd "$(dirname "$0")/.."
wanted=$(cat .python-version)

say() { printf '%s\n' "$*" >&2; }

is_wanted() {
    "$1" -c "import ensurepip, sys; sys.exit('%d.%d' % sys.version_info[:2] != '$wanted')" 2>/dev/null
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_wanted "$PYTHON" || {
            say "error: PYTHON=$PYTHON is not a Python $wanted with its venv module"
            exit 1
        }
        echo "$PYTHON"
        return
    fi
    for candidate in "python$wanted" python3 python; do
        if is_wanted "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    # uv knows the interpreters that it installed itself, which are not always on PATH.
    UV_PYTHON_DOWNLOADS=never uv python find "$wanted" 2>/dev/null || {
        say "error: no Python $wanted was found: install it (with its venv module), or name it: make PYTHON=/path/to/python$wanted ..."
        exit 1
    }
}

if [ -e .venv ] && ! is_wanted .venv/bin/python; then
    say "setup: .venv was made by another Python; making it again"
    rm -rf .venv
fi
if [ ! -x .venv/bin/uv ]; then
    python=$(find_python)
    say "setup: making .venv with Python $wanted"
    "$python" -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
        --requirement requirements/bootstrap.txt || {
        rm -rf .venv
        say "error: uv could not be installed (see above): check the network, then run the same command again"
        exit 1
    }
fi

for lock in "$@"; do
    set -- "$@" --requirement "requirements/$lock.txt"
    shift
done
say "setup: installing the packages of: $(echo "$@" | sed 's/--requirement requirements\///g; s/\.txt//g')"
.venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes "$@" || {
    say "error: the packages could not be installed (see above): without a network, try again with one; then the same command"
    exit 1
}
