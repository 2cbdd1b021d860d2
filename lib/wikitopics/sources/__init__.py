"""Where files and their descriptions come from: one protocol, one function to open any source by name."""

import dataclasses
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pandas as pd

from wikitopics.errors import UserError
from wikitopics.titles import FILE_PAGE

SOURCES = {
    "sample": "wikitopics.sources.sample:Sample",
    "table": "wikitopics.sources.table:Table",
    "folder": "wikitopics.sources.folder:Folder",
    "commons_api": "wikitopics.sources.commons_api:CommonsApi",
    "commons_dump": "wikitopics.sources.commons_dump:CommonsDump",
    "wit": "wikitopics.sources.wit:Wit",
}


class Source(Protocol):
    """Files with their descriptions and their bytes; a small frozen dataclass that can be pickled."""

    name: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    def files(self) -> pd.DataFrame:
        """One row per file: title (unique), path (key for `read`), creator, licence, categories, articles.

        `labels`, `human` and `items` (lists of str) are there where the source gives them. What was left out
        or renamed is counted in `frame.attrs["notes"]`, a dict of sentence fragment -> count.
        """

    def read(self, path: str, max_bytes: int) -> bytes:
        """The file's bytes as found. Raises TooLarge above `max_bytes`, Refused or another OSError."""

    def graph(self) -> Path | None:
        """Where the category graph of these files lies, for `labels.category_graph`; None without one."""

    def items(self) -> Path | None:
        """Where it is said which category Wikidata's items have, for `labels.depicts`; None where nowhere."""

    def human(self, taxonomy: str) -> pd.DataFrame | None:
        """What people said, in that taxonomy's label names: title, labels; None where nobody did."""

    def fingerprint(self) -> str:
        """Hex digest of the content: equal exactly when tables and bytes are equal, whatever the times."""


OF_COMMONS = {"commons_api", "commons_dump", "wit"}  # whose titles are those of files of Commons


def file_page(source: str) -> str:
    """The address before the title of a source's files, "" where they are no files of Commons.

    >>> file_page("wit"), file_page("folder")
    ('https://commons.wikimedia.org/wiki/File:', '')
    """
    return FILE_PAGE if source in OF_COMMONS else ""


def open_source(source: str, **options: str | int) -> Source:
    """Open a source by name; options that are empty (or 0) are as good as not given.

    Raises UserError for an unknown name, an option the source does not have, or a missing one.

    >>> open_source("folder", image_root="")
    Traceback (most recent call last):
    ...
    wikitopics.errors.UserError: source 'folder' needs image_root, but it is empty; give it a value
    """
    if source not in SOURCES:
        raise UserError(f"source must be one of {', '.join(SOURCES)}, but is {source!r}; choose one of them")
    module, name = SOURCES[source].split(":")
    kind = getattr(import_module(module), name)
    given = {key: value for key, value in options.items() if value}
    fields = [field.name for field in dataclasses.fields(kind)]
    needed = [f.name for f in dataclasses.fields(kind) if f.default is dataclasses.MISSING]
    for key in given.keys() - set(fields):
        raise UserError(
            f"source {source!r} has the options {', '.join(fields) or '(none)'}, "
            f"but was given {key}={given[key]!r}; leave it empty or choose another source"
        )
    for key in needed:
        if key not in given:
            raise UserError(f"source {source!r} needs {key}, but it is empty; give it a value")
    return kind(**given)


def describe(source: Source) -> dict[str, Any]:
    """The source in the form of source.json; `open_source(d["source"], **d["options"])` is its inverse.

    >>> describe(open_source("folder", image_root="pictures"))
    {'source': 'folder', 'options': {'image_root': 'pictures'}}
    """
    return {"source": source.name, "options": dataclasses.asdict(source)}
