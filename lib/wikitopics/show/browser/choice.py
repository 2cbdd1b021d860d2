"""What the browser of mistakes chooses from: every (image, label) pair, filtered and sorted as arrays.

A pair is one decision of the model: does this image have this label? It is held as one integer,
`image * n_labels + label`, so that a million of them are filtered in a few milliseconds.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from wikitopics.errors import UserError
from wikitopics.show.browser.reviews import Key

KINDS = ("true negative", "true positive", "false positive", "false negative")  # code = place
MISTAKES = (2, 3)
WANTED = {
    "both kinds of mistake": MISTAKES,
    "false positives": (2,),
    "false negatives": (3,),
    "true positives": (1,),
    "all predictions": (0, 1, 2, 3),
}
CROSSING = "what a moved threshold changes"
# Of two runs: (is this one right?, is the other?), None where it does not matter.
AGAINST = {
    "any": None,
    "right here, wrong there": (True, False),
    "wrong here, right there": (False, True),
    "wrong in both": (False, False),
    "right in both": (True, True),
}
DUPLICATES = ("all images", "without near duplicates", "only near duplicates", "one of each group")
ORDERS = (
    "loss, worst first",
    "confidence, high first",
    "confidence, low first",
    "close to the threshold",
    "doubtful labels first",
)
REVIEWED = ("any", "not reviewed", "reviewed")
LIKE = "~"  # before words that say what a picture is to show: they put pictures in order, and leave out none
TILES = ("a picture", "a picture and label")

FEW = 8  # where no more than one of so many pairs matches, these are looked at one by one
TOGETHER = 1024  # images whose pairs are otherwise looked at together: they stay in the processor's cache
FAR = np.float32(8)  # further than two pairs are apart, whose scores are in [0, 1]


@dataclass(frozen=True)
class Choice:
    """One setting of all filters; the defaults show every mistake, the worst first.

    threshold: of `label`, in place of the run's own; None: the run's own. search: words that must all occur
    in the title, the categories, the items or the label, or after a ~ what pictures are to be like, leaving
    out none. against: a key of AGAINST, where a second run is there. tiles: one of TILES, what a tile of the
    browser is.
    """

    label: int | None = None
    errors: str = "both kinds of mistake"
    split: str = ""
    low: float = 0.0
    high: float = 1.0
    duplicates: str = DUPLICATES[0]
    order: str = ORDERS[0]
    reviewed: str = REVIEWED[0]
    search: str = ""
    against: str = "any"
    threshold: float | None = None
    tiles: str = TILES[0]


class Predictions:
    """The predictions of one run: `frame` has a row an image, `truth` and `scores` a column a label.

    `frame`: title, row, split, group, optionally near_duplicates (else counted from group); `truth`
    (n, L) in {0, 1}; `scores` (n, L) in [0, 1]; `thresholds` (L,). Raises UserError
    where shapes differ.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        truth,
        scores,
        thresholds,
        label_names: list[str],
    ) -> None:
        self.truth, self.scores = np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float32)
        self.thresholds, self.label_names = np.asarray(thresholds, dtype=np.float64), list(label_names)
        _check(len(frame), self.truth, self.scores, self.thresholds, len(self.label_names))
        self.titles = frame["title"].astype(object).to_numpy()
        self.rows = frame["row"].to_numpy()
        self.splits = frame["split"].astype(object).to_numpy()
        self.twins = _twins(frame)
        self._first_of_group = ~frame["group"].duplicated().to_numpy()
        self.kinds = kinds_of(self.truth, self.scores >= self.thresholds)
        # Those of each image, to be searched; asked for when somebody first searches.
        self.described: Callable[[], list[list[str]] | None] = lambda: None
        self.right_there: np.ndarray | None = None  # int8 (n, L): another run's; -1 where it cannot be told

    def __len__(self) -> int:
        return len(self.titles)

    @property
    def width(self) -> int:
        """The number of labels."""
        return len(self.label_names)

    def parts(self, pair: int) -> tuple[int, int]:
        """(image, label) of a pair."""
        return divmod(int(pair), len(self.label_names))

    def key(self, pair: int) -> Key:
        """(title, label, kind) of a pair: what a review is filed under."""
        image, label = self.parts(pair)
        return self.titles[image], self.label_names[label], KINDS[self.kinds[image, label]]

    @cached_property
    def _by_title(self) -> pd.Index:
        return pd.Index(self.titles)

    def places_of(self, titles: Iterable[str]) -> np.ndarray:
        """The place (int64) of each of these titles; -1 for one that has no prediction."""
        return self._by_title.get_indexer(list(titles))

    def pairs_of(self, keys: Iterable[Key]) -> np.ndarray:
        """The pairs (int64) that are filed under these (title, label, kind); others are left out."""
        keys = list(keys)
        if not keys:
            return np.array([], dtype=np.int64)
        images = self._by_title.get_indexer([title for title, _, _ in keys])
        places = {name: i for i, name in enumerate(self.label_names)}
        width = len(self.label_names)
        return np.array(
            [
                image * width + places[label]
                for image, (_, label, kind) in zip(images, keys, strict=True)
                if image >= 0 and label in places and KINDS[self.kinds[image, places[label]]] == kind
            ],
            dtype=np.int64,
        )

    def set_beside(self, titles, scores, thresholds, label_names: Sequence[str]) -> None:
        """Another run to compare with: which of its decisions are right by *this* run's labels.

        titles (m,), scores (m, K), thresholds (K,). Only images and labels of both runs are compared.
        """
        images = pd.Index(titles).get_indexer(self.titles)
        labels = pd.Index(label_names).get_indexer(self.label_names)
        predicted = np.asarray(scores) >= np.asarray(thresholds)
        self.right_there = np.full(self.truth.shape, -1, np.int8)
        both = np.ix_(images >= 0, labels >= 0)
        there = predicted[np.ix_(images[images >= 0], labels[labels >= 0])]
        self.right_there[both] = there == self.truth[both]

    def select(
        self, choice: Choice, reviewed: np.ndarray | None = None, only: np.ndarray | None = None
    ) -> np.ndarray:
        """The pairs (int64) that match, in the order asked for; arguments as of `matching`."""
        return self.in_order(choice.order, np.flatnonzero(self.matching(choice, reviewed, only)))

    def in_order(self, order: str, pairs: np.ndarray) -> np.ndarray:
        """These pairs (int64), sorted as asked for."""
        # Not the stable sort: it takes three times as long on a million pairs, and ties mean nothing here.
        return pairs[np.argsort(self.badness(order, pairs))]

    def leading(self, order: str, found: np.ndarray) -> np.ndarray:
        """Of each image that has any of `found` (n, L) bool the pair (int64) that comes first, in the order
        asked for."""
        few = FEW * np.count_nonzero(found) < found.size
        pairs, bad = (self._first_of_few if few else self._first_of_many)(order, found)
        return pairs[np.argsort(bad)]

    def _first_of_few(self, order: str, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        pairs = np.flatnonzero(found)
        bad, images = self.badness(order, pairs), pairs // self.width
        starts = np.flatnonzero(np.diff(images, prepend=-1))
        worst = np.minimum.reduceat(bad, starts) if len(starts) else bad
        places = np.flatnonzero(bad == np.repeat(worst, np.diff(starts, append=len(pairs))))
        return pairs[places[np.searchsorted(places, starts)]], worst

    def _first_of_many(self, order: str, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Without a number for each pair: with 24.8 million, moving these takes longer than all else."""
        pairs, bad = np.empty(len(self), np.int64), np.empty(len(self), np.float32)
        for start in range(0, len(self), TOGETHER):
            some = slice(start, start + TOGETHER)
            worse = self._badness(order, self.scores[some], self.truth[some], slice(None))
            if not found[some].all():
                worse = np.minimum(worse, FAR) + 2 * FAR * ~found[some]
            first = worse.argmin(axis=1) + self.width * np.arange(len(worse))
            pairs[some], bad[some] = first + self.width * start, worse.ravel()[first]
        there = found.ravel()[pairs]
        return pairs[there], bad[there]

    def matching(
        self, choice: Choice, reviewed: np.ndarray | None = None, only: np.ndarray | None = None
    ) -> np.ndarray:
        """Which predictions match: (n, L) bool. `reviewed`: which pairs have a verdict, (n * L,) bool, or
        None: none; `only`: places of the images that are wanted, None for all."""
        columns = slice(None) if choice.label is None else slice(choice.label, choice.label + 1)
        found = self._wanted(choice, columns)
        images = self._images(choice)
        if only is not None:
            images &= np.isin(np.arange(len(self)), only)
        for word in [] if choice.search.startswith(LIKE) else choice.search.casefold().split():
            found = found & self._with(word, columns)
        if not images.all():
            found &= images[:, None]
        if choice.low > 0:
            found &= self.scores[:, columns] >= choice.low
        if choice.high < 1:
            found &= self.scores[:, columns] <= choice.high
        if choice.reviewed != "any":
            known = np.zeros(self.truth.size, bool) if reviewed is None else reviewed
            known = known.reshape(self.truth.shape)[:, columns]
            found &= known if choice.reviewed == "reviewed" else ~known
        if choice.label is None:
            return found
        of_all = np.zeros_like(self.truth)
        of_all[:, columns] = found
        return of_all

    def _wanted(self, choice: Choice, columns) -> np.ndarray:
        """Which decisions are of the kind asked for: (n, labels asked for) bool."""
        frozen, truth = self.kinds[:, columns], self.truth[:, columns]
        kinds = frozen
        if choice.threshold is not None and choice.label is not None:
            kinds = kinds_of(truth, self.scores[:, columns] >= choice.threshold)
        if choice.errors == CROSSING:
            found = kinds != frozen
        else:
            wanted = WANTED[choice.errors]
            found = kinds >= MISTAKES[0] if wanted == MISTAKES else _among(kinds, wanted)
        rights = AGAINST[choice.against]
        if rights is not None and self.right_there is not None:
            here, there = rights
            found = found & ((kinds < MISTAKES[0]) == here) & (self.right_there[:, columns] == there)
        return found

    def _with(self, word: str, columns) -> np.ndarray:
        """Which decisions have a word in title, description or label: (n, labels asked for) bool."""
        text = np.fromiter((word in text for text in self.texts), bool, len(self))
        label = np.array([word in name.casefold() for name in self.label_names], bool)[columns]
        return text[:, None] | label[None, :]

    @cached_property
    def texts(self) -> list[str]:
        """What is searched of each image: title, categories and items, in small letters."""
        titles = [str(title) for title in self.titles]
        described = self.described() or [[]] * len(titles)
        rows = zip(titles, described, strict=True)
        return ["\n".join([title, *names]).casefold() for title, names in rows]

    def _images(self, choice: Choice) -> np.ndarray:
        keep = np.ones(len(self), dtype=bool)
        if choice.split:
            keep &= self.splits == choice.split
        if choice.duplicates == "one of each group":
            keep &= self._first_of_group
        elif choice.duplicates != "all images":
            keep &= (self.twins > 0) == (choice.duplicates == "only near duplicates")
        return keep

    def badness(self, order: str, pairs: np.ndarray) -> np.ndarray:
        """What these pairs are sorted by, smallest first: float32."""
        return self._badness(order, self.scores.ravel()[pairs], self.truth.ravel()[pairs], pairs % self.width)

    def _badness(self, order: str, scores: np.ndarray, truth: np.ndarray, labels) -> np.ndarray:
        """The same of scores and truth of these labels, by arithmetic: np.where takes many times as long."""
        if order.startswith("loss"):  # cross-entropy falls with the chance given to the truth: no logarithm
            return np.abs(scores - ~truth)
        if order.startswith("close"):
            return np.abs(scores - self._cuts[labels])
        if order.startswith("doubtful"):
            without, with_label = self._typical
            return (scores - without[labels]) * truth + (with_label[labels] - scores) * ~truth
        return -scores if "high" in order else scores

    @cached_property
    def _cuts(self) -> np.ndarray:
        return self.thresholds.astype(np.float32)

    @cached_property
    def _typical(self) -> np.ndarray:
        """The mean score of each label without and with it, (2, L): confident learning's thresholds
        (Northcutt, Jiang and Chuang 2021, section 3.1); a score beyond the other mean is doubt."""
        counts = np.stack([(~self.truth).sum(axis=0), self.truth.sum(axis=0)])
        sums = np.stack([np.where(part, self.scores, 0).sum(axis=0) for part in (~self.truth, self.truth)])
        return (sums / np.maximum(counts, 1)).astype(np.float32)


def kinds_of(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """0 to 3 in the order of KINDS for each decision: right or wrong, predicted or not; uint8."""
    codes = np.where(predicted, np.where(truth, 1, 2), np.where(truth, 3, 0))
    return codes.astype(np.uint8)


def _among(kinds: np.ndarray, wanted: tuple[int, ...]) -> np.ndarray:
    return np.ones(kinds.shape, dtype=bool) if len(wanted) == len(KINDS) else kinds == wanted[0]


def _twins(frame: pd.DataFrame) -> np.ndarray:
    if "near_duplicates" in frame:
        return frame["near_duplicates"].to_numpy()
    return frame.groupby("group")["group"].transform("size").to_numpy() - 1


def _check(images: int, truth, scores, thresholds, labels: int) -> None:
    shape = (images, labels)
    if not truth.shape == scores.shape == shape or thresholds.shape != (labels,):
        raise UserError(
            f"the browser needs truth and scores of shape {shape} (images, labels) and a threshold a label, "
            f"but truth is {truth.shape}, scores {scores.shape}, thresholds {thresholds.shape}; "
            "take all of them from the same run"
        )
