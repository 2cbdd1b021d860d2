"""Between the kernel and the page: values that the page draws, and what a person did there.

The page is one ES module, `browser.js`, in any front end that has anywidget. Values go there as traitlets.
What is done there comes back as messages, never as traitlets: of a traitlet only the newest value survives
while the kernel is at work, and a brush was lost that way.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets

from wikitopics.errors import UserError
from wikitopics.show import theme

HERE = Path(__file__).parent
PAGE = 60  # tiles on one page
LONGEST = 300  # characters of a title or a category that are shown
PASSING = ("point", "page", "searching")  # what is done while one looks


def told(text: object) -> str:
    """Other people's text as it is shown: cut to 300 characters. The page puts it into text nodes only."""
    text = str(text)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _value() -> traitlets.Dict:
    return traitlets.Dict().tag(sync=True)


class Surface(anywidget.AnyWidget):
    """What the page draws, a traitlet a part of it; plain values and bytes only."""

    _esm = HERE / "browser.js"
    _css = HERE / "browser.css"

    setup = _value()  # what never changes: names, filters, colours, the map
    asked = _value()  # the filters as they stand, and the curve of the label asked for
    page = _value()  # the tiles of one page
    marks = _value()  # verdicts and marks on tiles, and how far the work is
    opened = _value()  # one picture in full
    near = _value()  # its look-alikes, which take longest
    said = _value()  # what was saved, or not
    brushed = _value()  # what is chosen on the map, and the picture under the pointer
    large = _value()  # one picture from its original file
    panel = _value()  # hops, views, or text to copy


class Hearing:
    """A page and what it may ask for; `.widget` is what a notebook displays.

    kind: which browser the page draws; name: what a screen reader says of it; acts: what the page may ask
    for, by name.
    """

    def __init__(self, kind: str, name: str, setup: dict[str, Any]) -> None:
        self.acts: dict[str, Callable[..., object]] = {}
        self.widget = Surface(setup={"kind": kind, "name": name, "theme": colours()} | setup)
        self.widget.on_msg(lambda _, content, buffers: self.hear(content))

    def hear(self, message: dict[str, Any]) -> None:
        """Do what the page asks for: {"act": name, ...}. What goes wrong is told there, in red."""
        given, before = dict(message), self.widget.said
        act = given.pop("act", None)
        try:
            self.acts[act](**given)
            over = before.get("failed") and not before.get("lost") and act not in PASSING
            if over and self.widget.said is before:
                self.say("")  # what went wrong is over; that something is not on the disk stays said
        except (UserError, OSError) as error:
            self.failed(str(act), error)
        except (KeyError, TypeError, ValueError, IndexError) as error:  # nobody sees a widget's exceptions
            self.failed(f"{act}: {type(error).__name__}", error)

    def failed(self, what: str, error: Exception) -> None:
        """Say in red that something is not on the disk, or not done; the screen stays as it is."""
        reason = getattr(error, "strerror", None) or str(error)
        lost = isinstance(error, OSError) or "disk must have room" in str(error)
        words = "NOT SAVED" if lost else "not done"
        remedy = "Make room or allow writing, then press again." if lost else ""
        text = f"{words}: {told(what)} ({told(reason)}). {remedy}"
        self.widget.said = {"text": text, "failed": True, "lost": lost}

    def say(self, text: str) -> None:
        """A line under the verdicts."""
        self.widget.said = {"text": text, "failed": False}


class Pages(Hearing, ABC):
    """What was found, a page of tiles at a time, and one of it opened.

    found: numbers of what was found, in order; at: the place of the opened one among them, or None. How one
    is drawn and opened says who builds on this.
    """

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(kind, name, {})
        self.found = np.array([], dtype=np.int64)
        self.at: int | None = None
        self.number = 1  # of the page, from 1
        self.acts |= {"open": self.open, "step": self.step, "page": self.show_page}

    def _find(self, found: np.ndarray) -> None:
        """Show others from now on, the first of them opened."""
        self.found, self.at = found, None
        self.show_page(1)
        self.open(0)

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-len(self.found) // PAGE))

    def show_page(self, number: int) -> None:
        """Show a page of tiles, counted from 1 and kept within what there is."""
        self.number = min(max(1, int(number)), self.pages)
        first = (self.number - 1) * PAGE
        some = [int(number) for number in self.found[first : first + PAGE]]
        told = {"number": self.number, "pages": self.pages, "first": first, "total": len(self.found)}
        self._ahead(some)
        self.widget.page = told | self._about() | {"tiles": [self._tile(number) for number in some]}

    def open(self, place: int) -> None:
        """Show the one at a place of `found` in full, turning to its page."""
        if not len(self.found):
            self.at = None
            self.widget.opened = self.widget.near = {}
            return
        self.at = at = min(max(0, int(place)), len(self.found) - 1)
        if at // PAGE + 1 != self.number:
            self.show_page(at // PAGE + 1)
        number = int(self.found[at])
        self.widget.opened = {"place": at, "of": len(self.found)} | self._opened(number)
        self.widget.near = {"place": at, "pictures": self._near(number)}

    def step(self, by: int) -> None:
        """Open the one `by` places further."""
        if self.at is not None:
            self.open(self.at + int(by))

    def _ahead(self, numbers: list[int]) -> None:
        """Make at once what the tiles of these will ask for; by default nothing is."""

    @abstractmethod
    def _tile(self, number: int) -> dict[str, Any]:
        """The tile: id, image, title, jpeg, chips [(name, kind)], line."""

    @abstractmethod
    def _about(self) -> dict[str, Any]:
        """What stands over the tiles: unit, only."""

    @abstractmethod
    def _opened(self, number: int) -> dict[str, Any]:
        """Everything about the opened one but its look-alikes."""

    @abstractmethod
    def _near(self, number: int) -> list[dict[str, Any]]:
        """Its look-alikes: title, jpeg, likeness, about, image."""


def colours() -> dict[str, Any]:
    """The colours that mean something, for a light page and a dark one."""
    meaning = {name.replace(" ", "-"): colour for name, colour in theme.MEANING.items()}
    dark = {colour.lower(): other for colour, other in theme.DARK.items()}
    return {"meaning": meaning, "dark": dark}
