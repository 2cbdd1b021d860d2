"""When the browser of mistakes shows only some images: a line that says so, and the way back."""

from collections.abc import Callable

import ipywidgets as w

from wikitopics.show.browser_controls import button


class SelectionBar:
    """Hidden while all images are shown; `images`: places of the wanted ones, or None for all."""

    def __init__(self, on_show_all: Callable[[], None]) -> None:
        self.images = None
        self.told = w.HTML()
        self.show_all = button("Show all images", "mb-all", "undo")
        self.show_all.on_click(lambda _: on_show_all())
        self.listeners: list[Callable[[], None]] = []  # hear that all images are shown again
        self.widget = w.HBox([self.told, self.show_all])
        self.widget.add_class("mb-row")
        self.widget.layout.display = "none"

    def set(self, images, told: str) -> None:
        """Keep the wanted images; `told` is HTML."""
        self.images, self.told.value = images, f'<span role="status">{told}</span>'
        self.widget.layout.display = "none" if images is None else "flex"
        for heard in self.listeners if images is None else ():
            heard()
