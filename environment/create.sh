#!/usr/bin/env bash
# Makes the virtual environment of a stack, or finds it made: `create.sh [tfgan|current]`.
# Prints which stack it chose and why. Without an argument: tfgan where a Python for it
# runs, since it has both training engines, else current. PYTHON=... names the interpreter to use.
set -euo pipefail
cd "$(dirname "$0")/.."

pythons_of_tfgan="3.11 3.10 3.9"
pythons_of_current="3.13 3.12 3.11 3.10"

# What an interpreter must have to make an environment: uv brings its own pip.
needed="venv, ensurepip"
if command -v uv > /dev/null; then needed="venv"; fi

# The version of an interpreter, nothing if it does not run: a version manager's
# shim may exist for a Python that is not there.
version_of() {
    "$1" -c "import sys, $needed; print('%d.%d' % sys.version_info[:2])" 2>/dev/null || true
}

# Where an interpreter of a version may be: PYTHON alone if it is given, else on the path,
# else behind pyenv's shims, which answer for the selected version only.
candidates() {
    if [ -n "${PYTHON:-}" ]; then
        echo "$PYTHON"
        return
    fi
    printf '%s\n' "python$1" python3 python
    if command -v pyenv > /dev/null; then
        ls -d "$(pyenv root)/versions/$1."*/bin/python 2>/dev/null || true
    fi
}

# The first interpreter that runs and has one of the given versions.
find_python() {
    local version candidate
    for version in $1; do
        while read -r candidate; do
            if [ "$(version_of "$candidate")" = "$version" ]; then
                command -v "$candidate"
                return
            fi
        done < <(candidates "$version")
    done
}

stack="${1:-}"
case "$stack" in
    "")
        if [ -x .venv-tfgan/bin/python ] && [ -f .venv-tfgan/.complete ]; then
            stack=tfgan reason="it is made already"
        elif [ -n "$(find_python "$pythons_of_tfgan")" ]; then
            stack=tfgan reason="it has both training engines, and one of Python ${pythons_of_tfgan// /, } runs here"
        else
            stack=current reason="no Python 3.9 to 3.11 runs here, which the TF-GAN stack needs"
        fi ;;
    tfgan | current) reason="asked for" ;;
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
    echo "error: the $stack stack needs one of Python ${!wanted// /, }, and none runs here." >&2
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
