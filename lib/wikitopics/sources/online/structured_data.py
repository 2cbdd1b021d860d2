"""What files depict, and what these items are, asked of the wikis: Commons' structured data, and Wikidata."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from wikitopics.progress import report
from wikitopics.sources.dumps.mediainfo import depicted_items, title_of
from wikitopics.sources.dumps.wikidata_items import CATEGORY, COMMONS
from wikitopics.sources.online.action_api import BATCH, ActionApi

WIKIDATA = "https://www.wikidata.org/w/api.php"


def depicted_by(api: ActionApi, titles: Iterable[str]) -> tuple[dict[str, list[str]], Counter[str]]:
    """Title -> Q-ids of what the file depicts, of those that depict anything; and counts of the rest.

    Asks for 50 files at once (wbgetentities). What counts as depicted: see `dumps.mediainfo`.
    """
    found: dict[str, list[str]] = {}
    counts: Counter[str] = Counter()
    asked = {"sites": COMMONS, "props": "info|claims"}  # info: the title
    for entities in _entities(api, "titles", [f"File:{title}" for title in titles], **asked):
        for entity in entities.values():
            items = depicted_items(entity, counts)
            if items:
                found[title_of(entity)] = items
    found.pop("", None)
    return found, counts


def items_asked(api: ActionApi, items: Iterable[str]) -> list[dict[str, str]]:
    """item, category (of Commons, bare), name (English) of the items that Wikidata has, "" where it has none.

    An item that was merged into another has what that one has.
    """
    rows = []
    asked = {"props": "sitelinks|labels", "sitefilter": COMMONS, "languages": "en"}
    for entities in _entities(api, "ids", items, **asked):
        for item, entity in entities.items():
            if "missing" not in entity:
                rows.append(_item(entity.get("redirects", {}).get("from", item), entity))
    return rows


def _item(item: str, entity: dict[str, Any]) -> dict[str, str]:
    page = entity.get("sitelinks", {}).get(COMMONS, {}).get("title", "")
    category = page.removeprefix(CATEGORY) if page.startswith(CATEGORY) else ""
    return {
        "item": item,
        "category": category,
        "name": entity.get("labels", {}).get("en", {}).get("value", ""),
    }


def _entities(api: ActionApi, by: str, names: Iterable[str], **asked: str) -> Iterator[dict[str, Any]]:
    """Id -> entity of each batch of names."""
    names = list(dict.fromkeys(names))
    for start in range(0, len(names), BATCH):
        batch = names[start : start + BATCH]
        said = api.ask({"action": "wbgetentities", by: "|".join(batch), **asked})
        report(f"{by} of entities asked for", start + len(batch), len(names))
        yield said.get("entities", {})
