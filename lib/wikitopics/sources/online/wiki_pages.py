"""What a wiki says about its pages: files with their pictures, and walks over categories."""

import re
from collections.abc import Iterable, Iterator
from html import unescape
from typing import NamedTuple

from wikitopics.errors import UserError
from wikitopics.progress import report
from wikitopics.sources.online.action_api import BATCH, ActionApi, Pages, Refusal, bare
from wikitopics.sources.online.answers import web_address

HERE = "here"  # the articles of the wiki itself; otherwise a wiki's host, e.g. en.wikipedia.org
IMAGE = {
    "iiprop": "url|sha1|size|mime|mediatype|extmetadata",
    "iiextmetadatafilter": "Artist|LicenseShortName",
}
PICTURES = ("BITMAP", "DRAWING")  # MediaWiki's media types that have a picture to show

FILE, CATEGORY = 6, 14
MAX_HTML = 10_000  # letters of a creator's name; the longest honest ones have some hundreds
SOFT = "Template:Category redirect"
MAX_WALKED = 5_000_000
MAX_CATEGORIES = 1_000_000  # Commons has about 15 million; a walk up from one topic stays far below

# operations/mediawiki-config, CommonSettings.php, $wgThumbnailSteps, as of August 2026.
STEPS = (20, 40, 60, 120, 250, 330, 500, 960, 1280, 1920, 3840)


class Picture(NamedTuple):
    """A file as the API describes it.

    title: bare, as the wiki writes it today. thumburl: of the standard width asked for, or url where the
    original is not wider. sha1 (hex), bytes, width, height, mime, kind
    (MediaWiki's media type) of the original.
    """

    title: str
    url: str
    thumburl: str
    sha1: str
    bytes: int
    width: int
    height: int
    mime: str
    kind: str
    creator: str
    licence: str


class Description(NamedTuple):
    """A file's page: picture (None where the wiki has no such file), visible categories, articles."""

    title: str
    picture: Picture | None
    categories: list[str]
    articles: list[str]


def pictures(api: ActionApi, titles: Iterable[str], width: int) -> Iterator[dict[str, Picture | None]]:
    """For each batch of 50 titles: asked title -> its picture, of a new title if it was renamed, or None."""
    titles = list(dict.fromkeys(titles))
    for start in range(0, len(titles), BATCH):
        yield _pictures(api, titles[start : start + BATCH], width)


def _pictures(api: ActionApi, titles: list[str], width: int) -> dict[str, Picture | None]:
    """One batch. A file too broken to have thumbnails makes the API refuse all 50: it is found by halving,
    and its original is taken."""
    scaled = {"iiurlwidth": width} if width else {}
    found: dict[str, Picture | None] = dict.fromkeys(titles)
    try:
        for said in api.pages([f"File:{title}" for title in titles], prop="imageinfo", **scaled, **IMAGE):
            found.update({bare(title): _picture(page) for title, page in said.found()})
    except Refusal as refusal:
        if refusal.code != "urlparamnormal" or not width:
            raise
        if len(titles) == 1:
            return _pictures(api, titles, 0)
        half = len(titles) // 2
        return _pictures(api, titles[:half], width) | _pictures(api, titles[half:], width)
    return found


def descriptions(api: ActionApi, titles: Iterable[str], articles: str) -> Iterator[dict[str, Description]]:
    """For each batch of 50 titles: asked title -> its description; titles without a page are left out.

    articles: "" none, HERE those of the wiki itself that use the file, or those of the wiki of that host.
    """
    asked = {"prop": "imageinfo|categories", "clshow": "!hidden", "cllimit": "max", **IMAGE}
    if articles == HERE:
        asked |= {"prop": asked["prop"] + "|fileusage", "funamespace": "0", "fulimit": "max"}
    elif articles:
        asked |= {"prop": asked["prop"] + "|globalusage", "guprop": "namespace", "gulimit": "max"}
        asked |= {"gunamespace": "0"} | _site(articles)
    for said in api.pages((f"File:{title}" for title in titles), **asked):
        yield {bare(title): _description(page, articles) for title, page in said.found()}


