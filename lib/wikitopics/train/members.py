"""What is trained: heads of several seeds in one program, or one whole network by Keras' own `fit`.

A member is the network of one seed. Members differ in their start, in the order of their images, in what
dropout leaves out and in what resampling drew; nothing that one of them does reaches another.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from wikitopics.networks.engine import on_one_device
from wikitopics.train.examples import Batches, Views, predicted
from wikitopics.train.features import Learner
from wikitopics.train.losses import PLAIN, LabelLoss, LossSettings
from wikitopics.train.model import head_like

CHUNK = 1 << 24  # bytes of inputs that a program gets at once: some steps, so that calling costs little
POOL = 1 << 26  # bytes of inputs that a program keeps, to find a step's images itself
HALF = 2.0**10  # what losses are multiplied by before 16-bit gradients, which are 0 below 6e-8


Chunk = tuple[Any, np.ndarray, np.ndarray]  # a pool of inputs (m, ...); places in it (n,); targets (n, L)


class Members:
    """What training asks of its networks, all of which learn from an epoch at once.

    settings: the loss of each member; train: the images of each, in its own order. `state` holds everything
    that an epoch changes: weights, random generators of layers, the optimisers' moments.
    """

    settings: list[LossSettings]
    train: list[Batches]
    learn = True  # whether an epoch changes anything

    def __len__(self) -> int:
        return len(self.train)

    @property
    def state(self) -> list:
        raise NotImplementedError

    def set_state(self, state: Iterable[np.ndarray]) -> None:
        """Go on from what `state` held; ValueError where that is of another shape."""
        raise NotImplementedError

    def epoch(self, number: int, active: list[int]) -> np.ndarray:
        """Learn from all images once; the mean loss of each member over them, weights moving: (members,).

        Only the members in `active` learn: of the others nothing counts any more, and their loss is 0.
        """
        raise NotImplementedError

    def weights(self, member: int) -> list[np.ndarray]:
        """What a member has learned so far."""
        raise NotImplementedError

    def set_weights(self, member: int, weights: list[np.ndarray]) -> None:
        """Give a member what `weights` gave of it."""
        raise NotImplementedError

    def scores(self, batches: Batches, which: list[int] | None = None) -> np.ndarray:
        """Scores of all members, or of `which`, for the same images: (members, n, L) float32."""
        raise NotImplementedError

    def learning_rate(self, member: int) -> float:
        """The rate of a member's next step, asked from its optimiser."""
        raise NotImplementedError

    def loss_of_scores(self, targets: np.ndarray, scores: np.ndarray) -> float:
        """The loss that the first member learns from, of targets and scores (n, L)."""
        raise NotImplementedError

    def loss(self, inputs: np.ndarray, targets: np.ndarray) -> float:
        """The loss that the first member learns from, of a batch."""
        raise NotImplementedError


def prepare(
    part: Learner, train: list[Batches], settings: list[LossSettings], optimizer: Callable[[int], Any]
) -> Members:
    """What learns: `part.model` with the first of `train`, and beside it a head for each further seed.

    `train` has Batches of one seed each, `settings` their losses; `optimizer` makes an optimiser of the
    number of steps an epoch. A backbone that learns is trained alone, and where nothing learns there is
    nothing that a seed could change: then there is one seed (rules.py).
    """
    if not part.model.trainable_weights:
        return Fixed(part.model, train[0], settings[0])
    if not part.frozen:
        return Whole(part.model, train[0], settings[0], optimizer)
    heads = [part.model, *(head_like(part.model, batches.seed or 0) for batches in train[1:])]
    return Heads(heads, train, settings, optimizer)


def compile_model(
    model: keras.Model, optimizer: keras.optimizers.Optimizer, loss: LossSettings = PLAIN
) -> None:
    """Compile for Keras' own `fit`, with an optimiser and a loss that is the mean over images and labels."""
    # XLA: on a CPU its compilation takes longer than the training of small sets.
    model.compile(optimizer, LabelLoss(loss), jit_compile=False)
    model.optimizer.build(model.trainable_variables)


