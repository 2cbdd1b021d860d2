"""Titles of Wikimedia's wikis: one name for every spelling in which people and programs write it.

A name here is bare (no namespace), composed (NFC), with blanks for underscores and a large first letter; what
cannot be one is told (NoTitle). Libraries were weighed: mwparserfromhell reads wikitext and leaves titles
alone, mwclient's `normalize_title` writes SS for a first ß, pywikibot is right but asks a wiki for its
namespaces. So this is a small one, held against a real MediaWiki in tests/test_titles_mediawiki.py.
"""

import csv
import hashlib
import re
import unicodedata
from functools import cache
from html import unescape
from importlib.resources import files
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from wikitopics.errors import UserError

FILE, CATEGORY = "file", "category"
EXAMPLES = {FILE: "File:Red fox.jpg", CATEGORY: "Category:Red foxes"}
OTHER_SPACES = re.compile(  # of Commons, where neither a picture nor a category lies
    "(?:project|commons|file|image|user|mediawiki|template|help|category)? ?talk|user|project|commons"
    "|mediawiki|template|help|special|creator|institution|timedtext|gallery|module|data|campaign|portal"
    "|wikipedia|property|item|lexeme",
    re.IGNORECASE,
)
HERE = ("c", "commons")  # how other wikis name Commons in a link
PROJECTS = "w|wikipedia|wikt|b|q|s|n|v|voy|d|m|mw|meta|species|simple|wikidata"
OTHER_WIKI = re.compile(rf"(?:{PROJECTS}|[a-z]{{2,3}}(?:-[a-z]+)*)", re.IGNORECASE)
WIKIMEDIA = re.compile(
    r"(?:[\w-]+\.)*(?:wik(?:ipedia|imedia|ibooks|iquote|isource|inews|iversity|ivoyage|idata|ifunctions)"
    r"|wiktionary|mediawiki)\.org"
)
ADDRESS = re.compile(rf"\s*(?:(?:https?:)?//|{WIKIMEDIA.pattern}/)", re.IGNORECASE)
MARKED = re.compile(r"[:%&#\[/<>{}|]|~~~")  # what is more than a bare name; most names have nothing of it
LINK = re.compile(r"\s*\[\[([^\[\]|]*)(?:\|.*)?\]\]\s*", re.DOTALL)
POINTED = re.compile(r"\s*<([^<>\s]+)>\s*")  # as SPARQL and RDF write addresses
DIRECTIONS = re.compile("[\u200e\u200f\u202a-\u202e]+")  # marks of writing directions: dropped
BLANKS = re.compile(r"[_\s\x00-\x1f\x7f\u180e]+")
BEFORE = re.compile(r"[\W\d_]+")  # marks of lists, numbers of lines, quotes
ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")  # no title can have this, nor an entity
ENTITY = re.compile(r"&(?:\w+|#\d+|#[xX][0-9a-fA-F]+);")
IMPOSSIBLE = re.compile(r"[<>\[\]{}|\ufffd]|~~~")
LONGEST = 255  # bytes of UTF-8, that many a wiki's database holds
ITEM = re.compile(
    r"(?:(?:wd|d|wikidata):|(?:(?:https?:)?//)?(?:www\.|m\.)?wikidata\.org/(?:entity|wiki)/)?([Qq][1-9][0-9]{0,9})"
)
DOTTED = {"tr", "az", "kaa"}  # wikis whose i becomes İ

FILE_PAGE = "https://commons.wikimedia.org/wiki/File:"  # of every file of Commons


class NoTitle(UserError):
    """What somebody wrote is no title of the kind that is wanted; the sentence says why."""


def normal(name: str, language: str = "") -> str:
    """A bare name as MediaWiki writes it: one blank for underscores and blanks, NFC, first letter large.

    Large is the title case of one letter, as Wikimedia's wikis have it: letters whose large form is several
    letters (ß, ligatures) stay, and so does Georgian. language: of the wiki, for the few that differ.

    >>> normal("a_red__fox.jpg"), normal("ßumme"), normal("ǆip"), normal("თბილისი"), normal("iris", "tr")
    ('A red fox.jpg', 'ßumme', 'ǅip', 'თბილისი', 'İris')
    """
    name = DIRECTIONS.sub("", unicodedata.normalize("NFC", name))
    name = BLANKS.sub(" ", name).strip(" ")
    first = "İ" if language in DOTTED and name.startswith("i") else name[:1].title()
    return first + name[1:] if len(first) == 1 else name


