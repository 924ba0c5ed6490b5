"""From files with weights to Keras models."""
