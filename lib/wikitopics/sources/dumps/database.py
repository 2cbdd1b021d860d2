"""DuckDB as the sources use it: little memory, the rest spilled to disk, nothing printed."""

from pathlib import Path

import duckdb

MEMORY = "400MB"


def connected(spilled: Path) -> duckdb.DuckDBPyConnection:
    """A database in memory, of at most MEMORY; what is more is written to the folder `spilled`."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY,
        "temp_directory": str(spilled),
        "preserve_insertion_order": False,  # results with ORDER BY keep theirs
    }
    database = duckdb.connect(config=settings)
    database.execute("SET enable_progress_bar = false")
    return database


def text(value: str | Path) -> str:
    """A text as SQL writes it.

    >>> text("it's")
    "'it''s'"
    """
    return "'" + str(value).replace("'", "''") + "'"