def file_title(text: str) -> str:
    """The bare title of a file of Commons, whatever way it is written; NoTitle where it is none.

    Read are titles with and without their namespace, in any language, links of wikitext, and addresses: of
    the file's page on any of Wikimedia's wikis, of Special:FilePath, of the picture and of its thumbnails.

    >>> file_title("Datei:red_fox.jpg"), file_title("[[File:Red%20fox.jpg|thumb]]")
    ('Red fox.jpg', 'Red fox.jpg')
    >>> file_title("https://en.wikipedia.org/wiki/Fox#/media/File:Red_fox.jpg")
    'Red fox.jpg'
    >>> file_title("Category:Red foxes")
    Traceback (most recent call last):
    ...
    wikitopics.titles.NoTitle: a file must be named by its title or address, but 'Category:Red foxes' is of \
the namespace 'Category'; write it like File:Red fox.jpg
    """
    return _title(text, FILE)


def category_title(text: str) -> str:
    """The bare name of a category of Commons, written in any way as `file_title` reads them.

    >>> category_title("Category:Red_foxes"), category_title("[[:Kategorie:red foxes| ]]")
    ('Red foxes', 'Red foxes')
    >>> category_title("https://commons.wikimedia.org/wiki/Category:Caf%C3%A9s")
    'Cafés'
    """
    return _title(text, CATEGORY)


def mediawiki_title(name: str) -> str:
    """The title of a file here: as `file_title` where it reads like one of a wiki, else as `normal`.

    For files of one's own too, whose names may hold what no wiki allows: nothing is refused.

    >>> mediawiki_title("File:a_red%20fox.jpg"), mediawiki_title("photo #1 [new], 50%20off.jpg")
    ('A red fox.jpg', 'Photo #1 [new], 50%20off.jpg')
    """
    try:
        return file_title(name) if _spelled(name, FILE) else normal(name)
    except NoTitle:
        return normal(name)


def category_name(text: str) -> str:
    """A category as a label: its bare name where it reads like one of a wiki, else the text, stripped.

    >>> category_name("Category:Red_foxes"), category_name(" snake_case ")
    ('Red foxes', 'snake_case')
    """
    try:
        return category_title(text) if _spelled(text, CATEGORY) else text.strip()
    except NoTitle:
        return text.strip()


def category_key(text: str) -> str:
    """One spelling for all of a category's: its bare name, or the text where that is no category's.

    >>> category_key("kategorie:red_foxes"), category_key("Template:Fox|")
    ('Red foxes', 'Template:Fox|')
    """
    try:
        return category_title(text)
    except NoTitle:
        return text


def names_an_item(text: str) -> bool:
    """Whether a text is an item of Wikidata, in a form that `item_key` reads."""
    return bool(ITEM.fullmatch(text.strip(" <>")))


def item_key(text: str) -> str:
    """The Q-id of an item of Wikidata, written as it or its query service does; NoTitle where it is none.

    >>> item_key("Q146"), item_key("wd:q146"), item_key("<http://www.wikidata.org/entity/Q146>")
    ('Q146', 'Q146', 'Q146')
    """
    found = ITEM.fullmatch(text.strip(" <>"))
    if not found:
        raise NoTitle(f"an item must be named by its Q-id, but {text[:100]!r} is none; write it like Q146")
    return found[1].upper()


def names_a_file(text: str) -> bool:
    """Whether a text can only mean a file of a wiki: by its namespace, as a link or as an address.

    >>> names_a_file("Fichier:Renard.jpg"), names_a_file("pictures/fox.jpg")
    (True, False)
    """
    return _spelled(text, FILE)


def title_of_url(address: str | None) -> str | None:
    """The title of a Commons file by the address of its picture, None where it is none of those.

    The address must fit the digest of its own name, as Wikimedia's servers have it.

    >>> title_of_url("https://upload.wikimedia.org/wikipedia/commons/5/5f/Oxydactylus_longipes_fm.jpg")
    'Oxydactylus longipes fm.jpg'
    """
    try:
        return _uploaded(_split(address)) if address else None
    except NoTitle:
        return None


def digest_folders(title: str) -> str:
    """The two folders in which Wikimedia's servers keep a file: by the digest of its name.

    >>> digest_folders("A red fox.jpg")
    '8/87'
    """
    digest = hashlib.md5(
        title.replace(" ", "_").encode("utf-8", "replace"), usedforsecurity=False
    ).hexdigest()
    return f"{digest[0]}/{digest[:2]}"


