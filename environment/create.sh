#!/usr/bin/env bash
# Makes the virtual environment of a stack, or finds it made: `create.sh [STACK [test]]`, STACK being
# tfgan, current, oldest or empty. With `test`, what only the tests need is in it, too; it is added to an
# environment that has the rest. Prints what it chose and why. Without a stack: tfgan where a Python for it
# runs, since it has both training engines, else current. PYTHON=... names the interpreter to use;
# without a stack its version decides the stack. GPU=1 takes TensorFlow with CUDA, GPU=0 without; unset,
# what is made stays, else a GPU that answers decides.
set -euo pipefail
cd "$(dirname "$0")/.."

source environment/choose_stack.sh
source environment/choose_gpu.sh

choose_stack "${1:-}"
layer="${2:-}"
case "$stack" in
    tfgan | current | oldest) ;;
    *)
        echo "error: STACK=$stack: unknown. Expected tfgan or current." >&2
        exit 1 ;;
esac

environment=".venv-$stack"
# Its first line names the pins of the commands, its second those of the tests, if they are in it.
complete="$environment/.complete"
made="" made_test=""
if [ -f "$complete" ]; then
    { read -r made && read -r made_test; } < "$complete" || true
fi

choose_gpu
pins="environment/$stack$variant.txt"
test_pins="environment/$stack-test.txt"
wanted="$pins $(cksum < "$pins")"
wanted_test=""
if [ "$layer" = test ]; then wanted_test="$test_pins $(cksum < "$test_pins")"; fi

install() {
    if command -v uv > /dev/null; then
        uv pip install --quiet --python "$environment/bin/python" --requirements "$1" \
            -c "$pins"
    else
        "$environment/bin/python" -m pip install --quiet --disable-pip-version-check \
            --requirement "$1" --constraint "$pins"
    fi
}

# Adds the tests' packages. Interrupted, the environment counts as unfinished and is made anew.
install_tests() {
    rm -f "$complete"
    install "$test_pins"
    printf '%s\n' "$wanted" "$wanted_test" > "$complete"
}

# Made already, with these pins and with the interpreter that was asked for, if one was.
if [ "$made" = "$wanted" ] &&
    { [ -z "${PYTHON:-}" ] ||
        [ "$(version_of "$PYTHON")" = "$(version_of "$environment/bin/python")" ]; }; then
    if [ -z "$wanted_test" ] || [ "$made_test" = "$wanted_test" ]; then
        echo "$stack stack: $environment is up to date ($reason), $device."
        exit 0
    fi
    if [ -z "$made_test" ]; then
        echo "$stack stack: what only the tests need is added to $environment."
        install_tests
        echo "Done: $environment/bin/python."
        exit 0
    fi
fi

wanted_pythons="pythons_of_$stack"
python="$(find_python "${!wanted_pythons}")"
if [ -z "$python" ]; then
    found="none runs here"
    if [ -n "${PYTHON:-}" ]; then
        version="$(version_of "$PYTHON")"
        found="PYTHON=$PYTHON ${version:+is $version}"
        if [ -z "$version" ]; then found+="does not run, or lacks one of: $needed"; fi
    fi
    echo "error: the $stack stack needs one of Python ${!wanted_pythons// /, }, and $found." >&2
    echo "Install one (for example from python.org, or \`apt-get install python3.11-venv\`)," >&2
    echo "or name it: make setup STACK=$stack PYTHON=/path/to/python." >&2
    exit 1
fi
echo "$stack stack ($reason), $("$python" --version), into $environment, $device."

rm -rf "$environment"
if command -v uv > /dev/null; then
    uv venv --quiet --python "$python" "$environment"
else
    echo "Installing with pip takes one to two minutes; uv, where present, takes 15 seconds."
    "$python" -m venv "$environment"
fi
install "$pins"
echo "$wanted" > "$complete"
if [ -n "$wanted_test" ]; then install_tests; fi
echo "Done: $environment/bin/python."
