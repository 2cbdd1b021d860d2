"""Converters talk a lot: their notes are held back, what is an error is passed on."""

import io
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

from wikitopics.train.engine import without_chatter

LOGGERS = ("tensorflow", "absl", "tf2onnx")


@contextmanager
def quietly() -> Iterator[None]:
    """Nothing of TensorFlow, TFLite or tf2onnx is said in the block but errors; those come at its end."""
    levels = {name: logging.getLogger(name).level for name in LOGGERS}
    said = io.StringIO()
    try:
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)
        with redirect_stderr(said), without_chatter(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        lines = [line for line in said.getvalue().splitlines() if line and not line.startswith("INFO: ")]
        print("".join(line + "\n" for line in lines), end="", file=sys.stderr)
