"""A prediction table's list columns as matrices, checked before anything is computed from them."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wikitopics.errors import UserError


def matrix(column: pa.ChunkedArray, width: int, what: str) -> np.ndarray:
    """List column -> (n, width), every list checked to have `width` values (no ragged row slips through)."""
    lengths = set(pc.list_value_length(column).to_pylist())
    if lengths - {width}:
        raise UserError(
            f"every row of the {what} must have {width} values, one a label, but some have "
            f"{sorted(lengths - {width}, key=str)[:3]}; train that run again"
        )
    return pc.list_flatten(column).to_numpy().reshape(-1, width)


def check_range(truth: np.ndarray, scores: np.ndarray, run: str) -> None:
    """Raise UserError unless all scores are in [0, 1] and all truth is 0 or 1."""
    bad = int((~((scores >= 0) & (scores <= 1))).sum())  # NaN compares false, so it counts as bad
    if bad or (truth > 1).any():
        raise UserError(
            f"scores must be in [0, 1] and truth 0 or 1, but {bad} scores of {run!r} are not (NaN counts); "
            "lower its learning_rate if training diverged, and train it again"
        )
