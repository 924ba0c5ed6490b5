"""Where things lie that any run may use again, and which may be deleted."""

import os
from typing import Optional

VARIABLE = "HAM_TF_CACHE_DIR"


def cache_folder(given: Optional[str] = None) -> str:
    """The folder: as given, else `$HAM_TF_CACHE_DIR`, else `ham_tf` in the user's cache folder.

    The user's is `$XDG_CACHE_HOME`, by default `~/.cache`. It need not exist.
    """
    user = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return given or os.environ.get(VARIABLE) or os.path.join(user, "ham_tf")
