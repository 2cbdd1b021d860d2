"""Starting Keras' engine quietly: its notes about how it was built are dropped, its errors are passed on."""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # errors stay

# Written before the engine reads its log level: notes (I), warnings (W), and that there is no GPU.
CHATTER = re.compile(
    r"^(WARNING: All log messages before absl|[IW]\d{4} |To enable the following|"
    r"E\d{4} .*failed call to cuInit)"
)


@contextmanager
def without_chatter() -> Iterator[None]:
    """Hold back what C++ code writes to stderr in the block; afterwards pass on what is not chatter."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            lines = held.read().decode("utf-8", "replace").splitlines()
            for line in lines:
                if line.strip() and not CHATTER.match(line):
                    print(line, file=sys.stderr)


with without_chatter():
    import keras

    keras.distribution.list_devices()  # the engine looks for its devices once, here
