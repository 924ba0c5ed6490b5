# Which stack a command means, for create.sh and run.sh to agree on; to be sourced.
# shellcheck shell=bash disable=SC2034  # they read the variables

pythons_of_tfgan="3.11 3.10 3.9"
# array-record, which tfds needs, has no wheel for Python 3.9 on macOS.
if [ "$(uname -s)" = Darwin ]; then pythons_of_tfgan="3.11 3.10"; fi
pythons_of_current="3.13 3.12 3.11 3.10"
pythons_of_oldest="3.11 3.12 3.10 3.9"

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

# Sets `stack` and `reason`. An interpreter that is named decides before what is made already.
choose_stack() {
    stack="$1"
    if [ -n "$stack" ]; then
        reason="asked for"
    elif [ -n "${PYTHON:-}" ]; then
        stack=tfgan
        if [ -z "$(find_python "$pythons_of_tfgan")" ]; then stack=current; fi
        reason="for PYTHON=$PYTHON"
    elif [ -x .venv-tfgan/bin/python ] && [ -f .venv-tfgan/.complete ]; then
        stack=tfgan reason="it is made already"
    elif [ -n "$(find_python "$pythons_of_tfgan")" ]; then
        stack=tfgan reason="it has both training engines, and one of Python ${pythons_of_tfgan// /, } runs here"
    else
        stack=current reason="no Python ${pythons_of_tfgan##* } to 3.11 runs here, which the TF-GAN stack needs"
    fi
}
