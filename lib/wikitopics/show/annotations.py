"""What people say a file shows, in journals at once: several annotators, each with one judgement a file."""

from pathlib import Path

import pandas as pd

from wikitopics import judgements


class Annotations:
    """The judgements in the journals of `folder`: each person's labels for each file.

    folder: judgements/01_labels/RUN; None: in memory only. An empty list of labels is a judgement too: none
    of these.
    """

    def __init__(self, folder: Path | None, annotator: str = "") -> None:
        self.journals = judgements.Journals(folder, annotator)
        self._known: dict[tuple[str, str], judgements.Entry] = {}
        self.look()

    @property
    def annotator(self) -> str:
        """Under whose name judgements are filed."""
        return self.journals.person

    def get(self, title: str) -> list[str] | None:
        """The labels that this person gave a file; None where they have not judged it."""
        entry = self._known.get((title, self.annotator))
        return None if entry is None else list(entry["labels"])

    def put(self, title: str, labels: list[str]) -> None:
        """File this person's judgement in place of an earlier one; on the disk when this returns.

        Raises OSError where it could not be written.
        """
        self._learn(self.journals.add({"title": title, "labels": list(labels)}))

    def look(self) -> None:
        """Learn what other kernels and other people have filed meanwhile."""
        for entry in self.journals.news():
            self._learn(entry)

    def table(self) -> pd.DataFrame:
        """All judgements, oldest first: `judgements.ANNOTATION_COLUMNS`."""
        entries = sorted(self._known.values(), key=lambda entry: entry["time"])
        rows = [entry | {"annotator": entry["person"]} for entry in entries]
        return pd.DataFrame(rows, columns=judgements.ANNOTATION_COLUMNS, dtype=object)

    def _learn(self, entry: judgements.Entry) -> None:
        if judgements.is_list(entry.get("labels")):
            self._known[entry["title"], entry["person"]] = entry
