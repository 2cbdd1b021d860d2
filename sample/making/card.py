"""DATA.md: the data card, its template in curated/DATA.template.md filled with what was built."""

from collections import Counter
from pathlib import Path

import pandas as pd

from making.rows import Row
from making.tables import CURATED, read_rows
from wikitopics.labels import people
from wikitopics.labels import taxonomy as taxonomies
from wikitopics.labels.category_graph import open_graph
from wikitopics.labels.depicts import read_items
from wikitopics.labels.label_sources import annotations_of, label_from
from wikitopics.labels.taxonomy import label_matrix

CHECKED = {
    "label": "a public table holds the id with the English label that Wikidata gave when it was asked",
    "tables": "two or more public tables, of different people, pair the id with this name",
    "table": "one public table does",
}
SHOWN = 25  # files a topic needs in one of the two views to be in the table


def write_card(folder: Path, rows: list[Row], dropped: Counter, sources: dict[str, str]) -> None:
    """Write DATA.md beside the other files; `sources`: the page of origin of photographs by title."""
    kinds = Counter(row.kind for row in rows)
    edges = pd.read_csv(folder / "categories.csv", keep_default_na=False)
    copies = [row for row in rows if row.copy_of]
    facts = {
        "total": f"{len(rows):,}",
        "megabytes": f"{(folder / 'sample.parquet').stat().st_size / 1e6:.1f}",
        "drawings": f"{kinds['drawing']:,}",
        "photographs": kinds["photograph"],
        "share": f"{kinds['photograph'] / (kinds['drawing'] + kinds['photograph']):.0%}",
        "hostile": kinds["hostile"],
        "exact": sum(row.title.endswith(".png") for row in copies),
        "near": sum(row.title.endswith(".jpg") for row in copies),
        "edges": f"{(edges['parent'] != '').sum():,}",
        "categories": f"{edges['title'].nunique():,}",
        "articles": f"{pd.read_csv(folder / 'articles.csv')['article'].nunique():,}",
        "stated": f"{sum(1 for row in rows if row.items):,}",
        "items": len(pd.read_csv(folder / "items.csv")),
        "checked": _checked(folder),
        "by_package": _table(["package", "kind", "licence", "files"], _packages(rows)),
        "by_folder": _table(["folder", "files"], _counted(row.folder for row in rows)),
        "dropped": _table(["reason", "files"], dropped.most_common()),
        "agreement": _agreement(folder, rows, "commons", "v1.4", 1),
        "agreement_depicts": _agreement(folder, rows, "depicts", "v1.4", 1),
        "agreement_ores": _agreement(folder, rows, "ores", "ores-64", SHOWN),
        "looked_at": looked_at(folder, rows),
        "hostile_list": _table(
            ["title", "bytes"], [(r.title, len(r.image)) for r in rows if r.kind == "hostile"]
        ),
        "credits": _table(["title", "author", "licence", "source"], _credits(rows, sources)),
    }
    template = (CURATED / "DATA.template.md").read_text(encoding="utf-8")
    (folder / "DATA.md").write_text(template.format(**facts), encoding="utf-8")


def _checked(folder: Path) -> str:
    """Table: how the items that files depict were checked."""
    used = set(pd.read_csv(folder / "items.csv")["item"])
    counts = Counter(row["checked"] for row in read_rows("depicted_items") if row["item"] in used)
    return _table(["checked", "how", "items"], [(how, CHECKED[how], counts[how]) for how in CHECKED])


def _packages(rows: list[Row]) -> list[tuple]:
    counts = Counter((row.source_package, row.kind, row.licence) for row in rows)
    return [(*key, count) for key, count in sorted(counts.items())]


def _counted(values) -> list[tuple]:
    return sorted(Counter(values).items())


def _credits(rows: list[Row], sources: dict[str, str]) -> list[tuple]:
    photographs = sorted((row for row in rows if row.kind == "photograph"), key=lambda row: row.title)
    return [(row.title, row.creator, row.licence, sources.get(row.copy_of or row.title) or row.source_package)
            for row in photographs]  # fmt: skip


def _agreement(folder: Path, rows: list[Row], label_source: str, taxonomy: str, least: int) -> str:
    """Table of files by label: by the label source, by the folder, by both."""
    given = _given(folder, rows, label_source, taxonomy)
    human = _by_folder(folder, taxonomy)
    lines = []
    for label in taxonomies.load(taxonomy).label_names:
        walk = {r.title for r in rows if label in given[r.title]}
        judged = {r.title for r in rows if label in human.get(r.folder, ())}
        if max(len(walk), len(judged)) >= least:
            lines.append((label, len(walk), len(judged), len(walk & judged)))
    return _table(["label", label_source, "human", "both"], lines)


def _given(folder: Path, rows: list[Row], label_source: str, taxonomy: str) -> dict[str, set[str]]:
    """The labels of each title by a label source."""
    columns = ("title", "categories", "articles", "items")
    files = pd.DataFrame([{name: getattr(row, name) for name in columns} for row in rows])
    labelled = label_from(
        label_source,
        files,
        taxonomy,
        graph=open_graph(folder / "categories.csv"),
        topics=pd.read_csv(folder / "articles.csv"),
        items=read_items(folder / "items.csv", files["items"].explode().dropna()),
    ).labels
    return dict(zip(labelled["title"], map(set, labelled["labels"]), strict=True))


def _by_folder(folder: Path, taxonomy: str) -> dict[str, set[str]]:
    """The labels of each folder."""
    mapped = pd.read_csv(folder / "folders.csv")
    return mapped[mapped["taxonomy"] == taxonomy].groupby("folder")["label"].agg(set).to_dict()


def looked_at(folder: Path, rows: list[Row], taxonomy: str = "v1.4") -> str:
    """Table: micro and macro F1 (95 %) of each view against the two passes of looked_at.csv, and of these."""
    tree = taxonomies.load(taxonomy)
    judged = annotations_of(CURATED / "looked_at.csv", tree)
    first, second = (part.set_index("title")["labels"] for _, part in judged.groupby("annotator"))
    both = people.majority(judged, tree).set_index("title")["labels"].reindex(first.index)
    by = {source: _given(folder, rows, source, taxonomy) for source in ("commons", "depicts")}
    human = _by_folder(folder, taxonomy)
    by["human"] = {row.title: human.get(row.folder, ()) for row in rows}
    walk, stated, folder_view = ([sorted(view[title]) for title in first.index] for view in by.values())
    pairs = [
        ("one pass", "the other", first, second),
        ("categories (commons)", "what both passes say", walk, both),
        ("items (depicts)", "what both passes say", stated, both),
        ("human (folders)", "what both passes say", folder_view, both),
        ("categories (commons)", "human (folders)", walk, folder_view),
    ]
    lines = []
    for name, against, said, truth in pairs:
        matrices = (label_matrix(labels, tree.label_names) for labels in (truth, said))
        rated = people.judge(*matrices, tree.label_names, seed=0).head(2)
        told = [f"{row.f1:.3f} ({row.f1_low:.3f} to {row.f1_high:.3f})" for row in rated.itertuples()]
        lines.append((name, against, *told))
    return _table(["labels", "against", "micro F1", "macro F1"], lines)


def _table(header: list[str], rows: list[tuple]) -> str:
    """A Markdown table; what other people wrote is kept from becoming markup."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_escaped(cell) for cell in line) + " |" for line in lines)


def _escaped(cell: object) -> str:
    text = f"{cell:,}" if isinstance(cell, int) else str(cell)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("*", "\\*")
