"""Tables that people bring: CSV with any usual delimiter and encoding, lines of JSON, and Parquet.

What is read is text, and lists of texts: 007 is no number, and NA is not nothing. What is not understood is
refused in one sentence; nothing is read that would not fit into memory.
"""

import csv
import gzip
import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wikitopics.errors import UserError
from wikitopics.sources.table_cells import stripped, text_of

SUFFIXES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".jsonl", ".parquet")
WRITTEN = (".csv", ".parquet", ".jsonl")
MAX_BYTES = 1 << 30  # of text, unpacked; larger tables are Parquet
MAX_LINE = 1 << 24  # characters
MAX_COLUMNS = 10_000
MAX_MEMORY = 4 << 30  # bytes that columns of Parquet take
BATCH = 4096  # rows of Parquet looked at together
DELIMITERS = (",", ";", "\t")
ALIASES = {
    "title": ("image",),
    "path": ("file_name", "filename"),
    "labels": ("label",),
    "split": ("fold",),
    "licence": ("license",),
}
BOMS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\0\0": "utf-32",  # before UTF-16, whose mark it begins with
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
INDEX = re.compile(r"__index_level_\d+__|Unnamed: 0|")  # of pandas: it numbers rows and says nothing


def is_table(path: str | Path) -> bool:
    """Whether a file's name is that of a table that `read_table` reads for sure (.txt may be a list)."""
    return suffix_of(path) in SUFFIXES and suffix_of(path) != ".txt"


def suffix_of(path: str | Path) -> str:
    """The end of a file's name that tells its form, small.

    >>> suffix_of("a.b.CSV"), suffix_of("a.csv.gz")
    ('.csv', '.csv.gz')
    """
    return "".join(
        Path(path).suffixes[-2:] if Path(path).suffix == ".gz" else Path(path).suffixes[-1:]
    ).lower()


def read_table(path: Path, what: str, needed: Iterable[str] = (), known: Iterable[str] = ()) -> pd.DataFrame:
    """A table's columns: cells are texts without blanks around, or lists of texts; "" where nothing is said.

    what: how errors call it. needed: columns that must be there; known: those that may be. Both are found
    whatever their case, and under the names that other programs give them (ALIASES). attrs["form"]: how the
    file was read. Raises UserError for a file that is no table, and for one that is too large.
    """
    try:
        if not path.is_file():
            raise Unread("is no file", "correct the path")
        if suffix_of(path) not in SUFFIXES:
            raise Unread(f"is none of {', '.join(SUFFIXES)}", "save it as one of them")
        columns, form = _read(path, {*needed, *known})
    except Unread as odd:
        raise UserError(
            f"{what} must be a table (CSV, JSON or Parquet), but {path} {odd.why}; {odd.remedy}"
        ) from None
    found = _named(columns, [*needed, *known])
    missing = [name for name in needed if name not in found]
    if missing:
        raise UserError(
            f"{what} must have the columns {', '.join(needed)}, but {path.name} has {_names(columns)} (read "
            f"as {form}); rename the one that holds the {missing[0]}, or write a first line of such names"
        )
    columns = found
    frame = pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})
    frame.attrs["form"] = form
    return frame


def _names(columns: Iterable[str]) -> str:
    """Names of columns in a sentence, the first dozen."""
    return ", ".join(list(columns)[:12])[:300] or "none"


def read_lines(path: Path, what: str) -> list[str]:
    """The lines of a text, without blanks around; UserError, naming what it is, where there is none."""
    try:
        if not path.is_file():
            raise Unread("is none", "correct the path")
        return [stripped(line) for line in _lines(_bytes(path))[0]]
    except Unread as odd:
        raise UserError(
            f"{what} must be a text file or a table, but {path} {odd.why}; {odd.remedy}"
        ) from None
    except UnicodeError as error:
        raise UserError(
            f"{what} must be text in UTF-8, but {path} is not ({_short(error)}); save it again"
        ) from None


class Unread(Exception):
    """Why a file is no table (the end of a sentence), and what to do."""

    def __init__(self, why: str, remedy: str = "save it again as CSV in UTF-8 or as Parquet"):
        super().__init__(why)
        self.why, self.remedy = why, remedy


Columns = dict[str, list[Any]]


