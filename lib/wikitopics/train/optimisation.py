"""How weights are moved: the optimiser, and the learning rate over time."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("wikitopics")
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rate at a step: up in a straight line for `warmup` steps, then constant or down to 0.

    Down is half a cosine over the steps that are left (Loshchilov & Hutter 2017, SGDR, eq. 5, one period).

    >>> rate = Schedule(1.0, steps=110, warmup=10, falls=True)
    >>> [round(float(rate(step)), 2) for step in (0, 4, 10, 60, 110)]
    [0.1, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(self, highest: float, steps: int, warmup: int = 0, falls: bool = False):
        self.highest, self.steps, self.warmup, self.falls = highest, steps, warmup, falls

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rising = (step + 1) / max(self.warmup, 1)
        done = ops.clip((step - self.warmup) / max(self.steps - self.warmup, 1), 0, 1)
        after = (1 + ops.cos(done * 3.141592653589793)) / 2 if self.falls else ops.ones_like(done)
        return self.highest * ops.where(step < self.warmup, rising, after)

    def get_config(self):
        return {"highest": self.highest, "steps": self.steps, "warmup": self.warmup, "falls": self.falls}


def build_optimizer(
    name: str = "adam",
    learning_rate: float = 0.001,
    schedule: str = "constant",
    warmup_epochs: float = 0.0,
    epochs: int = 1,
    steps_per_epoch: int = 1,
) -> keras.optimizers.Optimizer:
    """The optimiser "adam", "adamw" or "sgd", its rate "constant" or a "cosine" that is 0 after `epochs`.

    adam (Kingma & Ba 2015); adamw with weight decay 0.004 (Loshchilov & Hutter 2019); sgd with Nesterov's
    momentum of 0.9.
    """
    rate: float | Schedule = learning_rate
    if schedule != "constant" or warmup_epochs:
        warmup = round(warmup_epochs * steps_per_epoch)
        rate = Schedule(learning_rate, epochs * steps_per_epoch, warmup, schedule == "cosine")
    if name == "sgd":
        return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
    return {"adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW}[name](rate)


def learning_rate(model: keras.Model) -> float:
    """The rate of the compiled model's next step, asked from its optimiser."""
    return float(ops.convert_to_numpy(model.optimizer.learning_rate))
