"""The pictures that somebody names, and what a table says of them."""

import hashlib
import os
import re
from pathlib import Path

import pandas as pd

from wikitopics import paths
from wikitopics.errors import UserError
from wikitopics.scoring.decoding import FILES, Reads
from wikitopics.scoring.inputs import TABLES, paths_of
from wikitopics.scoring.results import readable
from wikitopics.scoring.titles import PREFIX, fetched
from wikitopics.sources.reading import hash_inside
from wikitopics.sources.table import as_list

ABOUT = ("categories", "articles", "group", "human")  # columns of lists that a table may have


def located_input(name: str) -> str:
    """An input as scoring.inputs.paths_of reads it: a title as it is, a path relative to the root folder."""
    title = re.match(r"(File|Image):", name, re.IGNORECASE)
    return name if title else str(paths.root() / Path(name).expanduser())


def named_files(inputs: list[str], contact: str) -> tuple[Reads, pd.DataFrame]:
    """What reads them, and one row a file: path, title (what tells it from the others), folder, and ABOUT.

    ABOUT are lists, empty where nothing is said; human is None there. Titles of Commons are fetched, which
    needs a `contact` (scoring.titles.fetched).
    """
    frame = pd.concat([_table(located_input(name)) for name in inputs], ignore_index=True)
    titles = frame["path"].str.startswith(PREFIX).to_numpy(dtype=bool)
    files = [os.path.abspath(path) for path in frame.loc[~titles, "path"]]
    folders = [os.path.dirname(path) for path in files]
    above = os.path.dirname(os.path.commonpath(folders)) if folders else ""
    frame["title"], frame["folder"] = frame["path"].str.removeprefix(PREFIX), ""
    frame.loc[~titles, "title"] = [readable(os.path.relpath(path, above)) for path in files]
    frame.loc[~titles, "folder"] = [readable(os.path.relpath(folder, above)) for folder in folders]
    return fetched(list(frame["path"]), contact) if titles.any() else FILES, frame


def inputs_digest(inputs: list[str]) -> str:
    """Hex digest of all files that the inputs name, by name and content, and of the tables themselves.

    A title of Commons counts by its name alone: what a wiki holds today is not asked for. What is not there
    is a digest too; that it is not there is said when the run begins.
    """
    digest = hashlib.blake2b(digest_size=16)
    for name in map(located_input, inputs):
        try:
            found = paths_of([name])
        except UserError as error:
            found = [str(error)]
        for path in [name, *found]:
            digest.update(os.fsencode(path) + b"\0")
            if not path.startswith(PREFIX):
                digest.update(hash_inside(Path("/"), os.path.abspath(path)).encode())
    return digest.hexdigest()


def _table(name: str) -> pd.DataFrame:
    """path and ABOUT of the files of one input; only a table says anything about them."""
    frame = pd.DataFrame({"path": paths_of([name])}, dtype=object)
    suffix = Path(name).suffix.lower()
    told = TABLES[suffix](name) if suffix in TABLES and os.path.isfile(name) else pd.DataFrame()
    for column in ABOUT:
        lists = [as_list(value) for value in told[column]] if column in told else [[]] * len(frame)
        frame[column] = [(found or None) if column == "human" else found for found in lists]
    return frame