class Whole(Members):
    """One network that Keras trains: pictures go through its backbone in every epoch."""

    def __init__(
        self,
        model: keras.Model,
        train: Batches,
        settings: LossSettings = PLAIN,
        optimizer: Callable[[int], Any] = lambda steps: keras.optimizers.Adam(0.001),
    ):
        self.model, self.train, self.settings = model, [train], [settings]
        compile_model(model, optimizer(len(train)), settings)

    @property
    def state(self) -> list:
        return [*self.model.variables, *self.model.optimizer.variables]

    def set_state(self, state: Iterable[np.ndarray]) -> None:
        for variable, value in zip(self.state, state, strict=True):
            variable.assign(value)

    def epoch(self, number: int, active: list[int]) -> np.ndarray:
        self.train[0].epoch = number
        done = self.model.fit(  # the order is the batches' own
            self.train[0], epochs=number + 1, initial_epoch=number, shuffle=False, verbose=0
        )
        return np.array([done.history["loss"][-1]])

    def weights(self, member: int) -> list[np.ndarray]:
        return self.model.get_weights()

    def set_weights(self, member: int, weights: list[np.ndarray]) -> None:
        self.model.set_weights(weights)

    def scores(self, batches: Batches, which: list[int] | None = None) -> np.ndarray:
        return predicted(self.model, batches)[None]

    def learning_rate(self, member: int) -> float:
        return float(ops.convert_to_numpy(self.model.optimizer.learning_rate))

    def loss_of_scores(self, targets: np.ndarray, scores: np.ndarray) -> float:
        with on_one_device():  # elsewhere Keras divides a loss by the number of devices
            return float(self.model.compute_loss(y=targets, y_pred=scores))

    def loss(self, inputs: np.ndarray, targets: np.ndarray) -> float:
        return float(self.model.test_on_batch(inputs, targets, return_dict=True)["loss"])


class Fixed(Members):
    """A network in which nothing learns, as where the labels' names are the head: it is only asked."""

    learn = False

    def __init__(self, model: keras.Model, train: Batches, settings: LossSettings = PLAIN):
        self.model, self.train, self.settings = model, [train], [settings]

    @property
    def state(self) -> list:
        return []

    def set_state(self, state: Iterable[np.ndarray]) -> None:
        """There is nothing to go on from."""

    def epoch(self, number: int, active: list[int]) -> np.ndarray:
        batches = (self.train[0][step] for step in range(len(self.train[0])))
        total = sum(len(inputs) * self.loss(inputs, targets) for inputs, targets in batches)
        return np.array([total / len(self.train[0].rows)])

    def weights(self, member: int) -> list[np.ndarray]:
        return []

    def set_weights(self, member: int, weights: list[np.ndarray]) -> None:
        """There is nothing to set."""

    def scores(self, batches: Batches, which: list[int] | None = None) -> np.ndarray:
        return predicted(self.model, batches)[None]

    def learning_rate(self, member: int) -> float:
        return 0.0

    def loss_of_scores(self, targets: np.ndarray, scores: np.ndarray) -> float:
        with on_one_device():  # see Whole
            return float(LabelLoss(self.settings[0])(targets, scores))

    def loss(self, inputs: np.ndarray, targets: np.ndarray) -> float:
        return self.loss_of_scores(targets, self.model.predict_on_batch(inputs))


