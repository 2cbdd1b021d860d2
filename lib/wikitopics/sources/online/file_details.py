"""What a wiki says about files: where their pictures are, who made them, their categories, who uses them."""

import re
from collections.abc import Iterable, Iterator
from html import unescape
from typing import NamedTuple

from wikitopics.sources.online.action_api import BATCH, ActionApi
from wikitopics.sources.online.api_answers import Refusal, bare
from wikitopics.sources.online.standard_widths import is_standard

HERE = "here"  # the articles of the wiki itself; otherwise a wiki's host, e.g. en.wikipedia.org
IMAGE = {
    "iiprop": "url|sha1|size|mime|mediatype|extmetadata",
    "iiextmetadatafilter": "Artist|LicenseShortName",
}
PICTURES = ("BITMAP", "DRAWING")  # MediaWiki's media types that have a picture to show


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
    for said in api.pages((f"File:{title}" for title in titles), **asked):
        yield {bare(title): _description(page, articles) for title, page in said.found()}


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
    if "url" not in info:  # no such file, or one that was hidden
        return None
    said = info.get("extmetadata") or {}
    return Picture(
        bare(page["title"]),
        info["url"],
        info["thumburl"] if is_standard(info.get("thumburl", "")) else info["url"],
        info.get("sha1", ""),
        info.get("size", 0),
        info.get("width", 0),
        info.get("height", 0),
        info.get("mime", ""),
        info.get("mediatype", ""),
        text_of_html(said.get("Artist", {}).get("value", "")),
        text_of_html(said.get("LicenseShortName", {}).get("value", "")),
    )


def text_of_html(html: str) -> str:
    """The text of a piece of HTML, in one line.

    >>> text_of_html('<a href="//x">Ann &amp;\\n Bob</a><style>b {}</style>')
    'Ann & Bob'
    """
    text = re.sub(r"<(style|script)\b.*?</\1\s*>", " ", str(html), flags=re.DOTALL | re.IGNORECASE)
    return " ".join(unescape(re.sub(r"<[^>]*>", "", text)).split())