def page_of_address(address: str) -> tuple[str, str] | None:
    """(host, title with its namespace) of the page that an address shows, None where it shows none.

    >>> page_of_address("https://fr.wikipedia.org/wiki/Caf%C3%A9_noir#Go%C3%BBt")
    ('fr.wikipedia.org', 'Café_noir')
    """
    try:
        parts = _split(address)
        host = (parts.hostname or "").replace(".m.", ".")
        return host, decoded(_page(parts))
    except NoTitle:
        return None


def decoded(text: str) -> str:
    """A text without percent-encoding, however often it was encoded; NoTitle where that is no UTF-8.

    >>> decoded("Caf%C3%A9"), decoded("Caf%25C3%25A9"), decoded("100% wool")
    ('Café', 'Café', '100% wool')
    """
    for _ in range(3):
        if not ENCODED.search(text):
            break
        try:
            text = unquote(text, errors="strict")
        except UnicodeDecodeError:
            raise NoTitle(
                f"an address must be encoded in UTF-8, but {text[:100]!r} is not; correct it"
            ) from None
    return text


def _title(text: str, wanted: str) -> str:
    """The bare title; NoTitle, naming the whole text, for whatever stands in the way."""
    try:
        return _bare(_written(text), wanted) if MARKED.search(text) else _possible(text)
    except _Odd as odd:
        raise NoTitle(
            f"a {wanted} must be named by its title or address, but {text[:100]!r} {odd}; "
            f"write it like {EXAMPLES[wanted]}"
        ) from None


class _Odd(Exception):
    """Why a text is no title, as the end of a sentence."""


def _written(text: str) -> str:
    """The title in a text: out of a link or an address, without entities and percent-encoding."""
    link, pointed = LINK.fullmatch(text) if "[[" in text else None, POINTED.fullmatch(text)
    text = link[1] if link else pointed[1] if pointed else text
    try:
        address = _is_address(text)
        title = _shown(text.strip()) if address else decoded(_without_entities(text))
    except NoTitle:
        raise _Odd("is no address that can be read") from None
    if (address or link) and not _has_namespace(title):
        raise _Odd(f"shows the page {title[:100]!r}")
    return title


def _has_namespace(title: str) -> bool:
    """Whether a title begins with the name of a namespace or of a wiki: what a link shows always does."""
    space, colon, _ = _plain(title).partition(":")
    space = space.strip()
    other = OTHER_SPACES.fullmatch(space) or OTHER_WIKI.fullmatch(space)
    return bool(colon) and bool(_space(space) or space.lower() in HERE or other)


def page_title(text: str) -> str:
    """A page's title out of a link of wikitext, without entities and percent-encoding; other texts stay.

    >>> page_title("[[:en:Caf%C3%A9|a bar]]"), page_title("100% wool")
    ('en:Café', '100% wool')
    """
    if not MARKED.search(text):
        return text
    link = LINK.fullmatch(text) if "[[" in text else None
    try:
        return decoded(_without_entities(link[1] if link else text)).strip().removeprefix(":")
    except NoTitle:
        return text


def is_address(text: str) -> bool:
    """Whether a text is an address, of any host, or of a wiki of Wikimedia without http."""
    return _is_address(text)


def _without_entities(text: str) -> str:
    return ENTITY.sub(lambda entity: unescape(entity[0]), text) if "&" in text else text


def _is_address(text: str) -> bool:
    return "/" in text and ("//" in text[:20] or ".org/" in text.lower()) and bool(ADDRESS.match(text))


def _shown(address: str) -> str:
    """The title, with its namespace, of what an address of Wikimedia shows."""
    parts = _split(address)
    if not WIKIMEDIA.fullmatch((parts.hostname or "").lower()):
        raise _Odd("is an address of no wiki of Wikimedia")
    if parts.hostname == "upload.wikimedia.org":
        title = _uploaded(parts)
        if title is None:
            raise _Odd("is no address of a picture of Commons")
        return f"File:{title}"
    page = decoded(_page(parts))
    special = re.match(r"[^:/]+:(?:FilePath|Redirect/file)/(?:[^:/]+:)?(.+)", page, re.IGNORECASE)
    return f"File:{special[1]}" if special else page


def _split(address: str) -> SplitResult:
    """The parts of an address; NoTitle where it has none."""
    try:
        parts = urlsplit(address if "//" in address[:8] else f"//{address}")
        parts.hostname, parts.port  # noqa: B018  only now are they read
        return parts
    except ValueError:
        raise NoTitle(f"an address must be one, but is {address[:100]!r}; correct it") from None


