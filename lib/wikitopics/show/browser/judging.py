"""What a person says of what is opened or marked: verdicts, corrected labels, undone step by step.

A verdict is about a pair, `image * n_labels + label`: has this image this label? A tile may be about several.
"""

import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from wikitopics.errors import UserError
from wikitopics.show.browser.reviews import Key, Review, Reviews
from wikitopics.show.browser.surface import Pages, told
from wikitopics.show.pictures import Thumbnails, picture_bytes

RECENT = 300  # seconds over which verdicts a minute are counted

Original = Callable[[str], np.ndarray | None]


class Judging(Pages):
    """Pages of tiles, the opened or the marked of which are judged.

    label_names: L names; titles: of the images; parents: the label above each label; judgements, reviewer: as
    Reviews; thumbnails: the stored pictures; original: a title's picture from its own file, or None.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        titles: Sequence[str],
        label_names: list[str],
        parents: dict[str, str | None] | None,
        thumbnails: Thumbnails,
        original: Original | None,
        judgements: Path | None,
        reviewer: str,
    ) -> None:
        super().__init__(kind, name)
        self.titles, self.label_names, self.parents = titles, list(label_names), parents or {}
        self.thumbnails, self.original = thumbnails, original
        self.reviews = Reviews(judgements, reviewer)
        self._known = np.zeros(len(titles) * self.width, bool)  # whether a pair has a verdict
        self.marked: set[int] = set()
        self._draft: np.ndarray | None = None  # labels that were changed and are not saved, (L,) bool
        self._asked: int | None = None  # the one label that is asked about; None: all of the tile
        self._presses: deque[float] = deque()
        self.acts |= {
            "judge": self.judge,
            "ask": self.ask,
            "toggle": self.toggle,
            "save": self.save_labels,
            "discard": self.discard,
            "back": self.take_back,
            "undo": self.undo,
            "mark": self.mark,
            "mark page": self.mark_page,
            "reviewer": self.rename,
            "large": self.enlarge,
        }

    # -- what a browser of its own says of its tiles -----------------------------------------------

    @abstractmethod
    def _pairs_of(self, number: int) -> list[int]:
        """The pairs that a tile is about."""

    @abstractmethod
    def _image_of(self, number: int) -> int:
        """The image that a tile shows."""

    @property
    @abstractmethod
    def _images(self) -> np.ndarray:
        """The images of all of `found`: int64."""

    @abstractmethod
    def key(self, pair: int) -> Key:
        """(title, label, kind) of a pair: what a review is filed under."""

    @abstractmethod
    def _places(self, keys: list[Key]) -> np.ndarray:
        """The pairs (int64) that are filed under these keys; others are left out."""

    @abstractmethod
    def _given(self, image: int) -> np.ndarray:
        """The labels of an image: (L,) bool."""

    @abstractmethod
    def _labels(self, image: int) -> list[dict[str, Any]]:
        """For each label: name, score, cut, kind, given."""

    @abstractmethod
    def _row(self, image: int) -> int:
        """Where the image's thumbnail is."""

    # -- looking -----------------------------------------------------------------------------------

    @property
    def tile(self) -> int:
        """The number of the opened tile; only where one is open."""
        return int(self.found[self.at])

    @property
    def image(self) -> int:
        """The opened image."""
        return self._image_of(self.tile)

    def open(self, place: int) -> None:
        """Show the tile at a place of `found` in full; labels that were changed are saved first."""
        if self._leave():
            self._asked = None
            super().open(place)

    def show_page(self, number: int) -> None:
        """Show a page of tiles, with the verdicts on them."""
        super().show_page(number)
        self._show_marks()

    def enlarge(self) -> None:
        """Show the opened picture from its original file, where there is one, else as it is stored."""
        if self.at is None:
            return
        image = self.image
        pixels = None if self.original is None else self.original(self.titles[image])
        if pixels is None:
            jpeg, said = self.thumbnails.jpeg(self._row(image)), "as stored; there is no original file"
        else:
            jpeg = picture_bytes(Image.fromarray(pixels))
            said = f"from the original file, {pixels.shape[1]} × {pixels.shape[0]} px"
        self.widget.large = {"at": time.monotonic(), "image": image, "jpeg": jpeg, "told": said}

    def ask(self, label: str | int | None) -> None:
        """Ask about one label of the opened tile alone; None, or one that is not asked: about all of them."""
        if self.at is not None:
            place = self.label_names.index(label) if isinstance(label, str) else label
            self._asked = place if place in [one % self.width for one in self._pairs_of(self.tile)] else None
            self._show_judged()

    @property
    def width(self) -> int:
        """The number of labels."""
        return max(1, len(self.label_names))

    def _show_judged(self) -> None:
        if self.at is not None:
            self.widget.opened = self.widget.opened | self._judged(self.tile)

    def _judged(self, number: int) -> dict[str, Any]:
        """The questions about a tile with what was said, and its labels as they stand."""
        image = self._image_of(number)
        saved = self._saved_labels(number)
        now = saved if self._draft is None else self._draft
        labels = [one | {"now": bool(on)} for one, on in zip(self._labels(image), now, strict=True)]
        return {
            "id": number,
            "image": image,
            "questions": [self._question(one) for one in self._pairs_of(number)],
            "asked": -1 if self._asked is None else self._asked,
            "labels": labels,
            "changed": self._draft is not None,
            "corrected": bool((saved != self._given(image)).any()),
        }

    def _question(self, pair: int) -> dict[str, Any]:
        _, name, kind = self.key(pair)
        said = self.reviews.get(self.key(pair))
        by = "" if said is None or said.reviewer == self.reviews.reviewer else told(said.reviewer)
        verdict = "" if said is None else said.verdict
        return {"label": pair % self.width, "name": told(name), "kind": kind, "verdict": verdict, "by": by}

    # -- judging -----------------------------------------------------------------------------------

    def judge(self, verdict: str, tile: int | None = None, asked: int | None = None) -> None:
        """File a verdict: "label right", "label wrong" or "unsure"; on the disk when it says so.

        On all that is marked; where nothing is, on what is asked about the opened tile, with the labels that
        were changed. Then comes the next that has not all its verdicts. tile, asked: what was seen.
        """
        if self.at is None or not self._seen(tile, asked):
            return
        self.reviews.look()  # another kernel may have said something meanwhile
        tiles = sorted(self.marked) or [self.tile]
        pairs = [pair for number in tiles for pair in self._pairs_of(number)]
        if not self.marked:
            pairs = self._in_question()
        changed = None if self.marked or self._draft is None else self._names(self._draft)
        said = [(self.key(one), verdict, self._kept(one) if changed is None else changed) for one in pairs]
        if said and self._file(said, verdict):
            self._draft = None if changed is not None else self._draft
            self._presses.append(time.monotonic())
            self._show_marks()
            self._go_on()

    def _in_question(self) -> list[int]:
        pairs = self._pairs_of(self.tile)
        return pairs if self._asked is None else [one for one in pairs if one % self.width == self._asked]

    def _go_on(self) -> None:
        """The next label of this tile, where labels are asked one by one; else the next tile."""
        assert self.at is not None
        if self.marked:
            self.unmark()
            self._show_judged()
            return
        left = [one for one in self._pairs_of(self.tile) if not self._known[one]]
        after = self._done[self.at + 1 :]
        if self._asked is not None and left:
            self.ask(left[0] % self.width)
        elif not after.all():
            self.open(self.at + 1 + int(after.argmin()))
        elif self.at + 1 < len(self.found):
            self.open(self.at + 1)
        else:
            self._show_judged()

    def _seen(self, tile: int | None, asked: int | None = None) -> bool:
        """Whether what is judged is what was seen: a hand may be faster than the next picture or label."""
        same = asked is None or asked == (-1 if self._asked is None else self._asked)
        if tile is None or self.marked or (tile == self.tile and same):
            return True
        self.say("nothing judged: the next picture was not shown yet; press again")
        return False

    def toggle(self, label: str | int, tile: int | None = None) -> None:
        """Give the opened picture a label, and what lies above it; or take it and what lies below it away.

        Nothing is saved before `save_labels`, a verdict, or the next picture. tile: the one that was seen.
        """
        if self.at is None or not self._seen(tile):
            return
        name = label if isinstance(label, str) else self.label_names[label]
        saved = self._saved_labels(self.tile)
        draft = (saved if self._draft is None else self._draft).copy()
        on = not draft[self.label_names.index(name)]
        others = lineage(name, self.parents) if on else below(name, self.parents, self.label_names)
        draft[np.isin(self.label_names, others)] = on
        self._draft = None if (draft == saved).all() else draft
        self._show_judged()

    def save_labels(self, tile: int | None = None) -> None:
        """File the labels that were changed; each pair gets the verdict that follows from them."""
        if self.at is not None and self._seen(tile) and self._save():
            self._show_judged()

    def correct(self, labels: Sequence[str]) -> None:
        """File exactly these labels for the opened picture."""
        if self.at is not None:
            self._draft = np.isin(self.label_names, list(labels))
            self.save_labels()

    def discard(self) -> None:
        """Forget labels that were changed and not saved, and marks; ask about all of the tile again."""
        self._draft, self._asked = None, None
        self.unmark()
        self._show_judged()

    def take_back(self, tile: int | None = None) -> None:
        """Remove this person's verdict on what is asked about the opened tile; tile: the one seen."""
        if self.at is not None and self._seen(tile):
            self.reviews.look()
            mine = [key for key in map(self.key, self._in_question()) if self._mine(key)]
            if mine and self._file([(key, None, None) for key in mine], "taken back"):
                self._show_judged()

    def undo(self) -> None:
        """Forget labels that were changed; else take the last judgement of this kernel back, and show it."""
        if self._draft is not None:
            self._draft = None
            self._show_judged()
            return
        try:
            keys = self.reviews.undo()
        except OSError as error:
            self.failed("undone", error)
            return
        if keys:
            self._look()
            self._show_marks()
            places = np.flatnonzero(np.isin(self._images, self._places(keys) // self.width))
            if len(places):
                self.open(int(places[0]))
            else:
                self._show_judged()
            self.say(f"undone: {keys[0][1]} of {told(keys[0][0])}{_more(len(keys))}: {self._where()}")

    def _names(self, mask: np.ndarray) -> list[str]:
        return [self.label_names[i] for i in np.flatnonzero(mask)]

    def _save(self) -> bool:
        """File labels that were changed; whether all that was to be saved is."""
        if self._draft is None:
            return True
        self.reviews.look()
        now, given = self._draft, self._given(self.image)
        corrected = None if (now == given).all() else self._names(now)
        said = []
        for pair in self._with_labels():
            mine = self._mine(self.key(pair))
            label = pair % self.width
            verdict = "label right" if now[label] == given[label] else "label wrong"
            kept = mine is not None and corrected is None
            said.append((self.key(pair), mine.verdict if kept and mine else verdict, corrected))
        saved = self._file(said, f"labels {', '.join(self._names(now)) or 'none'}")
        self._draft = None if saved else self._draft
        return saved

    def _with_labels(self) -> list[int]:
        """The pairs under which labels of the opened picture are filed: what is asked, and wherever this
        person named other labels before, under whatever filter."""
        first = self.image * self.width
        before = [one for one in range(first, first + self.width) if self._kept(one) is not None]
        return sorted({*self._pairs_of(self.tile), *before})

    def _leave(self) -> bool:
        """Save what was changed before another picture comes; False where that failed, and all stays."""
        return self.at is None or self._save()

    def _file(self, said: Sequence[tuple[Key, str | None, list[str] | None]], what: str) -> bool:
        """File verdicts, say so, and whether they are on the disk."""
        try:
            self.reviews.put_all(said)
        except (OSError, UserError) as error:  # a full disk: nobody sees a widget's exceptions
            self.failed(what, error)
            return False
        self._look()
        self._show_marks()
        title, label, _ = said[0][0]
        self.say(f"{told(what)} · {told(label)} of {told(title)}{_more(len(said))}: {self._where()}")
        return True

    def _where(self) -> str:
        return f"{self._kept_where}; {len(self.reviews):,} in all"

    @property
    def _kept_where(self) -> str:
        return "saved" if self.reviews.on_disk else "kept in memory only"

    def _mine(self, key: Key) -> Review | None:
        """This person's verdict."""
        known = self.reviews.get(key)
        return known if known and known.reviewer == self.reviews.reviewer else None

    def _kept(self, pair: int) -> list[str] | None:
        """The labels that this person named before, which another verdict keeps."""
        mine = self._mine(self.key(pair))
        return mine.corrected_labels if mine else None

    def _saved_labels(self, number: int) -> np.ndarray:
        """The labels of a tile's picture as they were last corrected, by this person if they did, else as
        given: (L,) bool."""
        image = self._image_of(number)
        pairs = range(image * self.width, (image + 1) * self.width)
        said = [review for one in pairs if (review := self.reviews.get(self.key(one)))]
        said = [review for review in said if review.corrected_labels is not None]
        if not said:
            return self._given(image)
        last = max(said, key=lambda review: (review.reviewer == self.reviews.reviewer, review.time))
        return np.isin(self.label_names, last.corrected_labels or [])

    def rename(self, name: str) -> None:
        """Somebody else sits here now."""
        if self._leave():
            self.reviews.reviewer = str(name).strip()
            self._show_marks()
            self._show_judged()

    # -- marks, and how far the work is ------------------------------------------------------------

    def mark(self, place: int, to: int | None = None, tile: int | None = None) -> None:
        """Mark the tile at a place of `found`, or take its mark away; with `to`: mark all between. tile: the
        one that was seen there."""
        if tile is not None and tile != int(self.found[place]):
            self.say("nothing marked: other pictures were not shown yet; press again")
        elif to is None:
            self.marked ^= {int(self.found[place])}
        else:
            self.marked |= {int(number) for number in self.found[min(place, to) : max(place, to) + 1]}
        self._show_marks()

    def mark_page(self) -> None:
        """Mark all tiles of the page; again: none."""
        first, size = self.widget.page["first"], len(self.widget.page["tiles"])
        page = {int(number) for number in self.found[first : first + size]}
        self.marked = self.marked - page if page <= self.marked else self.marked | page
        self._show_marks()

    def unmark(self) -> None:
        """Take all marks away."""
        self.marked.clear()
        self._show_marks()

    def _look(self) -> None:
        """Learn what was judged, here and by others: what is new alone, as verdicts may be 100,000."""
        self.reviews.look()
        news = self.reviews.news()
        for judged in (True, False):
            self._note(np.unique(self._places([key for key, known in news if known == judged])), judged)

    def _note(self, pairs: np.ndarray, judged: bool) -> None:
        """Note of some pairs (int64, each once) that they have a verdict, or have none any more."""
        self._known[pairs] = judged

    @property
    @abstractmethod
    def _done(self) -> np.ndarray:
        """Which of `found` have all their verdicts: bool."""

    def _show_marks(self) -> None:
        tiles = self.widget.page.get("tiles", [])
        verdicts = {str(tile["id"]): said for tile in tiles if (said := self._said(tile["id"]))}
        now = time.monotonic()
        while self._presses and now - self._presses[0] > RECENT:
            self._presses.popleft()
        minutes = max(0.5, (now - self._presses[0]) / 60) if self._presses else 1
        self.widget.marks = {
            "verdicts": verdicts,
            "marked": sorted(self.marked),
            "images": sorted({self._image_of(number) for number in self.marked}),
            "done": int(np.count_nonzero(self._done)),
            "pace": round(len(self._presses) / minutes),
            "steps": self.reviews.steps,
            "reviewer": self.reviews.reviewer,
        }

    def _said(self, number: int) -> str:
        """The verdict on a tile: that on its first label with one."""
        found = (self.reviews.get(self.key(one)) for one in self._pairs_of(number) if self._known[one])
        return next((review.verdict for review in found if review), "")


def _more(count: int) -> str:
    return "" if count == 1 else f" and {count - 1} more"


def lineage(name: str, parents: dict[str, str | None]) -> list[str]:
    """A label and all that lie above it.

    >>> lineage("Cats", {"Cats": "Animals", "Animals": None})
    ['Cats', 'Animals']
    """
    parent = parents.get(name)
    return [name] if parent is None else [name, *lineage(parent, parents)]


def below(name: str, parents: dict[str, str | None], names: Sequence[str]) -> list[str]:
    """A label and all that lie below it."""
    return [other for other in names if name in lineage(other, parents)]
