"""A person's verdicts on mistakes, on disk at once: they outlive the kernel and every new evaluation."""

import time
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
        self._known[key] = review
        self._save()
        return review

    def drop(self, key: tuple[str, str, str]) -> None:
        """Take a verdict back, and write the file."""
        self._load()
        if self._known.pop(key, None) is not None:
            self._save()

    def table(self) -> pd.DataFrame:
        """All verdicts, oldest first: title, label, kind, verdict, corrected_labels, reviewer, time."""
        rows = sorted(self._known.values(), key=lambda review: review.time)
        return pd.DataFrame(rows, columns=COLUMNS)

    def _load(self) -> None:
        if self.path is None or not self.path.exists():
            return
        table = artefacts.read_table(self.path)
        lists = [
            None if labels is None else [str(name) for name in labels] for labels in table["corrected_labels"]
        ]
        table["corrected_labels"] = pd.Series(lists, index=table.index, dtype=object)
        self._known = {
            (row["title"], row["label"], row["kind"]): Review(
                **{name: row.get(name) or "" for name in COLUMNS}
            )
            for row in table.to_dict("records")
        }

    def _save(self) -> None:
        if self.path is not None:
            artefacts.write_table(self.path, self.table())
