"""HTML that cells put out holds other people's text: tables, words and embedded pictures are left of it."""

import re
from collections import Counter
from typing import Any

import bleach
from bs4 import BeautifulSoup, Tag

# Gone with what is in them; of anything else that is not allowed the words stay.
GONE = [
    *("script", "style", "template", "iframe", "object", "embed", "svg", "math", "noscript", "form", "title"),
    *("head", "link", "meta", "base", "audio", "video", "canvas", "select", "textarea", "button"),
]
TAGS = {
    *(
        "table",
        "caption",
        "thead",
        "tbody",
        "tfoot",
        "tr",
        "th",
        "td",
        "p",
        "br",
        "wbr",
        "span",
        "div",
        "img",
    ),
    *("b", "strong", "i", "em", "code", "pre", "small", "sub", "sup", "ul", "ol", "li", "a"),
}
EMPTY = {"br", "col", "hr", "img", "input", "link", "meta", "wbr"}
MAX_DEPTH = 60
PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+")
NUMBER = re.compile(r"[+-]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[+-]?\d+)?\s?%?|nan|NaN|-|inf")


def _allowed(tag: str, name: str, value: str) -> bool:
    if name in ("colspan", "rowspan"):
        return tag in ("td", "th") and bool(re.fullmatch(r"\d{1,3}", value))
    if name in ("width", "height"):
        return tag == "img" and bool(re.fullmatch(r"\d{1,4}", value))
    if name == "src":
        return tag == "img" and bool(PICTURE.fullmatch(value))
    if name == "href":
        return tag == "a" and bool(re.match(r"https?://", value))
    if name == "scope":
        return tag == "th"
    return name == "alt" and tag == "img" or name == "class" and value == "number"


CLEANER = bleach.Cleaner(
    tags=TAGS, attributes=_allowed, protocols={"http", "https", "data"}, strip=True, strip_comments=True
)


def too_deep(untrusted: str) -> bool:
    """Whether elements stand in each other so deep that it takes minutes to read them: nobody's table does.

    >>> too_deep("<b>" * 61), too_deep("<b></i>" * 61), too_deep("<br>" * 61), too_deep("<b></b>" * 61)
    (True, True, False, False)
    """
    opened: Counter[str] = Counter()
    for closing, name in re.findall(r"<(/?)([a-z][\w-]*)", untrusted.lower()):
        if not closing and name not in EMPTY:
            opened[name] += 1
        elif opened[name]:
            opened[name] -= 1
        if opened.total() > MAX_DEPTH:
            return True
    return False


def sanitised(untrusted: str, caption: str = "") -> str:
    """What may be shown of a cell's HTML, its tables with headers that say of what they are, and a caption.

    `caption` is HTML of ours, for the first table. Nothing that is left loads, runs or styles anything.

    >>> sanitised('<b onclick="x()">a</b><script>x()</script><img src="http://b/c.png" alt="d">')
    '<b>a</b>d'
    """
    soup = BeautifulSoup(untrusted, "html.parser")
    for tag in soup(GONE):
        tag.decompose()
    for picture in soup("img"):
        _name_picture(picture)
    for number, table in enumerate(soup("table")):
        _dress(table)
        if caption and not number:
            table.insert(0, BeautifulSoup(f"<caption>{caption}</caption>", "html.parser"))
    return CLEANER.clean(str(soup)).strip()  # last, so that nothing comes after it


def _name_picture(picture: Tag) -> None:
    if not PICTURE.fullmatch(str(picture.get("src", ""))):
        picture.replace_with(str(picture.get("alt", "")))
    elif not picture.get("alt"):
        picture["alt"] = "picture"


def _dress(table: Tag) -> None:
    """Headers with their scope, empty ones as plain cells, numbers marked so that they can be aligned."""
    table.attrs, body = {}, table.find("tbody") or table
    for header in table("th"):
        if not header.get_text(strip=True) and not header("img"):
            header.name = "td"
            continue
        columns = str(header.get("colspan", ""))
        wide = columns.isdigit() and int(columns) > 1
        in_head = header.find_parent("thead") is not None
        header["scope"] = ("colgroup" if wide else "col") if in_head else "row"
        _breakable(header)
    rows = [row for row in body("tr") if row("td")]
    for row in rows:
        for cell in row("td"):
            if NUMBER.fullmatch(cell.get_text(strip=True)):
                cell["class"] = "number"
    _align_heads(table, rows)


def _breakable(header: Tag) -> None:
    """Names of columns may break after an underscore."""
    text: Any = header.string
    if text and "_" in text:
        header.clear()
        for number, part in enumerate(str(text).split("_")):
            if number:
                header.append("_")
                header.append(Tag(name="wbr"))
            header.append(part)


def _align_heads(table: Tag, rows: list[Tag]) -> None:
    """The name of a column of numbers stands where they stand."""
    firsts = rows[0](["th", "td"], recursive=False) if rows else []
    for row in table.select("thead tr"):
        heads = row(["th", "td"], recursive=False)
        for head, first in zip(heads, firsts, strict=False) if len(heads) == len(firsts) else ():
            if first.get("class") == "number":
                head["class"] = "number"