def _page(parts: SplitResult) -> str:
    """The page's title in an address, still encoded; NoTitle where it names none."""
    media = re.match(r"/?media(?:viewer)?/(.+)", parts.fragment)
    if media:  # a picture looked at on an article's page
        return media[1]
    query = parse_qs(parts.query)
    if "title" in query and parts.path.startswith("/w/"):
        return query["title"][0]
    if "f" in query and parts.path == "/w/thumb.php":
        return f"File:{query['f'][0]}"
    for start in ("/wiki/", "/w/index.php/"):
        if parts.path.startswith(start) and parts.path != start:
            return parts.path.removeprefix(start)
    raise NoTitle(f"an address must show a page, but {parts.path[:100]!r} does not; correct it")


def _uploaded(parts: SplitResult) -> str | None:
    """The title of the picture at an address of the upload server, of Commons only."""
    place = (
        parts.path.partition("/wikipedia/commons/")[2].split("/")
        if parts.path.startswith("/wikipedia")
        else []
    )
    kind = place.pop(0) if place and place[0] in ("thumb", "archive", "transcoded") else ""
    if kind == "thumb" and place and place[0] == "archive":
        kind = place.pop(0)
    if len(place) < 3:
        return None
    name = decoded(place[2])
    title = normal(name.partition("!")[2] if kind == "archive" else name)  # archived: the date stands before
    return title if "/".join(place[:2]) == digest_folders(title) else None


def _bare(text: str, wanted: str) -> str:
    """A title with or without namespace as the bare title of the namespace that is wanted."""
    name = _plain(text)
    space, colon, rest = name.partition(":")
    if colon and space.strip().lower() in HERE and _space(rest.partition(":")[0]) == wanted:
        space, _, rest = _plain(rest).partition(":")  # as other wikis link to Commons
    found = _space(space) if colon else None
    if found == wanted:
        name = _plain(rest)
    elif colon and wanted == FILE and (marks := BEFORE.match(space)) and _space(space[marks.end() :]):
        raise _Odd(f"has {marks[0]!r} before its namespace")
    elif found or (colon and wanted == FILE and OTHER_SPACES.fullmatch(space.strip())):
        raise _Odd(f"is of the namespace {space.strip()!r}")
    elif colon and wanted == FILE and OTHER_WIKI.fullmatch(space.strip()):
        raise _Odd(f"is of the other wiki {space.strip()!r}")
    return _possible(name)


def _possible(name: str) -> str:
    """A bare name as MediaWiki writes it, or what it does not allow."""
    if "#" in name:
        raise _Odd("names a place within a page ('#')")
    found = IMPOSSIBLE.search(name)
    if found:
        raise _Odd(f"has {found[0]!r}, which no title may")
    name = normal(name)
    if not name:
        raise _Odd("is empty")
    if len(name.encode("utf-8", "replace")) > LONGEST or any(part in (".", "..") for part in name.split("/")):
        raise _Odd("is too long or a path of dots")
    return name


def _plain(text: str) -> str:
    """A title with its namespace, blanks in order, without the colon that makes a link of it."""
    return (
        BLANKS.sub(" ", DIRECTIONS.sub("", unicodedata.normalize("NFC", text)))
        .strip(" ")
        .removeprefix(":")
        .strip(" ")
    )


def _spelled(text: str, wanted: str) -> bool:
    """Whether a text has a namespace that is wanted, or is a link or an address."""
    pointed = POINTED.fullmatch(text) if text[:1] == "<" else None
    text = pointed[1] if pointed else text
    if ":" not in text and "[[" not in text and "//" not in text[:8]:
        return _is_address(text)
    if LINK.fullmatch(text) or _is_address(text):
        return True
    start = _plain(text[:200])
    space, colon, rest = start.partition(":")
    if space.strip().lower() in HERE:
        space, colon, _ = _plain(rest).partition(":")
    return bool(colon) and _space(space) == wanted


def _space(name: str) -> str | None:
    """FILE or CATEGORY by a namespace's name in any language, else None."""
    return _spaces().get(BLANKS.sub(" ", name).strip(" ").casefold())


@cache
def _spaces() -> dict[str, str]:
    """Every name of the two namespaces in MediaWiki's languages, small -> FILE or CATEGORY."""
    with (files("wikitopics") / "namespaces.csv").open(encoding="utf-8") as lines:
        return {row["name"].casefold(): row["namespace"] for row in csv.DictReader(lines)}
