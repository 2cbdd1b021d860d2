"""Hops of the category graph, ranked by the mistakes they bring: one wrong hop gives hundreds of labels."""

import numpy as np
import pandas as pd

from wikitopics.show.browser.choice import KINDS, Predictions

COLUMNS = ["child", "parent", "given", "missed", "share", "excess"]
MISSED = KINDS.index("false negative")


def hops(why: pd.DataFrame, known: Predictions) -> pd.DataFrame:
    """Each hop of each way to a given label: child, parent, image (place), label (place), missed (bool).

    why: title, label, path (from the first category up to the anchor). `missed`: the labels say so, the model
    does not. Labels and titles without a prediction are left out.
    """
    images, labels = known.places_of(why["title"]), pd.Index(known.label_names).get_indexer(why["label"])
    rows = np.flatnonzero((images >= 0) & (labels >= 0))
    rows = rows[known.truth[images[rows], labels[rows]]]
    paths = why["path"].to_numpy()[rows]
    lengths = np.array([len(path) for path in paths], np.int64)
    names = np.concatenate([np.empty(0, object), *(np.asarray(path, object) for path in paths)])
    of = np.repeat(rows, lengths)
    same = of[:-1] == of[1:]
    return pd.DataFrame(
        {
            "child": names[:-1][same],
            "parent": names[1:][same],
            "image": images[of[:-1][same]],
            "label": labels[of[:-1][same]],
            "missed": known.kinds[images[of[:-1][same]], labels[of[:-1][same]]] == MISSED,
        }
    ).drop_duplicates(["child", "parent", "image", "label"])


def ranked(table: pd.DataFrame) -> pd.DataFrame:
    """The hops of a table of `hops`: COLUMNS, those that bring most mistakes beyond their share first.

    given: labels that were reached by the hop; missed: those that the model does not see; share: missed /
    given; excess: missed beyond what as many labels of all hops have.

    >>> rows = {"child": ["Cars", "Cars", "Cats"], "parent": ["A", "A", "B"], "image": [0, 1, 2]}
    >>> ranked(pd.DataFrame(rows | {"label": 0, "missed": [True, True, False]}))["child"].tolist()
    ['Cars', 'Cats']
    """
    if not len(table):
        return pd.DataFrame(columns=COLUMNS)
    sums = (
        table.groupby(["child", "parent"], sort=False)["missed"].agg(given="size", missed="sum").reset_index()
    )
    sums["share"] = sums["missed"] / sums["given"]
    sums["excess"] = sums["missed"] - sums["given"] * table["missed"].mean()
    return sums.sort_values(["excess", "missed"], ascending=False)[COLUMNS].reset_index(drop=True)
