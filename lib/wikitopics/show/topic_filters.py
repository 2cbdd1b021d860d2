"""The filters of the browser of scored pictures: topic, group, sureness and order."""

from collections import Counter
from collections.abc import Callable, Sequence

import ipywidgets as w
import numpy as np

from wikitopics.show.browser_html import harmless

ANY, NONE = -1, -2  # of the topic: not None, which a restored drop-down shows as nothing at all
ORDERS = ("least sure first", "most sure first", "most probable first")
LONGEST = 500  # groups to choose from, the largest first


class TopicFilters:
    """All filters; `places` are the pictures that pass them, `on_change` hears of every new setting."""

    def __init__(
        self, label_names: Sequence[str], groups: Sequence[Sequence[str]], on_change: Callable[[], None]
    ) -> None:
        sizes = Counter(name for names in groups for name in names).most_common(LONGEST)
        topics = [("any topic", ANY), ("no topic", NONE)]
        topics += [(harmless(name), label) for label, name in enumerate(label_names)]
        choices = [("any group", ""), *((f"{harmless(name)} ({size})", name) for name, size in sizes)]
        self.groups = groups
        self.topic = w.Dropdown(options=topics, description="Topic")
        self.group = w.Dropdown(options=choices, description="Group")
        self.sure = w.FloatRangeSlider(
            value=(0.5, 1.0), min=0.5, max=1.0, step=0.01, description="Sureness", continuous_update=False
        )
        self.order = w.Dropdown(options=list(ORDERS), description="Sort by")
        for control in (controls := (self.topic, self.group, self.sure, self.order)):
            control.observe(lambda _: on_change(), names="value")
        self.widget = box(w.HBox, controls, "mb-filters")

    def places(self, sureness: np.ndarray, probabilities: np.ndarray, above: np.ndarray) -> np.ndarray:
        """The places of the pictures that pass, in the order asked for.

        sureness (n,), probabilities (n, L), above (n, L) bool: which picture has which label.
        """
        low, high = self.sure.value
        keep = ((sureness >= low) | (low <= 0.5)) & ((sureness <= high) | (high >= 1))
        if self.topic.value != ANY:
            label = self.topic.value
            keep &= ~above.any(axis=1) if label == NONE else above[:, label]
        if self.group.value:
            keep &= np.array([self.group.value in names for names in self.groups], dtype=bool)
        places = np.flatnonzero(keep)
        return places[np.argsort(self._order(sureness, probabilities)[places], kind="stable")]

    def _order(self, sureness: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """What to sort by, smallest first."""
        if self.order.value == "most probable first":
            label = self.topic.value
            return -(probabilities[:, label] if label >= 0 else probabilities.max(axis=1, initial=0))
        return -sureness if self.order.value == "most sure first" else sureness


def box(kind: type, children: Sequence[w.Widget], name: str) -> w.Box:
    """A box of widgets that the style sheet knows by `name`."""
    made = kind(list(children))
    made.add_class(name)
    return made
