"""Describing files through the API: the tables that notebook 01 reads, kept so that none is asked twice."""

from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from wikitopics.artefacts import read_json, write_json, write_table
from wikitopics.errors import UserError
from wikitopics.progress import report
from wikitopics.sources.commons_api import CATEGORIES, FILES, ITEMS
from wikitopics.sources.files import ROOT, files_table
from wikitopics.sources.online.action_api import ActionApi
from wikitopics.sources.online.structured_data import depicted_by, items_asked
from wikitopics.sources.online.wiki_pages import (
    Description,
    Graph,
    categories_above,
    descriptions,
    files_below,
)

REQUEST = "request.json"  # written last: the tables beside it answer exactly this


@dataclass(frozen=True)
class Request:
    """Which files: those of `category` down to `depth`, or those of `titles`; at most `max_files` (0: all).

    api: address of the wiki's api.php. levels_up: levels of categories above the files' own (0: to the root).
    articles: "" none, "here" of the wiki itself, or the host of the wiki whose articles count. width: of the
    pictures that are downloaded for it. depicts: whether to ask what the files depict.
    """

    api: str
    category: str = ""
    titles: tuple[str, ...] = ()
    depth: int = 0
    max_files: int = 0
    levels_up: int = 0
    articles: str = ""
    width: int = 330
    depicts: bool = False


def harvest(
    request: Request, api: ActionApi, folder: Path, wikidata: ActionApi | None = None
) -> dict[str, int]:
    """Write files.parquet and categories.parquet into `folder`; what could not be used, counted.

    Where the request is for what files depict, `wikidata` is asked for the items, and items.parquet written.
    Asks nothing where the same request was answered there before. UserError where another one was.
    """
    known = _answered(request, folder)
    if known is not None:
        return known
    titles = list(request.titles) or files_below(api, request.category, request.depth, request.max_files)
    found = _describe(api, titles[: request.max_files or None], request.articles)
    named = dict.fromkeys(name for page in found.values() for name in page.categories)
    pages = {page.title: page for page in found.values() if page.picture}  # two old names may be one file now
    depicted, said = depicted_by(api, pages) if request.depicts else ({}, {})
    items = items_asked(wikidata or api, sorted({item for of in depicted.values() for item in of}))
    graph = categories_above(api, named | _categories(items), request.levels_up)
    notes = {
        "titles without a file": len(titles) - sum(page.picture is not None for page in found.values()),
        "titles that were renamed": sum(old != page.title for old, page in found.items()),
        "category redirects followed": len(graph.redirects),
        **said,
        **api.warnings,
    }
    notes = {what: count for what, count in notes.items() if count}
    if not pages:
        raise UserError(
            f"a download must have files, but none of {len(titles)} titles has one at {request.api}; "
            "check the list"
        )
    write_table(folder / CATEGORIES, categories_table(graph))
    files = files_of(list(pages.values()), graph)
    if request.depicts:
        files["items"] = [depicted.get(title, []) for title in files["title"]]
        write_table(folder / ITEMS, items_table(items, graph))
    write_table(folder / FILES, files)
    write_json(folder / REQUEST, {"request": asdict(request), "notes": notes})
    return notes


def _categories(items: list[dict[str, str]]) -> dict[str, None]:
    return dict.fromkeys(row["category"] for row in items if row["category"])


def _answered(request: Request, folder: Path) -> dict[str, int] | None:
    if not (folder / REQUEST).exists():
        return None
    known = read_json(folder / REQUEST)
    asked = {**asdict(request), "titles": list(request.titles)}
    answered = asdict(Request(request.api)) | known["request"]  # which an earlier version wrote, perhaps
    other = [name for name, value in asked.items() if answered.get(name) != value]
    if other:
        raise UserError(
            f"a folder holds the answer to one request, but {folder.name} holds that to one with another "
            f"{' and '.join(other)}; take another name, or delete the folder"
        )
    return known["notes"]


def _describe(api: ActionApi, titles: list[str], articles: str) -> dict[str, Description]:
    found: dict[str, Description] = {}
    report("files described", 0, len(titles))
    for batch in descriptions(api, titles, articles):
        found.update(batch)
        report("files described", min(len(found), len(titles) - 1), len(titles))
    report("files described", len(titles), len(titles))
    return found


def files_of(pages: list[Description], graph: Graph) -> pd.DataFrame:
    """The files table of the pages that have a picture; a category that redirects is named by its target."""
    pictures = [page.picture for page in pages if page.picture]
    pages = [page for page in pages if page.picture]
    return files_table(
        title=[page.title for page in pages],
        path=[page.title for page in pages],
        creator=[picture.creator for picture in pictures],
        licence=[picture.licence for picture in pictures],
        categories=[resolved(page.categories, graph) for page in pages],
        articles=[page.articles for page in pages],
    )


def items_table(items: list[dict[str, str]], graph: Graph) -> pd.DataFrame:
    """One row per item: item, category (what it redirects to, if it does), name; "" where there is none."""
    rows = [row | {"category": resolved([row["category"]], graph)[0]} for row in items]
    return pd.DataFrame(rows, columns=["item", "category", "name"])


def categories_table(graph: Graph) -> pd.DataFrame:
    """One row per category, the root always among them: title, parents (list), hiddencat."""
    titles = [name for name in graph.parents if name not in graph.redirects]
    titles += [] if ROOT in titles else [ROOT]
    parents = [resolved(graph.parents.get(name, []), graph) for name in titles]
    return pd.DataFrame(
        {"title": titles, "parents": parents, "hiddencat": [name in graph.hidden for name in titles]}
    )


def resolved(names: list[str], graph: Graph) -> list[str]:
    """The names, each once, redirects replaced by what they lead to; circles of redirects end."""
    targets = []
    for name in names:
        seen = {name}
        while (target := graph.redirects.get(name, name)) not in seen:
            name = target
            seen.add(name)
        targets.append(name)
    return list(dict.fromkeys(targets))
