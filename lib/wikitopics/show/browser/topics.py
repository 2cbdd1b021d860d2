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
from wikitopics.show.browser.controls import ANY, Pages, boxed
from wikitopics.show.browser.html import harmless
from wikitopics.show.browser.style import STYLE, TILE_PX, listener
from wikitopics.show.pictures import Pictures, Thumbnails

NAME = "Browser of scored pictures. Arrow keys: next and previous picture."
Nearest = Callable[[int], Sequence[tuple[int, float]]]

NONE = -2  # beside ANY: pictures without a topic
ORDERS = ("least sure first", "most sure first", "most probable first")
LONGEST = 500  # groups to choose from, the largest first


class TopicBrowser(Pages):
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
        images: Pictures,
        groups: pd.Series | None = None,
        nearest: Nearest | None = None,
    ) -> None:
        super().__init__(listener(NAME))
        self.titles, self.sureness = list(frame["title"]), frame["sureness"].to_numpy(np.float64)
        self.probabilities, self.above, self.label_names = probabilities, above, label_names
        self.groups = [[] for _ in self.titles] if groups is None else list(groups)
        self.thumbnails, self.nearest = Thumbnails(images), nearest
        self.filters = TopicFilters(self.label_names, self.groups, self._refilter)
        self.shown = w.HTML()
        parts = (w.HTML(STYLE), self.filters.widget, self._beside([self.shown]))
        self.widget = boxed(w.VBox, parts, "mistake-browser")
        self._refilter()

    def _refilter(self) -> None:
        self._find(self.filters.places(self.sureness, self.probabilities, self.above))

    def _count(self, first: int, shown: int) -> str:
        return f"{len(self.found):,} of {len(self.titles):,} pictures"

    def _name(self, place: int) -> str:
        return self.titles[place]

    def _tile(self, place: int) -> str:
        jpeg = self.thumbnails.jpeg(place, TILE_PX)
        return tile_html(jpeg, self.titles[place], self.sureness[place], self._given(place))

    def _given(self, place: int) -> list[str]:
        order = np.argsort(-self.probabilities[place], kind="stable")
        return [self.label_names[label] for label in order if self.above[place, label]]

    def _show(self, place: int, where: str) -> None:
        facts = [where, f"{100 * self.sureness[place]:.0f} % sure"]
        head = say.head(self.thumbnails.jpeg(place), self.titles[place], facts, "")
        chances = chances_html(self.label_names, self.probabilities[place], self.above[place])
        near = [
            (self.thumbnails.jpeg(other, 92), self.titles[other], like, ", ".join(self._given(other)))
            for other, like in (self.nearest(place) if self.nearest else ())
        ]
        about = groups_html(self.groups[place]) + detail.neighbours_html(near)
        self.shown.value = head + chances + about


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
        self.widget = boxed(w.HBox, controls, "mb-filters")

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
