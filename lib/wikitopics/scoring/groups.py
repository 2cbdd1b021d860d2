"""What a group of pictures lacks: how many of them have a topic, beside all other pictures, beyond chance.

Counts above the threshold are enough here. A model whose mistakes are the same everywhere makes the shares of
two groups more alike, never less: the counted difference is the true one times (true positive rate - false
positive rate), so its sign can be believed and its size is, if anything, too small. What
chance would do is counted exactly: how often so few (or so many) of as many pictures, drawn at random from
the scored ones, are above the threshold (Fisher 1935; hypergeometric). Holm's correction pays for the number
of comparisons.
"""

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import hypergeom, norm

from wikitopics.evaluate import bootstrap
from wikitopics.evaluate.intervals import SIGNIFICANCE, holm

SAME, FEWER, MORE = "no difference shown", "lacks", "has more"
COLUMNS = ["group", "pictures", "label", "counted", "expected", "share", "low", "high"]
COLUMNS += ["difference", "difference_low", "difference_high", "p", "p_holm", "verdict"]


def membership(groups: pd.Series, smallest: int) -> tuple[list[str], sparse.csr_array]:
    """Names of the groups with at least `smallest` pictures, the largest first, and who is in them: (C, n).

    groups: a list of different group names for each of the n pictures.
    """
    lengths = groups.map(len).to_numpy(dtype=int)
    picture = np.repeat(np.arange(len(groups)), lengths)
    name = pd.Series([name for names in groups for name in names], dtype=object)
    counts = name.value_counts()
    names = sorted(counts.index[counts >= smallest], key=lambda group: (-counts[group], group))
    row = pd.Index(names, dtype=object).get_indexer(name)
    inside = row >= 0
    shape = (len(names), len(groups))
    return names, sparse.csr_array((np.ones(inside.sum()), (row[inside], picture[inside])), shape=shape)


def once_each(groups: pd.Series, above: np.ndarray, duplicates: np.ndarray) -> tuple[pd.Series, np.ndarray]:
    """The same for one picture of each code in `duplicates` (n,), the first, in the groups of all its copies.

    >>> copies = pd.Series([["a"], ["b"], ["c"]])
    >>> found, rows = once_each(copies, np.eye(3, 1, dtype=bool), np.array([0, 1, 0]))
    >>> found.tolist(), rows.tolist()
    ([['a', 'c'], ['b']], [[True], [False]])
    """
    _, first, code = np.unique(duplicates, return_index=True, return_inverse=True)
    together: list[dict[str, None]] = [{} for _ in first]
    for place, names in zip(code, groups, strict=True):
        together[place].update(dict.fromkeys(names))
    return pd.Series([list(names) for names in together], dtype=object), above[first]


def by_group(
    groups: pd.Series,
    above: np.ndarray,
    label_names: list[str],
    smallest: int,
    duplicates: np.ndarray | None = None,
) -> pd.DataFrame:
    """COLUMNS, one row for each label of each group of at least `smallest` pictures, the largest group first.

    above: (n, L) bool, which pictures have which label; duplicates: (n,), a code that copies share: they
    count once, or one picture uploaded ten times would be a finding. counted: how many of the group;
    expected: how many if it were like all pictures; share, low, high: counted / pictures with its 95 %
    interval; difference: share minus that of the pictures *not* in the group, with its interval (Newcombe
    1998, method 10); p: two-sided, NaN where there is nothing to ask; p_holm, verdict: SAME, FEWER or MORE.
    """
    if duplicates is not None:
        groups, above = once_each(groups, above, duplicates)
    names, members = membership(groups, smallest)
    n, everywhere = len(above), above.sum(axis=0, dtype=int)
    size = np.repeat(members.sum(axis=1).astype(int)[:, None], len(label_names), axis=1)
    counted = (members @ above.astype(np.float64)).astype(int)
    columns = {"pictures": size, "counted": counted, "expected": size * everywhere / max(1, n)}
    columns |= _shares(counted, size, everywhere - counted, n - size)
    columns["p"] = _chance(counted, size, everywhere, n)
    table = pd.DataFrame({name: np.ravel(values) for name, values in columns.items()})
    table["group"] = np.repeat(np.array(names, dtype=object), len(label_names))
    table["label"] = label_names * len(names)
    table["p_holm"] = holm(table["p"])
    differs = np.where(table["difference"] < 0, FEWER, MORE)
    table["verdict"] = np.where(table["p_holm"] < SIGNIFICANCE, differs, SAME)
    return table[COLUMNS]


def _shares(counted: np.ndarray, size: np.ndarray, others: np.ndarray, rest: np.ndarray) -> dict:
    """The columns share, low, high of each group, and difference ... of its share to that of the rest."""
    (low, high), (below, above) = wilson(counted, size), wilson(others, rest)
    share, usual = counted / np.maximum(size, 1), others / np.maximum(rest, 1)
    difference = np.where(rest > 0, share - usual, np.nan)
    down, up = np.hypot(share - low, above - usual), np.hypot(high - share, usual - below)
    return {
        "share": share,
        "low": low,
        "high": high,
        "difference": difference,
        "difference_low": difference - down,
        "difference_high": difference + up,
    }


def _chance(counted: np.ndarray, size: np.ndarray, everywhere: np.ndarray, n: int) -> np.ndarray:
    """Two-sided p of each count: twice the smaller tail; NaN where all or none have the label, and for a
    group of everything."""
    drawn = hypergeom(n, everywhere, size)
    p = np.minimum(1, 2 * np.minimum(drawn.cdf(counted), drawn.sf(counted - 1)))
    return np.where((everywhere > 0) & (everywhere < n) & (size < n), p, np.nan)


def wilson(counted: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of a share, sound for small numbers too: Wilson 1927.

    >>> [float(end.round(3)) for end in wilson(np.array(0), np.array(20))]
    [0.0, 0.161]
    """
    z = norm.ppf((1 + bootstrap.LEVEL) / 2)
    size = np.maximum(size, 1)
    share = counted / size
    middle = (share + z**2 / (2 * size)) / (1 + z**2 / size)
    half = z / (1 + z**2 / size) * np.sqrt(share * (1 - share) / size + z**2 / (4 * size**2))
    return np.maximum(0, middle - half), np.minimum(1, middle + half)
