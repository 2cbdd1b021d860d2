"""The browser of misclassified images: filters, tiles, one picture in full, and what a person says of it.

A view over values: `choice` says what is wanted, `Predictions.select` answers with pairs (image, label), and
what is shown follows from them and the place of the opened one. It can be driven without a browser.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wikitopics.errors import UserError
from wikitopics.show.browser import choice as choose
from wikitopics.show.browser import hops, views
from wikitopics.show.browser.choice import Choice, Predictions
from wikitopics.show.browser.detail import Detail, Neighbours
from wikitopics.show.browser.judging import Judging, Original
from wikitopics.show.browser.reviews import VERDICTS, Key
from wikitopics.show.browser.surface import told
from wikitopics.show.pictures import Pictures, Thumbnails
from wikitopics.vectors.text_side import Asked

TILE_PX = 160  # of a tile's picture; the slider goes up to 240
ALIKE = 60  # pictures that "more like this" shows
MOST_HOPS = 200  # rows in the list of hops
NAME = "Browser of mistakes. Press ? for its keys."
TOLD = {
    "errors": "show",
    "order": "sort by",
    "tiles": "a tile is",
    "low": "lowest score",
    "high": "highest score",
    "ends": "score from, to",
    "reviewed": "verdict",
    "against": "two runs",
}


class MistakeBrowser(Judging):
    """The predictions of a run, to be looked at and judged; `.widget` is what a notebook displays.

    frame: one row a prediction: title, row, split, group, optionally near_duplicates; truth (n, L) {0, 1};
    scores (n, L) [0, 1]; thresholds (L,); label_names (L); images (m, S, S, 3) uint8, indexed by `row`;
    details: indexed by title, `categories`, `items` and any number of `labels: NAME` columns of lists;
    why: title, label, score, start, path, rules; features (m, d), indexed by `row`; catalogue: title, row,
    split of all images, which names the neighbours that have no prediction; parents: the label above each
    label; original: a title's picture from its own file, (h, w, 3) uint8 or None; against: name, titles,
    scores, thresholds, label_names of a second run; run: its name, for a view as one line of code; by_words:
    of words the texts that were meant, and how like them each picture is (m,), indexed by `row`: a search for
    "~a red fox" puts what is found in that order.
    Verdicts go into the journals of the folder `judgements`, at once, under the name `reviewer` (empty: who
    is logged in); without it they live as long as the kernel.

    Without a browser: `.choose(errors="false positives")`, `.show_page(2)`, `.open(3)`, `.ask("Animals")`,
    `.judge("label wrong")`, `.toggle("Animals")`, `.save_labels()`, `.undo()`, `.mark(4)`, `.table()`;
    `.pairs` (all that match), `.found` (the first of each tile), `.at` and the values of `.widget` are shown.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        truth: np.ndarray,
        scores: np.ndarray,
        thresholds: np.ndarray,
        label_names: list[str],
        images: Pictures,
        details: pd.DataFrame | None = None,
        why: pd.DataFrame | None = None,
        features: np.ndarray | None = None,
        judgements: Path | None = None,
        reviewer: str = "",
        catalogue: pd.DataFrame | None = None,
        parents: dict[str, str | None] | None = None,
        original: Original | None = None,
        against: tuple[str, Sequence[str], np.ndarray, np.ndarray, Sequence[str]] | None = None,
        run: str = "",
        by_words: Callable[[str], Asked] | None = None,
    ) -> None:
        thumbnails = Thumbnails(images)
        about = (list(label_names), parents, thumbnails, original, judgements, reviewer)
        super().__init__("mistakes", NAME, frame["title"].astype(object).to_numpy(), *about)
        self.predictions = known = Predictions(frame, truth, scores, thresholds, label_names)
        self._matching, self._whole = np.zeros_like(known.truth), np.zeros(0, bool)
        self._place_of = np.zeros(0, np.int32)  # of each image in `found`, once it is asked for
        near = None if features is None else Neighbours(features)
        self.detail = Detail(self.predictions, thumbnails, details, why, near, catalogue)
        self.predictions.described = self.detail.described
        self.by_words = by_words
        self._asked_for: Asked | None = None
        self.run, self.against = run, "" if against is None else against[0]
        if against is not None:
            self.predictions.set_beside(*against[1:])
        self.choice = Choice()
        self.only: np.ndarray | None = None  # places of the images that are wanted; None: all
        self._only_told = ""
        self.cleared: list[Callable[[], None]] = []  # hear that all images are shown again
        self.acts |= self._acts()
        self.widget.setup = self.widget.setup | self._setup()
        self._refilter()

    def _acts(self) -> dict[str, Callable[..., object]]:
        return {
            "choose": self.choose,
            "reset": self.reset,
            "all": self.show_all,
            "look": self.look_at,
            "searching": lambda: self.predictions.texts,  # got ready while the hand goes to the keys
            "alike": self.more_like_this,
            "hops": self.show_hops,
            "hop": self.show_hop,
            "strike": self.strike,
            "views": self.show_views,
            "keep": self.keep_view,
            "view": self.show_view,
            "copy": self.copy,
        }

    def _setup(self) -> dict[str, Any]:
        """What never changes on the page: labels, filters with their values, what there is."""
        known, names = self.predictions, self.label_names
        lists: dict[str, list[list[Any]]] = {
            "label": [[None, "any label"], *([place, told(name)] for place, name in enumerate(names))],
            "errors": _same([*choose.WANTED, choose.CROSSING]),
            "order": _same(choose.ORDERS),
            "reviewed": _same(choose.REVIEWED),
            "against": _same(choose.AGAINST),
            "tiles": _same(choose.TILES),
            "split": [["", "any split"], *_same(sorted(map(str, set(known.splits))))],
            "duplicates": _same(choose.DUPLICATES),
        }
        if not self.against:
            del lists["against"]
        has = {"near": self.detail.near is not None, "why": self.detail.why is not None}
        has["words"] = self.by_words is not None
        return {
            "labels": [told(name) for name in names],
            "above": [names.index(p) if (p := self.parents.get(n)) in names else -1 for n in names],
            "lists": lists,
            "more": len(lists) - 3,  # the last ones, and the scores, are folded away at first
            "ranges": [["low", 0, 1], ["high", 0, 1]],
            "titles": TOLD | {"against": f"this run and {told(self.against)}"},
            "verdicts": list(VERDICTS),
            "against": told(self.against),
            "has": has | {"views": True, "copy": True},
        }

    # -- choosing ----------------------------------------------------------------------------------

    def choose(self, **changed: Any) -> None:
        """Set some filters, by their names in `Choice`; a label by its name or place.

        A threshold belongs to its label, and is forgotten with it. Raises UserError for what cannot be.
        """
        wanted = checked(self.choice, changed, self.label_names)
        self._meant(wanted)
        if self._leave():
            self.choice = wanted
            self._refilter()

    def reset(self) -> None:
        """All filters back to their defaults; a selection of images stays."""
        if self._leave():
            self.choice = Choice(tiles=self.choice.tiles)
            self._refilter()

    def show_only(
        self, images: np.ndarray, why: str = "chosen", start: Choice | None = None, **changed: Any
    ) -> None:
        """Only the predictions of these images (places in `frame`); `why` says in words which they are.

        start: the filters to change, by default those that stand.
        """
        wanted = checked(start or self.choice, changed, self.label_names)
        self._meant(wanted)
        if self._leave():
            self.only, self._only_told = np.asarray(images, np.int64), why
            self.choice = wanted
            self._refilter()

    @property
    def _all(self) -> Choice:
        """Filters that leave nothing out."""
        return Choice(errors="all predictions", tiles=self.choice.tiles)

    def show_all(self) -> None:
        """The predictions of all images again."""
        if self._leave():
            self.only = None
            self._refilter()
            for heard in self.cleared:
                heard()

    def _refilter(self) -> None:
        self._look()
        self.marked.clear()
        self._asked = None
        self._select()
        self.widget.asked = self._filters()
        self._find(self.found)

    def _select(self) -> None:
        known = self.predictions
        self._matching = known.matching(self.choice, self._known, self.only)
        if self.by_picture:
            self.found = known.leading(self.choice.order, self._matching)
        else:
            self.found = known.in_order(self.choice.order, self.pairs)
        self._asked_for = self._meant(self.choice)
        self.found = self._by_likeness(self.found)
        self._count_done()

    def _count_done(self) -> None:
        """Say of all that was found whether it has all its verdicts; afterwards only of what changes."""
        self._place_of = np.zeros(0, np.int32)
        self._whole = np.zeros(len(self.found), bool) if self.by_picture else self._known[self.found]
        if self.by_picture:
            self._renew_done(np.flatnonzero(self._known))

    @property
    def pairs(self) -> np.ndarray:
        """All that match (int64), ascending."""
        return np.flatnonzero(self._matching)

    def _meant(self, choice: Choice) -> Asked | None:
        """What is asked of the pictures in words, after a ~; UserError where that cannot be answered."""
        words = choice.search.removeprefix(choose.LIKE).strip()
        if not choice.search.startswith(choose.LIKE) or not words:
            return None
        if self.by_words is None:
            raise UserError(
                f"words after a {choose.LIKE} need a network with a text side, but this run has none; search "
                f"without it, or give the run `texts` (docs/no_labels.md)"
            )
        return self.by_words(words)

    def _by_likeness(self, found: np.ndarray) -> np.ndarray:
        """These pairs with the pictures first that are most like what is asked for in words."""
        if self._asked_for is None:
            return found
        like = self._asked_for.likeness[self.predictions.rows[found // self.width]]
        return found[np.argsort(-like, kind="stable")]

    @property
    def by_picture(self) -> bool:
        """Whether a tile is a picture with all that matches, or one (picture, label) pair."""
        return self.choice.tiles == choose.TILES[0]

    def _filters(self) -> dict[str, Any]:
        values = {field.name: getattr(self.choice, field.name) for field in fields(Choice)}
        label = self.choice.label
        if label is None:
            return {"choice": values, "curve": None}
        keep = np.ones(len(self.predictions), bool)
        if self.choice.split:
            keep &= self.predictions.splits == self.choice.split
        truth, scores = self.predictions.truth[keep, label], self.predictions.scores[keep, label]
        own = float(self.predictions.thresholds[label])
        return {"choice": values, "curve": views.curve(truth, scores) | {"own": own}}

    def _about(self) -> dict[str, Any]:
        images, every = self.only, len(self.predictions)
        only = "" if images is None else f"Only {len(images):,} of {every:,} images: {told(self._only_told)}."
        unit, asked = "pictures" if self.by_picture else "predictions", self._asked_for
        like = "" if asked is None else f", by likeness to {told('; '.join(asked.texts[:3]))}"
        return {"unit": unit + like, "only": only}

    def _tile(self, pair: int) -> dict[str, Any]:
        known = self.predictions
        image, label = known.parts(pair)
        title, name, kind = known.key(pair)
        chips = self.detail.chips(image) if self.by_picture else [[told(name), kind]]
        jpeg = self.thumbnails.jpeg(int(known.rows[image]), TILE_PX)
        line = f"{known.scores[image, label]:.2f} {told(name)}"
        if self._asked_for is not None:
            line = f"alike {self._asked_for.likeness[known.rows[image]]:.2f}, {line}"
        return {"id": pair, "image": image, "title": told(title), "jpeg": jpeg, "chips": chips, "line": line}

    # -- looking -----------------------------------------------------------------------------------

    @property
    def pair(self) -> int:
        """The leading pair (image * L + label) of the opened tile; only where one is open."""
        return self.tile

    def key(self, pair: int) -> Key:
        """(title, label, kind) of a pair: what a review is filed under."""
        return self.predictions.key(pair)

    def _places(self, keys: list[Key]) -> np.ndarray:
        return self.predictions.pairs_of(keys)

    def _image_of(self, number: int) -> int:
        return number // self.width

    @property
    def _images(self) -> np.ndarray:
        return self.found // self.width

    def _given(self, image: int) -> np.ndarray:
        return self.predictions.truth[image]

    def _labels(self, image: int) -> list[dict[str, Any]]:
        return self.detail.scores(image)

    def _row(self, image: int) -> int:
        return int(self.predictions.rows[image])

    def _pairs_of(self, number: int) -> list[int]:
        """All that matches of a tile's picture, or the pair alone."""
        if not self.by_picture:
            return [number]
        first = number - number % self.width
        return [first + int(label) for label in np.flatnonzero(self._matching[number // self.width])]

    @property
    def _done(self) -> np.ndarray:
        return self._whole

    def _note(self, pairs: np.ndarray, judged: bool) -> None:
        super()._note(pairs, judged)
        self._renew_done(pairs)

    def _renew_done(self, pairs: np.ndarray) -> None:
        """Say anew of the tiles with these pairs whether all that matches of them has its verdict."""
        if not len(pairs):
            return
        if not self.by_picture:
            places = np.flatnonzero(np.isin(self.found, pairs))
            self._whole[places] = self._known[self.found[places]]
            return
        images = np.unique(pairs // self.width)
        places = self._places_of(images)
        left = self._matching[images] & ~self._known.reshape(self._matching.shape)[images]
        self._whole[places[places >= 0]] = ~left.any(axis=1)[places >= 0]

    def _places_of(self, images: np.ndarray) -> np.ndarray:
        """Where in `found` these images are, -1: nowhere; noted of all when first asked for."""
        if not len(self._place_of):
            self._place_of = np.full(len(self.predictions), -1, np.int32)
            self._place_of[self._images] = np.arange(len(self.found))
        return self._place_of[images]

    def _opened(self, number: int) -> dict[str, Any]:
        return self.detail.about(self._image_of(number)) | self._judged(number)

    def _near(self, number: int) -> list[dict[str, Any]]:
        return self.detail.look_alikes(self._image_of(number))

    def look_at(self, image: int) -> None:
        """Open an image, by its place in `frame`; where the filters leave it out, without them."""
        places = np.flatnonzero(self._images == int(image))
        if len(places):
            self.open(int(places[0]))
        elif 0 <= int(image) < len(self.predictions):
            self.show_only(np.array([image]), "the one that was clicked", self._all)

    def more_like_this(self) -> None:
        """Only the images that are most like the opened one."""
        if self.at is not None:
            title = told(self.titles[self.image])
            self.show_only(self.detail.alike(self.image, ALIKE), f"those most like {title}", self._all)

    # -- hops of the category graph ----------------------------------------------------------------

    @cached_property
    def _hops(self) -> pd.DataFrame:
        why = self.detail.why
        return hops.hops(
            pd.DataFrame(columns=["title", "label", "path"]) if why is None else why, self.predictions
        )

    def show_hops(self) -> None:
        """The hops that bring most mistakes, those struck out marked."""
        struck = self.reviews.struck()
        rows = hops.ranked(self._hops).head(MOST_HOPS).to_dict("records")
        gone = struck - {(row["child"], row["parent"]) for row in rows}  # 01 left them out, or they bring few
        rows += [dict.fromkeys(hops.COLUMNS, 0) | {"child": a, "parent": b} for a, b in sorted(gone)]
        for row in rows:
            row["struck"] = (row["child"], row["parent"]) in struck
        self._open({"kind": "hops", "rows": rows})

    def _open(self, panel: dict[str, Any]) -> None:
        """Show a panel, also one that was shown before and closed: equal values would be no change."""
        self.widget.panel = panel | {"at": time.monotonic()}

    def show_hop(self, child: str, parent: str, label: str | None = None) -> None:
        """All files that got their labels, or one of them, by this hop."""
        table = self._hops
        by_it = (table["child"] == child) & (table["parent"] == parent)
        if label is not None:
            by_it &= table["label"] == self.label_names.index(label)
        images = np.unique(table.loc[by_it, "image"].to_numpy(np.int64))
        what = "labels" if label is None else told(label)
        self.show_only(images, f"{what} by {told(child)} → {told(parent)}", self._all, label=label)

    def strike(self, child: str, parent: str, on: bool = True) -> None:
        """Keep beside the verdicts that a hop of the category graph is wrong (or, `on` False, is not)."""
        count = int(((self._hops["child"] == child) & (self._hops["parent"] == parent)).sum())
        self.reviews.strike(child, parent, bool(on), count)
        others = [] if on else self.reviews.strikers(child, parent)
        still = f"; still struck out by {', '.join(map(told, others))}" if others else ""
        done = "struck out" if on else "allowed again"
        self.say(f"{done}: {told(child)} → {told(parent)}, {self._kept_where}{still}")
        self.show_hops()

    # -- views -------------------------------------------------------------------------------------

    def keep_view(self, name: str) -> None:
        """Save the filters, and the images chosen, under a name, beside the verdicts."""
        titles = None if self.only is None else [str(self.predictions.titles[i]) for i in self.only]
        self.reviews.keep_view(str(name), views.short(self.choice, self.label_names), titles)
        self.say(f"view {told(name)!r}: {self._kept_where}")
        self.show_views()

    def show_view(self, name: str) -> None:
        """Filters and images as they were when they were saved under this name."""
        kept = self.reviews.views()
        if name not in kept:
            there = ", ".join(sorted(kept)) or "none"
            raise UserError(f"a view must have been saved, but {name!r} was not; there are {there}")
        choice, titles = kept[name]
        wanted = checked(Choice(), choice, self.label_names)
        if titles is not None:
            places = self.predictions.places_of(titles)
            self.show_only(places[places >= 0], f"view {name}", wanted)
        elif self._leave():
            self.only, self.choice = None, wanted
            self._refilter()

    def show_views(self) -> None:
        """The names of the saved views."""
        self._open({"kind": "views", "names": sorted(map(told, self.reviews.views()))})

    def table(self) -> pd.DataFrame:
        """What is filtered, a row a pair: title, label, kind, score, threshold, split, verdict, reviewer."""
        pairs = self.predictions.in_order(self.choice.order, self.pairs)
        return views.table(pairs, self.predictions, self.reviews)

    def line(self) -> str:
        """The line of code that opens this view again; a selection of images by hand is not in it."""
        return views.line(self.run, self.against, self.choice, self.label_names)

    def copy(self, what: str) -> None:
        """Give the page text to copy: "csv", "table" (Markdown), "titles" or "code"."""
        self._open({"kind": "copy", "text": views.copied(what, self.table, self.line)})


def _same(names) -> list[list[str]]:
    return [[name, name] for name in names]


def checked(choice: Choice, changed: dict[str, Any], label_names: Sequence[str]) -> Choice:
    """The choice with some values changed; UserError for a filter or a value that is not there."""
    known = {field.name for field in fields(Choice)}
    for name in changed.keys() - known:
        raise UserError(f"a filter is one of {', '.join(sorted(known))}, but is {name!r}; choose one of them")
    label = changed.get("label")
    if isinstance(label, str):
        if label not in label_names:
            raise UserError(f"a label must be one of {', '.join(label_names)}, but is {label!r}; choose one")
        changed = changed | {"label": list(label_names).index(label)}
    elif label is not None and not 0 <= label < len(label_names):
        raise UserError(f"a label's place must be below {len(label_names)}, but is {label}; choose another")
    lists = {
        "errors": (*choose.WANTED, choose.CROSSING),
        "duplicates": choose.DUPLICATES,
        "order": choose.ORDERS,
        "reviewed": choose.REVIEWED,
        "tiles": choose.TILES,
        "against": choose.AGAINST,
    }
    for name, value in changed.items():
        if name in lists and value not in lists[name]:
            raise UserError(f"{name} must be one of {', '.join(lists[name])}, but is {value!r}; choose one")
    if "label" in changed and changed["label"] != choice.label and "threshold" not in changed:
        changed = changed | {"threshold": None}
    return replace(choice, **changed)
