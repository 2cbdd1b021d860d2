"""The controls of the browsers, each a small class around plain ipywidgets, and pages of thumbnails.

They know nothing of images or predictions: they hold values and call back.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import ipywidgets as w
import numpy as np

from wikitopics.show.browser.choice import DUPLICATES, ORDERS, REVIEWED, VERDICTS, WANTED, Choice, Review
from wikitopics.show.browser.html import harmless, not_saved, nothing, tiles, told
from wikitopics.show.browser.style import COLUMNS

PAGE = 6 * COLUMNS  # thumbnails on one page
ANY = -1  # of a label or topic: not None, which a restored drop-down shows as nothing at all


def boxed(kind: type, children: Sequence[w.Widget], name: str) -> w.Box:
    """Children in a box of that kind, found by its class."""
    box = kind(list(children))
    box.add_class(name)
    return box


def button(name: str, css_class: str, icon: str = "") -> w.Button:
    """A button as wide as its name, found by its class (by the style sheet, the keys and the tests)."""
    made = w.Button(description=name, icon=icon, layout={"width": "auto"})
    made.add_class(css_class)
    return made


class Pager:
    """Which page of the thumbnails is shown: a number from 1, and two buttons."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.number = w.BoundedIntText(value=1, min=1, max=1, description="Page", layout={"width": "120px"})
        self.earlier, self.later = button("◀", "mb-earlier"), button("▶", "mb-later")
        self.earlier.tooltip, self.later.tooltip = "earlier page", "later page"
        self.told = w.HTML()
        self._on_change, self._quiet = on_change, False
        self.number.observe(self._changed, names="value")
        self.earlier.on_click(lambda _: self.turn(-1))
        self.later.on_click(lambda _: self.turn(+1))
        self.widget = boxed(w.HBox, (self.earlier, self.number, self.later, self.told), "mb-pager")

    def _changed(self, _: dict) -> None:
        if not self._quiet:
            self._on_change()

    def turn(self, by: int) -> None:
        """Go some pages on, as far as there are any."""
        self.number.value = min(max(1, self.number.value + by), self.number.max)

    def go(self, page: int, pages: int, told: str) -> None:
        """Show `page` of `pages` without calling back; `told` is HTML beside it."""
        self._quiet = True
        try:
            self.number.max = max(pages, page)
            self.number.value = page
            self.number.max = pages
        finally:
            self._quiet = False
        self.earlier.disabled, self.later.disabled = page <= 1, page >= pages
        self.told.value = told


class Stage:
    """The page of thumbnails: one HTML grid, and over it a grid of transparent buttons that hear clicks."""

    def __init__(self, size: int, on_open: Callable[[int], None]) -> None:
        self.tiles = w.HTML()
        self.hits = [w.Button(layout={"width": "auto", "height": "auto"}) for _ in range(size)]
        for place, hit in enumerate(self.hits):
            hit.on_click(lambda _, place=place: on_open(place))
        self._open: int | None = None
        self.widget = boxed(w.Box, (self.tiles, boxed(w.GridBox, self.hits, "mb-hits")), "mb-stage")

    def show(self, html: str, names: Sequence[str]) -> None:
        """A page: its HTML, and for each thumbnail the name that a screen reader and a tool tip tell."""
        self.tiles.value = html
        for hit, name in zip(self.hits, [*names, *[""] * (len(self.hits) - len(names))], strict=True):
            with hit.hold_sync():
                hit.description = hit.tooltip = harmless(name)
                hit.disabled = not name
            if hit.layout.visibility != (visibility := "visible" if name else "hidden"):
                hit.layout.visibility = visibility

    def mark(self, place: int | None) -> None:
        """Frame the opened thumbnail, if it is on this page."""
        if self._open is not None:
            self.hits[self._open].remove_class("mb-open")
        self._open = place
        if place is not None:
            self.hits[place].add_class("mb-open")


