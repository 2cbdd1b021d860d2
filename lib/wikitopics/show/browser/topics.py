"""The browser of scored pictures: by topic, group and sureness, with every probability of the opened one.

There is no truth here: a person says whether the topics are right, and which would be. It is driven in the
same way as the browser of mistakes.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wikitopics.errors import UserError
from wikitopics.show.browser.judging import Judging, Original
from wikitopics.show.browser.reviews import VERDICTS, Key
from wikitopics.show.browser.surface import told
from wikitopics.show.pictures import Pictures, Thumbnails

NAME = "Browser of scored pictures. Press ? for its keys."
Nearest = Callable[[int], Sequence[tuple[int, float]]]

NONE = -2  # in place of a topic: pictures without one
TILE_PX = 160
ORDERS = ("least sure first", "most sure first", "most probable first")
REVIEWED = ("any", "not reviewed", "reviewed")
LONGEST = 500  # groups to choose from, the largest first
GIVEN, NOT_GIVEN = "given", "not given"
TOLD = {
    "order": "sort by",
    "low": "least sure",
    "high": "most sure",
    "ends": "sure from, to",
    "reviewed": "verdict",
}


@dataclass(frozen=True)
class TopicChoice:
    """One setting of all filters; the defaults show all pictures, the least sure first.

    topic: the place of a label; None: any; NONE: pictures without one. low, high: of the sureness.
    """

    topic: int | None = None
    group: str = ""
    low: float = 0.0
    high: float = 1.0
    order: str = ORDERS[0]
    reviewed: str = REVIEWED[0]
    search: str = ""


class TopicBrowser(Judging):
    """Scored pictures to look at and judge; `.widget` is what a notebook displays.

    frame: one row a picture: title, sureness; probabilities (n, L) in [0, 1]; above (n, L) bool, the labels
    given; images: indexed by place, (S, S, 3) uint8 each; groups: a list of names a picture; nearest: a
    function of a place that gives (place, likeness) of its look-alikes; the others as in MistakeBrowser. A
    verdict is about the topics given, or about the most probable one where none is.

    Without a browser: `.choose(topic=3)`, `.show_page(2)`, `.open(5)`, `.judge("label wrong")`; `.found` and
    `.at` tell what is shown.
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
        judgements: Path | None = None,
        reviewer: str = "",
        parents: dict[str, str | None] | None = None,
        original: Original | None = None,
    ) -> None:
        about = (list(label_names), parents, Thumbnails(images), original, judgements, reviewer)
        super().__init__("topics", NAME, list(frame["title"]), *about)
        self.sureness = frame["sureness"].to_numpy(np.float64)
        self.probabilities, self.above, self.nearest = probabilities, above, nearest
        self.groups = [[] for _ in self.titles] if groups is None else list(groups)
        self.choice = TopicChoice()
        self.only: list[int] | None = None
        self.acts |= {"choose": self.choose, "reset": self.reset, "look": self.look_at, "all": self.show_all}
        self.acts["searching"] = lambda: self.texts  # got ready while the hand goes to the keys
        self.widget.setup = self.widget.setup | self._setup()
        self._refilter()

    def _setup(self) -> dict[str, Any]:
        sizes = Counter(name for names in self.groups for name in names).most_common(LONGEST)
        topics = [[None, "any topic"], [NONE, "no topic"]]
        lists = {
            "topic": topics + [[place, told(name)] for place, name in enumerate(self.label_names)],
            "group": [["", "any group"], *([name, f"{told(name)} ({size})"] for name, size in sizes)],
            "order": [[name, name] for name in ORDERS],
            "reviewed": [[name, name] for name in REVIEWED],
        }
        names = self.label_names
        return {
            "labels": [told(name) for name in names],
            "above": [names.index(p) if (p := self.parents.get(n)) in names else -1 for n in names],
            "lists": lists,
            "more": len(lists) + 1,
            "ranges": [["low", 0, 1], ["high", 0, 1]],
            "titles": TOLD,
            "verdicts": list(VERDICTS),
            "has": {"near": False},
        }

    # -- choosing ----------------------------------------------------------------------------------

    def choose(self, **changed: Any) -> None:
        """Set some filters, by their names in `TopicChoice`. Raises UserError for one that is not there."""
        known = [field.name for field in fields(TopicChoice)]
        for name in changed.keys() - set(known):
            raise UserError(f"a filter is one of {', '.join(known)}, but is {name!r}; choose one of them")
        if self._leave():
            self.choice = replace(self.choice, **changed)
            self._refilter()

    def reset(self) -> None:
        """All filters back to their defaults."""
        if self._leave():
            self.choice = TopicChoice()
            self._refilter()

    def show_all(self) -> None:
        """All pictures again."""
        if self._leave():
            self.only = None
            self._refilter()

    def look_at(self, image: int) -> None:
        """Open a picture by its place; where the filters leave it out, it alone."""
        places = np.flatnonzero(self.found == int(image))
        if len(places):
            self.open(int(places[0]))
        elif 0 <= int(image) < len(self.titles) and self._leave():
            self.choice, self.only = TopicChoice(), [int(image)]
            self._refilter()

    def _refilter(self) -> None:
        self._look()
        self.marked.clear()
        self._asked = None
        self.found = places(self)
        self.widget.asked = {"choice": asdict(self.choice), "curve": None}
        self._find(self.found)

    @cached_property
    def texts(self) -> list[str]:
        """What is searched of each picture: title, groups, topics given."""
        names = self.label_names
        return [
            "\n".join([str(title), *groups, *(names[i] for i in np.flatnonzero(row))]).casefold()
            for title, groups, row in zip(self.titles, self.groups, self.above, strict=True)
        ]

    # -- what is shown -----------------------------------------------------------------------------

    def _about(self) -> dict[str, Any]:
        only = "" if self.only is None else "Only the picture that was clicked."
        return {"unit": "pictures", "only": only}

    def _ahead(self, numbers: list[int]) -> None:
        self.thumbnails.ahead(numbers, TILE_PX)

    def _tile(self, number: int) -> dict[str, Any]:
        chips = [[told(name), GIVEN] for name in self._topics(number)]
        line = f"{100 * self.sureness[number]:.0f} % sure{'' if chips else ', no topic'}"
        jpeg, title = self.thumbnails.jpeg(number, TILE_PX), told(self.titles[number])
        return {"id": number, "image": number, "title": title, "jpeg": jpeg, "chips": chips, "line": line}

    def _topics(self, place: int) -> list[str]:
        order = np.argsort(-self.probabilities[place], kind="stable")
        return [self.label_names[label] for label in order if self.above[place, label]]

    def _opened(self, number: int) -> dict[str, Any]:
        about = {
            "title": told(self.titles[number]),
            "jpeg": self.thumbnails.jpeg(number),
            "facts": [f"{100 * self.sureness[number]:.0f} % sure"],
            "groups": [told(name) for name in self.groups[number]],
        }
        return about | self._judged(number)

    def _near(self, number: int) -> list[dict[str, Any]]:
        near = list(self.nearest(number)) if self.nearest else []
        self._ahead([other for other, _ in near])
        return [
            {
                "jpeg": self.thumbnails.jpeg(other, TILE_PX),
                "title": told(self.titles[other]),
                "about": told(", ".join(self._topics(other))),
                "like": float(like),
                "image": int(other),
            }
            for other, like in near
        ]

    # -- what is judged ----------------------------------------------------------------------------

    def _pairs_of(self, number: int) -> list[int]:
        labels = np.flatnonzero(self.above[number])
        if not len(labels) and self.probabilities.shape[1]:
            labels = np.array([np.argmax(self.probabilities[number])])
        return [number * self.width + int(label) for label in labels]

    def _image_of(self, number: int) -> int:
        return number

    @property
    def _images(self) -> np.ndarray:
        return self.found

    def key(self, pair: int) -> Key:
        """(title, label, kind) of a pair: what a review is filed under."""
        image, label = divmod(int(pair), self.width)
        return self.titles[image], self.label_names[label], GIVEN if self.above[image, label] else NOT_GIVEN

    @cached_property
    def _by_title(self) -> dict[str, int]:
        return {title: place for place, title in enumerate(self.titles)}

    def _places(self, keys: list[Key]) -> np.ndarray:
        found = [
            (self._by_title[key[0]] * self.width + self.label_names.index(key[1]), key)
            for key in keys
            if key[0] in self._by_title and key[1] in self.label_names
        ]
        return np.array([pair for pair, key in found if self.key(pair) == key], np.int64)

    def _given(self, image: int) -> np.ndarray:
        return self.above[image].astype(bool)

    def _labels(self, image: int) -> list[dict[str, Any]]:
        return [
            {
                "name": told(name),
                "score": float(self.probabilities[image, label]),
                "cut": -1.0,
                "kind": GIVEN if self.above[image, label] else NOT_GIVEN,
                "given": bool(self.above[image, label]),
            }
            for label, name in enumerate(self.label_names)
        ]

    def _row(self, image: int) -> int:
        return image

    @property
    def _judged_images(self) -> np.ndarray:
        """Which pictures have a verdict: (n,) bool."""
        return np.asarray(self._known.reshape(-1, self.width).any(axis=1))

    @property
    def _done(self) -> np.ndarray:
        judged = self._judged_images[self.found]
        whole = [bool(self._known[self._pairs_of(number)].all()) for number in self.found[judged]]
        judged[judged] = whole
        return judged