class Heads(Members):
    """Heads of one shape, each with weights, images and an early stop of its own, in turn in one program.

    A head ends with the same numbers whoever is trained beside it, to the last bit
    (tests/test_train_members.py): what it brings into the program it takes out again. Batches that were
    given here, or scored, must not change afterwards: their inputs may have been handed over.
    """

    def __init__(
        self,
        heads: list[keras.Model],
        train: list[Batches],
        settings: list[LossSettings] | None = None,
        optimizer: Callable[[int], Any] = lambda steps: keras.optimizers.Adam(0.001),
    ):
        self.heads, self.train = heads, train
        self.settings = settings or [PLAIN] * len(heads)
        steps = dict.fromkeys(len(batches) for batches in train)  # what a schedule depends on
        with on_one_device():
            programs = {number: Program(heads[0], self.settings[0], optimizer(number)) for number in steps}
            self.programs = [programs[len(batches)] for batches in train]
            self.own = [program.begin(head) for program, head in zip(self.programs, heads, strict=True)]
            self.label_weights = [_label_weights(one) for one in self.settings]
            self.widest = max(train[0].inputs.shape[-1], *(value.shape[-1] for value in self._learned(0)))
            shared = {id(batches.inputs): batches.inputs for batches in train}
            pools = {
                key: Pool(inputs, [batches.rows for batches in train if batches.inputs is inputs])
                for key, inputs in shared.items()
            }
            self.pools = [pools[id(batches.inputs)] for batches in train]
            self.asked: tuple[Batches, Pool] | None = None

    @property
    def state(self) -> list:
        return [value for own in self.own for value in own]

    def set_state(self, state: Iterable[np.ndarray]) -> None:
        with on_one_device():
            values = [_like(before, value) for before, value in zip(self.state, state, strict=True)]
        left = iter(values)
        self.own = [[next(left) for _ in own] for own in self.own]

    def epoch(self, number: int, active: list[int]) -> np.ndarray:
        losses = np.zeros(len(self.train))
        with on_one_device():
            for member in active:
                self.train[member].epoch = number
                batches = self.train[member]
                chunks = self.pools[member].chunks(batches, self.widest)
                given = self.own[member], self.label_weights[member], chunks, batches.batch_size
                loss, self.own[member] = self.programs[member].epoch(*given)
                losses[member] = loss / len(batches.rows)
        return losses

    def weights(self, member: int) -> list[np.ndarray]:
        return [np.array(value) for value in self._learned(member)]

    def set_weights(self, member: int, weights: list[np.ndarray]) -> None:
        """Into what is trained, and into the head itself."""
        with on_one_device():
            learned = [_like(*pair) for pair in zip(self._learned(member), weights, strict=True)]
        self.own[member][: len(learned)] = learned
        for variable, own in zip(self.heads[member].trainable_variables, weights, strict=True):
            variable.assign(own)

    def scores(self, batches: Batches, which: list[int] | None = None) -> np.ndarray:
        members = range(len(self.train)) if which is None else which
        with on_one_device():
            if not self.asked or self.asked[0] is not batches:  # of validation every epoch asks
                self.asked = batches, Pool(batches.inputs, [batches.rows])
            parts = [
                [self._scores(member, pool, places) for member in members]
                for pool, places, _ in self.asked[1].chunks(batches, self.widest)
            ]
        return np.concatenate(parts, axis=1)

    def learning_rate(self, member: int) -> float:
        return self.programs[member].learning_rate(self.own[member])

    def loss_of_scores(self, targets: np.ndarray, scores: np.ndarray) -> float:
        with on_one_device():  # see Whole
            return float(self.programs[0].judge(self.label_weights[0], targets, scores))

    def loss(self, inputs: np.ndarray, targets: np.ndarray) -> float:
        """By the scores of the weights that were trained, not of what was copied from them."""
        with on_one_device():
            scores = self._scores(0, ops.convert_to_tensor(inputs, "float32"), _upto(len(inputs)))
        return self.loss_of_scores(targets, scores)

    def _learned(self, member: int) -> list:
        return self.own[member][: len(self.heads[member].trainable_variables)]

    def _scores(self, member: int, pool, places: np.ndarray) -> np.ndarray:
        """Of the images at some places (n,) of a pool: (n, L)."""
        return np.asarray(self.programs[member].scores(self._learned(member), pool, places))


