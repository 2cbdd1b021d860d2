"""A small Commons, known in full, as dumps of three ages of MediaWiki's tables."""

import bz2
from pathlib import Path

from sql_text import write_sql

PAGES = [  # id, namespace, title, redirect
    (1, 14, "CommonsRoot", 0), (2, 14, "Topics", 0), (3, 14, "Animals", 0), (4, 14, "Cats", 0),
    (5, 14, "Pets'),('of_Zoë", 0), (6, 14, "Cat", 1), (7, 14, "Felines", 0), (8, 14, "CC-Zero", 0),
    (9, 14, "Maps", 0), (10, 14, "Cartography", 0), (11, 14, "Circle_A", 1), (12, 14, "Circle_B", 1),
    (20, 6, "Tom's_cat.jpg", 0), (21, 6, "Old_name.jpg", 1), (22, 6, "Map_'),('1.png", 0),
    (23, 6, "Talk.ogg", 0), (24, 6, "Nothing.jpg", 0), (25, 0, "An_article", 0), (26, 6, "Gone.jpg", 0),
    (27, 6, "Drawing.svg", 0),
]  # fmt: skip
LINKS = [  # from, type, to
    (2, "subcat", "CommonsRoot"), (3, "subcat", "Topics"), (4, "subcat", "Animals"),
    (4, "subcat", "Pets'),('of_Zoë"), (5, "subcat", "Topics"), (7, "subcat", "Category_redirects"),
    (8, "subcat", "Topics"), (9, "subcat", "Cartography"), (10, "subcat", "Maps"), (10, "subcat", "Topics"),
    (20, "file", "CC-Zero"), (20, "file", "Cat"), (20, "file", "Felines"), (20, "file", "A_red_link"),
    (22, "file", "Maps"), (23, "file", "Cats"), (25, "page", "Cats"), (26, "file", "Cats"),
    (27, "file", "Circle_A"),
]  # fmt: skip
REDIRECTS = [(6, 14, "Cats"), (21, 6, "Tom's_cat.jpg"), (11, 14, "Circle_B"), (12, 14, "Circle_A")]
SOFT = "{{Category redirect|1=Category:Cats}}"
PAGE = {"page_id": "int(10) unsigned", "page_namespace": "int(11)", "page_title": "varbinary(255)"}
PROPERTIES = {"pp_page": "int", "pp_propname": "varbinary(60)", "pp_value": "blob"}
REDIRECT = {"rd_from": "int(8)", "rd_namespace": "int(11)", "rd_title": "varbinary(255)"}
TARGET = {"lt_id": "bigint(20) unsigned", "lt_namespace": "int(11)", "lt_title": "varbinary(255)"}
IMAGE = {"img_name": "varbinary(255)", "img_media_type": "enum('AUDIO','BITMAP')"}
FILES = {
    "Tom's cat.jpg": ["A red link", "CC-Zero", "Cats"],  # Cat and Felines lead to Cats too
    "Map '),('1.png": ["Maps"],
    "Nothing.jpg": [],
    "Gone.jpg": ["Cats"],
    "Drawing.svg": ["Circle A"],
}
PARENTS = {
    "CommonsRoot": [], "Topics": ["CommonsRoot"], "Animals": ["Topics"],
    "Cats": ["Animals", "Pets'),('of Zoë"],
    "Pets'),('of Zoë": ["Topics"], "CC-Zero": ["Topics"], "Maps": ["Cartography"],
    "Cartography": ["Maps", "Topics"], "Circle A": [], "Circle B": [],
}  # fmt: skip
MADE = b"2025-12-30 08:00:00"
NOISE = b"\xff\xfe'),(\x00\n\\"  # a sort key that is no UTF-8


def plant(folder: Path, age: str = "new", form: str = "rows", xml: bool = True, image: bool = False) -> Path:
    """Write the dump; age: old (cl_to), mixed (both, one emptied) or new (cl_target_id, other order)."""
    titled = [(i, ns, title.encode(), redirect) for i, ns, title, redirect in PAGES]
    _write(folder, "page", {**PAGE, "page_is_redirect": "tinyint(3)"}, titled, form)
    _links(folder, age, form)
    properties = [(8, b"hiddencat", b""), (9, b"defaultsort", NOISE), (20, b"page_image", b"x")]
    _write(folder, "page_props", PROPERTIES, properties, form)
    _write(folder, "redirect", REDIRECT, [(i, ns, title.encode()) for i, ns, title in REDIRECTS], form)
    if xml:
        (folder / "pages-articles.xml.bz2").write_bytes(bz2.compress(_xml().encode()))
    if image:
        media = {"Talk.ogg": b"AUDIO", "Drawing.svg": b"DRAWING"}
        there = [t for _, ns, t, redirect in PAGES if ns == 6 and not redirect and t != "Gone.jpg"]
        _write(folder, "image", IMAGE, [(t.encode(), media.get(t, b"BITMAP")) for t in there], form)
    return folder


def _write(folder: Path, table: str, columns: dict, rows: list[tuple], form: str) -> None:
    write_sql(folder / f"commonswiki-20260101-{table}.sql.gz", columns, rows, form)


def _links(folder: Path, age: str, form: str) -> None:
    targets = sorted({to for _, _, to in LINKS}, key=lambda name: name[::-1])  # numbers in no order of names
    number = {name: 1000 + i for i, name in enumerate(targets)}
    key, kind = {"cl_sortkey": "varbinary(230)"}, {"cl_type": "enum('page','subcat','file')"}
    key["cl_timestamp"] = "timestamp"
    old = {"cl_from": "int(8)", "cl_to": "varbinary(255)", **key, **kind}
    new = {"cl_from": "int(8)", **key, **kind, "cl_target_id": "bigint(20) unsigned"}
    rows = {
        "old": [(i, to.encode(), NOISE, MADE, kind.encode()) for i, kind, to in LINKS],
        "mixed": [
            (i, b"" if n % 2 else to.encode(), NOISE, MADE, kind.encode(), number[to] if n % 2 else None)
            for n, (i, kind, to) in enumerate(LINKS)
        ],
        "new": [(i, NOISE, MADE, kind.encode(), number[to]) for i, kind, to in LINKS],
    }[age]
    columns = {"old": old, "mixed": {**old, "cl_target_id": "bigint(20)"}, "new": new}[age]
    _write(folder, "categorylinks", columns, rows, form)
    if age != "old":
        linked = [(n, 14, name.encode()) for name, n in number.items()] + [(7, 10, b"Cats"), (8, 6, NOISE)]
        _write(folder, "linktarget", TARGET, linked, form)


def _xml() -> str:
    page = "<page><title>{}</title><ns>{}</ns><id>1</id><revision><text>{}</text></revision></page>"
    pages = [("Category:Felines", 14, SOFT), ("Category:Cats", 14, "[[Category:Animals]]"), ("Cats", 0, SOFT)]
    body = "".join(page.format(*row) for row in pages)
    return f'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/"><siteinfo/>{body}</mediawiki>'