def places(browser: TopicBrowser) -> np.ndarray:
    """The places of the pictures that pass the browser's filters, in the order asked for: int64."""
    choice, sureness, above = browser.choice, browser.sureness, browser.above
    keep = (sureness >= choice.low) & (sureness <= choice.high)
    if choice.topic is not None:
        keep &= ~above.any(axis=1) if choice.topic == NONE else above[:, choice.topic]
    if choice.group:
        keep &= np.array([choice.group in names for names in browser.groups], dtype=bool)
    for word in choice.search.casefold().split():
        keep &= np.array([word in text for text in browser.texts], dtype=bool)
    if choice.reviewed != "any":
        keep &= browser._judged_images == (choice.reviewed == "reviewed")
    if browser.only is not None:
        keep &= np.isin(np.arange(len(keep)), browser.only)
    found = np.flatnonzero(keep)
    return found[np.argsort(_badness(browser)[found], kind="stable")]


def _badness(browser: TopicBrowser) -> np.ndarray:
    """What to sort by, smallest first."""
    choice = browser.choice
    if choice.order == "most probable first":
        label, chances = choice.topic, browser.probabilities
        return -(chances[:, label] if label is not None and label >= 0 else chances.max(axis=1, initial=0))
    return -browser.sureness if choice.order == "most sure first" else browser.sureness