class Program:
    """What trains a head: one head's variables and its optimiser's, into which the members are put in turn.

    Stacked, all members would be moved by one step of the optimiser, those that have stopped too, over
    numbers that no cache holds, and that took longer.
    """

    def __init__(self, head: keras.Model, settings: LossSettings, optimizer: keras.optimizers.Optimizer):
        import tensorflow as tf

        self.tf, self.settings, self.optimizer = tf, settings, in_one_pass(optimizer)
        self.head = keras.models.clone_model(head)
        self.optimizer.build(self.head.trainable_variables)
        half = any(layer.compute_dtype == "float16" for layer in self.head.layers)
        self.scale = HALF if half else 1.0
        own = [tf.TensorSpec(variable.shape, variable.dtype) for variable in self.variables]
        weights = {name: tf.TensorSpec(self.head.output_shape[-1:]) for name in _label_weights(settings)}
        pool, targets = (tf.TensorSpec((None, *shape[1:])) for shape in (head.input_shape, head.output_shape))
        places, size = (tf.TensorSpec(shape, tf.int32) for shape in ((None,), ()))
        self.steps = self._traced(self._steps, own, weights, pool, places, targets, size)
        learned = own[: len(self.head.trainable_variables)]
        self.scores = self._traced(self._scores, learned, pool, places)

    def _traced(self, called: Callable, *given):
        """Traced once for all that is like `given`: to ask each time whether it is would cost a step."""
        return self.tf.function(called, given, autograph=False).get_concrete_function()

    @property
    def variables(self) -> list[keras.Variable]:
        """All that a step changes: what the head has learned, its random generators, the optimiser's."""
        return [
            *self.head.trainable_variables,
            *self.head.non_trainable_variables,
            *self.optimizer.variables,
        ]

    def begin(self, head: keras.Model) -> list:
        """What a member has before its first step, as `variables` has it."""
        start = [*head.trainable_variables, *head.non_trainable_variables, *self.optimizer.variables]
        return [ops.convert_to_tensor(ops.convert_to_numpy(variable)) for variable in start]

    def epoch(
        self, own: list, weights: dict[str, Any], chunks: Iterator[Chunk], batch_size: int
    ) -> tuple[float, list]:
        """One pass of a member over its images: the sum of their losses, and what `own` is after it."""
        total, size = 0.0, np.int32(batch_size)
        for pool, places, targets in chunks:
            losses, own = self.steps(own, weights, pool, places, targets, size)
            sizes = np.minimum(size, len(places) - np.arange(0, len(places), size))
            total += float(np.asarray(losses, np.float64) @ sizes)
        return total, own

    def learning_rate(self, own: list) -> float:
        """Of a member's next step."""
        steps = self.optimizer.iterations
        steps.assign(own[[variable is steps for variable in self.variables].index(True)])
        return float(ops.convert_to_numpy(self.optimizer.learning_rate))

    def judge(self, weights: dict[str, Any], targets, scores):
        """The loss of one member, a mean over images and labels; targets and scores (n, L)."""
        return LabelLoss(replace(self.settings, **weights))(targets, scores)

    def _steps(self, own, weights, pool, places, targets, size):
        """All steps of a chunk, one after the other: losses (steps,), and what the member has after them."""
        for variable, value in zip(self.variables, own, strict=True):
            variable.assign(value)

        def step(start):
            batch = slice(start, start + size)  # the last one may be shorter
            return self._step(weights, self.tf.gather(pool, places[batch]), targets[batch])

        starts = self.tf.range(0, self.tf.shape(places)[0], size)
        losses = self.tf.map_fn(step, starts, fn_output_signature=self.tf.float32, parallel_iterations=1)
        with self.tf.control_dependencies([losses]):
            return losses, [self.tf.identity(variable.value) for variable in self.variables]

    def _step(self, weights, inputs, targets):
        learned = self.head.trainable_variables
        with self.tf.GradientTape() as tape:
            loss = self.judge(weights, targets, self.head(inputs, training=True))
            scaled = loss * self.scale if self.scale != 1 else loss
        gradients = tape.gradient(scaled, [variable.value for variable in learned])
        if self.scale != 1:
            gradients = [gradient / self.scale for gradient in gradients]
        self.optimizer.apply(gradients, learned)
        return loss

    def _scores(self, learned, pool, places):
        drawn = [variable.value for variable in self.head.non_trainable_variables]
        return self.head.stateless_call(learned, drawn, self.tf.gather(pool, places), training=False)[0]


