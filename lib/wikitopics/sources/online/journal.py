"""A table that grows row by row and survives a kill: a journal beside Parquet; the newest row counts."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from wikitopics.artefacts import replacing, take_lock
from wikitopics.errors import UserError

ROWS = 50_000  # of a table written or read at once


class Journal:
    """Rows by key, in `table` (Parquet) and, newer than it, in a journal of lines beside it.

    `columns`: name -> text or whole number where a row does not say; the first is the key. A row is on disk
    when `put` returns. Only one process may hold a journal: see `held`.
    """

    def __init__(self, table: Path, columns: dict[str, Any]):
        self.table, self.columns = table, columns
        self.key = next(iter(columns))
        self._lines = table.with_suffix(".journal")
        self.rows: dict[str, dict[str, Any]] = {}
        if table.exists():
            file = pq.ParquetFile(table)
            known = [name for name in columns if name in file.schema_arrow.names]  # others are newer than it
            for batch in file.iter_batches(ROWS, columns=known):
                self.rows.update({row[self.key]: {**columns, **row} for row in batch.to_pylist()})
        for row in self._replayed():
            self.rows[row[self.key]] = {**columns, **row}
        table.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(self._lines, "ab", buffering=0)  # noqa: SIM115  (closed by `close`)

    def put(self, **row: Any) -> None:
        """Write one row, whole or not at all as far as a reader is concerned."""
        self.rows[row[self.key]] = {**self.columns, **row}
        self._file.write(json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n")

    def close(self, order: list[str]) -> None:
        """Write the table, rows in the order of these keys and then of their names; the journal goes."""
        ranked = {key: number for number, key in enumerate(order)}
        keys = sorted(self.rows, key=lambda key: (ranked.get(key, len(ranked)), key))
        kinds = {str: pa.string(), int: pa.int64()}
        schema = pa.schema({name: kinds[type(value)] for name, value in self.columns.items()})
        with replacing(self.table) as part, pq.ParquetWriter(part, schema, compression="zstd") as writer:
            for start in range(0, len(keys), ROWS):  # in parts, so that memory holds the rows once
                rows = [self.rows[key] for key in keys[start : start + ROWS]]
                writer.write_table(pa.Table.from_pylist(rows, schema))
        self._file.close()
        self._lines.unlink()

    def _replayed(self) -> Iterator[dict[str, Any]]:
        """The rows of a journal that was not closed; a last line that was cut off is cut away."""
        if not self._lines.exists():
            return
        with open(self._lines, "r+b") as file:
            whole = 0
            for line in file:
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                yield json.loads(line)
            file.truncate(whole)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Only one process works in `folder` at a time; UserError where another does. A kill lets go too."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        take_lock(descriptor, folder, wait=False)
        yield
    except BlockingIOError:
        raise UserError(
            f"a folder can be filled by one download at a time, but another one works in {folder.name}; "
            "wait for it, or stop it"
        ) from None
    finally:
        os.close(descriptor)
