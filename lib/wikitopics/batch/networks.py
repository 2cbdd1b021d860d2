"""Importing this imports the engine of networks, without its remarks; its devices are not looked for.

For the server that runs are forked from: what looks for devices starts threads, which no fork survives.
"""

from wikitopics.progress import without_chatter

with without_chatter():
    import keras  # noqa: F401
    import tensorflow  # noqa: F401
