"""The browser of scored pictures: by topic, group and sureness, with every probability of the opened one.

It is built from the parts of the browser of mistakes, and is driven in the same way: filters give places,
a page of them is shown, one is opened. There is no truth here, so there is nothing to judge.
"""

from collections.abc import Callable, Sequence

import ipywidgets as w
import numpy as np
import pandas as pd

from wikitopics.show import browser_html as say
from wikitopics.show import detail_html
from wikitopics.show import topic_html as html
from wikitopics.show.browser_controls import Pager, Stage, button
from wikitopics.show.browser_keys import listener
from wikitopics.show.browser_style import COLUMNS, STYLE, TILE_PX
from wikitopics.show.thumbnails import Thumbnails
from wikitopics.show.topic_filters import TopicFilters, box

PAGE = 6 * COLUMNS  # thumbnails on one page
NAME = "Browser of scored pictures. Arrow keys: next and previous picture."
Nearest = Callable[[int], Sequence[tuple[int, float]]]


class TopicBrowser:
    """Scored pictures to look at; `.widget` is what a notebook displays.

    frame: one row a picture: title, sureness; probabilities (n, L) in [0, 1]; above (n, L) bool, the labels
    given; images: indexed by place, (S, S, 3) uint8 each; groups: a list of names a picture; nearest: a
    function of a place that gives (place, likeness) of its look-alikes.

    Without a browser: `.filters.topic.value = 3`, `.show_page(2)`, `.open(5)`; `.found` and `.at` tell what
    is shown.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        probabilities: np.ndarray,
        above: np.ndarray,
        label_names: list[str],
        images: Sequence[np.ndarray],
        groups: pd.Series | None = None,
        nearest: Nearest | None = None,
    ) -> None:
        self.titles, self.sureness = list(frame["title"]), frame["sureness"].to_numpy(np.float64)
        self.probabilities, self.above, self.label_names = probabilities, above, label_names
        self.groups = [[] for _ in self.titles] if groups is None else list(groups)
        self.thumbnails, self.nearest = Thumbnails(images), nearest
        self.found = np.array([], dtype=np.int64)
        self.at: int | None = None
        self._build()
        self._refilter()

    def _build(self) -> None:
        self.filters = TopicFilters(self.label_names, self.groups, self._refilter)
        self.pager = Pager(lambda: self.show_page(self.pager.number.value))
        self.stage = Stage(PAGE, lambda place: self.open((self.pager.number.value - 1) * PAGE + place))
        self.back = button("Previous", "mb-back", "arrow-left")
        self.on = button("Next", "mb-next", "arrow-right")
        self.back.on_click(lambda _: self.step(-1))
        self.on.on_click(lambda _: self.step(+1))
        self.shown = w.HTML()
        steps = box(w.HBox, (self.back, self.on, w.HTML(listener(NAME))), "mb-row")
        left = box(w.VBox, (self.pager.widget, self.stage.widget), "mb-left")
        self.opened = box(w.VBox, (steps, self.shown), "mb-right")
        body = box(w.HBox, (left, self.opened), "mb-body")
        self.widget = box(w.VBox, (w.HTML(STYLE), self.filters.widget, body), "mistake-browser")

    def _refilter(self) -> None:
        self.found = self.filters.places(self.sureness, self.probabilities, self.above)
        self.show_page(1)
        self.open(0)

    def show_page(self, page: int) -> None:
        """Show a page of thumbnails, counted from 1 and kept within what there is."""
        pages = max(1, -(-len(self.found) // PAGE))
        page = min(max(1, page), pages)
        places = self.found[(page - 1) * PAGE : page * PAGE]
        told = f"{len(self.found):,} of {len(self.titles):,} pictures"
        self.pager.go(page, pages, f'<span role="status">of {pages:,} &nbsp;({told})</span>')
        tiles = say.tiles([self._tile(place) for place in places]) if len(places) else say.nothing()
        self.stage.show(tiles, [self.titles[place] for place in places])
        self._mark()

    def _tile(self, place: int) -> str:
        jpeg = self.thumbnails.jpeg(int(place), TILE_PX)
        return html.tile(jpeg, self.titles[place], self.sureness[place], self._given(place))

    def _given(self, place: int) -> list[str]:
        order = np.argsort(-self.probabilities[place], kind="stable")
        return [self.label_names[label] for label in order if self.above[place, label]]

    def _mark(self) -> None:
        first = (self.pager.number.value - 1) * PAGE
        at = self.at
        self.stage.mark(at - first if at is not None and first <= at < first + PAGE else None)

    def open(self, place: int) -> None:
        """Show the picture at a place of `found` in full, turning to its page."""
        self.opened.layout.display = "flex" if len(self.found) else "none"
        if not len(self.found):
            self.at = None
            return
        self.at = at = min(max(0, place), len(self.found) - 1)
        if (page := at // PAGE + 1) != self.pager.number.value:
            self.show_page(page)
        self._mark()
        self.back.disabled, self.on.disabled = at == 0, at == len(self.found) - 1
        self.shown.value = self._opened(at)

    def step(self, by: int) -> None:
        """Open the picture `by` places further."""
        if self.at is not None:
            self.open(self.at + by)

    def _opened(self, at: int) -> str:
        place = int(self.found[at])
        facts = [f"{at + 1:,} of {len(self.found):,}", f"{100 * self.sureness[place]:.0f} % sure"]
        head = say.head(self.thumbnails.jpeg(place), self.titles[place], facts, "")
        chances = html.chances(self.label_names, self.probabilities[place], self.above[place])
        near = [
            (self.thumbnails.jpeg(other, 92), self.titles[other], like, ", ".join(self._given(other)))
            for other, like in (self.nearest(place) if self.nearest else ())
        ]
        return head + chances + html.groups(self.groups[place]) + detail_html.neighbours(near)
