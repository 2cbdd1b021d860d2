"""Judging files: one picture at a time beside the tree of labels; every judgement is saved at once."""

from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd
from PIL import Image

from wikitopics import judgements
from wikitopics.errors import UserError
from wikitopics.show.browser.judging import below, lineage
from wikitopics.show.browser.surface import Hearing, told
from wikitopics.show.pictures import picture_bytes

NAME = "Annotator. Press ? for its keys."


class Annotator(Hearing):
    """The files `titles`, to be given labels; `.widget` is what a notebook displays.

    label_names and parents: as in label_names.json. picture: a title's pixels, (h, w, 3) uint8, or None
    where there are none. Judgements go into the journals of the folder `judgements`, at once, under the name
    `annotator` (empty: who is logged in); it opens at the first file that this person has not judged. page:
    the address before the title of a file's page, which is linked then.

    Without a browser: `.tick("Animals")`, `.save()`, `.none()`, `.move(1)`; `.title`, `.chosen`.
    """

    def __init__(
        self,
        titles: Sequence[str],
        label_names: Sequence[str],
        parents: dict[str, str | None],
        picture: Callable[[str], np.ndarray | None],
        judgements: Path | None = None,
        annotator: str = "",
        page: str = "",
    ) -> None:
        above = [list(label_names).index(p) if (p := parents.get(n)) else -1 for n in label_names]
        super().__init__("annotator", NAME, {"above": above, "verdicts": []})
        self.titles, self.names, self.parents, self.picture = (
            list(titles),
            list(label_names),
            parents,
            picture,
        )
        self.annotations, self.page = Annotations(judgements, annotator), page
        self.acts |= {"toggle": self.toggle, "save": self.save, "none": self.none, "move": self.move}
        self.acts |= {"forget": self.forget}
        self.at = next((i for i, t in enumerate(self.titles) if self._said(t) is None), 0)
        self._show_next(0)

    @property
    def title(self) -> str:
        """The file shown."""
        return self.titles[self.at]

    @property
    def chosen(self) -> list[str]:
        """The labels chosen, in label_names order."""
        return [name for name in self.names if name in self._ticked]

    def tick(self, label: str, on: bool = True) -> None:
        """Choose a label, and what lies above it; or take it and what lies below it away."""
        if on:
            self._ticked |= set(lineage(label, self.parents))
        else:
            self._ticked -= set(below(label, self.parents, self.names))
        self._show()

    def toggle(self, label: int, seen: int | None = None) -> None:
        """Choose the label at a place, or take it away. seen: the number of the file that was shown."""
        if self._is_shown(seen):
            self.tick(self.names[label], self.names[label] not in self._ticked)

    def save(self, seen: int | None = None) -> None:
        """File what is chosen as this person's judgement, and go on once it is on the disk."""
        if not self._is_shown(seen):
            return
        if not self.chosen and not self._said(self.title):
            self.say("nothing is chosen: choose a label, or press 2 if none of them fits")
        elif self._file(self.chosen):
            self._show_next(1)

    def none(self, seen: int | None = None) -> None:
        """File that no label fits, and go on once that is on the disk."""
        if self._is_shown(seen) and self._file([]):
            self._show_next(1)

    def _is_shown(self, seen: int | None) -> bool:
        """Whether what is judged is what was seen: a hand may be faster than the next picture."""
        if seen is None or seen == self.at:
            return True
        self.say("nothing judged: the next picture was not shown yet; press again")
        return False

    def _file(self, labels: list[str]) -> bool:
        """File the labels of the file shown, say so, and whether that is on the disk."""
        try:
            self.annotations.put(self.title, labels)
        except (OSError, UserError) as error:  # nobody sees a widget's exceptions; what is chosen stays
            self.failed(", ".join(labels) or "none of these", error)
            return False
        where = "kept in memory only" if self.annotations.journals.folder is None else "saved"
        self.say(f"{told(self.title)}: {', '.join(map(told, labels)) or 'none of these'}: {where}")
        return True

    def move(self, step: int) -> None:
        """Show the file `step` further on (or back); what was chosen and not saved is saved first."""
        if self._ticked != self._before():
            if self._file(self.chosen):
                self._show_next(step)
        else:
            self.say("")
            self._show_next(step)

    def forget(self) -> None:
        """Choose again what this person said about the file before."""
        self.say("")
        self._show_next(0)

    def _before(self) -> set[str]:
        """What this person said about the file before."""
        return set(self._said(self.title) or []) & set(self.names)

    def _show_next(self, step: int) -> None:
        self.at = max(0, min(self.at + step, len(self.titles) - 1))
        self._ticked = self._before()
        pixels = self.picture(self.title)
        self._jpeg = None if pixels is None else picture_bytes(Image.fromarray(pixels))
        self._show()

    def _said(self, title: str) -> list[str] | None:
        return self.annotations.get(title)

    def _show(self) -> None:
        said = set(self._said(self.title) or [])
        labels = [
            {"name": told(name), "now": name in self._ticked, "given": name in said} for name in self.names
        ]
        self.widget.opened = {
            "id": self.at,
            "title": told(self.title),
            "address": self.page and self.page + quote(self.title),
            "jpeg": self._jpeg,
            "where": self._where(),
            "labels": labels,
        }

    def _where(self) -> str:
        judged = sum(self._said(title) is not None for title in self.titles)
        state = "" if self._said(self.title) is None else " · judged"
        who = told(self.annotations.annotator)
        return f"{self.at + 1} of {len(self.titles)}{state} · {judged} judged by {who}"


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
