"""Judging files: one picture at a time beside the tree of labels; every judgement is saved at once."""

from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote

import ipywidgets as w
import numpy as np
import pandas as pd
from PIL import Image

from wikitopics import judgements
from wikitopics.errors import UserError
from wikitopics.show.browser import html as say
from wikitopics.show.browser.controls import button
from wikitopics.show.browser.style import NAME, listener
from wikitopics.show.pictures import picture_bytes

FILE_PAGE = "https://commons.wikimedia.org/wiki/File:"
STEP = 18  # CSS pixels that a child stands further in than its parent
KEYS = "Annotator. Arrow keys: next and previous file. 1, 2, 3: save, none of these, skip."


class Annotator:
    """The files `titles`, to be given labels; `.widget` is what a notebook displays.

    label_names and parents: as in label_names.json. picture: a title's pixels, (h, w, 3) uint8, or None
    where there are none: then the file's page on Commons is linked. Judgements go into the journals of
    the folder `judgements`, at once, under the name `annotator` (empty: who is logged in); it opens at the
    first file that this person has not judged.

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
    ) -> None:
        self.titles, self.parents, self.picture = list(titles), parents, picture
        self.annotations = Annotations(judgements, annotator)
        self.at = next((i for i, t in enumerate(self.titles) if self._said(t) is None), 0)
        self._build(label_names)
        self.move(0)

    @property
    def title(self) -> str:
        """The file shown."""
        return self.titles[self.at]

    @property
    def chosen(self) -> list[str]:
        """The labels ticked, in label_names order."""
        return [name for name, box in self.boxes.items() if box.value]

    def tick(self, label: str, on: bool = True) -> None:
        """Tick a label, and what lies above it; or take it and what lies below it away."""
        self.boxes[label].value = on

    def save(self) -> None:
        """File what is ticked as this person's judgement, and go on once it is on the disk."""
        self._file(self.chosen)

    def none(self) -> None:
        """File that no label fits, and go on once that is on the disk."""
        self._file([])

    def _file(self, labels: list[str]) -> None:
        try:
            self.annotations.put(self.title, labels)
        except (OSError, UserError) as error:  # nobody sees a widget's exceptions; what is ticked stays
            self.failed.value = say.not_saved(", ".join(labels) or "none of these", error)
        else:
            self.move(1)

    def move(self, step: int) -> None:
        """Show the file `step` further on (or back), with what this person said about it before."""
        self.at = max(0, min(self.at + step, len(self.titles) - 1))
        said = self._said(self.title) or []
        self._quiet = True
        for name, box in self.boxes.items():
            box.value = name in said
        self._quiet = False
        self.failed.value = ""
        self.shown.value = self._page()

    def _said(self, title: str) -> list[str] | None:
        return self.annotations.get(title)

    def _page(self) -> str:
        judged = sum(self._said(title) is not None for title in self.titles)
        state = "" if self._said(self.title) is None else " · judged"
        pixels = self.picture(self.title)
        page = f'<a href="{FILE_PAGE}{quote(self.title)}" target="_blank">file page on Commons</a>'
        shown = page if pixels is None else say.picture(picture_bytes(Image.fromarray(pixels)), self.title)
        who = say.told(self.annotations.annotator)
        where = f"{self.at + 1} of {len(self.titles)}{state} · {judged} judged by {who}"
        return f"{shown}<p>{say.told(self.title)}<br>{where}</p>"

    def _build(self, label_names: Sequence[str]) -> None:
        self._quiet = False
        self.boxes = {name: self._box(name) for name in label_names}
        self.shown, self.failed = w.HTML(layout={"width": "420px"}), w.HTML()
        buttons = [
            self._button("Back", "mb-back", lambda: self.move(-1)),
            self._button("Save (1)", "mb-verdict-1", self.save),
            self._button("None of these (2)", "mb-verdict-2", self.none),
            self._button("Skip (3)", "mb-verdict-3", lambda: self.move(1)),
            self._button("Next", "mb-next", lambda: self.move(1)),
        ]
        keys = listener().replace(".mistake-browser", ".label-annotator").replace(NAME, KEYS)
        tree = w.VBox(list(self.boxes.values()), layout={"overflow": "auto", "max_height": "520px"})
        self.widget = w.VBox([w.HBox([self.shown, tree]), w.HBox(buttons), self.failed, w.HTML(keys)])
        self.widget.add_class("label-annotator")

    def _button(self, name: str, css_class: str, act: Callable[[], None]) -> w.Button:
        made = button(name, css_class)
        made.on_click(lambda _: act())
        return made

    def _box(self, name: str) -> w.Checkbox:
        layout = {"margin": f"0 0 0 {STEP * len(self._above(name))}px", "width": "auto"}
        box = w.Checkbox(description=say.harmless(name), indent=False, layout=layout)
        box.observe(lambda change: self._ticked(name, change["new"]), names="value")
        return box

    def _ticked(self, name: str, on: bool) -> None:
        if self._quiet:
            return
        others = self._above(name) if on else [n for n in self.boxes if name in self._above(n)]
        for other in others:
            self.boxes[other].value = on

    def _above(self, name: str) -> list[str]:
        parent = self.parents.get(name)
        return [] if parent is None else [parent, *self._above(parent)]


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
