"""Losses for multi-hot targets: one formula, of which the named losses are settings.

With target t and score p of one label of one image, q = max(p - clip, 0):

    positive_weight * t * (1 - p)^gamma_positive * -ln p  +  (1 - t) * q^gamma_negative * -ln(1 - q)

times the label's weight; the loss is the mean over images and labels.

binary_crossentropy: weights 1, gammas 0, clip 0.
focal: both gammas equal (Lin et al. 2017, Focal Loss for Dense Object Detection, eq. 4).
positive_weighted: positive_weight = n_neg / n_pos of the label in train, capped (the balanced
cross-entropy; the prior work's "sample weight").
asymmetric: gamma_negative above gamma_positive, and a clip (Ridnik et al. 2021, Asymmetric Loss for
Multi-Label Classification, eq. 7).

Keras' `class_weight` is no part of it: of an image with several labels Keras uses the first one's weight.
"""

from dataclasses import dataclass, replace

import keras
import numpy as np
from keras import ops

from wikitopics.train.coherence import coherent, learned_scores

SMALLEST = 2.0**-23  # how far scores are kept from 0 and 1: Keras has 1e-7, which float32 cannot take off 1
LOSSES = ("binary_crossentropy", "focal", "positive_weighted", "asymmetric")


@dataclass(frozen=True)
class LossSettings:
    """The numbers of the formula; positive_weights and label_weights: (L,) float64 or None for ones.

    `smoothing` moves every target towards a half: t (1 - smoothing) + smoothing / 2 (Szegedy et al. 2016,
    Rethinking the Inception Architecture, section 7, for two classes). `descent`: (L, L) bool as
    labels.taxonomy.descent gives it, where scores are coherent with a hierarchy, or None.
    """

    name: str = "binary_crossentropy"
    gamma_positive: float = 0.0
    gamma_negative: float = 0.0
    clip: float = 0.0
    positive_weights: np.ndarray | None = None
    label_weights: np.ndarray | None = None
    smoothing: float = 0.0
    descent: np.ndarray | None = None


PLAIN = LossSettings()


def loss_settings(
    name: str,
    label_matrix: np.ndarray,
    focal_gamma: float = 2.0,
    asymmetric: tuple[float, float, float] = (0.0, 4.0, 0.05),
    weight_cap: float = 20.0,
    label_weights: str = "equal",
    smoothing: float = 0.0,
    descent: np.ndarray | None = None,
) -> LossSettings:
    """The settings of a named loss. label_matrix: (n_train, L) {0, 1}, of which the weights are counted.

    `asymmetric` is (gamma_positive, gamma_negative, clip). `label_weights` is "equal", or "rare" for weights
    proportional to 1 / n_pos, at most `weight_cap` times that of the most frequent label, with mean 1.
    """
    counts = label_matrix.sum(axis=0, dtype=np.int64).clip(1)
    settings = LossSettings(name, smoothing=smoothing, descent=descent)
    if label_weights == "rare":
        rarity = np.minimum(counts.max() / counts, weight_cap)
        settings = replace(settings, label_weights=rarity / rarity.mean())
    if name == "focal":
        return replace(settings, gamma_positive=focal_gamma, gamma_negative=focal_gamma)
    if name == "positive_weighted":
        weights = np.minimum((len(label_matrix) - counts) / counts, weight_cap)
        return replace(settings, positive_weights=weights)
    if name == "asymmetric":
        positive, negative, clip = asymmetric
        return replace(settings, gamma_positive=positive, gamma_negative=negative, clip=clip)
    return settings


class LabelLoss(keras.losses.Loss):
    """The formula for Keras; targets and scores (n, L)."""

    def __init__(self, settings: LossSettings):
        super().__init__(name=settings.name)
        self.settings = settings

    def call(self, y_true, y_pred):
        s = self.settings
        there, absent = learned_scores(y_true, y_pred, s.descent)
        there, absent = (ops.clip(scores, SMALLEST, 1 - SMALLEST) for scores in (there, absent))
        if s.smoothing:
            y_true = y_true * (1 - s.smoothing) + s.smoothing / 2
        positive, negative = -y_true * ops.log(there), 1 - y_true
        if s.clip:
            absent = ops.maximum(absent - s.clip, SMALLEST)
        negative = negative * -ops.log(1 - absent)
        if s.gamma_positive:  # a power of 0 would be 1 anyway, but its gradient costs a logarithm
            positive = positive * ops.power(1 - there, s.gamma_positive)
        if s.gamma_negative:
            negative = negative * ops.power(absent, s.gamma_negative)
        if s.positive_weights is not None:
            positive = positive * ops.convert_to_tensor(s.positive_weights, y_pred.dtype)
        total = positive + negative
        if s.label_weights is not None:
            total = total * ops.convert_to_tensor(s.label_weights, y_pred.dtype)
        return ops.mean(total, axis=-1)


def formula(settings: LossSettings, targets: np.ndarray, scores: np.ndarray) -> float:
    """The same loss of targets and raw scores (n, L) written a second time, in float64 without Keras.

    >>> round(formula(LossSettings(), np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])), 4)
    0.6931
    """
    t, p = np.asarray(targets, np.float64), np.asarray(scores, np.float64)
    there, absent = p, p
    if settings.descent is not None:
        absent = coherent(p, settings.descent)
        there = np.where(t > 0, coherent(p * (t > 0), settings.descent), absent)
    there, absent = np.clip(there, SMALLEST, 1 - SMALLEST), np.clip(absent, SMALLEST, 1 - SMALLEST)
    t = t + settings.smoothing * (0.5 - t)
    q = np.maximum(absent - settings.clip, 0)
    positive = -t * (1 - there) ** settings.gamma_positive * np.log(there)
    negative = -(1 - t) * q**settings.gamma_negative * np.log1p(-q)
    weights = [1.0 if w is None else w for w in (settings.positive_weights, settings.label_weights)]
    return float(np.mean((positive * weights[0] + negative) * weights[1]))
