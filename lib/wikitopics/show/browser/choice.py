"""What the browser of mistakes chooses from: every (image, label) pair, filtered and sorted as arrays.

A pair is one decision of the model: does this image have this label? It is held as one integer,
`image * n_labels + label`, so that half a million of them are filtered in a few milliseconds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from wikitopics import judgements
from wikitopics.errors import UserError

KINDS = ("true negative", "true positive", "false positive", "false negative")  # code = place
MISTAKES = (2, 3)
WANTED = {
    "both kinds of mistake": MISTAKES,
    "false positives": (2,),
    "false negatives": (3,),
    "all predictions": (0, 1, 2, 3),
}
DUPLICATES = ("all images", "without near duplicates", "only near duplicates", "one of each group")
ORDERS = ("loss, worst first", "confidence, high first", "confidence, low first", "close to the threshold")
REVIEWED = ("any", "not reviewed", "reviewed")

VERDICTS = ("label right", "label wrong", "unsure")
Key = tuple[str, str, str]  # title, label, kind of mistake


@dataclass(frozen=True)
class Choice:
    """One setting of all filters; the defaults show every mistake, the worst first."""

    label: int | None = None
    errors: str = "both kinds of mistake"
    split: str = ""
    low: float = 0.0
    high: float = 1.0
    duplicates: str = DUPLICATES[0]
    order: str = ORDERS[0]
    reviewed: str = REVIEWED[0]


class Predictions:
    """The predictions of one run: `frame` has a row an image, `truth` and `scores` a column a label.

    `frame`: title, row, split, group, optionally near_duplicates (else counted from group); `truth`
    (n, L) in {0, 1}; `scores` (n, L) in [0, 1]; `thresholds` (L,). Raises UserError where shapes differ.
    """

    def __init__(self, frame: pd.DataFrame, truth, scores, thresholds, label_names: list[str]) -> None:
        self.truth, self.scores = np.asarray(truth, dtype=bool), np.asarray(scores, dtype=np.float32)
        self.thresholds, self.label_names = np.asarray(thresholds, dtype=np.float64), list(label_names)
        _check(len(frame), self.truth, self.scores, self.thresholds, len(self.label_names))
        self.titles = frame["title"].astype(object).to_numpy()
        self.rows = frame["row"].to_numpy()
        self.splits = frame["split"].astype(object).to_numpy()
        self.twins = _twins(frame)
        self._first_of_group = ~frame["group"].duplicated().to_numpy()
        predicted = self.scores >= self.thresholds
        # 0 to 3 in the order of KINDS: right or wrong, predicted or not.
        self.kinds = np.where(predicted, np.where(self.truth, 1, 2), np.where(self.truth, 3, 0)).astype(
            np.uint8
        )

    def __len__(self) -> int:
        return len(self.titles)

    def parts(self, pair: int) -> tuple[int, int]:
        """(image, label) of a pair."""
        return divmod(int(pair), len(self.label_names))

    def key(self, pair: int) -> tuple[str, str, str]:
        """(title, label, kind) of a pair: what a review is filed under."""
        image, label = self.parts(pair)
        return self.titles[image], self.label_names[label], KINDS[self.kinds[image, label]]

    @cached_property
    def _by_title(self) -> pd.Index:
        return pd.Index(self.titles)

    def places_of(self, titles: Iterable[str]) -> np.ndarray:
        """The place (int64) of each of these titles; -1 for one that has no prediction."""
        return self._by_title.get_indexer(list(titles))

    def pairs_of(self, keys: Iterable[tuple[str, str, str]]) -> np.ndarray:
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

    def select(
        self, choice: Choice, reviewed: Iterable[tuple[str, str, str]] = (), only: np.ndarray | None = None
    ) -> np.ndarray:
        """The pairs (int64) that match, in the order asked for; `reviewed`: the keys with a verdict; `only`:
        places of the images that are wanted, None for all."""
        wanted = WANTED[choice.errors]
        kinds = self.kinds if choice.label is None else self.kinds[:, [choice.label]]
        found = kinds >= MISTAKES[0] if wanted == MISTAKES else _among(kinds, wanted)
        images = self._images(choice)
        if only is not None:
            images &= np.isin(np.arange(len(self)), only)
        pairs = np.flatnonzero(found & images[:, None])
        if choice.label is not None:
            pairs = pairs * len(self.label_names) + choice.label
        scores = self.scores.ravel()[pairs]
        if choice.low > 0 or choice.high < 1:
            inside = (scores >= choice.low) & (scores <= choice.high)
            pairs, scores = pairs[inside], scores[inside]
        # Not the stable sort: it takes three times as long on a million pairs, and ties mean nothing here.
        pairs = pairs[np.argsort(self._badness(choice.order, pairs, scores))]
        if choice.reviewed == "any":
            return pairs
        known = np.isin(pairs, self.pairs_of(reviewed))
        return pairs[known if choice.reviewed == "reviewed" else ~known]

    def _images(self, choice: Choice) -> np.ndarray:
        keep = np.ones(len(self), dtype=bool)
        if choice.split:
            keep &= self.splits == choice.split
        if choice.duplicates == "one of each group":
            keep &= self._first_of_group
        elif choice.duplicates != "all images":
            keep &= (self.twins > 0) == (choice.duplicates == "only near duplicates")
        return keep

    def _badness(self, order: str, pairs: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """What to sort by, smallest first."""
        if order.startswith("loss"):  # cross-entropy falls with the chance given to the truth: no logarithm
            return np.where(self.truth.ravel()[pairs], scores, 1 - scores)
        if order.startswith("close"):
            return np.abs(scores - self.thresholds.astype(np.float32)[pairs % len(self.label_names)])
        return -scores if "high" in order else scores


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


class Review(NamedTuple):
    """One verdict: are the labels given right about this label? `corrected_labels` None: not corrected."""

    title: str
    label: str
    kind: str
    verdict: str
    corrected_labels: list[str] | None
    reviewer: str
    time: str  # UTC, ISO 8601


class Reviews:
    """The verdicts in the journals of `folder`, one for each person and (title, label, kind).

    folder: judgements/04_evaluate/RUN; None: in memory only. reviewer: whose verdicts `put` and `drop` are.
    """

    def __init__(self, folder: Path | None, reviewer: str = "") -> None:
        self.journals = judgements.Journals(folder, reviewer)
        self._known: dict[Key, dict[str, Review]] = {}
        self.look()

    @property
    def reviewer(self) -> str:
        """Under whose name verdicts are filed."""
        return self.journals.person

    @reviewer.setter
    def reviewer(self, name: str) -> None:
        self.journals.person = name or judgements.person_here()

    @property
    def on_disk(self) -> bool:
        """Whether verdicts outlive the kernel."""
        return self.journals.folder is not None

    def __len__(self) -> int:
        return sum(map(len, self._known.values()))

    def get(self, key: Key) -> Review | None:
        """This person's verdict on (title, label, kind), else another's latest one, else None."""
        said = self._known.get(key, {})
        return said.get(self.reviewer) or max(said.values(), key=lambda review: review.time, default=None)

    def keys(self) -> list[Key]:
        """All (title, label, kind) with a verdict."""
        return list(self._known)

    def put(self, key: Key, verdict: str, corrected: list[str] | None) -> Review:
        """File this person's verdict in place of an earlier one of theirs; on the disk when this returns.

        Raises UserError for another verdict than VERDICTS, OSError where it could not be written.
        """
        if verdict not in VERDICTS:
            raise UserError(
                f"a verdict is one of {', '.join(VERDICTS)}, but is {verdict!r}; choose one of them"
            )
        entry = dict(zip(("title", "label", "kind"), key, strict=True))
        self._learn(self.journals.add(entry | {"verdict": verdict, "corrected_labels": corrected}))
        return self._known[key][self.reviewer]

    def drop(self, key: Key) -> None:
        """Take this person's verdict back; a line says so. OSError where it could not be written."""
        entry = dict(zip(("title", "label", "kind"), key, strict=True))
        self._learn(self.journals.add(entry | {"verdict": None}))

    def look(self) -> None:
        """Learn what other kernels and other people have filed meanwhile."""
        for entry in self.journals.news():
            self._learn(entry)

    def table(self) -> pd.DataFrame:
        """All verdicts, oldest first: `judgements.VERDICT_COLUMNS`."""
        rows = [review for said in self._known.values() for review in said.values()]
        ordered = sorted(rows, key=lambda review: review.time)
        return pd.DataFrame(ordered, columns=judgements.VERDICT_COLUMNS, dtype=object)

    def _learn(self, entry: judgements.Entry) -> None:
        key, person = judgements.verdict_key(entry), entry["person"]
        if entry.get("verdict") in VERDICTS:
            corrected = entry.get("corrected_labels")
            corrected = corrected if judgements.is_list(corrected) else None
            review = Review(*key, entry["verdict"], corrected, person, entry["time"])
            self._known.setdefault(key, {})[person] = review
        else:
            self._known.get(key, {}).pop(person, None)
            if not self._known.get(key, True):
                del self._known[key]
