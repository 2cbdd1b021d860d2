"""Proposed changes of a walk, to be ticked one by one; what a person saves is filed as theirs."""

from pathlib import Path

import ipywidgets
import pandas as pd

from wikitopics.judgements import added_anchors, struck_hops
from wikitopics.labels.faults import STRIKE, take_over
from wikitopics.show.browser.surface import told

WIDE = "auto"  # all of it: with "100%" a box has margins beyond, and the page a scroll bar


class TakeOver:
    """The proposed `changes` (change, category, to), a box each; `.widget` is what a notebook displays.

    folder: where the journals are that a run of 01 reads as its `corrections`; what stands there is ticked.
    person: under whose name it is filed (empty: who is logged in). Nothing is filed before `save`.

    Without a browser: `.tick(0)`, `.save()`; `.said` is what was done.
    """

    def __init__(self, changes: pd.DataFrame, folder: Path, person: str = "") -> None:
        self.changes = changes[["change", "category", "to"]].reset_index(drop=True)
        self.folder, self.person = folder, person
        self._filed = self._read()
        texts = [told(f"{row.change}: {row.category} → {row.to}") for row in self.changes.itertuples()]
        self._boxes = [
            ipywidgets.Checkbox(value=on, description=text, indent=False, layout={"width": WIDE})
            for text, on in zip(texts, self._filed, strict=True)
        ]
        button, self._told = ipywidgets.Button(description="Save"), ipywidgets.Label("")
        button.on_click(lambda _: self.save())
        self.widget = ipywidgets.VBox([*self._boxes, ipywidgets.HBox([button, self._told])])

    @property
    def said(self) -> str:
        """What the last `save` did, in words."""
        return self._told.value

    def tick(self, change: int, on: bool = True) -> None:
        """Tick the change at a place, or take the tick away."""
        self._boxes[change].value = on

    def save(self) -> None:
        """File what was ticked since then, and take back what is ticked no more."""
        ticked = [box.value for box in self._boxes]
        each = list(zip(ticked, self._filed, strict=True))
        new, gone = [now and not before for now, before in each], [before and not now for now, before in each]
        try:
            for rows, on in ((new, True), (gone, False)):
                if any(rows):
                    take_over(self.changes[rows], self.folder, self.person, on)
            where = "/".join(self.folder.parts[-3:])  # judgements/STAGE/RUN
            done = f"{sum(new)} taken over, {sum(gone)} taken back, in {where}"
        except OSError as error:
            gone, done = [], f"NOT SAVED: {error.strerror}"
        self._filed = self._read()
        still = sum(filed for filed, off in zip(self._filed, gone, strict=False) if off)
        self._told.value = f"{done}; {still} still stand, as others filed them" if still else done

    def _read(self) -> list[bool]:
        """Which of the changes somebody has filed already."""
        struck, added = set(struck_hops(self.folder)), set(added_anchors(self.folder))
        rows = self.changes.itertuples(index=False)
        return [(row.category, row.to) in (struck if row.change == STRIKE else added) for row in rows]
