"""Verdicts of people on decisions of a model: kept in journals, one for each person and decision, undone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from wikitopics import judgements
from wikitopics.errors import UserError

VERDICTS = ("label right", "label wrong", "unsure")
Key = tuple[str, str, str]  # title, label, kind of mistake
Said = tuple[Key, str | None, list[str] | None]  # verdict and labels; None: none


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
        self._struck: dict[tuple[str, str], dict[str, bool]] = {}
        self._views: dict[str, dict[str, tuple[dict[str, Any], list[str] | None]]] = {}
        self._steps: list[list[tuple[Said, Said]]] = []  # what was said before, and what then
        self._count, self._news = 0, set[Key]()
        self.look()

    @property
    def reviewer(self) -> str:
        """Under whose name verdicts are filed."""
        return self.journals.person

    @reviewer.setter
    def reviewer(self, name: str) -> None:
        self.journals.person = name or judgements.person_here()
        self._steps.clear()  # they were another's

    @property
    def on_disk(self) -> bool:
        """Whether verdicts outlive the kernel."""
        return self.journals.folder is not None

    def __len__(self) -> int:
        return self._count

    def get(self, key: Key) -> Review | None:
        """This person's verdict on (title, label, kind), else another's latest one, else None."""
        said = self._known.get(key, {})
        return said.get(self.reviewer) or max(said.values(), key=lambda review: review.time, default=None)

    def news(self) -> list[tuple[Key, bool]]:
        """What something was said about since this was asked last: (key, whether it has a verdict)."""
        found, self._news = self._news, set()
        return [(key, key in self._known) for key in found]

    def keys(self) -> list[Key]:
        """All (title, label, kind) with a verdict."""
        return list(self._known)

    def put(self, key: Key, verdict: str, corrected: list[str] | None = None) -> Review:
        """File this person's verdict in place of an earlier one of theirs; on the disk when this returns.

        Raises UserError for another verdict than VERDICTS, OSError where it could not be written.
        """
        self.put_all([(key, verdict, corrected)])
        return self._known[key][self.reviewer]

    def drop(self, key: Key) -> None:
        """Take this person's verdict back; a line says so. OSError where it could not be written."""
        self.put_all([(key, None, None)])

    def put_all(self, said: Sequence[Said]) -> None:
        """File several verdicts, all or none of them; None takes one back. Each (key, verdict, corrected).

        Raises as `put` does. They are one step of `undo`.
        """
        self.look()
        before = [(key, *self._own(key)) for key, _, _ in said]
        self._file(said)
        self._steps.append(list(zip(before, said, strict=True)))

    def undo(self) -> list[Key]:
        """Take the last step of this kernel back: what was said before is said again. Its keys, or none.

        What was said anew since then, in another kernel, stays.
        """
        if not self._steps:
            return []
        self.look()
        before = [old for old, new in self._steps[-1] if self._own(new[0]) == new[1:]]
        if before:
            self._file(before)
        self._steps.pop()
        return [key for key, _, _ in before]

    @property
    def steps(self) -> int:
        """How many steps can be undone."""
        return len(self._steps)

    def _own(self, key: Key) -> tuple[str | None, list[str] | None]:
        mine = self._known.get(key, {}).get(self.reviewer)
        return (mine.verdict, mine.corrected_labels) if mine else (None, None)

    def _file(self, said: Sequence[Said]) -> None:
        entries: list[judgements.Entry] = []
        for (title, label, kind), verdict, corrected in said:
            entry: judgements.Entry = {"title": title, "label": label, "kind": kind, "verdict": verdict}
            entries.append(entry if verdict is None else entry | {"corrected_labels": corrected})
        for _, verdict, _ in said:
            if verdict not in (*VERDICTS, None):
                raise UserError(
                    f"a verdict is one of {', '.join(VERDICTS)}, but is {verdict!r}; choose one of them"
                )
        for entry in self.journals.add_all(entries):
            self._learn(entry)

    # -- beside the verdicts: hops that are struck out, and views ------------------------------------

    def strike(self, child: str, parent: str, on: bool, given: int) -> None:
        """Say that a hop of the category graph is wrong (or is not, after all); on the disk afterwards.

        given: how many labels of this run were reached by it.
        """
        hop = {"child": child, "parent": parent, "struck": on, "given": given}
        self._learn(self.journals.add({"title": f"Category:{child}", "hop": hop}))

    def strikers(self, child: str, parent: str) -> list[str]:
        """Who struck a hop out and has not allowed it again."""
        return [person for person, on in self._struck.get((child, parent), {}).items() if on]

    def struck(self) -> set[tuple[str, str]]:
        """(child, parent) of each hop that somebody struck out and has not allowed again."""
        return {hop for hop, people in self._struck.items() if any(people.values())}

    def keep_view(self, name: str, choice: dict[str, Any], titles: list[str] | None) -> None:
        """Save a view under a name, in place of an earlier one; on the disk afterwards."""
        self._learn(self.journals.add({"title": name, "view": {"choice": choice, "titles": titles}}))

    def views(self) -> dict[str, tuple[dict[str, Any], list[str] | None]]:
        """All views by name: the filters that were changed, and titles where some were chosen.

        Of a name that several people gave, this person's, else the one that was learned last.
        """
        return {name: own.get(self.reviewer, list(own.values())[-1]) for name, own in self._views.items()}

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
        hop, view = entry.get("hop"), entry.get("view")
        if isinstance(hop, dict):
            child, parent = str(hop.get("child")), str(hop.get("parent"))
            self._struck.setdefault((child, parent), {})[entry["person"]] = bool(hop.get("struck"))
            return
        if isinstance(entry.get("anchor"), dict):  # of 01: added to its taxonomy
            return
        if isinstance(view, dict):
            titles, choice = view.get("titles"), view.get("choice")
            if isinstance(choice, dict):
                own = self._views.setdefault(entry["title"], {})
                own[entry["person"]] = choice, titles if judgements.is_list(titles) else None
            return
        key, person = judgements.verdict_key(entry), entry["person"]
        self._news.add(key)
        self._count -= person in self._known.get(key, ())
        if entry.get("verdict") in VERDICTS:
            corrected = entry.get("corrected_labels")
            corrected = corrected if judgements.is_list(corrected) else None
            review = Review(*key, entry["verdict"], corrected, person, entry["time"])
            self._known.setdefault(key, {})[person] = review
            self._count += 1
        else:
            self._known.get(key, {}).pop(person, None)
            if not self._known.get(key, True):
                del self._known[key]
