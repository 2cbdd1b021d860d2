"""The map of images over the browser: pictures under the pointer, a brush that filters what is below."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wikitopics.errors import UserError
from wikitopics.evaluate.context import Context
from wikitopics.evaluate.map import Mapped
from wikitopics.evaluate.predictions import Predictions
from wikitopics.paths import judgements_folder
from wikitopics.show.browser.mistakes import MistakeBrowser
from wikitopics.show.browser.surface import Surface, told
from wikitopics.show.map_figures import styles

MOST_CORNERS = 4000  # of an outline drawn with the pointer


def mistakes_on_map(
    everything: Predictions, thresholds: np.ndarray, known: Context, on_map: Mapped, run: str, **more: Any
) -> MistakeBrowser:
    """The browser of all predictions of a run of 04_evaluate below their map; show its `.widget`.

    Verdicts go to the journals of `run`, at once. more: further arguments of MistakeBrowser.
    """
    journals = judgements_folder("04_evaluate", run)
    named = known.beside | {"judgements": journals, "run": f"04_evaluate/{run}"} | more
    arrays = (everything.truth, everything.scores, thresholds, everything.label_names, known.images)
    browser = MistakeBrowser(everything.frame, *arrays, **named)
    if len(on_map.titles):
        PictureMap(browser, on_map.titles, on_map.places, on_map.colourings, on_map.soft)
    return browser


class PictureMap:
    """A map above a browser, in one widget; `.widget` is what a notebook displays.

    titles: of the n pictures, each with a prediction in `browser`; places: (n, 2) from -1000 to 1000, see
    evaluate.map.placed; colourings: what the pictures may be coloured by, name -> n kinds, the first one at
    the start; rest: kinds that are drawn soft. Without a browser: `.brush(points)`, `.outline(corners)`,
    `.browser.show_all()`, `.point_at(point)`; `.chosen`: the brushed points. Raises UserError for a picture
    without prediction.
    """

    def __init__(
        self,
        browser: MistakeBrowser,
        titles: Sequence[str],
        places: np.ndarray,
        colourings: Mapping[str, Sequence[str]],
        rest: Sequence[str] = (),
    ) -> None:
        self.browser, self.titles, self.places = browser, list(titles), np.asarray(places)
        self.colourings = colourings
        self.images = browser.predictions.places_of(self.titles)
        if (self.images < 0).any():
            missing = self.titles[int(np.argmin(self.images))]
            raise UserError(
                f"a picture on the map must have a prediction in the browser, but {missing!r} has none; "
                "make both from the same run"
            )
        self.chosen = np.array([], dtype=np.int64)
        drawn = {name: _drawn(kinds, rest) for name, kinds in colourings.items()}
        shown = {"places": self.places.tolist(), "images": self.images.tolist(), "colourings": drawn}
        self.widget.setup = self.widget.setup | {"map": shown}
        browser.acts |= {"brush": self.hear_brush, "point": self.point_at}
        browser.cleared.append(self._cleared)

    @property
    def widget(self) -> Surface:
        """Map and browser."""
        return self.browser.widget

    def point_at(self, point: int) -> None:
        """Show the picture of a point."""
        row = int(self.browser.predictions.rows[self.images[point]])
        jpeg, title = self.browser.thumbnails.jpeg(row), told(self.titles[point])
        self.widget.brushed = self.widget.brushed | {
            "pointed": {"point": point, "jpeg": jpeg, "title": title}
        }

    def hear_brush(
        self,
        outline: Sequence[Sequence[float]] = (),
        add: bool = False,
        kind: str | None = None,
        by: str = "",
    ) -> None:
        """What is drawn round on the page, or all of one kind; `add`: beside what is chosen already."""
        points = self.inside(outline) if kind is None else self.of_kind(by, kind)
        self.brush(np.union1d(self.chosen, points) if add else points)

    def inside(self, outline: Sequence[Sequence[float]]) -> np.ndarray:
        """The points within an outline of corners (k, 2) on the map: int64."""
        corners = np.asarray(outline, np.float64).reshape(-1, 2)[:MOST_CORNERS]
        return np.flatnonzero(in_polygon(self.places.astype(np.float64), corners))

    def of_kind(self, colouring: str, kind: str) -> np.ndarray:
        """The points of one kind in the legend of a colouring."""
        return np.flatnonzero([told(one) == kind for one in self.colourings[colouring]])

    def brush(self, points: Sequence[int] | np.ndarray) -> None:
        """Show only the images of these points in the browser; of none: all of them."""
        self.chosen = np.unique(np.asarray(points, np.int64))
        if len(self.chosen):
            self._mark()
            self.browser.show_only(self.images[self.chosen], "those brushed on the map")
        else:
            self.browser.show_all()

    def _cleared(self) -> None:
        self.chosen = np.array([], dtype=np.int64)
        self._mark()

    def _mark(self) -> None:
        self.widget.brushed = self.widget.brushed | {"chosen": self.chosen.tolist()}


def _drawn(kinds: Sequence[str], rest: Sequence[str]) -> dict[str, Any]:
    """A colouring for the page: names, marks (symbol, colour), which are soft, and the kind of each point."""
    marks = styles(kinds, rest)
    place = {name: i for i, name in enumerate(marks)}
    return {
        "names": [told(name) for name in marks],
        "marks": [list(mark) for mark in marks.values()],
        "soft": [name in rest for name in marks],
        "of": [place[str(kind)] for kind in kinds],
    }


def in_polygon(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Which points (n, 2) lie in the polygon of corners (k, 2), closed by itself; even-odd rule. (n,) bool.

    Counts the edges that a ray to the right crosses (Shimrat, "Algorithm 112", CACM 1962).

    >>> in_polygon(np.array([[1, 1], [3, 1]]), np.array([[0, 0], [2, 0], [2, 2], [0, 2]])).tolist()
    [True, False]
    """
    inside = np.zeros(len(points), bool)
    x, y = points[:, 0], points[:, 1]
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y1 != y2:
            crosses = (y1 > y) != (y2 > y)
            inside ^= crosses & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return inside
