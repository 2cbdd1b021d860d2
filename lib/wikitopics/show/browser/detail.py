"""Everything about one picture as plain values: its labels by source, scores, reasons, look-alikes."""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pandas as pd

from wikitopics.evaluate.neighbours import Index, nearest
from wikitopics.show.browser.choice import KINDS, Predictions
from wikitopics.show.browser.surface import told
from wikitopics.show.pictures import Thumbnails

NEIGHBOURS, NEIGHBOUR_PX = 12, 128
DESCRIBED = ("categories", "items")  # what people said of a file, in lists of texts
REASONS = 12  # ways to a label that are shown


class Neighbours:
    """Cosine neighbours among features (m, d) float32, which may be memory-mapped; answers are cached.

    Exact, and above evaluate.neighbours.EXACT images approximate where faiss is installed; the index is made
    when it is first asked.
    """

    def __init__(self, features: np.ndarray) -> None:
        self.features = features
        self.of = lru_cache(maxsize=512)(self._of)

    @cached_property
    def _index(self) -> Index:
        return Index(self.features)

    def _of(self, row: int, count: int = 8) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the `count` nearest other images and their cosine similarities, nearest first."""
        rows, similarity = nearest(self._index, np.array([row]), count)
        return rows[0], similarity[0]


class Detail:
    """What is known of single pictures; whatever is not given (None) is left out."""

    def __init__(
        self,
        predictions: Predictions,
        thumbnails: Thumbnails,
        details: pd.DataFrame | None,
        why: pd.DataFrame | None,
        near: Neighbours | None,
        catalogue: pd.DataFrame | None,
    ) -> None:
        self.predictions, self.thumbnails = predictions, thumbnails
        self.details, self.why, self.near = details, why, near
        self._image_of = {int(row): image for image, row in enumerate(predictions.rows)}
        self.catalogue = None if catalogue is None else catalogue.drop_duplicates("row").set_index("row")

    def given(self, image: int) -> list[str]:
        """The labels the image was given in this run."""
        return self._names(self.predictions.truth[image])

    def about(self, image: int) -> dict[str, Any]:
        """Picture, title, facts, labels by source, categories, items and reasons."""
        known = self.predictions
        title, twins = known.titles[image], int(known.twins[image])
        row = self._row(title)
        return {
            "image": image,
            "title": told(title),
            "address": "" if row is None else str(row.get("address", "")),
            "jpeg": self.thumbnails.jpeg(int(known.rows[image])),
            "facts": [f"{known.splits[image]} split"] + ([f"near duplicates: {twins}"] if twins else []),
            "sources": [[told(name), [told(n) for n in names]] for name, names in _sources(row).items()],
            **{column: [told(name) for name in _list(_cell(row, column))] for column in DESCRIBED},
            "why": self._why(title),
        }

    def scores(self, image: int) -> list[dict[str, Any]]:
        """Each label's score, threshold, and whether it is given and predicted, in the labels' order."""
        known, there = self.predictions, self.predictions.right_there
        return [
            {
                "name": told(name),
                "score": float(known.scores[image, label]),
                "cut": float(known.thresholds[label]),
                "kind": KINDS[known.kinds[image, label]],
                "given": bool(known.truth[image, label]),
                "there": -1 if there is None else int(there[image, label]),
            }
            for label, name in enumerate(known.label_names)
        ]

    def chips(self, image: int) -> list[list[str]]:
        """The labels of a picture with their kinds, mistakes first: those given or predicted."""
        known = self.predictions
        kinds = known.kinds[image]
        order = np.flatnonzero(kinds)
        order = order[np.argsort(-kinds[order], kind="stable")]
        return [[told(known.label_names[label]), KINDS[kinds[label]]] for label in order]

    def look_alikes(self, image: int, count: int = NEIGHBOURS) -> list[dict[str, Any]]:
        """The nearest images; apart from `about`, because it alone reads all features."""
        if self.near is None:
            return []
        rows, likeness = self.near.of(int(self.predictions.rows[image]), count)
        return [
            {
                "jpeg": self.thumbnails.jpeg(int(row), NEIGHBOUR_PX),
                "like": float(like),
                **self._named(int(row)),
            }
            for row, like in zip(rows, likeness, strict=True)
        ]

    def alike(self, image: int, count: int) -> np.ndarray:
        """Places of the images most like this one that have a prediction, itself first."""
        if self.near is None:
            return np.array([image])
        rows, _ = self.near.of(int(self.predictions.rows[image]), count)
        found = [self._image_of[int(row)] for row in rows if int(row) in self._image_of]
        return np.array([image, *found], np.int64)

    def described(self) -> list[list[str]] | None:
        """Categories and items of each image, in the predictions' order; None where they are not known."""
        known = [] if self.details is None else [name for name in DESCRIBED if name in self.details]
        if self.details is None or not known:
            return None
        by_title = self.details.loc[~self.details.index.duplicated(), known].reindex(self.predictions.titles)
        return [[name for cell in row for name in _list(cell)] for row in by_title.itertuples(index=False)]

    def _names(self, mask: np.ndarray) -> list[str]:
        return [self.predictions.label_names[i] for i in np.flatnonzero(mask)]

    def _row(self, title: str) -> pd.Series | None:
        if self.details is None or title not in self.details.index:
            return None
        return self.details.loc[[title]].iloc[0]

    @cached_property
    def _reasons(self) -> dict[str, np.ndarray]:
        return {} if self.why is None else self.why.groupby("title", sort=False).indices

    def _why(self, title: str) -> list[dict[str, Any]]:
        """How each label was reached: category or article, hop by hop, to the anchor."""
        if self.why is None or title not in self._reasons:
            return []
        rows = self.why.iloc[self._reasons[title]].sort_values("score", ascending=False)
        return [
            {
                "label": told(row["label"]),
                "score": float(row["score"]),
                "path": [told(step) for step in row["path"]] or [told(row["start"])],
                "rules": ", ".join(dict.fromkeys(told(rule) for rule in row["rules"])),
            }
            for row in rows.head(REASONS).to_dict("records")
        ]

    def _named(self, row: int) -> dict[str, Any]:
        """Title of an image, its place (-1 without one), and a line about it, as far as they are known."""
        if row in self._image_of:
            image = self._image_of[row]
            labels = ", ".join(self._names(self.predictions.truth[image]))
            about = f"{self.predictions.splits[image]}: {labels}"
            return {"title": told(self.predictions.titles[image]), "about": told(about), "image": image}
        if self.catalogue is not None and row in self.catalogue.index:
            known = self.catalogue.loc[row]
            return {"title": told(known["title"]), "about": told(known.get("split", "")), "image": -1}
        return {"title": f"row {row}", "about": "", "image": -1}


def _sources(row: pd.Series | None) -> dict[str, list[str]]:
    """The labels that other sources give, by the source's name."""
    columns = () if row is None else row.items()
    return {
        str(column).removeprefix("labels: "): _list(value)
        for column, value in columns
        if str(column).startswith("labels: ")
    }


def _cell(row: pd.Series | None, column: str) -> Any:
    return None if row is None else row.get(column)


def _list(value: Sequence[str] | float | None) -> list[str]:
    """A cell of lists; a missing one (None or NaN) is empty."""
    return [str(part) for part in value] if isinstance(value, list | tuple | np.ndarray) else []
