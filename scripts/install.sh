#!/bin/sh
# Install the locks named as arguments (serve, train, dev) into .venv, making .venv where needed.
set -eu
CDPATH= cd "$(dirname "$0")/.."
wanted=$(cat .python-version)
# What pip and uv are told for other work: where to install, and what to leave out.
unset PIP_CONSTRAINT PIP_DRY_RUN PIP_PREFIX PIP_ROOT PIP_TARGET
unset UV_CONSTRAINT UV_DRY_RUN UV_OVERRIDE UV_PROJECT UV_WORKING_DIRECTORY

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
elif [ -e .venv ] && ! grep -qx 'relocatable = true' .venv/pyvenv.cfg; then
    say "setup: .venv would run another folder's programs if this one were copied; making it again"
    rm -rf .venv
fi
if [ ! -x .venv/bin/uv ]; then
    python=$(find_python)
    say "setup: making .venv with Python $wanted"
    "$python" -m venv --clear .venv
    .venv/bin/python -m pip install --no-user --quiet --disable-pip-version-check \
        --require-hashes --requirement requirements/bootstrap.txt || {
        rm -rf .venv
        say "error: uv could not be installed: pip says why above (the network, or a setting of yours: 'env | grep PIP_', 'python3 -m pip config list'); mend it, then run the same command again"
        exit 1
    }
    # Its programs find its Python beside them, so that the folder can be moved and copied.
    .venv/bin/uv venv --quiet --relocatable --allow-existing --python .venv/bin/python .venv
fi

for lock in "$@"; do
    set -- "$@" --requirement "requirements/$lock.txt"
    shift
done
say "setup: installing the packages of: $(echo "$@" | sed 's/--requirement requirements\///g; s/\.txt//g')"
.venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes "$@" || {
    say "error: the packages could not be installed: uv says why above (the network, or a setting of yours: 'env | grep UV_'); mend it, then run the same command again"
    exit 1
}