def _site(wiki: str) -> dict[str, str]:
    """The parameter that asks for the use in this wiki alone, where its name in the database is sure: a
    featured picture is used in hundreds.

    >>> _site("en.wikipedia.org"), _site("be-tarask.wikipedia.org")
    ({'gusite': 'enwiki'}, {})
    """
    found = re.fullmatch(r"([a-z]{2,3})\.wikipedia\.org", wiki)
    return {"gusite": f"{found[1]}wiki"} if found else {}


def _description(page: dict, wiki: str) -> Description:
    usage = page.get("fileusage", []) if wiki == HERE else page.get("globalusage", [])
    # globalusage gives the namespace as text, and titles as in addresses
    articles = [
        use["title"].replace("_", " ")
        for use in usage
        if str(use.get("ns", "")) == "0" and wiki in (HERE, use.get("wiki"))
    ]
    categories = [bare(category["title"]) for category in page.get("categories", [])]
    return Description(bare(page["title"]), _picture(page), categories, list(dict.fromkeys(articles)))


def _picture(page: dict) -> Picture | None:
    info = (page.get("imageinfo") or [{}])[0]
    url, thumburl = (web_address(info.get(name, "")) for name in ("url", "thumburl"))
    if url is None:  # no such file, or one that was hidden
        return None
    said = info.get("extmetadata", {})
    creator, licence = (said.get(name, {}).get("value", "") for name in ("Artist", "LicenseShortName"))
    return Picture(
        bare(page["title"]),
        url,
        thumburl if thumburl and is_standard(thumburl) else url,
        info.get("sha1", ""),
        info.get("size", 0),
        info.get("width", 0),
        info.get("height", 0),
        info.get("mime", ""),
        info.get("mediatype", ""),
        text_of_html(creator),
        text_of_html(licence),
    )


def text_of_html(html: object) -> str:
    """The text of a piece of HTML, in one line, of its first MAX_HTML letters.

    >>> text_of_html('<a href="//x">Ann &amp;\\n Bob</a><style>b {}</style>')
    'Ann & Bob'
    """
    cut = str(html)[:MAX_HTML]
    text = re.sub(r"<(style|script)\b.*?</\1\s*>", " ", cut, flags=re.DOTALL | re.IGNORECASE)
    return " ".join(unescape(re.sub(r"<[^>]*>", "", text)).split())


# --- Walks over a wiki's categories through its API: down to the files of a topic, up to the root


class Graph(NamedTuple):
    """Categories as far as they were read.

    parents: category -> its visible parents; hidden: those that are hidden; redirects: name -> target.
    """

    parents: dict[str, list[str]]
    hidden: set[str]
    redirects: dict[str, str]


def files_below(api: ActionApi, category: str, depth: int, max_files: int) -> list[str]:
    """Titles of the files in `category` and below it, as `walk_down`; UserError where there are none."""
    found = walk_down(api, category, depth, max_files)
    if not found:
        raise UserError(
            f"a category must have files down to depth {depth}, but {category!r} has none at {api.address}; "
            "check its name or raise the depth"
        )
    return found


def walk_down(api: ActionApi, category: str, depth: int, max_files: int) -> list[str]:
    """Titles of the files in `category` and in the subcategories down to `depth` (0: in it alone).

    In the order of the walk, breadth first; each once, each category once, so that circles end. At most
    `max_files` (0: all). None of a category that is not there.
    """
    found: dict[str, None] = {}
    seen, level = {category}, [category]
    for _ in range(depth + 1):
        below = []
        for number, name in enumerate(level):
            report("categories walked", len(seen) - len(level) + number, len(seen))
            for members in api.members(name, cmtype="file|subcat", cmprop="title|ids"):
                found.update({bare(m["title"]): None for m in members if m.get("ns") == FILE})
                below += [bare(m["title"]) for m in members if m.get("ns") == CATEGORY]
                if max_files and len(found) >= max_files:
                    return list(found)[:max_files]
                if len(found) + len(seen) + len(below) > MAX_WALKED:
                    raise UserError(
                        f"a walk down must stay below {MAX_WALKED:,} files and categories, but this one does "
                        "not; give --max-files, or read them from a dump instead"
                    )
        level = [name for name in dict.fromkeys(below) if name not in seen]
        seen.update(level)
    return list(found)


