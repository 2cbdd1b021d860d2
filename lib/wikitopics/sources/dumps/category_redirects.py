"""Where redirected categories lead: hard ones from the table `redirect`, soft ones from pages' text."""

import bz2
import gzip
import re
from collections.abc import Callable, Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree

from wikitopics.errors import UserError
from wikitopics.progress import report

CATEGORY = "14"
SOFT = re.compile(  # the template and its redirects on Commons
    r"\{\{\s*(?:category[ _]?redirect|cat(?:egory)?[ _-]?red(?:irect)?|redirect[ _]category|see[ _]?cat)"
    r"\s*\|\s*(?:1\s*=)?\s*:?(?:category\s*:)?\s*([^|{}\[\]#\n]+?)\s*(?:\||\}\})",
    re.IGNORECASE,
)
OPENERS: dict[str, Callable[[BinaryIO], BufferedIOBase]] = {".bz2": bz2.open, ".gz": gzip.open}


def resolved(targets: dict[str, str]) -> tuple[dict[str, str], int]:
    """Each redirect's last target, chains followed, and how many lead into a circle (they are left out).

    >>> resolved({"Cat": "Cats", "Kitty": "Cat", "A": "B", "B": "A"})
    ({'Cat': 'Cats', 'Kitty': 'Cats'}, 2)
    """
    last = {}
    for start in targets:
        seen, at = {start}, targets[start]
        while at in targets and at not in seen:
            seen.add(at)
            at = targets[at]
        if at not in targets:
            last[start] = at
    return last, len(targets) - len(last)


def soft_target(wikitext: str) -> str | None:
    """The category that a soft redirect names, None where the page is none.

    >>> soft_target("{{Category redirect|1=:Category:cats_of Rome|reason}}")
    'Cats of Rome'
    """
    found = SOFT.search(wikitext)
    if not found:
        return None
    name = " ".join(found[1].replace("_", " ").split())
    return name[:1].upper() + name[1:]


def soft_redirects(paths: list[Path]) -> dict[str, str]:
    """Category -> target of all soft redirects in XML dumps of pages (.xml, .gz or .bz2), read in a stream.

    Raises UserError where a file is no whole XML.
    """
    targets = {}
    for path in paths:
        try:
            for title, text in _category_pages(path):
                if target := soft_target(text):
                    targets[title.partition(":")[2].replace("_", " ")] = target
        except (ElementTree.ParseError, EOFError, OSError) as error:
            raise UserError(
                f"{path.name} must be a whole XML dump of pages, but is not ({error}); download it again"
            ) from error
    return targets


def _category_pages(path: Path) -> Iterator[tuple[str, str]]:
    size = path.stat().st_size
    with open(path, "rb") as raw, OPENERS.get(path.suffix, lambda file: file)(raw) as stream:
        events = ElementTree.iterparse(stream, events=("start", "end"))
        _, top = next(events)
        for event, element in events:
            if event == "end" and element.tag.endswith("}page"):
                space = element.tag.removesuffix("page")
                if element.findtext(f"{space}ns") == CATEGORY:
                    yield element.findtext(f"{space}title", ""), _text(element, space)
                top.clear()  # what was read is let go, so that memory stays small
                if raw.tell() < size:
                    report(f"reading bytes of {path.name}", raw.tell(), size)
    report(f"reading bytes of {path.name}", size, size)


def _text(page: ElementTree.Element, space: str) -> str:
    return page.findtext(f"{space}revision/{space}text") or ""
