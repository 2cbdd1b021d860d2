"""What a person names: files, folders, tables of paths or titles, titles of Commons."""

import hashlib
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from wikitopics.errors import UserError
from wikitopics.paths import as_there, located
from wikitopics.sources.reading import hash_inside
from wikitopics.sources.table_cells import as_text
from wikitopics.sources.tables import column_names, is_table, read_table
from wikitopics.titles import file_title, names_a_file

PREFIX = "File:"  # of every title; the name of a file on disk has a folder before it, if only "./"


def paths_of(inputs: list[str], tell: Callable[[str], Any] = str) -> list[str]:
    """The paths of files and the titles ("File:...") of Commons that `inputs` name, in their order.

    A folder gives every file below it, sorted, hidden ones left out and links not followed into other
    folders; a table (as sources.tables reads them) its column `path`, relative to the table's own folder, or
    where it has none its column `title` (files beside the table, if they are there); `tell` is given one line
    of what was understood, for example to print it. A name that begins with File: is a title, and so is the
    address of a wiki's page of a file; for a file of that name write ./File:... What is no picture stays,
    pipes and folders that cannot be opened among them: its row will say so. Raises UserError for what is not
    there, and for a table with a row that names nothing.
    """
    found: list[str] = []
    for name in inputs:
        there = as_there(Path(name))
        name = name if there == Path(name) else str(there)
        if is_title(name):
            found.append(PREFIX + file_title(name))
        elif not os.path.lexists(name):
            raise UserError(
                f"an input must be a file, a folder, a table or a title like File:Owl.jpg, but {name!r} is "
                "not there; correct it"
            )
        elif os.path.isdir(name):
            found.extend(_below(name))
        elif is_table(name) and os.path.isfile(name):
            found.extend(_listed(Path(name), tell))
        else:
            found.append(name)
    return found


def is_title(name: str) -> bool:
    """Whether an input names a file of Commons: by title (File:...), in any language, or by address.

    Where a file of that name is on disk it is meant, but for File: and Image:, which always are titles.
    """
    always = re.match(r"(File|Image):", name, re.IGNORECASE)
    return bool(always) or (names_a_file(name) and not os.path.lexists(name))


def check_out(inputs: list[str], out: Path, columns: Iterable[str]) -> None:
    """Raises UserError where `out` is an input, lies in a folder that is one, or is somebody's file.

    A result replaces nothing but an earlier result: a table with these columns.
    """
    for name in inputs:
        if os.path.isdir(name) and out.resolve().is_relative_to(Path(name).resolve()):
            raise UserError(
                f"--out must not lie in a folder that is scored, but {out} is in {name}; write it elsewhere"
            )
        if os.path.exists(out) and os.path.exists(name) and os.path.samefile(out, name):
            raise UserError(f"--out must not be an input, but is {name}; write it elsewhere")
    there = os.path.lexists(out) and not os.path.isdir(out)
    empty = os.path.isfile(out) and not os.path.getsize(out)  # as mktemp leaves it
    if there and not empty and not set(columns) <= set(column_names(out)):
        raise UserError(
            f"--out must be a new file or an earlier result of this command, but {out} is something else; "
            "name another file"
        )


def _below(top: str) -> list[str]:
    """The files below a folder, without recursion: folders may be nested as deep as the system can name."""
    found, waiting = [], [top]
    while waiting:
        place = waiting.pop()
        try:
            files, folders = _in(place)
        except OSError:
            found.append(place)  # its row says that it is a folder, or what else is wrong with it
            continue
        found += [os.path.join(place, name) for name in sorted(files)]
        waiting += [os.path.join(place, name) for name in sorted(folders, reverse=True)]
    return found


def _in(place: str) -> tuple[list[str], list[str]]:
    files, folders = [], []
    with os.scandir(place) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif not os.path.isdir(entry.path):  # a link to a folder, if it is none that leads in circles
                    files.append(entry.name)
    return files, folders


def _listed(table: Path, tell: Callable[[str], Any]) -> list[str]:
    frame = read_table(table, "a table of pictures", known=["path", "title"])
    form = frame.attrs["form"]
    if "path" in frame:
        found, what = _beside(table, _filled(table, frame["path"])), "paths"
    elif "title" in frame:
        names = _filled(table, frame["title"])
        there = sum(map(os.path.isfile, _beside(table, names)))
        if 0 < there < len(names):
            raise UserError(
                "the titles of a table must be files of Commons, or all of them files beside the table, but "
                f"{there} of {len(names)} lie beside {table.name}; call the column path if they are files"
            )
        found = _beside(table, names) if there else [PREFIX + file_title(title) for title in names]
        what = "files beside it" if there else "titles of Commons"
    else:
        raise UserError(
            f"a table of pictures must have the column path or title, but {table.name} has "
            f"{', '.join(frame.columns)} (read as {form}); rename the one that holds them"
        )
    tell(f"{table.name}: {len(found):,} {what}, read as {form}")
    return found


def _beside(table: Path, names: list[str]) -> list[str]:
    return [os.path.join(table.parent, name) for name in names]


def _filled(table: Path, column: pd.Series) -> list[str]:
    names = [as_text(str(column.name), cell) for cell in column]
    empty = sum(not name for name in names)
    if empty:
        raise UserError(
            f"every row of {table.name} must have a {column.name}, but {empty} of {len(names)} rows have "
            "none; fill them in or delete those rows"
        )
    return names


def located_input(name: str) -> str:
    """An input as sources.inputs.paths_of reads it: a title as it is, a path relative to the root folder."""
    return name if is_title(name) else str(located(name))


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


def pictures_of(names: list[str], jobs: int = 0) -> list[str]:
    """The paths of files as paths_of gives them; UserError for titles of Commons, jobs < 0."""
    if jobs < 0:
        raise UserError(f"--jobs must be at least 1, but is {jobs}; leave it out for half the cores")
    paths = paths_of(names, print)
    title = next((path for path in paths if path.startswith(PREFIX)), None)
    if title is not None:
        raise UserError(
            f"pictures must be files here, but {title!r} is a title of Commons; fetch it first with "
            "`wikitopics download` or `wikitopics score`"
        )
    return paths
