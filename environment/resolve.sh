#!/usr/bin/env bash
# Resolves environment/*.in into *.txt with uv, for all platforms and Pythons of each stack:
# `resolve.sh [OPTION OF uv pip compile...]`. A stack's layers are parts of one resolution, so that the
# tests add packages to an environment and change none.
set -euo pipefail
cd "$(dirname "$0")"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

compile() {
    uv pip compile --quiet --no-header --no-annotate "$@"
}

for stack in tfgan current; do
    oldest=3.9
    if [ "$stack" = current ]; then oldest=3.10; fi
    # What is pinned stays so, unless --upgrade is given.
    cat "$stack.txt" "$stack-test.txt" > "$work/$stack.txt" 2>/dev/null || true
    compile --universal --python-version "$oldest" "$@" "$stack.in" "$stack-test.in" \
        --output-file "$work/$stack.txt"
    for layer in "" -test; do
        compile --universal --python-version "$oldest" -c "$work/$stack.txt" \
            "$stack$layer.in" --output-file "$work/layer.txt"
        mv "$work/layer.txt" "$stack$layer.txt"
    done
    compile --universal --python-version "$oldest" -c "$work/$stack.txt" \
        "$stack-gpu.in" --output-file "$work/gpu.txt"
    mv "$work/gpu.txt" "$stack-gpu.txt"
done

# Python 3.9 to 3.12, tests included; never newer.
compile --universal --python-version 3.9 oldest.in --output-file oldest.txt
