"""Fitting the linear model: regularised logistic regression of all labels at once."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize


@dataclass(frozen=True)
class Penalties:
    """L2 penalties: of the weights of words; of the facts' weights that all labels share; of each label's
    deviation from those; of the constants. Fixed before the nested cross-validation that is reported."""

    words: float = 0.5
    shared: float = 0.1
    own: float = 10.0
    constant: float = 0.05


@dataclass(frozen=True)
class Fitted:
    """constant (L,), words (d, L), facts (L, F)."""

    constant: np.ndarray
    words: np.ndarray
    facts: np.ndarray

    def logits(self, x: np.ndarray, facts: np.ndarray) -> np.ndarray:
        """Log odds: (n, L)."""
        return self.constant + x @ self.words + np.einsum("nlf,lf->nl", facts, self.facts)


def fit(x, facts, truth, weight, penalties: Penalties = Penalties(), rounds: int = 60) -> Fitted:
    """Fit to `truth` (n, L) in [0, 1] from x (n, d) and facts (n, L, F); `weight` (n,) of the rows."""
    n, n_labels = truth.shape
    d, n_facts = x.shape[1], facts.shape[2]
    base = np.log((truth.sum(0) + 1) / (n - truth.sum(0) + 1))
    # Every parameter is scaled by about its curvature, so that few steps suffice.
    scale_x = 1 / np.sqrt(0.08 * (x**2).sum(0) + penalties.words)
    scale_shared = 1 / np.sqrt(0.08 * (facts**2).sum((0, 1)) + penalties.shared)
    scale_own = 1 / np.sqrt(0.08 * (facts**2).sum((0, 1)) / n_labels + penalties.own)
    scale_constant = 1 / np.sqrt(0.08 * n + penalties.constant)
    by_label = np.ascontiguousarray(facts.transpose(1, 0, 2))
    cuts = np.cumsum([n_labels, n_facts, n_labels * n_facts])

    def unpack(flat):
        constant, shared, own, words = np.split(flat, cuts)
        return (
            constant * scale_constant,
            shared * scale_shared,
            own.reshape(n_labels, n_facts) * scale_own,
            words.reshape(d, n_labels) * scale_x[:, None],
        )

    def loss(flat):
        constant, shared, own, words = unpack(flat)
        z = base + constant + x @ words + np.matmul(by_label, (shared + own)[:, :, None])[:, :, 0].T
        residual = (1 / (1 + np.exp(-z)) - truth) * weight[:, None]
        value = ((np.logaddexp(0, z) - truth * z) * weight[:, None]).sum()
        parts = (constant, shared, own, words)
        costs = (penalties.constant, penalties.shared, penalties.own, penalties.words)
        value += 0.5 * sum(cost * (part**2).sum() for cost, part in zip(costs, parts, strict=True))
        by_fact = np.matmul(by_label.transpose(0, 2, 1), residual.T[:, :, None])[:, :, 0]
        gradients = (residual.sum(0), by_fact.sum(0), by_fact, x.T @ residual)
        scales = (scale_constant, scale_shared, scale_own, scale_x[:, None])
        flat_gradient = [
            ((gradient + cost * part) * scale).ravel()
            for gradient, cost, part, scale in zip(gradients, costs, parts, scales, strict=True)
        ]
        return value, np.concatenate(flat_gradient)

    start = np.zeros(cuts[-1] + d * n_labels)
    options = {"maxiter": rounds, "maxfun": rounds + 20, "ftol": 2e-5}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options).x
    constant, shared, own, words = unpack(found)
    return Fitted(base + constant, words, shared + own)
