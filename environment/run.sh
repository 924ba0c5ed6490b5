#!/usr/bin/env bash
# Runs the Python of a stack: `run.sh STACK ARGUMENTS...`; an empty STACK is the one that
# `make setup` would choose.
set -euo pipefail
cd "$(dirname "$0")/.."
stack="$1"
shift
if [ -z "$stack" ]; then
    stack=current
    [ -f .venv-tfgan/.complete ] && stack=tfgan
fi
exec ".venv-$stack/bin/python" "$@"
