#!/bin/sh
# Builds .venv for `runtime` or `dev`, or finds that nothing has changed since it did.
set -eu
kind=$1
venv=.venv

suits() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    for name in ${PYTHON:-} python3 python3.12 python3.11 python3.13 python3.14; do
        if command -v "$name" >/dev/null && suits "$name"; then
            command -v "$name"
            return
        fi
    done
    echo "Wellspring needs Python 3.11 or newer with venv and pip." >&2
    echo "On Debian or Ubuntu: apt install python3-venv. Or name one: make PYTHON=/path/to/python3 …" >&2
    exit 1
}

# What an installed environment depends on.
digest() { cat "requirements/$1.txt" pyproject.toml | sha256sum | cut -c1-64; }

if [ ! -x $venv/bin/python ] || ! $venv/bin/python -c '' 2>/dev/null; then
    rm -rf $venv
    python=$(find_python)
    "$python" -m venv $venv
fi

wanted=$(digest "$kind")
if [ "$(cat "$venv/installed-$kind" 2>/dev/null || true)" = "$wanted" ]; then
    exit 0
fi
echo "Installing what requirements/$kind.txt names …" >&2
pip="$venv/bin/python -m pip --disable-pip-version-check --no-input -q"
$pip install --require-hashes -r "requirements/$kind.txt" >&2
$pip install --no-deps --no-build-isolation -e . >&2
echo "$wanted" >"$venv/installed-$kind"
# The lock for developing holds everything that running needs, at the same versions (tools/rules.py checks that).
if [ "$kind" = dev ]; then
    digest runtime >$venv/installed-runtime
fi
