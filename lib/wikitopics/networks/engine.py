"""Keras' engine: started quietly, and what it computes on, how exactly."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from wikitopics.errors import brought_by
from wikitopics.progress import without_chatter

with without_chatter(), brought_by("train", "training or asking a network"):
    import keras

    keras.distribution.list_devices()  # the engine looks for its devices once, here


def prepare_devices(mixed_precision: bool = False) -> dict[str, Any]:
    """Set the arithmetic and, where there are several GPUs, copies of the model on all of them.

    Returns precision (the policy in force) and replicas (copies of the model). Call it before anything is
    built. On a processor 16 bits take twice as long, so there `mixed_precision` stays off, which is printed.
    """
    gpus = keras.distribution.list_devices("gpu")
    if mixed_precision and not gpus:
        print("mixed precision stays off: on a processor it is slower, not faster")
    mixed = mixed_precision and bool(gpus)
    keras.mixed_precision.set_dtype_policy("mixed_float16" if mixed else "float32")
    return {"precision": keras.config.dtype_policy().name, "replicas": mirror() if len(gpus) > 1 else 1}


def mirror(devices: list[str] | None = None) -> int:
    """From now on models live on all GPUs of this machine, each taking its share of a batch; their number.

    `devices` names others, as "CPU:0". MirroredStrategy, which is TensorFlow's: with another backend of Keras
    one device is used.
    """
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy(devices)
    tf.distribute.experimental_set_strategy(strategy)
    return strategy.num_replicas_in_sync


@contextmanager
def without_memory() -> Iterator[None]:
    """What is built in the block has variables with a shape and no value, now or later: to be counted."""
    from keras.src.backend.common import global_state  # Keras would give them values when it is next asked to

    waiting = list(global_state.get_global_attribute("uninitialized_variables") or [])
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        global_state.set_global_attribute("uninitialized_variables", waiting)


@contextmanager
def on_one_device() -> Iterator[None]:
    """In the block variables and programs live on one device, also after `mirror` spread models."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    strategy = tf.distribute.get_strategy() if tf.distribute.has_strategy() else None
    tf.distribute.experimental_set_strategy(None)
    try:
        yield
    finally:
        tf.distribute.experimental_set_strategy(strategy)
