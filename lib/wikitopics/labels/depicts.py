"""From what files depict to categories: items of Wikidata, and the category of Commons that each has."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from wikitopics.errors import UserError
from wikitopics.labels.category_graph import CategoryGraph
from wikitopics.sources.dumps.wikidata_items import items_from
from wikitopics.sources.table_cells import as_text
from wikitopics.sources.tables import read_table
from wikitopics.titles import item_key

COLUMNS = ["item", "category", "name"]
HOP = "item"  # the rule of the step from an item to its category


def read_items(path: Path, wanted: Iterable[str]) -> pd.DataFrame:
    """Of the items `wanted` (Q-ids) those that are known at `path`: item, category, name ("" without).

    path: Wikidata's wb_items_per_site (.sql, .sql.gz), alone or in a folder with page and redirect, whose
    names are those of English articles; or a table with item, category and, if there is one, name. Raises
    UserError for an item of two categories.
    """
    if path.is_dir() or path.name.endswith((".sql", ".sql.gz")):
        known = pq.read_table(items_from(path), filters=[("item", "in", sorted(set(wanted)) or [""])])
        table = known.to_pandas().fillna("")
        return table.assign(name=[name.partition(":")[2] for name in table["article"]])[COLUMNS]
    table = read_table(path, "items", COLUMNS[:2], COLUMNS[2:])
    texts = {name: [as_text(name, cell) for cell in table[name]] for name in COLUMNS if name in table}
    texts["item"] = list(map(item_key, texts["item"]))
    found = pd.DataFrame({"name": "", **texts}, columns=COLUMNS, dtype=object).drop_duplicates(COLUMNS[:2])
    twice = found["item"][found["item"].duplicated()]
    if len(twice):
        both = found["category"][found["item"] == twice.iloc[0]].tolist()
        raise UserError(
            f"an item must have one category, but {twice.iloc[0]} of {path.name} has {both[0]!r} and "
            f"{both[1]!r}; keep one of them"
        )
    return found[found["item"].isin(set(wanted))].reset_index(drop=True)


def walked(files: pd.DataFrame, items: pd.DataFrame, graph: CategoryGraph) -> pd.DataFrame:
    """`files` with the categories of their items in place of their own, and `depicted`: by which item.

    Both are lists of one length; an item without a category is in neither. Categories are spelled as the
    graph has them, where it has them.
    """
    known = items[items["category"] != ""]
    place = graph.find(known["category"].tolist())
    spelled = [graph.title(i) if i >= 0 else name for i, name in zip(place, known["category"], strict=True)]
    category = dict(zip(known["item"], spelled, strict=True))
    named = dict(zip(known["item"], map(in_words, known["item"], known["name"]), strict=True))
    lists = [[item for item in row if item in category] for row in files["items"]]
    return files.assign(
        categories=[[category[item] for item in row] for row in lists],
        depicted=[[named[item] for item in row] for row in lists],
    )


def in_words(item: str, name: str = "") -> str:
    """An item as the start of a way to a label.

    >>> in_words("Q146", "house cat"), in_words("Q146")
    ('depicts house cat (Q146)', 'depicts Q146')
    """
    return f"depicts {name} ({item})" if name else f"depicts {item}"


def why_items(why: pd.DataFrame, files: pd.DataFrame) -> pd.DataFrame:
    """The ways of `why` (see `file_labels.why_files`), each begun by the item that led to its category.

    files: of `walked`. Where several items of a file have that category it is the first.
    """
    led = files[["title", "categories", "depicted"]].explode(["categories", "depicted"]).dropna()
    first = led.drop_duplicates(["title", "categories"]).set_index(["title", "categories"])["depicted"]
    start = first.reindex(pd.MultiIndex.from_frame(why[["title", "start"]])).tolist()
    return why.assign(
        start=start,
        path=[[item, *path] for item, path in zip(start, why["path"], strict=True)],
        rules=[[HOP, *rules] for rules in why["rules"]],
    )


def counted(files: pd.DataFrame, items: pd.DataFrame) -> tuple[dict[str, int], dict[str, int]]:
    """How many files have items and such as have a category, and which items could not be used, in words.

    files: of `walked`.
    """
    steps = {
        "in the source": len(files),
        "with a depicted item": int((files["items"].map(len) > 0).sum()),
        "with an item that has a category": int((files["categories"].map(len) > 0).sum()),
    }
    depicted = set(files["items"].explode().dropna())
    notes = {
        "items of which nothing is known (merged, or deleted)": len(depicted - set(items["item"])),
        "items without a category on Commons": int((items["category"] == "").sum()),
    }
    return steps, {what: count for what, count in notes.items() if count}
