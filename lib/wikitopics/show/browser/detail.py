"""Everything about one decision, as HTML: the image, its labels by source, scores, reasons, neighbours."""

from collections.abc import Sequence
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd

from wikitopics.evaluate.neighbours import Index, nearest
from wikitopics.show.browser import html as say
from wikitopics.show.browser.choice import Predictions
from wikitopics.show.browser.html import picture, told
from wikitopics.show.pictures import Thumbnails

NEIGHBOURS, NEIGHBOUR_PX = 10, 92


# --- What the browser tells of one image, as HTML: scores, labels, categories, reasons, neighbours
#
# As in html.py, every string of other people passes `told`.


def scores_html(
    names: Sequence[str], values: np.ndarray, thresholds: np.ndarray, truth: np.ndarray, asked: int
) -> str:
    """All labels as bars, highest score first, the one asked about in bold; thresholds as ticks."""
    rows = [
        _bar(names[i], float(values[i]), float(thresholds[i]), bool(truth[i]), i == asked)
        for i in np.argsort(-values, kind="stable")
    ]
    key = "✓ in the labels, ✗ wrong, tick: threshold"
    return f'<h4>Scores <span>({key})</span></h4><div class="mb-scores">{"".join(rows)}</div>'


def _bar(name: str, value: float, cut: float, true: bool, asked: bool) -> str:
    wrong = (value >= cut) != true
    style = "mb-bar mb-false" if wrong else "mb-bar mb-true" if true else "mb-bar"
    tick = f'<span class="mb-cut" style="left:{100 * cut:.1f}%"></span>' if 0 <= cut <= 1 else ""
    return (
        f'<span class="{"mb-asked" if asked else ""}">{told(name)}{" ✓" if true else ""}</span>'
        f'<span class="mb-track"><span class="{style}" style="width:{max(0.5, 100 * value):.1f}%"></span>'
        f"{tick}</span><span>{value:.2f}{' ✗' if wrong else ''}</span>"
    )


def labels_html(by_source: dict[str, Sequence[str]], asked: str) -> str:
    """The labels that each source and the model give, a row each; the label asked about stands out."""
    rows = [
        f'<tr><th scope="row">{told(source)}</th><td>{_chips(names, asked)}</td></tr>'
        for source, names in by_source.items()
    ]
    return f'<h4>Labels</h4><table class="mb-labels">{"".join(rows)}</table>'


def categories_html(names: Sequence[str]) -> str:
    """The image's categories."""
    return f"<h4>Categories</h4><div>{_chips(names)}</div>"


def _chips(names: Sequence[str], asked: str | None = None) -> str:
    if not len(names):
        return '<span class="mb-soft">none</span>'
    style = {True: "mb-chip mb-asked", False: "mb-chip"}
    return "".join(f'<span class="{style[name == asked]}">{told(name)}</span>' for name in names)


def why_html(rows: pd.DataFrame) -> str:
    """How each label was reached: category or article, hop by hop, to the anchor."""
    if not len(rows):
        return ""
    lines = [_path(row) for row in rows.sort_values("score", ascending=False).head(12).to_dict("records")]
    return f"<h4>Why these labels</h4>{''.join(lines)}"


def _path(row: dict) -> str:
    steps = " → ".join([told(step) for step in row["path"]] or [told(row["start"])])
    rules = ", ".join(dict.fromkeys(told(rule) for rule in row["rules"]))
    used = f' <span class="mb-soft">({rules})</span>' if rules else ""
    return f'<div class="mb-path"><b>{told(row["label"])}</b> {row["score"]:.2f}: {steps}{used}</div>'


def neighbours_html(found: Sequence[tuple[bytes, str, float, str]]) -> str:
    """Nearest images by features: (JPEG bytes, title, similarity, a line about it) each."""
    if not len(found):
        return ""
    figures = [
        f"<figure>{picture(data, title)}{_line(f'{likeness:.2f} {title}')}{_line(about, 'mb-soft')}</figure>"
        for data, title, likeness, about in found
    ]
    return f'<h4>Nearest by features (cosine)</h4><div class="mb-near">{"".join(figures)}</div>'


def _line(text: str, style: str = "") -> str:
    return f'<span class="mb-line {style}" title="{told(text)}">{told(text)}</span>'


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
                scores_html(known.label_names, values, known.thresholds, truth, label),
                labels_html(
                    self._by_source(about, truth, values >= known.thresholds), known.label_names[label]
                ),
                self._why(known.titles[image]),
                "" if about is None else categories_html(_list(about.get("categories"))),
            ]
        )

    def neighbours(self, pair: int) -> str:
        """The nearest images; apart from `body`, because it alone reads all features."""
        image, _ = self.predictions.parts(pair)
        return neighbours_html(self._neighbours(int(self.predictions.rows[image])))

    def _names(self, mask: np.ndarray) -> list[str]:
        return [self.predictions.label_names[i] for i in np.flatnonzero(mask)]

    def _about(self, title: str) -> pd.Series | None:
        if self.details is None or title not in self.details.index:
            return None
        return self.details.loc[[title]].iloc[0]

    def _by_source(self, about: pd.Series | None, truth: np.ndarray, predicted: np.ndarray) -> dict:
        found = {"given (this run)": self._names(truth), "model": self._names(predicted)}
        for column, value in () if about is None else about.items():
            if str(column).startswith("labels: "):
                found[str(column).removeprefix("labels: ")] = _list(value)
        return found

    def _why(self, title: str) -> str:
        return "" if self.why is None else why_html(self.why[(self.why["title"] == title).to_numpy()])

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
