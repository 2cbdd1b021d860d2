"""From what files depict to categories or articles: items of Wikidata, and which of both each has."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from wikitopics.errors import UserError
from wikitopics.labels.category_graph import CategoryGraph
from wikitopics.sources.dumps.wikidata_items import items_from
from wikitopics.sources.files import article_key
from wikitopics.sources.table_cells import as_text
from wikitopics.sources.tables import read_table
from wikitopics.titles import item_key

COLUMNS = ["item", "category", "name", "article"]
LED = ["category", "article"]  # what an item may lead to
ONE = {"categories": "a category", "articles": "an article"}
HOP = "item"  # the rule of the step from an item to its category


def read_items(path: Path, wanted: Iterable[str]) -> pd.DataFrame:
    """Of the items `wanted` (Q-ids) those known at `path`: item, category, name, article ("" without).

    path: Wikidata's wb_items_per_site (.sql, .sql.gz), alone or in a folder with page and redirect, whose
    articles and names are the English ones; or a table with item, category and, if there are any, name and
    article. Raises UserError for an item of two categories or two articles.
    """
    if path.is_dir() or path.name.endswith((".sql", ".sql.gz")):
        known = pq.read_table(items_from(path), filters=[("item", "in", sorted(set(wanted)) or [""])])
        table = known.to_pandas().fillna("")
        return table.assign(name=[name.partition(":")[2] for name in table["article"]])[COLUMNS]
    table = read_table(path, "items", COLUMNS[:2], COLUMNS[2:])
    texts = {name: [as_text(name, cell) for cell in table[name]] for name in COLUMNS if name in table}
    texts["item"] = list(map(item_key, texts["item"]))
    found = pd.DataFrame({"name": "", "article": "", **texts}, columns=COLUMNS, dtype=object)
    found = found.drop_duplicates(["item", *LED])
    for column in LED:
        pairs = found.drop_duplicates(["item", column])
        twice = pairs["item"][pairs["item"].duplicated()]
        if len(twice):
            both = pairs[column][pairs["item"] == twice.iloc[0]].tolist()
            raise UserError(
                f"an item must have one {column}, but {twice.iloc[0]} of {path.name} has {both[0]!r} and "
                f"{both[1]!r}; keep one of them"
            )
    return found[found["item"].isin(set(wanted))].reset_index(drop=True)


def walked(files: pd.DataFrame, items: pd.DataFrame, graph: CategoryGraph) -> pd.DataFrame:
    """`files` with the categories of their items in place of their own, and `depicted`: by which item.

    Both are lists of one length; an item without a category is in neither. Categories are spelled as the
    graph has them, where it has them.
    """
    category, known = categories_of(items, graph), items[items["category"] != ""]
    named = dict(zip(known["item"], map(in_words, known["item"], known["name"]), strict=True))
    lists = [[item for item in row if item in category] for row in files["items"]]
    return files.assign(
        categories=[[category[item] for item in row] for row in lists],
        depicted=[[named[item] for item in row] for row in lists],
    )


def categories_of(items: pd.DataFrame, graph: CategoryGraph) -> dict[str, str]:
    """The category of each item that has one, spelled as the graph has it, where it has it."""
    known = items[items["category"] != ""]
    place = graph.find(known["category"].tolist())
    spelled = [graph.title(i) if i >= 0 else name for i, name in zip(place, known["category"], strict=True)]
    return dict(zip(known["item"], spelled, strict=True))


def shown_in(files: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """`files` with their items' articles in place of those that use them, and `depicted`: by which item.

    Both are lists of one length; an item without an article is in neither.
    """
    known = items[items["article"] != ""]
    article = dict(zip(known["item"], known["article"], strict=True))
    named = dict(zip(known["item"], map(in_words, known["item"], known["name"]), strict=True))
    lists = [[item for item in row if item in article] for row in files["items"]]
    return files.assign(
        articles=[[article[item] for item in row] for row in lists],
        depicted=[[named[item] for item in row] for row in lists],
    )


def in_words(item: str, name: str = "") -> str:
    """An item as the start of a way to a label.

    >>> in_words("Q146", "house cat"), in_words("Q146")
    ('depicts house cat (Q146)', 'depicts Q146')
    """
    return f"depicts {item_in_words(item, name)}"


def item_in_words(item: str, name: str = "") -> str:
    """An item by its name, where it has one: "house cat (Q146)", or "Q146"."""
    return f"{name} ({item})" if name else item


def why_items(why: pd.DataFrame, files: pd.DataFrame, by: str = "categories") -> pd.DataFrame:
    """The ways of `why` (see `file_labels.why_files`), each begun by the item that led to its start.

    files: of `walked`, or, by="articles", of `shown_in`. Where several items of a file lead there it is the
    first.
    """
    led = files[["title", by, "depicted"]].explode([by, "depicted"]).dropna()
    if by == "articles":
        led[by] = led[by].map(article_key)
    first = led.drop_duplicates(["title", by]).set_index(["title", by])["depicted"]
    start = first.reindex(pd.MultiIndex.from_frame(why[["title", "start"]])).tolist()
    return why.assign(
        start=start,
        path=[[item, *path] for item, path in zip(start, why["path"], strict=True)],
        rules=[[HOP, *rules] for rules in why["rules"]],
    )


def counted(
    files: pd.DataFrame, items: pd.DataFrame, by: str = "categories"
) -> tuple[dict[str, int], dict[str, int]]:
    """How many files have items and such as lead somewhere, and which items could not be used, in words.

    files: of `walked`, or, by="articles", of `shown_in`.
    """
    steps = {
        "in the source": len(files),
        "with a depicted item": int((files["items"].map(len) > 0).sum()),
        f"with an item that has {ONE[by]}": int((files[by].map(len) > 0).sum()),
    }
    return steps, unused(set(files["items"].explode().dropna()), items, by)


def unused(depicted: set[str], items: pd.DataFrame, by: str = "categories") -> dict[str, int]:
    """How many of the items that files depict lead nowhere, by the reason."""
    column = {"categories": "category", "articles": "article"}[by]
    notes = {
        "items of which nothing is known (merged, or deleted)": len(depicted - set(items["item"])),
        f"items without {ONE[by]}{' on Commons' if by == 'categories' else ''}": int(
            (items[column] == "").sum()
        ),
    }
    return {what: count for what, count in notes.items() if count}