class Pages(ABC):
    """What was found, a page of thumbnails at a time, and one of it opened, with the way to its neighbours.

    found: numbers of what was found, in order; at: the place of the opened one among them, or None. How one
    is drawn, named, counted and opened says who builds on this.
    """

    def __init__(self, keys: str) -> None:
        self.found = np.array([], dtype=np.int64)
        self.at: int | None = None
        self.pager = Pager(lambda: self.show_page(self.pager.number.value))
        self.stage = Stage(PAGE, lambda place: self.open((self.pager.number.value - 1) * PAGE + place))
        self.back = button("Previous", "mb-back", "arrow-left")
        self.on = button("Next", "mb-next", "arrow-right")
        self.back.on_click(lambda _: self.step(-1))
        self.on.on_click(lambda _: self.step(+1))
        self.steps = boxed(w.HBox, (self.back, self.on, w.HTML(keys)), "mb-row")

    def _beside(self, opened: Sequence[w.Widget]) -> w.Box:
        """The thumbnails, and beside them the steps and the parts of the opened one."""
        left = boxed(w.VBox, (self.pager.widget, self.stage.widget), "mb-left")
        self.opened = boxed(w.VBox, (self.steps, *opened), "mb-right")
        return boxed(w.HBox, (left, self.opened), "mb-body")

    def _find(self, found: np.ndarray) -> None:
        """Show others from now on, the first of them opened."""
        self.found, self.at = found, None
        self.show_page(1)
        self.open(0)

    def show_page(self, page: int) -> None:
        """Show a page of thumbnails, counted from 1 and kept within what there is."""
        pages = max(1, -(-len(self.found) // PAGE))
        page = min(max(1, page), pages)
        first = (page - 1) * PAGE
        some = [int(number) for number in self.found[first : first + PAGE]]
        count = self._count(first, len(some))
        self.pager.go(page, pages, f'<span role="status">of {pages:,} &nbsp;({count})</span>')
        drawn = tiles([self._tile(number) for number in some]) if some else nothing()
        self.stage.show(drawn, [self._name(number) for number in some])
        self._mark()

    def open(self, place: int) -> None:
        """Show the one at a place of `found` in full, turning to its page."""
        self.opened.layout.display = "flex" if len(self.found) else "none"
        if not len(self.found):
            self.at = None
            return
        self.at = at = min(max(0, place), len(self.found) - 1)
        if (page := at // PAGE + 1) != self.pager.number.value:
            self.show_page(page)
        self._mark()
        self.back.disabled, self.on.disabled = at == 0, at == len(self.found) - 1
        self._show(int(self.found[at]), f"{at + 1:,} of {len(self.found):,}")

    def step(self, by: int) -> None:
        """Open the one `by` places further."""
        if self.at is not None:
            self.open(self.at + by)

    def _mark(self) -> None:
        first = (self.pager.number.value - 1) * PAGE
        at = self.at
        self.stage.mark(at - first if at is not None and first <= at < first + PAGE else None)

    @abstractmethod
    def _tile(self, number: int) -> str:
        """The thumbnail as HTML."""

    @abstractmethod
    def _name(self, number: int) -> str:
        """What a screen reader and a tool tip tell of the thumbnail."""

    @abstractmethod
    def _count(self, first: int, shown: int) -> str:
        """How many there are, of which `shown` are on this page from place `first` on."""

    @abstractmethod
    def _show(self, number: int, where: str) -> None:
        """Fill the parts of the opened one; `where` is its place among those found."""


class ReviewPanel:
    """The verdict on the opened decision, the corrected labels, the way back, and who judges.

    Corrected labels are saved by a button of their own, never by choosing them. Verdicts are plain buttons,
    not a toggle: a toggle that still shows the last image's verdict would swallow the same key pressed for
    the next one.
    """

    def __init__(
        self,
        label_names: Sequence[str],
        on_verdict: Callable[[str], None],
        on_corrected: Callable[[list[str]], None],
        on_clear: Callable[[], None],
        reviewer: str = "",
        on_reviewer: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.verdicts = [
            button(f"{i} {verdict}", f"mb-verdict-{i}") for i, verdict in enumerate(VERDICTS, start=1)
        ]
        for pressed, verdict in zip(self.verdicts, VERDICTS, strict=True):
            pressed.on_click(lambda _, verdict=verdict: on_verdict(verdict))
        self.corrected = w.SelectMultiple(
            options=[(harmless(name), name) for name in label_names],
            description="Correct labels",
            rows=min(7, max(3, len(label_names))),
        )
        self.save_labels = button("Save labels", "mb-save-labels", "check")
        self.clear = button("Take back", "mb-clear", "undo")
        self.reviewer = w.Text(value=reviewer, description="Judged by", layout={"width": "240px"})
        self.reviewer.continuous_update = False
        self.saved = w.HTML()
        self._quiet = False
        self.corrected.observe(self._chosen, names="value")
        self.save_labels.on_click(lambda _: on_corrected(list(self.corrected.value)))
        self.clear.on_click(lambda _: on_clear())
        self.reviewer.observe(lambda change: on_reviewer(change["new"]), names="value")
        asked = w.Label("Labels right?")
        first = boxed(w.HBox, (asked, *self.verdicts), "mb-verdicts")
        last = boxed(w.HBox, (self.save_labels, self.clear, self.reviewer), "mb-row")
        self.widget = boxed(w.VBox, (first, self.corrected, last, self.saved), "mb-review")

    def show(self, review: Review | None, given: Sequence[str], state: str) -> None:
        """The state of one decision: its review if there is one, the labels as given, a line of HTML."""
        corrected = given if review is None or review.corrected_labels is None else review.corrected_labels
        known = {value for _, value in self.corrected.options}
        self._quiet = True
        try:
            self.corrected.value = tuple(name for name in corrected if name in known)
        finally:
            self._quiet = False
        for shown, verdict in zip(self.verdicts, VERDICTS, strict=True):
            change = shown.add_class if review and review.verdict == verdict else shown.remove_class
            change("mb-chosen")
        self.clear.disabled, self.save_labels.disabled = review is None, True
        self.saved.value = state

    def failed(self, what: str, error: Exception) -> None:
        """Say in red that a judgement is not on the disk; what was chosen stays as it is."""
        self.saved.value = not_saved(what, error)

    def _chosen(self, _: dict) -> None:
        """Other labels are chosen, and not saved yet."""
        if self._quiet:
            return
        self.save_labels.disabled = False
        chosen = ", ".join(map(str, self.corrected.value)) or "no label"
        self.saved.value = f'<span role="status">{told(chosen)}: not saved yet</span>'


class FilterBar:
    """All filters; `choice` is their setting, `on_change` hears of every new one."""

    def __init__(
        self, label_names: Sequence[str], splits: Sequence[str], on_change: Callable[[], None]
    ) -> None:
        names = [("any label", ANY), *((harmless(name), i) for i, name in enumerate(label_names))]
        self.label = w.Dropdown(options=names, description="Label")
        self.errors = w.Dropdown(options=list(WANTED), description="Errors")
        self.split = w.Dropdown(options=[("any split", ""), *((s, s) for s in splits)], description="Split")
        self.confidence = w.FloatRangeSlider(
            value=(0.0, 1.0), min=0.0, max=1.0, step=0.01, description="Confidence", continuous_update=False
        )
        self.duplicates = w.Dropdown(options=list(DUPLICATES), description="Duplicates")
        self.reviewed = w.Dropdown(options=list(REVIEWED), description="Verdict")
        self.order = w.Dropdown(options=list(ORDERS), description="Sort by")
        self.reset = button("Reset filters", "mb-reset", "undo")
        self._controls = (
            *(self.label, self.errors, self.split, self.confidence),
            *(self.duplicates, self.reviewed, self.order),
        )
        self._defaults = [control.value for control in self._controls]
        self._on_change, self._quiet = on_change, False
        for control in self._controls:
            control.observe(self._changed, names="value")
        self.reset.on_click(lambda _: self.clear())
        self.widget = boxed(w.HBox, (*self._controls, self.reset), "mb-filters")

    @property
    def choice(self) -> Choice:
        """The filters as they stand."""
        low, high = self.confidence.value
        return Choice(
            label=None if self.label.value == ANY else self.label.value,
            errors=self.errors.value,
            split=self.split.value,
            # The slider's ends are rounded to 0.01; its extremes mean "no limit".
            low=low if low > 0 else 0.0,
            high=high if high < 1 else 1.0,
            duplicates=self.duplicates.value,
            order=self.order.value,
            reviewed=self.reviewed.value,
        )

    def clear(self) -> None:
        """All filters back to their defaults, as one change."""
        self._quiet = True
        try:
            for control, value in zip(self._controls, self._defaults, strict=True):
                control.value = value
        finally:
            self._quiet = False
        self._on_change()

    def _changed(self, _: dict) -> None:
        if not self._quiet:
            self._on_change()
