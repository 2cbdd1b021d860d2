"""Walks over a wiki's categories through its API: down to the files of a topic, up to the root."""

from collections.abc import Iterable
from typing import NamedTuple

from wikitopics.errors import UserError
from wikitopics.progress import report
from wikitopics.sources.online.action_api import BATCH, ActionApi
from wikitopics.sources.online.api_answers import bare

ROOT = "CommonsRoot"
FILE, CATEGORY = 6, 14
SOFT = "Template:Category redirect"
MAX_CATEGORIES = 1_000_000  # Commons has about 15 million; a walk up from one topic stays far below


class Graph(NamedTuple):
    """Categories as far as they were read.

    parents: category -> its visible parents; hidden: those that are hidden; redirects: name -> target.
    """

    parents: dict[str, list[str]]
    hidden: set[str]
    redirects: dict[str, str]


def files_below(api: ActionApi, category: str, depth: int, max_files: int) -> list[str]:
    """Titles of the files in `category` and in the subcategories down to `depth` (0: in it alone).

    In the order of the walk, breadth first; each once, each category once, so that circles end. At most
    `max_files` (0: all). Raises UserError for a category without members.
    """
    found: dict[str, None] = {}
    seen, level = {category}, [category]
    for _ in range(depth + 1):
        below = []
        for number, name in enumerate(level):
            report("categories walked", len(seen) - len(level) + number, len(seen))
            for members in api.members(name, cmtype="file|subcat", cmprop="title|ids"):
                found.update({bare(m["title"]): None for m in members if m["ns"] == FILE})
                below += [bare(m["title"]) for m in members if m["ns"] == CATEGORY]
                if max_files and len(found) >= max_files:
                    return list(found)[:max_files]
        level = [name for name in dict.fromkeys(below) if name not in seen]
        seen.update(level)
    if not found:
        raise UserError(
            f"a category must have files down to depth {depth}, but {category!r} has none at {api.address}; "
            "check its name or raise the depth"
        )
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
        moved = {bare(old): bare(new) for old, new in said.renamed.items() if old != new}
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
    return leads


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
