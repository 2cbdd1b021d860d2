"""A person's verdicts on mistakes, on disk at once: they outlive the kernel and every new evaluation."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from wikitopics import artefacts
from wikitopics.errors import UserError

VERDICTS = ("label right", "label wrong", "unsure")
KEY = ["title", "label", "kind"]
COLUMNS = [*KEY, "verdict", "corrected_labels", "reviewer", "time"]


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
    """The verdicts of reviews.parquet, one for each (title, label, kind); without a path, in memory only."""

    def __init__(self, path: Path | None) -> None:
        self.path = None if path is None else Path(path)
        self._known: dict[tuple[str, str, str], Review] = {}
        self._load()

    def __len__(self) -> int:
        return len(self._known)

    def get(self, key: tuple[str, str, str]) -> Review | None:
        """The verdict filed under (title, label, kind), or None."""
        return self._known.get(key)

    def keys(self) -> list[tuple[str, str, str]]:
        """All (title, label, kind) with a verdict."""
        return list(self._known)

    def put(
        self, key: tuple[str, str, str], verdict: str, corrected: list[str] | None, reviewer: str = ""
    ) -> Review:
        """File a verdict in place of an earlier one, and write the file (whole or not at all)."""
        if verdict not in VERDICTS:
            raise UserError(
                f"a verdict is one of {', '.join(VERDICTS)}, but is {verdict!r}; choose one of them"
            )
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        review = Review(*key, verdict, corrected, reviewer, now)
        self._load()  # another kernel may have written since
        self._save(self._known | {key: review})
        return review

    def drop(self, key: tuple[str, str, str]) -> None:
        """Take a verdict back, and write the file."""
        self._load()
        self._save({other: review for other, review in self._known.items() if other != key})

    def table(self) -> pd.DataFrame:
        """All verdicts, oldest first: title, label, kind, verdict, corrected_labels, reviewer, time."""
        return _table(self._known.values())

    def _load(self) -> None:
        if self.path is None or not self.path.exists():
            return
        reviews = [_review(row) for row in artefacts.read_table(self.path).to_dict("records")]
        self._known = {(review.title, review.label, review.kind): review for review in reviews}

    def _save(self, known: dict[tuple[str, str, str], Review]) -> None:
        """Write first, believe afterwards: what could not be written is not kept in memory either."""
        if self.path is not None:
            artefacts.write_table(self.path, _table(known.values()))
        self._known = known


def _table(reviews: Iterable[Review]) -> pd.DataFrame:
    return pd.DataFrame(sorted(reviews, key=lambda review: review.time), columns=COLUMNS)


def _review(row: dict) -> Review:
    corrected = row.get("corrected_labels")
    corrected = None if corrected is None else [str(name) for name in corrected]
    others = {name: str(row.get(name) or "") for name in COLUMNS if name != "corrected_labels"}
    return Review(**others, corrected_labels=corrected)
