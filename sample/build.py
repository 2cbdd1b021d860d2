"""Builds the embedded sample from Debian packages: python sample/build.py [--root DIR].

DIR is where the packages are installed or were unpacked (default /). DATA.md says which.
The tables come out the same, byte for byte; the pictures' bytes also depend on Pillow's version.
"""

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from making.card import write_card
from making.copies import planted_copies
from making.croissant import write_croissant
from making.drawings import read_drawings
from making.hostile import hostile_rows
from making.photographs import read_photographs
from making.rows import Row, write_sample
from making.tables import write_rows
from making.thumbnails import drawing_bytes, photograph_bytes
from making.views import Views, article_topics, folder_labels
from making.words import chance

HERE = Path(__file__).resolve().parent
SEED = 20050819


def build(root: Path, folder: Path) -> Counter:
    """Write the sample and what tells of it into `folder`; returns what was dropped, by reason."""
    dropped, views, generator = Counter(), Views(), np.random.default_rng(SEED)
    drawings, photographs = read_drawings(root, dropped), read_photographs(root, dropped)
    rows = unique_titles(
        [drawing_row(d, views) for d in drawings] + [photograph_row(p, views) for p in photographs]
    )
    hostile = hostile_rows(rows, generator)
    rows = rows + hostile + planted_copies(rows, generator)
    write_sample(folder / "sample.parquet", rows)
    write_tables(folder, rows, views)
    write_card(folder, rows, dropped, {f"{p.name}.{p.extension}": p.source for p in photographs})
    write_croissant(folder)
    return dropped


def drawing_row(drawing, views: Views) -> Row:
    """A drawing with its views; the title's extension says what the bytes are."""
    image, extension = drawing_bytes(drawing.image)
    title, tags = f"{drawing.name}.{extension}", drawing.metadata.tags
    tags = [tag for tag in tags if not tag.startswith(("hash(", "0x"))]
    key = f"{drawing.folder}/{drawing.stem}"
    year = next((y for y in ("2004", "2005", "2006") if y in drawing.metadata.date), "")
    year = year or ("2005" if chance("dated", key) < 0.25 else "")
    categories = views.categories(key, drawing.words, tags, drawing.folder, year, "PD OpenClipart")
    articles = views.articles(key, drawing.words, tags, drawing.folder, True)
    items = views.items(drawing.words, tags, drawing.folder)
    return Row(title, image, drawing.metadata.creator, "Public domain", "openclipart-png", drawing.folder,
               "drawing", tags, categories, articles, items)  # fmt: skip


def photograph_row(photo, views: Views) -> Row:
    """A photograph with its views."""
    title = f"{photo.name}.{photo.extension}"
    hidden = {"Public domain": "PD-user", "CC0-1.0": "CC-Zero"}.get(photo.licence, photo.licence)
    categories = views.categories(title, photo.words, [], photo.folder, "", hidden)
    articles = views.articles(title, photo.words, [], photo.folder, False)
    items = views.items(photo.words, [], photo.folder)
    image = photograph_bytes(photo.image, photo.extension)
    return Row(title, image, photo.creator, photo.licence, photo.package, photo.folder, "photograph",
               photo.words, categories, articles, items)  # fmt: skip


def unique_titles(rows: list[Row]) -> list[Row]:
    """Number the titles that several files share, as uploaders do."""
    seen = Counter()
    for row in rows:
        stem, _, extension = row.title.rpartition(".")
        seen[stem.lower()] += 1
        if seen[stem.lower()] > 1:
            row.title = f"{stem} {seen[stem.lower()]}.{extension}"
    if len({row.title for row in rows}) != len(rows):
        raise ValueError("two files have one title")
    return rows


def write_tables(folder: Path, rows: list[Row], views: Views) -> None:
    """categories.csv, articles.csv, items.csv, folders.csv: of all that files use, and what lies above it."""
    depicted = {item for row in rows for item in row.items}
    items = [(r["item"], r["category"], r["name"]) for r in views.known_items if r["item"] in depicted]
    used = {category for row in rows for category in row.categories} | {category for _, category, _ in items}
    used |= {above for category in used for above in views.above(category)} | set(views.hidden) | ODD
    edges = [(c, p, "yes" if c in views.hidden else "") for c in sorted(used) for p in views.graph.get(c, [])]
    edges += [(c, "", "yes" if c in views.hidden else "") for c in sorted(used & UNCONNECTED)]
    write_rows(folder / "categories.csv", ["title", "parent", "hidden"], sorted(edges))
    articles = {article for row in rows for article in row.articles}
    write_rows(folder / "articles.csv", ["article", "topic", "score"], article_topics(articles, views.places))
    write_rows(folder / "items.csv", ["item", "category", "name"], items)
    folders = {row.folder for row in rows}
    write_rows(folder / "folders.csv", ["folder", "taxonomy", "label"], folder_labels(folders))


ODD = {
    "Drawings by unknown authors",
    "Photographs taken on 2009-07-14",
    "Pages with maps",
}  # nobody's categories
UNCONNECTED = {"Uploads by Italian users"}  # its parents come from a template that no dump shows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--root", type=Path, default=Path("/"), help="where the packages are installed or unpacked"
    )
    parser.add_argument("--into", type=Path, default=HERE, help="where to write")
    arguments = parser.parse_args()
    for reason, count in build(arguments.root, arguments.into).most_common():
        print(f"{count:6,}  {reason}")