def _read(path: Path, wanted: set[str]) -> tuple[Columns, str]:
    """Columns by name, and the form in words; Unread where one of `wanted` holds what no cell can."""
    suffix = suffix_of(path)
    try:
        if suffix == ".parquet":
            return _of_parquet(path, wanted), "Parquet"
        lines, encoding = _lines(_bytes(path))
        columns, form = (_of_json(lines), "JSON") if suffix == ".jsonl" else _of_csv(lines)
        return columns, f"{form}, {encoding}"
    except UnicodeError as error:
        perhaps = " and may be Latin-1" if getattr(error, "encoding", "") == "utf-8" else ""
        raise Unread(f"cannot be read ({_short(error)}){perhaps}") from None
    except (OSError, EOFError, pa.ArrowException, csv.Error, ValueError) as error:
        raise Unread(f"cannot be read ({_short(error)})") from None


def _bytes(path: Path) -> bytes:
    packed = suffix_of(path).endswith(".gz")
    with open(path, "rb") as raw, gzip.open(raw) if packed else raw as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Unread(f"has more than {MAX_BYTES:,} bytes", "save it as Parquet")
    return data


def _short(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]


def _lines(data: bytes) -> tuple[Iterator[str], str]:
    """The lines of a text, ends of lines kept, and its encoding: told by its first bytes, else UTF-8."""
    encoding = next((name for mark, name in BOMS.items() if data.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in data[:2]:
        encoding = "utf-16-be" if data[:1] == b"\0" else "utf-16-le"
    return _bounded(io.TextIOWrapper(io.BytesIO(data), encoding, newline="")), encoding.upper().removesuffix(
        "-SIG"
    )


def _bounded(stream: IO[str]) -> Iterator[str]:
    while line := stream.readline(MAX_LINE):
        if len(line) >= MAX_LINE:
            raise Unread(f"has a line of more than {MAX_LINE:,} characters", "correct that line")
        if "\0" in line:
            raise Unread(f"has bytes of 0 after {stripped(line[: line.index(chr(0))])[-60:]!r}")
        yield line


def _of_csv(lines: Iterator[str]) -> tuple[Columns, str]:
    """Columns of a CSV, and its delimiter in words."""
    first = next((line for line in lines if line.strip()), "")
    told = re.fullmatch(r'"?sep=(.)"?\s*', first)  # a line that Excel writes
    if told:
        first = next(lines, "")
    delimiter = told[1] if told else _delimiter(first)
    rows = csv.reader(
        _chained(first, lines), delimiter=delimiter, skipinitialspace=delimiter != "\t", strict=True
    )
    names = [_column_name(name) for name in next(rows, [])]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise Unread("has no line of column names", "write one")
    _check_names(names)
    cells: list[list[str]] = [[] for _ in names]
    for row in rows:
        for column, cell in zip(cells, _fitted(row, names, rows.line_num), strict=False):
            column.append(cell)
    columns = {name: column for name, column in zip(names, cells, strict=True) if not INDEX.fullmatch(name)}
    return columns, f"CSV with {'TAB' if delimiter == chr(9) else delimiter}"


def _chained(first: str, lines: Iterator[str]) -> Iterator[str]:
    yield first
    yield from lines


def _delimiter(header: str) -> str:
    """The delimiter that divides the column names most often, outside of quotes; else the comma."""
    plain = re.sub(r'"[^"]*"', "", header)
    return max(DELIMITERS, key=plain.count)


def _column_name(name: str) -> str:
    return unicodedata.normalize("NFC", stripped(name))


def _fitted(row: list[str], names: list[str], line: int) -> list[str]:
    """The cells of a row; [] for one without any. Raises Unread for more cells than there are columns."""
    width, row = len(names), list(map(stripped, row))
    if not any(row):
        return []
    if any(row[width:]):
        raise Unread(
            f"has {len(row)} cells in line {line} and {width} columns ({_names(names)})",
            "write a cell with the delimiter in it in quotes, and the names of all columns in the first line",
        )
    return [*row, *[""] * (width - len(row))][:width]


def _check_names(names: list[str]) -> None:
    if len(names) > MAX_COLUMNS:
        raise Unread(f"has {len(names):,} columns, more than {MAX_COLUMNS:,}", "leave some out")
    given = [name for name in names if name]
    twice = (
        next((name for name in given if given.count(name) > 1), None)
        if len(set(given)) < len(given)
        else None
    )
    if twice is not None:
        raise Unread(f"has the column {twice[:60]!r} twice", "rename one")


def _of_json(lines: Iterator[str]) -> Columns:
    """Columns of lines of JSON, one object a row; what a row does not say is ""."""
    rows = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            rows.append({_column_name(name): _json_cell(value) for name, value in _json_row(line, number)})
    names = list(dict.fromkeys(name for row in rows for name in row if name))
    _check_names(names)
    return {name: [row.get(name, "") for row in rows] for name in names}


def _json_row(line: str, number: int) -> list[tuple[str, Any]]:
    """The names and values of an object; Unread for something else, and for what cannot be told apart."""
    try:
        row = json.loads(line, object_pairs_hook=_Pairs)
        json.dumps(row, ensure_ascii=False).encode()  # halves of characters cannot be written
    except UnicodeEncodeError:
        raise Unread(f"has half of a character (\\ud800 to \\udfff) in line {number}", "correct it") from None
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, _Pairs):
        raise Unread(f"has no JSON object in line {number}", "write one object a line")
    names = [name for name, _ in row.pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise Unread(f"has {twice[:60]!r} twice in line {number}", "leave one out")
    return row.pairs


class _Pairs(dict):
    """An object of JSON that remembers names that it has twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def _json_cell(value: Any) -> Any:
    if isinstance(value, list) and not any(isinstance(item, (list, dict)) for item in value):
        return [text_of(item) for item in value]
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else text_of(value)


def _of_parquet(path: Path, needed: set[str]) -> Columns:
    """Columns of texts, numbers, and lists of them; others (bytes, structures) are left out, and so are
    vectors (lists of fractions) that are not `needed`: as texts a row of 768 takes 70 kB."""
    file = pq.ParquetFile(path, memory_map=False)
    schema = file.schema_arrow
    _check_names([_column_name(name) for name in schema.names])
    spelled = _spelled(schema.names, needed)
    wanted = [
        field.name
        for field in schema
        if _is_read(field.type)
        and not INDEX.fullmatch(field.name)
        and (field.name in spelled.values() or not _is_vector(field.type))
    ]
    odd = next(
        (
            schema.field(own)
            for own in spelled.values()
            if own not in wanted and own != "image"  # of Hugging Face: the picture itself
        ),
        None,
    )
    if odd is not None:
        kind = str(odd.type)[:60]
        raise Unread(f"has {kind} in the column {odd.name}", "write texts, numbers or lists of them")
    leaves = [file.schema.column(i) for i in range(len(file.schema))]
    texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
    file = pq.ParquetFile(path, read_dictionary=texts)  # a text that is repeated is held once
    columns: Columns = {_column_name(name): [] for name in wanted}
    taken = 0
    for batch in _batches(file, wanted) if wanted else ():
        taken += sum(_size(batch[name]) + 8 * len(batch) for name in wanted)  # a cell is at least a pointer
        if taken > MAX_MEMORY:
            raise Unread(f"takes more than {MAX_MEMORY:,} bytes of memory", "leave columns or rows out")
        for name in wanted:
            columns[_column_name(name)] += cells_of(batch[name])
    return columns


def schema_of(path: Path, what: str) -> pa.Schema:
    """The columns of a Parquet file; UserError where it is none."""
    try:
        return pq.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        raise UserError(
            f"{what} must be a whole Parquet file, but {path} cannot be read ({_short(error)}); make it again"
        ) from None


def texts_of(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """A column of any kind of texts or numbers as plain texts; UserError, naming it, for another kind."""
    if not is_plain(column.type):
        raise UserError(f"the column {name} must hold texts, but holds {str(column.type)[:60]}; write texts")
    kind = pa.large_string() if pa.types.is_large_string(column.type) else pa.string()
    return column.cast(kind)


def lists_of(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """A column of any kind of lists of texts as plain lists; UserError, naming it, for another kind."""
    kind = column.type
    if column.null_count == len(column):  # pandas writes a column without any list as numbers
        return pa.chunked_array([pa.nulls(len(column), pa.list_(pa.string()))])
    if not is_list(kind) or not is_plain(kind.value_type):
        raise UserError(
            f"the column {name} must hold lists of texts, but holds {str(kind)[:60]}; write lists"
        )
    if kind == pa.list_(pa.string()):
        return column
    plain = pa.large_list(pa.large_string()) if "large" in str(kind) else pa.list_(pa.string())
    return column.cast(plain)


def is_plain(kind: pa.DataType) -> bool:
    """Whether a type holds texts or whole numbers, or nothing; categories of pandas among them."""
    types = pa.types
    kind = kind.value_type if types.is_dictionary(kind) else kind
    return is_text(kind) or types.is_integer(kind) or types.is_null(kind)


def _batches(file: pq.ParquetFile, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Row group by row group: Arrow has no lists of texts in batches over several of them."""
    for group in range(file.num_row_groups):
        yield from file.iter_batches(BATCH, row_groups=[group], columns=columns)


def _is_read(kind: pa.DataType) -> bool:
    """Whether a column of this type is read: texts and numbers, dates, nothing, and lists of them."""
    types = pa.types
    if types.is_dictionary(kind):
        return _is_read(kind.value_type)
    if is_list(kind):
        return _is_read(kind.value_type) and not is_list(kind.value_type)
    return is_text(kind) or types.is_null(kind) or types.is_temporal(kind) or types.is_primitive(kind) or (
        types.is_decimal(kind)
    )  # fmt: skip


def _is_vector(kind: pa.DataType) -> bool:
    return is_list(kind) and pa.types.is_floating(kind.value_type)


def is_list(kind: pa.DataType) -> bool:
    """Whether a type is one of Arrow's lists."""
    types = pa.types
    return any(
        test(kind)
        for test in (types.is_list, types.is_large_list, types.is_fixed_size_list, types.is_list_view)
    ) or types.is_large_list_view(kind)


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is one of Arrow's texts."""
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _size(column: pa.Array) -> int:
    """Bytes that a column takes once every text stands for itself."""
    values = column
    while is_list(values.type):
        values = pc.list_flatten(values)
    if not pa.types.is_dictionary(values.type) or not is_text(values.type.value_type):
        return column.nbytes
    lengths = pc.fill_null(pc.binary_length(values.dictionary), 0).cast(pa.int64())
    return column.nbytes + int(pc.sum(lengths.take(values.indices)).as_py() or 0)


def cells_of(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """The cells of a column of Arrow as `read_table` has them.

    >>> cells_of(pa.array([3.0, None])), cells_of(pa.array([["x", None, "y "], None]))
    (['3', ''], [['x', 'y'], ''])
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)  # many times faster than item by item
    if is_list(kind):
        if pa.types.is_dictionary(kind.value_type):
            column = column.cast(pa.list_(kind.value_type.value_type))
        rows = column.to_pylist()
        return ["" if row is None else [text for item in row if (text := text_of(item))] for row in rows]
    return [text_of(value) for value in column.to_pylist()]


def _named(columns: Columns, names: list[str]) -> Columns:
    """The columns, those of `names` renamed that are there in another case or under an alias."""
    found = {own: name for name, own in _spelled(columns, names).items()}
    return {found.get(name, name): cells for name, cells in columns.items()}


def _spelled(columns: Iterable[str], names: Iterable[str]) -> dict[str, str]:
    """How those of `names` are spelled that are there: as they are, else in another case or under an alias.

    >>> _spelled(["?Image", "labels", "Labels"], ["title", "labels"])
    {'title': '?Image', 'labels': 'labels'}
    """
    found: dict[str, str] = {}
    plain: dict[str, str] = {}  # without the marks of SPARQL's variables and of a comment
    for own in columns:
        plain.setdefault(_column_name(own).lstrip("?#").casefold(), own)
    for name in dict.fromkeys(names):
        spelled = [plain[wanted] for wanted in (name, *ALIASES.get(name, ())) if wanted in plain]
        own = name if name in columns else next(iter(spelled), "")
        if own and own not in found.values():
            found[name] = own
    return found


Write = Callable[[pa.Table], None]


@contextmanager
def table_writer(path: Path, suffix: str, schema: pa.Schema) -> Iterator[Write]:
    """Gives a function that appends Arrow tables of `schema` to `path`, in the form that `suffix` tells.

    .parquet; .csv (lists divided by |); .jsonl (an object a row). See `check_written`.
    """
    if suffix == ".parquet":
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            yield writer.write_table
        return
    with open(path, "w", encoding="utf-8", newline="") as file:
        if suffix == ".jsonl":
            yield lambda table: file.writelines(
                json.dumps(row, ensure_ascii=False) + "\n" for row in table.to_pylist()
            )
            return
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(schema.names)
        yield lambda table: rows.writerows(
            [_written(cell) for cell in row.values()] for row in table.to_pylist()
        )


def _written(cell: Any) -> Any:
    return "|".join(str(item) for item in cell) if isinstance(cell, list) else cell


def check_written(out: Path) -> str:
    """The suffix of a table to be written; UserError where it is none of WRITTEN."""
    if out.suffix.lower() not in WRITTEN:
        raise UserError(f"a table is written as {', '.join(WRITTEN)}, but --out is {out}; rename it")
    return out.suffix.lower()


def column_names(path: Path) -> list[str]:
    """The columns of a table that `table_writer` wrote, by its first line or its footer; else []."""
    try:
        if suffix_of(path) == ".parquet":
            return pq.read_schema(path).names
        with open(path, encoding="utf-8-sig", newline="") as file:
            first = file.readline(MAX_LINE)
        return list(json.loads(first)) if suffix_of(path) == ".jsonl" else next(csv.reader([first]), [])
    except (OSError, ValueError, TypeError, csv.Error, pa.ArrowException):
        return []