def categories_above(api: ActionApi, categories: Iterable[str], levels: int) -> Graph:
    """The categories with all that lie above them, up to the root, or `levels` levels (0: to the root).

    Hidden parents are not followed. Redirects, hard ones and {{Category redirect}}, are resolved: the target
    stands for both names. A category without a page (a red link) is there without parents.
    """
    graph = Graph({}, set(), {})
    level, number = list(dict.fromkeys(categories)), 0
    while level and (not levels or number <= levels):
        if len(graph.parents) > MAX_CATEGORIES:
            raise UserError(
                f"a walk up must stay below {MAX_CATEGORIES:,} categories, but this one does not; read them "
                "from a dump instead"
            )
        above: dict[str, None] = {}
        for start in range(0, len(level), BATCH):
            above.update(dict.fromkeys(_read(api, level[start : start + BATCH], graph)))
            report("categories above read", len(graph.parents), len(graph.parents) + len(level))
        level = [name for name in above if name not in graph.parents and name not in graph.redirects]
        number += 1
    return graph


def _read(api: ActionApi, names: list[str], graph: Graph) -> list[str]:
    """Put what the wiki says about these categories into `graph`; the names that it leads to."""
    asked = {"prop": "categories|categoryinfo|templates", "clshow": "!hidden", "cllimit": "max"}
    titles = [f"Category:{name}" for name in names]
    leads: list[str] = []
    for said in api.pages(titles, tltemplates=SOFT, tllimit="max", **asked):
        moved = _moved(said, api)
        graph.redirects.update(moved)
        leads += moved.values()
        soft = [bare(page["title"]) for page in said.pages if page.get("templates")]
        targets = _soft_targets(api, soft) if soft else {}
        graph.redirects.update(targets)
        leads += targets.values()
        for page in said.pages:
            name = bare(page["title"])
            parents = [bare(parent["title"]) for parent in page.get("categories", [])]
            graph.parents[name] = [] if name in targets else parents
            leads += graph.parents[name]
            if page.get("categoryinfo", {}).get("hidden"):
                graph.hidden.add(name)
    for name in names:  # what the answer leaves out has no page, and is not asked for again
        if name not in graph.redirects:
            graph.parents.setdefault(name, [])
    return leads


def _moved(said: Pages, api: ActionApi) -> dict[str, str]:
    """Old name -> new name of the categories that are redirects; those that lead elsewhere are counted."""
    there = {page["title"] for page in said.pages if page.get("ns") == CATEGORY} | said.renamed.keys()
    moved = {old: new for old, new in said.renamed.items() if old != new}
    away = [old for old, new in moved.items() if new not in there]
    if away:
        api.warnings["category redirects that lead to no category"] += len(away)
    return {bare(old): bare(new) for old, new in moved.items() if new in there}


def _soft_targets(api: ActionApi, names: list[str]) -> dict[str, str]:
    """The one category that each of these soft redirects links to; left out where there are several."""
    titles = [f"Category:{name}" for name in names]
    targets = {}
    for said in api.pages(titles, prop="links", plnamespace=CATEGORY, pllimit="max"):
        for page in said.pages:
            links = page.get("links", [])
            if len(links) == 1:
                targets[bare(page["title"])] = bare(links[0]["title"])
    return targets


# --- The widths at which Wikimedia serves thumbnails; any other is refused by its servers


def standard_width(width: int) -> int:
    """The smallest standard width of at least `width` pixels. Raises UserError above the largest.

    >>> standard_width(224), standard_width(330)
    (250, 330)
    """
    for step in STEPS:
        if step >= width >= 1:
            return step
    raise UserError(
        f"width must be from 1 to {STEPS[-1]} pixels, since Wikimedia has no other thumbnails, but is "
        f"{width}; choose one of {', '.join(map(str, STEPS))}"
    )


def is_standard(url: str) -> bool:
    """Whether an address is that of a thumbnail of a standard width.

    A file that is narrower than the width asked for and whose form is changed on the way (WebP, TIFF) is
    offered at its own width, which Wikimedia's servers may refuse: its original is to be taken instead.

    >>> is_standard("https://x.org/thumb/8/85/A.webp/91px-A.webp.png"), is_standard("https://x.org/8/85/A.webp")
    (False, False)
    >>> is_standard("https://x.org/thumb/8/85/A.tif/lossy-page1-330px-A.tif.jpg")
    True
    """
    found = re.search(r"/thumb/.*/(?:[a-z0-9-]+-)?(\d+)px-[^/]*$", url)
    return found is not None and int(found[1]) in STEPS
