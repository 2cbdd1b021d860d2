"""What the wiki holds: pages in MediaWiki's export form, the sample's pictures and what belongs to them."""

from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from wikitopics.paths import sample_folder

NAMESPACES = {"Template": 10, "Category": 14, "File": 6}
TEMPLATES = {
    # Licence categories come from templates and stand in no page's text; they are hidden.
    "Template:Licence": "Licence: {{{1}}}<includeonly>[[Category:Files by licence]]</includeonly>",
    "Template:Hidden": "<includeonly>__HIDDENCAT__[[Category:Hidden categories]]</includeonly>",
    "Template:Category redirect": "See [[:Category:{{{1}}}]]."
    "<includeonly>[[Category:Category redirects]]</includeonly>",
}
HIDDEN = ("Files by licence", "Hidden categories", "Category redirects")


class Page(NamedTuple):
    """A page with its wikitext; the title carries its namespace's name."""

    title: str
    text: str


def export_xml(pages: Iterable[Page]) -> str:
    """The pages as MediaWiki exports and imports them."""
    parts = ['<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">']
    for title, text in pages:
        space = NAMESPACES.get(title.split(":")[0], 0)
        parts.append(
            f"<page><title>{escape(title)}</title><ns>{space}</ns><revision>"
            "<timestamp>2026-01-02T03:04:05Z</timestamp><contributor><username>Admin</username></contributor>"
            "<model>wikitext</model><format>text/x-wiki</format>"
            f'<text xml:space="preserve">{escape(text)}</text></revision></page>'
        )
    return "\n".join([*parts, "</mediawiki>"])


def file_text(creator: str, licence: str, categories: Iterable[str]) -> str:
    """The text of a file's page; its licence is a template, which adds a hidden category."""
    links = "".join(f"[[Category:{name}]]\n" for name in categories)
    return f"== Summary ==\n|author={creator}\n\n{{{{Licence|{licence}}}}}\n\n{links}"


def category_pages(edges: pd.DataFrame) -> list[Page]:
    """The pages of a category graph: title, parent ("" for none), hidden ("yes" or "")."""
    pages = []
    for title, rows in edges.groupby("title", sort=False):
        links = "".join(f"[[Category:{parent}]]\n" for parent in rows["parent"] if parent)
        hidden = "{{Hidden}}\n" if (rows["hidden"] == "yes").any() else ""
        pages.append(Page(f"Category:{title}", f"About {title}.\n{hidden}{links}"))
    return pages


def furniture() -> list[Page]:
    """The templates and their hidden categories, a hard and a soft category redirect, and a cycle."""
    pages = [Page(title, text) for title, text in TEMPLATES.items()]
    pages += [Page(f"Category:{name}", "{{Hidden}}") for name in HIDDEN[:1] + HIDDEN[2:]]
    pages += [Page("Category:Hidden categories", "__HIDDENCAT__\n[[Category:CommonsRoot]]")]
    pages += [Page("Category:Felines", "#REDIRECT [[:Category:Cats]]")]
    pages += [Page("Category:Felidae of the house", "{{Category redirect|Cats}}")]
    pages += [Page("Category:Egg", "[[Category:Hen]]"), Page("Category:Hen", "[[Category:Egg]]")]
    return pages


def sample_files(count: int) -> pd.DataFrame:
    """`count` rows of the sample: all that are odd, the others spread over the whole; no empty file.

    Titles that no wiki can have are left out too.
    """
    files = pd.read_parquet(sample_folder() / "sample.parquet")
    files = files[(files["image"].map(len) > 0) & ~files["title"].str.contains(r"[<>\[\]{}|#]")]
    odd = files[files["kind"] == "hostile"]
    others = files.drop(odd.index)
    spread = others.iloc[:: max(1, len(others) // (count - len(odd)))][: count - len(odd)]
    return pd.concat([odd, spread]).sort_index().reset_index(drop=True)


def edges_above(files: pd.DataFrame) -> pd.DataFrame:
    """The part of the sample's category graph that lies above these files: title, parent, hidden."""
    edges = pd.read_csv(sample_folder() / "categories.csv", dtype=str, keep_default_na=False)
    names = {name for categories in files["categories"] for name in categories} | {"Cats"}
    while not (above := set(edges["parent"][edges["title"].isin(names)]) - {""}) <= names:
        names |= above
    return edges[edges["title"].isin(names)]


def write_files(files: pd.DataFrame, folder: Path) -> Path:
    """The pictures of sample rows in `folder`, each with the text of its page beside it."""
    folder.mkdir(parents=True)
    for row in files.itertuples():
        (folder / row.title).write_bytes(row.image)
        text = file_text(row.creator, row.licence, row.categories)
        (folder / f"{row.title}.txt").write_text(text, "utf-8")
    return folder


def awkward_pages(files: pd.DataFrame) -> list[Page]:
    """What a wiki has beside its pictures: a file's old name, and a file page whose file is gone."""
    return [
        Page("File:An old name.jpg", f"#REDIRECT [[File:{files['title'][0]}]]"),
        Page("File:Only a page.jpg", "Its file was deleted. [[Category:Cats]]"),
    ]


def article_pages(files: pd.DataFrame) -> list[Page]:
    """The articles that use the files, each showing them."""
    pairs = files[["title", "articles"]].explode("articles").dropna()
    return [
        Page(article, "\n".join(f"[[File:{title}|thumb]]" for title in rows["title"]))
        for article, rows in pairs.groupby("articles")
    ]
