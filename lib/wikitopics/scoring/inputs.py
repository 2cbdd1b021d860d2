"""What to score, from what a person names: files, folders, tables of paths."""

import os
from pathlib import Path

import pandas as pd

from wikitopics.errors import UserError

TABLES = {".parquet": pd.read_parquet, ".csv": pd.read_csv}


def paths_of(inputs: list[str]) -> list[str]:
    """The paths of files that `inputs` name, in their order.

    A folder gives every regular file below it, sorted, hidden ones left out and links not followed into
    other folders; a table (.parquet, .csv) its column `path`, relative to the table's own folder. A file that
    is no picture stays: its row will say so. Raises UserError for what is not there.
    """
    found: list[str] = []
    for name in inputs:
        path = Path(name)
        if not path.exists():
            raise UserError(f"an input must be a file, a folder or a table, but {name!r} is not there")
        if path.is_dir():
            found.extend(_below(path))
        elif path.suffix in TABLES:
            found.extend(_listed(path))
        else:
            found.append(str(path))
    return found


def check_apart(inputs: list[str], out: Path) -> None:
    """Raises UserError where `out` lies in a folder that is scored: its parts would be inputs next time."""
    for name in inputs:
        if Path(name).is_dir() and out.resolve().is_relative_to(Path(name).resolve()):
            raise UserError(
                f"--out must not lie in a folder that is scored, but {out} is in {name}; write it elsewhere"
            )


def _below(folder: Path) -> list[str]:
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [os.path.join(place, name) for name in sorted(names) if not name.startswith(".")]
    return found


def _listed(table: Path) -> list[str]:
    frame = TABLES[table.suffix](table)
    if "path" not in frame:
        raise UserError(
            f"a table of pictures must have the column path, but {table.name} has {list(frame.columns)}; "
            "rename the one that holds the paths"
        )
    return [os.path.join(table.parent, path) for path in frame["path"].astype(str)]
