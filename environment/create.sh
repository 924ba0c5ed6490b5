#!/usr/bin/env bash
# Makes the virtual environment of a stack, or finds it made: `create.sh [tfgan|current]`.
# Prints which stack it chose and why. Without an argument: tfgan where a Python for it
# runs, since it has both training engines, else current. PYTHON=... names the interpreter to use;
# without an argument its version decides the stack.
set -euo pipefail
cd "$(dirname "$0")/.."

source environment/choose_stack.sh

choose_stack "${1:-}"
case "$stack" in
    tfgan | current) ;;
    *)
        echo "error: STACK=$stack: unknown. Expected tfgan or current." >&2
        exit 1 ;;
esac

environment=".venv-$stack"
constraints="environment/$stack.txt"
fingerprint="$(cksum < "$constraints")"
# Made already, with these pins and with the interpreter that was asked for, if one was.
if [ "$(cat "$environment/.complete" 2>/dev/null)" = "$fingerprint" ] &&
    { [ -z "${PYTHON:-}" ] ||
        [ "$(version_of "$PYTHON")" = "$(version_of "$environment/bin/python")" ]; }; then
    echo "$stack stack: $environment is up to date ($reason)."
    exit 0
fi

wanted="pythons_of_$stack"
python="$(find_python "${!wanted}")"
if [ -z "$python" ]; then
    found="none runs here"
    if [ -n "${PYTHON:-}" ]; then
        version="$(version_of "$PYTHON")"
        found="PYTHON=$PYTHON ${version:+is $version}"
        if [ -z "$version" ]; then found+="does not run, or lacks one of: $needed"; fi
    fi
    echo "error: the $stack stack needs one of Python ${!wanted// /, }, and $found." >&2
    echo "Install one (for example from python.org, or \`apt-get install python3.11-venv\`)," >&2
    echo "or name it: make setup STACK=$stack PYTHON=/path/to/python." >&2
    exit 1
fi
echo "$stack stack ($reason), $("$python" --version), into $environment."

rm -rf "$environment"
if command -v uv > /dev/null; then
    uv venv --quiet --python "$python" "$environment"
    uv pip install --quiet --python "$environment/bin/python" --requirements "$constraints"
else
    echo "Installing with pip takes one to two minutes; uv, where present, takes 15 seconds."
    "$python" -m venv "$environment"
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check \
        --requirement "$constraints" --constraint "$constraints"
fi
echo "$fingerprint" > "$environment/.complete"
echo "Done: $environment/bin/python."