class Pool:
    """Inputs in which a program finds the images of a step: all of them at once, or a chunk at a time.

    rows: of several Batches of these `inputs`. Where what they show has room in POOL it is handed over
    once, for all epochs and members; else, and of Views, each chunk has inputs of its own. The numbers are
    the same.
    """

    def __init__(self, inputs: np.ndarray | Views, rows: list[np.ndarray]):
        self.inputs = None
        if isinstance(inputs, Views):
            return
        self.rows = np.unique(np.concatenate(rows).astype(np.int64))
        if len(self.rows) * 4 * inputs.shape[-1] <= POOL:
            self.inputs = ops.convert_to_tensor(inputs[self.rows], "float32")

    def chunks(self, batches: Batches, width: int) -> Iterator[Chunk]:
        """An epoch: as many batches at once as CHUNK has room for, `width` numbers an image."""
        at_once = max(1, CHUNK // (batches.batch_size * 4 * width))
        for start in range(0, len(batches), at_once):
            yield self._between(batches, start, min(start + at_once, len(batches)))

    def _between(self, batches: Batches, start: int, stop: int) -> Chunk:
        if self.inputs is None:
            inputs, targets = batches.between(start, stop)
            return ops.convert_to_tensor(inputs, "float32"), _upto(len(inputs)), targets
        chosen = batches.places(start, stop)
        places = np.searchsorted(self.rows, batches.rows[chosen]).astype(np.int32)
        return self.inputs, places, batches.targets[chosen]


def in_one_pass(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """The same optimiser; where it is Adam or AdamW a step of it is one operation of TensorFlow's.

    Keras' own makes a dozen passes over a variable, which for a head take nearly as long as the products
    that it learns from. The formula is the same (Kingma & Ba 2015, the end of section 2), and so is what it
    remembers.
    """
    if type(optimizer) in (keras.optimizers.Adam, keras.optimizers.AdamW) and not optimizer.amsgrad:
        optimizer.update_step = partial(_adam, optimizer)
    return optimizer


def _adam(optimizer: keras.optimizers.Adam, gradient, variable, learning_rate) -> None:
    """Move a variable (of TensorFlow's) and its moments."""
    from tensorflow import raw_ops

    place, kind = optimizer._get_variable_index(variable), variable.dtype
    numbers = learning_rate, optimizer.iterations + 1, optimizer.beta_1, optimizer.beta_2, optimizer.epsilon
    rate, step, beta_1, beta_2, epsilon = (ops.cast(number, kind) for number in numbers)
    raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=optimizer._momentums[place].value.handle,
        v=optimizer._velocities[place].value.handle,
        beta1_power=ops.power(beta_1, step),
        beta2_power=ops.power(beta_2, step),
        lr=rate,
        beta1=beta_1,
        beta2=beta_2,
        epsilon=epsilon,
        grad=ops.cast(gradient, kind),
    )


def _upto(number: int) -> np.ndarray:
    return np.arange(number, dtype=np.int32)


def _like(before, value):
    """`value` as a tensor of the kind that was `before`; ValueError where it has another shape."""
    if tuple(before.shape) != np.shape(value):
        raise ValueError(f"a value must have the shape {tuple(before.shape)}, but has {np.shape(value)}")
    return ops.convert_to_tensor(value, before.dtype)


def _label_weights(settings: LossSettings) -> dict[str, Any]:
    """The weights of labels that a loss has, (L,) each; resampling makes them differ by seed."""
    names = ("positive_weights", "label_weights")
    given = {name: getattr(settings, name) for name in names}
    return {
        name: ops.convert_to_tensor(weights, "float32")
        for name, weights in given.items()
        if weights is not None
    }
