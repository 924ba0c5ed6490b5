#!/usr/bin/env bash
# Runs the Python of a stack: `run.sh STACK ARGUMENTS...`; an empty STACK is the one that
# `make setup` would choose.
set -euo pipefail
cd "$(dirname "$0")/.."
source environment/choose_stack.sh
choose_stack "$1"
shift
exec ".venv-$stack/bin/python" "$@"
