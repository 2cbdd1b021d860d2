"""What is trained: heads of several seeds in one program, or one whole network by Keras' own `fit`.

A member is the network of one seed. Members differ in their start, in the order of their images, in what
dropout leaves out and in what resampling drew; nothing that one of them does reaches another.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import keras
import numpy as np
from keras import ops

from wikitopics.train.engine import on_one_device
from wikitopics.train.examples import Batches, predicted
from wikitopics.train.features import Learner
from wikitopics.train.losses import PLAIN, LabelLoss, LossSettings
from wikitopics.train.model import head_like

CHUNK = 1 << 24  # bytes of inputs that one call of the program gets: some steps, so that calling costs little
HALF = 2.0**10  # what losses are multiplied by before 16-bit gradients, which are 0 below 6e-8


class Members:
    """What training asks of its networks, all of which learn from an epoch at once.

    settings: the loss of each member; train: the images of each, in its own order. `state` holds everything
    that an epoch changes: weights, random generators of layers, the optimisers' moments.
    """

    settings: list[LossSettings]
    train: list[Batches]

    def __len__(self) -> int:
        return len(self.train)

    @property
    def state(self) -> list:
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

    def scores(self, batches: Batches) -> np.ndarray:
        """Scores of all members for the same images: (members, n, L) float32."""
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
    number of steps an epoch. A backbone that learns is trained alone: then there is one seed (rules.py).
    """
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

    def scores(self, batches: Batches) -> np.ndarray:
        return predicted(self.model, batches)[None]

    def learning_rate(self, member: int) -> float:
        return float(ops.convert_to_numpy(self.model.optimizer.learning_rate))

    def loss_of_scores(self, targets: np.ndarray, scores: np.ndarray) -> float:
        return float(self.model.compute_loss(y=targets, y_pred=scores))

    def loss(self, inputs: np.ndarray, targets: np.ndarray) -> float:
        return float(self.model.test_on_batch(inputs, targets, return_dict=True)["loss"])


