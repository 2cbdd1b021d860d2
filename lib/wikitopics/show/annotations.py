"""What people say a file shows, on disk at once: several annotators, each with one judgement a file."""

import time
from pathlib import Path

import pandas as pd

from wikitopics import artefacts

COLUMNS = ["title", "annotator", "labels", "time"]


class Annotations:
    """The judgements of a table (title, annotator, labels, time); without a path, in memory only.

    An empty list of labels is a judgement too: none of these.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = None if path is None else Path(path)
        self._known: dict[tuple[str, str], dict] = {}
        self._load()

    def get(self, title: str, annotator: str) -> list[str] | None:
        """The labels that somebody gave a file; None where they have not judged it."""
        row = self._known.get((title, annotator))
        return None if row is None else list(row["labels"])

    def put(self, title: str, annotator: str, labels: list[str]) -> None:
        """File a judgement in place of the person's earlier one; the file is written whole or not at all."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        row = {"title": title, "annotator": annotator, "labels": list(labels), "time": now}
        self._load()  # another annotator may have written since
        known = self._known | {(title, annotator): row}
        if self.path is not None:
            artefacts.write_table(self.path, _table(known))
        self._known = known

    def table(self) -> pd.DataFrame:
        """All judgements in the order in which files were first judged."""
        return _table(self._known)

    def _load(self) -> None:
        if self.path is not None and self.path.exists():
            rows = artefacts.read_table(self.path).to_dict("records")
            self._known = {(row["title"], row["annotator"]): row for row in rows}


def _table(known: dict[tuple[str, str], dict]) -> pd.DataFrame:
    table = pd.DataFrame(list(known.values()), columns=COLUMNS)
    return table.assign(labels=table["labels"].map(list))
