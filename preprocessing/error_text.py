"""What other people's errors say, in one line."""

import tensorflow as tf


def first_line(error: Exception) -> str:
    """The first line of the message, or the error's name if it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def operation_text(error: tf.errors.OpError) -> str:
    """The line of TensorFlow's message that says why, without names of operations and nodes."""
    lines = (error.message or type(error).__name__).split("\n\t [[")[0].splitlines()
    # That of a graph begins with where the operation was defined.
    text = lines[-1] if lines[0].startswith("Graph execution error") else lines[0]
    return text.rsplit("}}", 1)[-1].split(" [Op:")[0].strip()
