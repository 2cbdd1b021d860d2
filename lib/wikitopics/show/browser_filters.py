"""The filters of the browser of mistakes: they hold a choice and call back."""

from collections.abc import Callable, Sequence

import ipywidgets as w

from wikitopics.show.browser_controls import boxed, button
from wikitopics.show.browser_data import DUPLICATES, ORDERS, REVIEWED, WANTED, Choice
from wikitopics.show.browser_html import harmless

ANY = -1  # of the label: not None, which a restored drop-down shows as nothing at all


class FilterBar:
    """All filters; `choice` is their setting, `on_change` hears of every new one."""

    def __init__(
        self, label_names: Sequence[str], splits: Sequence[str], on_change: Callable[[], None]
    ) -> None:
        names = [("any label", ANY), *((harmless(name), i) for i, name in enumerate(label_names))]
        self.label = w.Dropdown(options=names, description="Label")
        self.errors = w.Dropdown(options=list(WANTED), description="Errors")
        self.split = w.Dropdown(options=[("any split", ""), *((s, s) for s in splits)], description="Split")
        self.confidence = w.FloatRangeSlider(
            value=(0.0, 1.0), min=0.0, max=1.0, step=0.01, description="Confidence", continuous_update=False
        )
        self.duplicates = w.Dropdown(options=list(DUPLICATES), description="Duplicates")
        self.reviewed = w.Dropdown(options=list(REVIEWED), description="Verdict")
        self.order = w.Dropdown(options=list(ORDERS), description="Sort by")
        self.reset = button("Reset filters", "mb-reset", "undo")
        self._controls = (
            *(self.label, self.errors, self.split, self.confidence),
            *(self.duplicates, self.reviewed, self.order),
        )
        self._defaults = [control.value for control in self._controls]
        self._on_change, self._quiet = on_change, False
        for control in self._controls:
            control.observe(self._changed, names="value")
        self.reset.on_click(lambda _: self.clear())
        self.widget = boxed(w.HBox, (*self._controls, self.reset), "mb-filters")

    @property
    def choice(self) -> Choice:
        """The filters as they stand."""
        low, high = self.confidence.value
        return Choice(
            label=None if self.label.value == ANY else self.label.value,
            errors=self.errors.value,
            split=self.split.value,
            # The slider's ends are rounded to 0.01; its extremes mean "no limit".
            low=low if low > 0 else 0.0,
            high=high if high < 1 else 1.0,
            duplicates=self.duplicates.value,
            order=self.order.value,
            reviewed=self.reviewed.value,
        )

    def clear(self) -> None:
        """All filters back to their defaults, as one change."""
        self._quiet = True
        try:
            for control, value in zip(self._controls, self._defaults, strict=True):
                control.value = value
        finally:
            self._quiet = False
        self._on_change()

    def _changed(self, _: dict) -> None:
        if not self._quiet:
            self._on_change()
