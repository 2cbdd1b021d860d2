"""The table of files that every source returns, and how titles and articles are named."""

import os
import re
from collections import Counter
from collections.abc import Iterable

import pandas as pd

from wikitopics.errors import UserError
from wikitopics.titles import is_address, mediawiki_title, normal, page_of_address, page_title

ROOT = "CommonsRoot"  # the category of Commons above all others

COLUMNS = ["title", "path", "creator", "licence", "categories", "articles"]

LANGUAGE = re.compile(r"[a-z]{2,}(?:[-.][a-z]+)*")  # of a Wikipedia, or a host's first part
RENAMED = {"be-x-old": "be-tarask"}  # wikis whose database kept an old code


def files_table(
    title: list[str], path: list[str], notes: dict[str, int] | None = None, **columns: list
) -> pd.DataFrame:
    """The files table in the contract's column order; columns not given are empty.

    Titles are written as MediaWiki does and made unique; how many had to be is counted in attrs["notes"].
    """
    unique, renamed = unique_titles([mediawiki_title(t) for t in title])
    empty = {"creator": "", "licence": "", "categories": [], "articles": []}
    given = {"title": unique, "path": path, **columns}
    table = {name: given.get(name, [empty.get(name)] * len(path)) for name in [*COLUMNS, *columns]}
    frame = pd.DataFrame(table)
    counts = {**(notes or {}), "titles made unique by a number": renamed}
    frame.attrs["notes"] = {what: count for what, count in counts.items() if count}
    return frame


def unique_titles(titles: list[str]) -> tuple[list[str], int]:
    """Titles in the same order, later ones of the same name numbered; and how many were changed.

    >>> unique_titles(["A.jpg", "A.jpg", "B.jpg"])
    (['A.jpg', 'A (2).jpg', 'B.jpg'], 1)
    """
    taken, unique = set(titles), []
    seen: Counter[str] = Counter()
    for title in titles:
        seen[title] += 1
        name = title if seen[title] == 1 else _numbered(title, seen[title], taken)
        taken.add(name)
        unique.append(name)
    return unique, sum(old != new for old, new in zip(titles, unique, strict=True))


def _numbered(title: str, number: int, taken: set[str]) -> str:
    stem, suffix = os.path.splitext(title)
    while (name := f"{stem} ({number}){suffix}") in taken:
        number += 1
    return name


def need_columns(of: str, columns: Iterable[str], needed: Iterable[str]) -> None:
    """Raise UserError, naming what the table is `of`, where one of the `needed` columns is not there."""
    missing = [name for name in needed if name not in set(columns)]
    if missing:
        raise UserError(
            f"the columns of {of} must include {', '.join(needed)}, but have no {', '.join(missing)}; "
            "add what is missing"
        )


def article_name(wiki: str, title: str) -> str:
    """The name of an article on a wiki, given by its host or its database.

    >>> article_name("en.wikipedia.org", "Albert_Einstein"), article_name("zh_min_nanwiki", "Niau")
    ('en:Albert Einstein', 'zh-min-nan:Niau')
    """
    code = language(wiki)
    return f"{code}:{normal(title, code)}"


def language(wiki: str) -> str:
    """The language code of a Wikipedia by its host or database; other projects keep their name.

    >>> language("en.m.wikipedia.org"), language("be_x_oldwiki"), language("de.wikivoyage.org")
    ('en', 'be-tarask', 'de.wikivoyage')
    """
    if "." in wiki:
        code = wiki.lower().replace(".m.", ".").removesuffix(".org").removesuffix(".wikipedia")
    else:
        code = wiki.removesuffix("wiki").replace("_", "-")
    return RENAMED.get(code, code)


def article_of_url(url: str) -> str | None:
    """The article whose own address this is, None where it is no article's (or asks for a version of one).

    >>> article_of_url("https://fr.wikipedia.org/wiki/Caf%C3%A9_noir")
    'fr:Café noir'
    """
    return _article_at(url) if "/wiki/" in url else None


def _article_at(address: str) -> str | None:
    found = page_of_address(address) if is_address(address) else None
    return article_name(*found) if found and found[0] else None


def article_key(article: str) -> str:
    """One spelling for all of an article's: of its address or a link, with underscores, a small first letter,
    percent-encoded, or NFD.

    >>> article_key("[[:en:cat|x]]"), article_key("en:Caf%C3%A9"), article_key("en.wikipedia.org/wiki/Cat")
    ('en:Cat', 'en:Café', 'en:Cat')
    >>> article_key("en:albert_Einstein"), article_key("Cafe\u0301"), article_key("https://en.wikipedia.org/wiki/Cat")
    ('en:Albert Einstein', 'Café', 'en:Cat')
    """
    if is_address(article):
        return _article_at(article) or article
    article = page_title(article)
    prefix, colon, title = article.partition(":")
    if colon and LANGUAGE.fullmatch(prefix.strip()):
        return f"{prefix.strip()}:{normal(title, prefix.strip())}"
    return normal(article)
