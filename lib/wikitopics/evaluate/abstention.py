"""Quality where the model may stay silent: the images it is least sure of are left to a person."""

import numpy as np
import pandas as pd

from wikitopics.evaluate.metrics import counts, precision_recall_f1


def sureness(scores: np.ndarray) -> np.ndarray:
    """Share of an image's labels expected to be right: mean of max(p, 1 - p) over labels, (n,) in [0.5, 1].

    scores: (n, L), calibrated: where a score of 0.8 is right four times in five, this is the expected share.
    """
    scores = np.asarray(scores, dtype=np.float64)
    return np.maximum(scores, 1 - scores).mean(axis=1)


def curve(truth: np.ndarray, predicted: np.ndarray, sure: np.ndarray, steps: int = 20) -> pd.DataFrame:
    """Quality on the surest images: coverage (share answered), micro_f1, hamming (share of wrong cells).

    (n, L), (n, L) {0, 1}, sure (n,) -> `steps` rows from 1/steps to 1, where they are the plain metrics.
    Abstaining at random keeps both where they are at coverage 1, on average.
    """
    order = np.argsort(-sure, kind="stable")
    rows = []
    for step in range(1, steps + 1):
        kept = order[: max(1, round(len(order) * step / steps))]
        tp, fp, fn = (cell.sum() for cell in counts(truth[kept], predicted[kept]))
        wrong = float((truth[kept] != predicted[kept]).mean())
        rows.append((step / steps, float(precision_recall_f1(tp, fp, fn)[2]), wrong))
    return pd.DataFrame(rows, columns=["coverage", "micro_f1", "hamming"])
