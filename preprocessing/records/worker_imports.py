"""What workers are forked with: imported once, instead of by each of them."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow  # noqa: E402, F401
import tensorflow_datasets  # noqa: E402, F401
