"""A browser of the mistakes of an evaluation for whoever has no kernel: one page, its pictures within it."""

import base64
import io
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from PIL import Image

from wikitopics import paths
from wikitopics.artefacts import RECORD
from wikitopics.browsers import mistakes
from wikitopics.site.cells import MAX_BYTES, templates
from wikitopics.site.notebooks import Links, Notebook, relative

if TYPE_CHECKING:
    from wikitopics.show.browser.mistakes import MistakeBrowser

STAGE = "04_evaluate"
PICTURES = 300  # at most; fewer where the page would be too heavy
QUALITY = 60  # of a JPEG
REASONS, LETTERS = 4, 160  # of a picture: ways to its labels, letters of each text in them
FILTERS = ("label", "errors", "order")
ORDERS = 4  # the first ones; how doubtful a label is takes all images to say


def address(notebook: Notebook) -> str:
    """Where the browser of a notebook's run is in the site; "" where there is none."""
    finished = notebook.stage == STAGE and (paths.run_folder(STAGE, notebook.run) / RECORD).exists()
    return notebook.address.removesuffix(".html") + ".browser.html" if finished else ""


def browser_page(notebook: Notebook, links: Links) -> str:
    """The HTML of that page: the pictures with the worst mistakes, to be filtered, sorted and opened.

    Under MAX_BYTES: of large pictures there are fewer.
    """
    browser, count = mistakes(notebook.run, on_map=False), PICTURES
    here = address(notebook)
    while True:
        text = (
            templates()
            .get_template("browser.html")
            .render(
                notebook=notebook,
                back=relative(notebook.address, here),
                home=relative("index.html", here),
                assets=relative("assets", here),
                pictures=min(count, len(browser.found)),
                every=len(browser.found),
                data=as_json(values(browser, count)),
                has_figures=False,
            )
        )
        if len(text.encode()) < MAX_BYTES:
            return text
        count = count * 3 // 4


def script() -> str:
    """The page's script: the browser's own module, and what stands in for a kernel."""
    page = (files("wikitopics.show.browser") / "browser.js").read_text("utf-8")
    own = (files("wikitopics.site") / "assets" / "static.js").read_text("utf-8")
    return page.replace("export default", "const page =") + own


def style() -> str:
    """The browser's own style sheet."""
    return (files("wikitopics.show.browser") / "browser.css").read_text("utf-8")


def values(browser: "MistakeBrowser", count: int) -> dict[str, Any]:
    """What the page draws of the first `count` pictures: setup, and tile and opened picture of each."""
    setup = browser.widget.setup
    lists = {name: setup["lists"][name] for name in FILTERS}
    lists["errors"] = [
        one
        for one in lists["errors"]
        if one[0] in ("both kinds of mistake", "false positives", "false negatives")
    ]
    lists["order"] = lists["order"][:ORDERS]
    kept = {"verdicts": [], "lists": lists, "ranges": [], "more": len(lists), "has": {}}
    return {
        "setup": setup | kept,
        "pictures": [_picture(browser, int(pair)) for pair in browser.found[:count]],
    }


def _picture(browser: "MistakeBrowser", pair: int) -> dict[str, Any]:
    tile, opened = browser._tile(pair), browser._opened(pair)
    jpeg = address_of(opened.pop("jpeg"))
    why = [way | {"path": [step[:LETTERS] for step in way["path"]]} for way in opened["why"][:REASONS]]
    return {"tile": tile | {"jpeg": jpeg}, "opened": opened | {"why": why}}


def address_of(jpeg: bytes) -> str:
    """A picture as a data: address, made lighter."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(jpeg)).save(buffer, "JPEG", quality=QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def as_json(value: Any) -> str:
    """JSON that may stand in a script element."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
