"""What workers are forked with: imported once, instead of by each of them."""

from gan.quiet_tensorflow import quieten_tensorflow

quieten_tensorflow()

import tensorflow  # noqa: E402, F401
import tensorflow_datasets  # noqa: E402, F401
