"""The browser of scored pictures: by topic, group and sureness, with every probability of the opened one.

It is built from the parts of the browser of mistakes, and is driven in the same way: filters give places,
a page of them is shown, one is opened. There is no truth here, so there is nothing to judge.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import ipywidgets as w
import numpy as np
import pandas as pd

from wikitopics.show.browser import detail
from wikitopics.show.browser import html as say
from wikitopics.show.browser.controls import Pager, Stage, button
from wikitopics.show.browser.html import harmless
from wikitopics.show.browser.style import COLUMNS, STYLE, TILE_PX, listener
from wikitopics.show.pictures import Thumbnails

PAGE = 6 * COLUMNS  # thumbnails on one page
NAME = "Browser of scored pictures. Arrow keys: next and previous picture."
Nearest = Callable[[int], Sequence[tuple[int, float]]]

ANY, NONE = -1, -2  # of the topic: not None, which a restored drop-down shows as nothing at all
ORDERS = ("least sure first", "most sure first", "most probable first")
LONGEST = 500  # groups to choose from, the largest first


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
        return tile_html(jpeg, self.titles[place], self.sureness[place], self._given(place))

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
        chances = chances_html(self.label_names, self.probabilities[place], self.above[place])
        near = [
            (self.thumbnails.jpeg(other, 92), self.titles[other], like, ", ".join(self._given(other)))
            for other, like in (self.nearest(place) if self.nearest else ())
        ]
        return head + chances + groups_html(self.groups[place]) + detail.neighbours_html(near)


# --- The filters of the browser of scored pictures: topic, group, sureness and order


class TopicFilters:
    """All filters; `places` are the pictures that pass them, `on_change` hears of every new setting."""

    def __init__(
        self, label_names: Sequence[str], groups: Sequence[Sequence[str]], on_change: Callable[[], None]
    ) -> None:
        sizes = Counter(name for names in groups for name in names).most_common(LONGEST)
        topics = [("any topic", ANY), ("no topic", NONE)]
        topics += [(harmless(name), label) for label, name in enumerate(label_names)]
        choices = [("any group", ""), *((f"{harmless(name)} ({size})", name) for name, size in sizes)]
        self.groups = groups
        self.topic = w.Dropdown(options=topics, description="Topic")
        self.group = w.Dropdown(options=choices, description="Group")
        self.sure = w.FloatRangeSlider(
            value=(0.5, 1.0), min=0.5, max=1.0, step=0.01, description="Sureness", continuous_update=False
        )
        self.order = w.Dropdown(options=list(ORDERS), description="Sort by")
        for control in (controls := (self.topic, self.group, self.sure, self.order)):
            control.observe(lambda _: on_change(), names="value")
        self.widget = box(w.HBox, controls, "mb-filters")

    def places(self, sureness: np.ndarray, probabilities: np.ndarray, above: np.ndarray) -> np.ndarray:
        """The places of the pictures that pass, in the order asked for.

        sureness (n,), probabilities (n, L), above (n, L) bool: which picture has which label.
        """
        low, high = self.sure.value
        keep = ((sureness >= low) | (low <= 0.5)) & ((sureness <= high) | (high >= 1))
        if self.topic.value != ANY:
            label = self.topic.value
            keep &= ~above.any(axis=1) if label == NONE else above[:, label]
        if self.group.value:
            keep &= np.array([self.group.value in names for names in self.groups], dtype=bool)
        places = np.flatnonzero(keep)
        return places[np.argsort(self._order(sureness, probabilities)[places], kind="stable")]

    def _order(self, sureness: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """What to sort by, smallest first."""
        if self.order.value == "most probable first":
            label = self.topic.value
            return -(probabilities[:, label] if label >= 0 else probabilities.max(axis=1, initial=0))
        return -sureness if self.order.value == "most sure first" else sureness


def box(kind: type, children: Sequence[w.Widget], name: str) -> w.Box:
    """A box of widgets that the style sheet knows by `name`."""
    made = kind(list(children))
    made.add_class(name)
    return made


# --- The pieces of HTML of the browser of scored pictures; other people's text is escaped as there


def tile_html(data: bytes, title: str, sureness: float, given: Sequence[str]) -> str:
    """One thumbnail: picture (JPEG bytes), how sure the model is, and the labels given."""
    told = (f"{100 * sureness:.0f} % sure", ", ".join(given) or "no topic")
    lines = "".join(
        f'<span class="mb-line" title="{say.told(line)}">{say.told(line)}</span>' for line in told
    )
    frame = f'<div class="mb-frame">{say.picture(data, title)}</div>'
    return f'<figure class="mb-tile">{frame}<figcaption>{lines}</figcaption></figure>'


def chances_html(names: Sequence[str], probabilities: np.ndarray, above: np.ndarray) -> str:
    """All labels as bars, the most probable first; those that are given are blue and ticked."""
    rows = "".join(
        f'<span>{say.told(names[i])}{" ✓" if above[i] else ""}</span><span class="mb-track">'
        f'<span class="mb-bar{" mb-true" if above[i] else ""}" style="width:{_width(probabilities[i]):.1f}%">'
        f"</span></span><span>{probabilities[i]:.2f}</span>"
        for i in np.argsort(-probabilities, kind="stable")
    )
    return f'<h4>Probabilities <span>(✓ given)</span></h4><div class="mb-scores">{rows}</div>'


def groups_html(names: Sequence[str]) -> str:
    """The groups that a picture is in."""
    chips = "".join(f'<span class="mb-chip">{say.told(name)}</span>' for name in names)
    return f"<h4>Groups</h4><div>{chips}</div>" if names else ""


def _width(probability: float) -> float:
    return max(0.5, 100 * float(probability))
