"""People's labels on top of log odds that were learned without them: few numbers, held near to no change."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize


@dataclass(frozen=True)
class Penalties:
    """L2 penalties: 1 / variance of what is expected. Set beforehand, not chosen by anybody's labels."""

    slope: float = 0.1  # common to all labels
    slopes: float = 25.0  # of a label
    shift: float = 0.05  # common to all labels
    shifts: float = 3.0  # of a label
    facts: float = 4.0  # of a fact, common to all labels


@dataclass(frozen=True)
class Change:
    """slope (L,), shift (L,), facts (F,): log odds become slope * log odds + shift + facts of a label."""

    slope: np.ndarray
    shift: np.ndarray
    facts: np.ndarray

    def __call__(self, logits: np.ndarray, facts: np.ndarray) -> np.ndarray:
        """logits: (n, L); facts: (n, L, F)."""
        return self.slope * logits + self.shift + facts @ self.facts


def fit_change(
    logits: np.ndarray, facts: np.ndarray, truth: np.ndarray, penalties: Penalties = Penalties()
) -> Change:
    """The change with the best likelihood of `truth` (n, L), less the penalties."""
    n_labels, n_facts = truth.shape[1], facts.shape[2]
    costs = np.concatenate(
        [
            [penalties.slope],
            np.full(n_labels, penalties.slopes),
            [penalties.shift],
            np.full(n_labels, penalties.shifts),
            np.full(n_facts, penalties.facts),
        ]
    )
    cuts = np.cumsum([1, n_labels, 1, n_labels])

    def unpack(flat: np.ndarray) -> Change:
        slope, slopes, shift, shifts, of_facts = np.split(flat, cuts)
        return Change(1 + slope + slopes, shift + shifts, of_facts)

    def loss(flat: np.ndarray):
        z = unpack(flat)(logits, facts)
        value = (np.logaddexp(0, z) - truth * z).sum() + 0.5 * (costs * flat**2).sum()
        residual = 1 / (1 + np.exp(-z)) - truth
        slopes, shifts = (residual * logits).sum(0), residual.sum(0)
        parts = ([slopes.sum()], slopes, [shifts.sum()], shifts, np.einsum("nl,nlf->f", residual, facts))
        return value, np.concatenate(parts) + costs * flat

    return unpack(minimize(loss, np.zeros(len(costs)), jac=True, method="L-BFGS-B").x)
