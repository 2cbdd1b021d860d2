"""Everything about one decision, as HTML: the image, its labels by source, scores, reasons, neighbours."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from wikitopics.show import browser_html as say
from wikitopics.show import detail_html
from wikitopics.show.browser_data import Predictions
from wikitopics.show.neighbours import Neighbours
from wikitopics.show.thumbnails import Thumbnails

NEIGHBOURS, NEIGHBOUR_PX = 10, 92


class Detail:
    """Makes the pages about single pairs; whatever is not given (None) is left out of them."""

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

    def given(self, pair: int) -> list[str]:
        """The labels the image was given in this run."""
        image, _ = self.predictions.parts(pair)
        return self._names(self.predictions.truth[image])

    def head(self, pair: int, where: str) -> str:
        """Image, title, facts and the question; `where` is its place among those found."""
        known = self.predictions
        image, label = known.parts(pair)
        title, name, kind = known.key(pair)
        asked = say.question(name, kind, float(known.scores[image, label]), float(known.thresholds[label]))
        twins = int(known.twins[image])
        facts = [where, f"{known.splits[image]} split", f"near duplicates: {twins}" if twins else ""]
        jpeg = self.thumbnails.jpeg(int(known.rows[image]))
        return say.head(jpeg, title, [fact for fact in facts if fact], asked)

    def body(self, pair: int) -> str:
        """Scores, labels by source, reasons and categories."""
        known = self.predictions
        image, label = known.parts(pair)
        values, truth = known.scores[image], known.truth[image]
        about = self._about(known.titles[image])
        return "".join(
            [
                detail_html.scores(known.label_names, values, known.thresholds, truth, label),
                detail_html.labels(
                    self._by_source(about, truth, values >= known.thresholds), known.label_names[label]
                ),
                self._why(known.titles[image]),
                "" if about is None else detail_html.categories(_list(about.get("categories"))),
            ]
        )

    def neighbours(self, pair: int) -> str:
        """The nearest images; apart from `body`, because it alone reads all features."""
        image, _ = self.predictions.parts(pair)
        return detail_html.neighbours(self._neighbours(int(self.predictions.rows[image])))

    def _names(self, mask: np.ndarray) -> list[str]:
        return [self.predictions.label_names[i] for i in np.flatnonzero(mask)]

    def _about(self, title: str) -> pd.Series | None:
        if self.details is None or title not in self.details.index:
            return None
        return self.details.loc[[title]].iloc[0]

    def _by_source(self, about: pd.Series | None, truth: np.ndarray, predicted: np.ndarray) -> dict:
        found = {"given (this run)": self._names(truth), "model": self._names(predicted)}
        for column in () if about is None else about.index:
            if str(column).startswith("labels: "):
                found[str(column).removeprefix("labels: ")] = _list(about[column])
        return found

    def _why(self, title: str) -> str:
        return "" if self.why is None else detail_html.why(self.why[(self.why["title"] == title).to_numpy()])

    def _neighbours(self, row: int) -> list[tuple[bytes, str, float, str]]:
        if self.near is None:
            return []
        rows, likeness = self.near.of(row, NEIGHBOURS)
        told = [self._neighbour(int(other)) for other in rows]
        jpegs = [self.thumbnails.jpeg(int(other), NEIGHBOUR_PX) for other in rows]
        return [
            (jpeg, title, float(s), line)
            for jpeg, (title, line), s in zip(jpegs, told, likeness, strict=True)
        ]

    def _neighbour(self, row: int) -> tuple[str, str]:
        """Title of an image, and a line with its split and labels, as far as they are known."""
        if row in self._image_of:
            image = self._image_of[row]
            labels = self._names(self.predictions.truth[image])
            return self.predictions.titles[image], f"{self.predictions.splits[image]}: {', '.join(labels)}"
        if self.catalogue is not None and row in self.catalogue.index:
            known = self.catalogue.loc[row]
            return str(known["title"]), str(known.get("split", ""))
        return f"row {row}", ""


def _list(value: Sequence[str] | float | None) -> list[str]:
    """A cell of lists; a missing one (None or NaN) is empty."""
    return [str(part) for part in value] if isinstance(value, list | tuple | np.ndarray) else []
