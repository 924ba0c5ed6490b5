"""What TensorFlow's errors say, in one line."""

import tensorflow as tf


def reason(error: tf.errors.OpError) -> str:
    """The first line of the message, without the names of operations and nodes."""
    text = (error.message or type(error).__name__).splitlines()[0]
    return text.rsplit("}}", 1)[-1].split(" [Op:")[0].strip()
