"""What is computed on, and how exactly: one processor or several graphics cards, in 32 or in 16 bits."""

from typing import Any

import keras


def prepare(mixed_precision: bool = False) -> dict[str, Any]:
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
