# Which TensorFlow a stack gets, the CPU's or the one with CUDA; to be sourced by create.sh.
# shellcheck shell=bash disable=SC2034,SC2154  # create.sh sets and reads the variables

# Whether an NVIDIA GPU answers.
gpu_found() {
    command -v nvidia-smi > /dev/null && case "$(nvidia-smi -L 2>/dev/null)" in
        *"GPU "*) true ;;
        *) false ;;
    esac
}

# Sets `variant`, which ends the name of the pins, and `device`, what to say of it. Knows `stack`, and
# `made`: the first line of an environment's mark.
choose_gpu() {
    local cuda="environment/$stack-gpu.txt" system
    system="$(uname -s) on $(uname -m)"
    variant="" device="for the CPU"
    case "${GPU:-}" in
        0) ;;
        1)
            if [ ! -f "$cuda" ]; then
                echo "error: GPU=1: the $stack stack has no pins for a GPU. Leave GPU out." >&2
                exit 1
            fi
            if [ "$system" != "Linux on x86_64" ]; then
                echo "error: GPU=1: TensorFlow with CUDA is for Linux on x86_64, and this is $system." \
                    "Leave GPU out." >&2
                exit 1
            fi
            variant=-gpu device="with CUDA (GPU=1)" ;;
        "")
            if [ ! -f "$cuda" ]; then return; fi
            case "$made" in
                "$cuda "*) variant=-gpu device="with CUDA" ;;
                "environment/$stack.txt "*) ;;
                *)
                    if [ "$system" = "Linux on x86_64" ] && gpu_found; then
                        variant=-gpu
                        device="with CUDA (a GPU answers; GPU=0 takes the CPU's TensorFlow)"
                    fi ;;
            esac ;;
        *)
            echo "error: GPU=$GPU: unknown. Expected 1 or 0." >&2
            exit 1 ;;
    esac
}
