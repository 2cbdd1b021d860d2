"""One page while it is written: its headings, pictures and figures, and the templates it is made of."""

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote

import jinja2

from wikitopics.site.executed import Notebook
from wikitopics.site.figures import Figure
from wikitopics.site.links import Links
from wikitopics.site.prose import Outline, Renderer

MAX_BYTES = 3_000_000  # of a page's HTML, and of a page with its pictures


@cache
def templates() -> jinja2.Environment:
    """The site's templates; what they are given is escaped unless it is marked as HTML."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("wikitopics.site"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )


@dataclass
class Page:
    """The page of one notebook. `still`: numbers of the figures that are shown as pictures only."""

    notebook: Notebook
    links: Links
    still: frozenset[int] = frozenset()
    outline: Outline = field(default_factory=Outline)
    figures: dict[tuple[str, int], Figure] = field(default_factory=dict)  # by cell and number
    files: dict[str, bytes] = field(default_factory=dict)  # by path in the site
    counts: Counter[str] = field(default_factory=Counter)

    def count(self, what: str) -> int:
        """The number of the next table or figure."""
        self.counts[what] += 1
        return self.counts[what]

    def caption(self) -> str:
        """The next table's number and the section that it is in, as HTML."""
        return f"<b>Table {self.count('table')}.</b> {self.outline.section}"

    def renderer(self, run: str = "") -> Renderer:
        """What turns this page's Markdown into HTML; `run` is said beside the first heading."""
        return Renderer(self.outline, self._resolve, self.caption, run)

    def keep(self, cell: str, suffix: str, data: bytes) -> str:
        """Take a picture in; its address, seen from this page."""
        name = f"{cell}-{self.count(f'pictures of {cell}')}.{suffix}"
        self.files[f"{self.notebook.name}/{name}"] = data
        return quote(f"{self.notebook.run}/{name}")

    def _resolve(self, url: str) -> str | None:
        """Where a link in this notebook leads."""
        return self.links.resolve(self.notebook, url)

    def render(self, template: str, **values: Any) -> str:
        """One of the site's templates."""
        return templates().get_template(template).render(values)

    def largest_live(self) -> int | None:
        """The number of the live figure with a picture whose data weigh most; None if there is none left."""
        live = {
            number: len(figure.json)
            for (_, number), figure in self.figures.items()
            if figure.live and figure.picture and number not in self.still
        }
        return max(live, key=live.__getitem__, default=None)
