"""From executed notebooks to a folder with a site, built beside its place and put there whole."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from wikitopics import paths
from wikitopics.artefacts import replacing_folder
from wikitopics.errors import UserError
from wikitopics.show.theme import DARK
from wikitopics.site import static_browser
from wikitopics.site.cells import Page
from wikitopics.site.notebooks import Links, read_all
from wikitopics.site.pages import index_page, notebook_page

MARK = ".wikitopics-site"  # a file in every site of ours: only a folder with it is ever replaced
SAID = "Made by `wikitopics site`, which replaces this folder.\n"


@dataclass
class Made:
    """What a build made: numbers of pages, live figures and browsers, the heaviest page with its pictures in
    bytes, and for pages that were too heavy the number of figures that are pictures only."""

    pages: int = 0
    figures: int = 0
    heaviest: int = 0
    browsers: int = 0
    still: dict[str, int] = field(default_factory=dict)

    def add(self, text: str, page: Page) -> None:
        """Count one page."""
        live = sum(bool(figure.live) for figure in page.figures.values()) - len(page.still)
        weight = len(text.encode()) + sum(map(len, page.files.values()))
        self.pages, self.figures = self.pages + 1, self.figures + live
        self.heaviest = max(self.heaviest, weight)
        if page.still:
            self.still[page.notebook.name] = len(page.still)


def build(root: Path, place: Path, runs: bool = False) -> Made:
    """Write the site of root/executed, or of its runs, to the folder `place`, whole or not at all.

    The same notebooks give the same bytes. Raises UserError for what cannot be shown.
    """
    made, pages = Made(), []
    with paths.rooted(root), replaced_folder(place) as folder:
        links = Links(read_all(root, runs))
        for notebook in links.notebooks:
            text, page = notebook_page(notebook, links)
            _write(folder / f"{notebook.name}.html", text.encode())
            for path, data in page.files.items():
                _write(folder / path, data)
            made.add(text, page)
            pages.append(page)
            if static_browser.address(notebook):
                browser = static_browser.browser_page(notebook, links)
                _write(folder / f"{notebook.name}.browser.html", browser.encode())
                made.browsers += 1
        _write(folder / "index.html", index_page(links, pages).encode())
        _write_assets(folder / "assets")
    return made


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _write_assets(folder: Path) -> None:
    """The style, the script with the dark colours, and plotly's own script."""
    own = files("wikitopics.site") / "assets"
    _write(folder / "style.css", (own / "style.css").read_bytes())
    colours = json.dumps({name.lower(): dark for name, dark in DARK.items()}, indent=1)
    script = (own / "site.js").read_text("utf-8").replace("{} /* colours */", colours)
    _write(folder / "site.js", script.encode())
    _write(folder / "browser.js", static_browser.script().encode())
    _write(folder / "browser.css", static_browser.style().encode())
    _write(folder / "plotly.min.js", (files("plotly") / "package_data" / "plotly.min.js").read_bytes())


def check_place(place: Path) -> None:
    """UserError where `place` holds what this command did not make."""
    ours = not place.exists() or place.is_dir() and ((place / MARK).is_file() or not any(place.iterdir()))
    if not ours:
        raise UserError(
            f"--out must be a new folder, an empty one or a site made before, but {place} is neither; "
            "name another one"
        )


@contextmanager
def replaced_folder(place: Path) -> Iterator[Path]:
    """A new folder that takes the name `place` when the block ends without an error.

    Raises UserError where `place` may not be replaced, and where the disk is full; what was there then stays.
    """
    place = place.resolve()
    check_place(place)
    with replacing_folder(place, "the site") as new:
        (new / MARK).write_text(SAID, "utf-8")
        yield new