class Heads(Members):
    """Heads of one shape, each with weights, images and an early stop of its own, trained together.

    Heads with as many images (all of them, unless resampling drew more for one seed than for another) are
    one Stack. A head ends with the same numbers whoever is trained beside it, to the last bit
    (tests/test_train_members.py).
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
        sizes = [len(batches.rows) for batches in train]
        alike = [[i for i, own in enumerate(sizes) if own == size] for size in dict.fromkeys(sizes)]
        self.place = {member: (n, k) for n, group in enumerate(alike) for k, member in enumerate(group)}
        with on_one_device():
            self.stacks = [self._stack(group, optimizer(len(train[group[0]]))) for group in alike]

    def _stack(self, group: list[int], optimizer: keras.optimizers.Optimizer) -> "Stack":
        heads = [self.heads[member] for member in group]
        train = [self.train[member] for member in group]
        return Stack(heads, train, [self.settings[member] for member in group], optimizer)

    @property
    def state(self) -> list:
        return [variable for stack in self.stacks for variable in stack.state]

    def epoch(self, number: int, active: list[int]) -> np.ndarray:
        learns = [np.zeros(len(stack.train), bool) for stack in self.stacks]
        for stack, k in (self.place[member] for member in active):
            learns[stack][k] = True
        with on_one_device():
            pairs = zip(self.stacks, learns, strict=True)
            return self._in_order([stack.epoch(number, own) for stack, own in pairs])

    def weights(self, member: int) -> list[np.ndarray]:
        stack, k = self.place[member]
        return [np.array(variable[k]) for variable in self.stacks[stack].learned]

    def set_weights(self, member: int, weights: list[np.ndarray]) -> None:
        """Into the stack, and into the head itself."""
        stack, k = self.place[member]
        with on_one_device():
            for variable, own in zip(self.stacks[stack].learned, weights, strict=True):
                whole = np.array(variable)
                whole[k] = own
                variable.assign(whole)
        for variable, own in zip(self.heads[member].trainable_variables, weights, strict=True):
            variable.assign(own)

    def scores(self, batches: Batches) -> np.ndarray:
        with on_one_device():
            return self._in_order([stack.scores(batches) for stack in self.stacks])

    def learning_rate(self, member: int) -> float:
        return float(ops.convert_to_numpy(self.stacks[self.place[member][0]].optimizer.learning_rate))

    def loss_of_scores(self, targets: np.ndarray, scores: np.ndarray) -> float:
        return float(self.stacks[0].judge(0, targets, scores))

    def loss(self, inputs: np.ndarray, targets: np.ndarray) -> float:
        """By the scores of the stacked weights: what was trained, not what was copied from it."""
        return self.loss_of_scores(targets, self.stacks[0].scores_of(inputs)[0])

    def _in_order(self, parts: list[np.ndarray]) -> np.ndarray:
        return np.stack([parts[n][k] for _, (n, k) in sorted(self.place.items())])


class Stack:
    """Heads with as many images each, their weights stacked: the program that trains them.

    One step takes a batch of each member, asks each head by itself (equal shapes, so equal arithmetic, alone
    or among others), and lets one optimiser move the stacked weights: what it does to a number depends on
    that number's own gradients only.
    """

    def __init__(
        self, heads: list[keras.Model], train: list[Batches], settings: list[LossSettings], optimizer
    ):
        import tensorflow as tf

        self.tf, self.head, self.train, self.settings = tf, heads[0], train, settings[0]
        self.learned = _stacked([head.trainable_variables for head in heads])
        self.drawn = _stacked([head.non_trainable_variables for head in heads])
        self.optimizer = optimizer
        self.optimizer.build(self.learned)
        self.label_weights = _label_weights(settings)
        half = any(layer.compute_dtype == "float16" for layer in self.head.layers)
        self.scale = HALF if half else 1.0
        given, shape = tf.TensorSpec, (None, *self.head.input_shape[1:])  # any number: traced once
        together = [(None, len(train), *shape), (None, len(train), None, self.head.output_shape[-1])]
        signature = [given((len(train),), "bool"), *(given(one) for one in together)]
        self._steps = tf.function(self._many_steps, signature, autograph=False)
        self.scores_of = tf.function(self._all_scores, [given(shape)], autograph=False)

    @property
    def state(self) -> list:
        return [*self.learned, *self.drawn, *self.optimizer.variables]

    def epoch(self, number: int, learns: np.ndarray) -> np.ndarray:
        """One pass over the images of each member that `learns` (members,) bool; mean losses (members,).

        The others are not asked. Their weights may drift on their optimiser's momentum: they have stopped,
        and what they keep was copied at their best epoch.
        """
        total = np.zeros(len(self.train))
        if not learns.any():
            return total
        for batches in self.train:
            batches.epoch = number
        for inputs, targets in self._chunks():
            losses = self._steps(learns, inputs, targets)
            total += inputs.shape[2] * np.asarray(losses, np.float64).sum(axis=0)
        return total / len(self.train[0].rows)

    def scores(self, batches: Batches) -> np.ndarray:
        return np.concatenate([self.scores_of(batches[i][0]) for i in range(len(batches))], axis=1)

    def judge(self, member: int, targets, scores):
        """The loss of one member, a mean over images and labels; targets and scores (n, L)."""
        own = {name: weights[member] for name, weights in self.label_weights.items()}
        return LabelLoss(replace(self.settings, **own))(targets, scores)

    def _chunks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The epoch as (steps, members, n, ...) inputs and targets, as many steps as CHUNK has room for."""
        first = self.train[0]
        size = min(first.batch_size, len(first.rows)) * len(self.train) * 4 * first.inputs.shape[-1]
        at_once, whole = max(1, CHUNK // size), len(first.rows) // first.batch_size
        starts = [*range(0, whole, at_once), *([whole] if whole < len(first) else [])]
        for start in starts:
            stop = min(start + at_once, whole) if start < whole else len(first)
            steps = [[batches[step] for batches in self.train] for step in range(start, stop)]
            inputs, targets = (np.array([[p[part] for p in pairs] for pairs in steps]) for part in (0, 1))
            yield inputs, targets

    def _many_steps(self, learns, inputs, targets):
        """All steps of a chunk, one after the other: losses (steps, members)."""
        kind = self.tf.TensorSpec((len(self.train),))
        return self.tf.map_fn(
            lambda batch: self._step(learns, *batch),
            (inputs, targets),
            fn_output_signature=kind,
            parallel_iterations=1,
        )

    def _step(self, learns, inputs, targets):
        kinds = [[_one_of(variable) for variable in kind] for kind in (self.learned, self.drawn)]
        loss, gradients, drawn = self.tf.map_fn(
            lambda given: self.tf.cond(
                given[0], lambda: self._gradients(*given[1:]), lambda: self._nothing(given[1])
            ),
            (learns, self.tf.range(len(self.train)), inputs, targets),
            fn_output_signature=(self.tf.float32, *kinds),
        )
        for variable, value in zip(self.drawn, drawn, strict=True):
            variable.assign(value)
        self.optimizer.apply(gradients, self.learned)
        return loss

    def _of(self, member) -> tuple[list, list]:
        """What a member has learned, and the state of its random generators; only its part is copied."""
        learned = [self.tf.gather(variable.value, member) for variable in self.learned]
        return learned, [self.tf.gather(variable.value, member) for variable in self.drawn]

    def _gradients(self, member, inputs, targets):
        """Loss, gradients, and the random generators' next state of one member."""
        learned, drawn = self._of(member)
        with self.tf.GradientTape() as tape:
            tape.watch(learned)
            scores, drawn = self.head.stateless_call(learned, drawn, inputs, training=True)
            loss = self.judge(member, targets, scores)
            scaled = loss * self.scale if self.scale != 1 else loss
        gradients = tape.gradient(scaled, learned)
        return loss, [g / self.scale for g in gradients] if self.scale != 1 else gradients, drawn

    def _nothing(self, member):
        """What `_gradients` would give of a member that has stopped."""
        learned, drawn = self._of(member)
        return self.tf.zeros(()), [self.tf.zeros_like(weights) for weights in learned], drawn

    def _all_scores(self, inputs):
        def one(member):
            return self.head.stateless_call(*self._of(member), inputs, training=False)[0]

        return self.tf.map_fn(one, self.tf.range(len(self.train)), fn_output_signature=self.tf.float32)


def _stacked(variables: list[list]) -> list[keras.Variable]:
    """Each variable of the heads as one, with the members in front."""
    alike = zip(*variables, strict=True)
    arrays = [np.stack([ops.convert_to_numpy(one) for one in same]) for same in alike]
    return [keras.Variable(array, dtype=array.dtype.name) for array in arrays]


def _one_of(stacked):
    """What TensorFlow is told of one member's part of a stacked tensor."""
    import tensorflow as tf

    return tf.TensorSpec(stacked.shape[1:], stacked.dtype)


def _label_weights(settings: list[LossSettings]) -> dict[str, Any]:
    """The weights of labels that the losses have: (members, L) each; resampling makes them differ by seed."""
    names = ("positive_weights", "label_weights")
    return {
        name: ops.convert_to_tensor(np.stack([getattr(one, name) for one in settings]), "float32")
        for name in names
        if getattr(settings[0], name) is not None
    }
