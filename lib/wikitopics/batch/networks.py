"""Importing this imports the engine of networks, without its remarks; its devices are not looked for.

For the server that runs are forked from: what looks for devices starts threads, which no fork survives. Where
the engine is not installed nothing is imported; the run that needs it says so.
"""

from contextlib import suppress

from wikitopics.progress import without_chatter

with without_chatter(), suppress(ModuleNotFoundError):
    import keras  # noqa: F401
    import tensorflow  # noqa: F401
