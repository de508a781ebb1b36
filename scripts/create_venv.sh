#!/bin/sh
# Make a virtual environment at $1, and say in one sentence what is missing when that cannot be done.
#
# Debian splits the standard library: python3 comes without the ensurepip that `venv` needs, so a fresh
# Debian 12 has to add python3-venv. That is done here when we may (root), and asked for when we may not.
set -eu

venv=$1
python=${PYTHON:-python3}

if ! command -v "$python" >/dev/null 2>&1; then
    echo "$python is not installed; Xingji needs Python 3.11 or newer (on Debian: apt-get install python3)." >&2
    exit 1
fi

if ! "$python" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))'; then
    echo "$python is $("$python" -V 2>&1); Xingji needs 3.11 or newer. Name another one: make PYTHON=python3.12" >&2
    exit 1
fi

if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y python3-venv >/dev/null
    else
        echo "$python cannot make a virtual environment; install it first: sudo apt-get install python3-venv" >&2
        exit 1
    fi
fi

"$python" -m venv "$venv"
