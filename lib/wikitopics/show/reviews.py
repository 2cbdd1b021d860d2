"""A person's verdicts on mistakes beside other people's, in a journal at once: they outlive every kernel."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from wikitopics import judgements
from wikitopics.errors import UserError

VERDICTS = ("label right", "label wrong", "unsure")
Key = tuple[str, str, str]  # title, label, kind of mistake


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
