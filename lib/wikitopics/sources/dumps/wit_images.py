"""WIT turned round: one row per image with the articles that show it, made once for all runs that read it."""

import codecs
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from wikitopics.artefacts import RECORD, read_json, replacing
from wikitopics.errors import UserError
from wikitopics.paths import located
from wikitopics.progress import report
from wikitopics.sources.dumps.database import connected, text
from wikitopics.sources.files import article_of_url
from wikitopics.sources.reading import fingerprint_of, made_once
from wikitopics.titles import title_of_url

FORM = "1"
PART = 2_000_000  # pairs grouped at once
SHARDS = ("*.tsv", "*.tsv.gz", "*.parquet")
GROUPED = """
SELECT title, list(DISTINCT article ORDER BY article) AS articles, bool_or(main) AS main,
    min(shard || '#' || row) FILTER (row >= 0) AS place
FROM read_parquet({pairs}) WHERE hash(title) % {parts} = {part} GROUP BY title
"""

COLUMNS = ("image_url", "page_url", "is_main_image")
BLOCK = 16 << 20  # bytes; no row is longer
PAIRS = pa.schema(
    {
        "title": pa.string(),
        "article": pa.string(),
        "main": pa.bool_(),
        "shard": pa.string(),
        "row": pa.int64(),
    }
)


def wit_shards(wit: str) -> list[Path]:
    """The shards in a folder, or the one file, below the root folder; UserError where there are none."""
    place = located(wit)
    found = sorted(file for pattern in SHARDS for file in place.glob(pattern)) or [place] * place.is_file()
    if not found:
        raise UserError(
            f"wit must be a folder of WIT's shards (.tsv, .tsv.gz or .parquet), but {wit} holds none; "
            "correct the path"
        )
    return found


def wit_fingerprint(wit: str) -> str:
    """Hex digest of the shards."""
    return fingerprint_of(wit_shards(wit), FORM)


def images_of(wit: str) -> Path:
    """The path of images.parquet, made if missing: title, articles (sorted), main, place ("SHARD#ROW").

    main: it is the main image of one of them. place: where a shard holds its bytes, else null.
    """

    def make(folder: Path) -> dict[str, Any]:
        counts = _write_pairs(wit_shards(wit), folder / "pairs")
        counts["images"] = _group(folder)
        shutil.rmtree(folder / "pairs")
        return {"wit": wit, "counts": counts}

    return made_once("wit", wit_fingerprint(wit), make) / "images.parquet"


def wit_counts(wit: str) -> dict[str, int]:
    """Rows read and left out, and images, in words."""
    return read_json(images_of(wit).parent / RECORD)["counts"]


def _write_pairs(shards: list[Path], folder: Path) -> dict[str, int]:
    """One table of pairs a shard, kept if it is there; what was left out stands in its metadata."""
    folder.mkdir(exist_ok=True)
    counts: Counter[str] = Counter()
    for done, shard in enumerate(shards):
        path = folder / f"{shard.name}.pairs"
        if not path.exists():
            left_out: Counter[str] = Counter()
            with (
                replacing(path) as temporary,
                pq.ParquetWriter(temporary, PAIRS, compression="zstd") as writer,
            ):
                for batch in pairs(shard, left_out):
                    writer.write_batch(batch)
                writer.add_key_value_metadata({f"left out: {what}": str(n) for what, n in left_out.items()})
        counts.update(_counted(path))
        report("reading shards of WIT", done + 1, len(shards))
    return dict(counts)


def _counted(path: Path) -> dict[str, int]:
    metadata = pq.read_metadata(path)
    left_out = {
        key.decode(): value for key, value in metadata.metadata.items() if key.startswith(b"left out: ")
    }
    return {
        "image and article pairs": metadata.num_rows,
        **{what.removeprefix("left out: "): int(count) for what, count in left_out.items()},
    }


def _group(folder: Path) -> int:
    """Group the pairs by image, a part of the titles at a time, so that each part fits into memory."""
    files = sorted((folder / "pairs").glob("*.pairs"))
    total = sum(pq.read_metadata(file).num_rows for file in files)
    named = "[" + ", ".join(text(file) for file in files) + "]"
    parts, images = total // PART + 1, 0
    columns = {
        "title": pa.string(),
        "articles": pa.list_(pa.string()),
        "main": pa.bool_(),
        "place": pa.string(),
    }
    schema, database = pa.schema(columns), connected(folder / "spilled")
    with (
        replacing(folder / "images.parquet") as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd") as writer,
    ):
        for part in range(parts):
            grouped = database.sql(GROUPED.format(pairs=named, parts=parts, part=part)).to_arrow_table()
            writer.write_table(grouped.cast(schema))
            images += len(grouped)
    return images


# --- Rows of WIT: which article shows which image, from the TSV shards of version 1 and from Parquet


def pairs(shard: Path, left_out: Counter[str]) -> Iterator[pa.RecordBatch]:
    """Which article shows which image: title, article, main (or not), shard, row (-1: without its bytes).

    Files that are not on Commons and addresses that cannot be read are counted in `left_out`. Raises
    UserError where the shard is neither form.
    """
    rows = _parquet_rows(shard) if shard.suffix == ".parquet" else _tsv_rows(shard, left_out)
    for images, pages, main, row in rows:
        titles = [title_of_url(url) for url in _texts(images)]
        articles = [article_of_url(url or "") for url in _texts(pages)]
        table = pa.table([titles, articles, main, pa.repeat(shard.name, len(titles)), row], schema=PAIRS)
        left_out["images that are not on Commons"] += table["title"].null_count
        table = table.filter(pc.is_valid(table["title"]))
        left_out["pages that are no articles"] += table["article"].null_count
        yield from table.filter(pc.is_valid(table["article"])).to_batches()


def _texts(values: pa.Array) -> list[str | None]:
    """A column's texts; bytes that are no UTF-8 become a character that no title has."""
    raw = values.cast(pa.binary()).to_pylist()
    return [text if text is None else text.decode("utf-8", "replace") for text in raw]


def _in_utf8(stream: pa.NativeFile) -> pa.NativeFile:
    """The same text with a character that no title has for bytes that are no UTF-8: they cost their row."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return pa.TransformInputStream(stream, lambda block: decoder.decode(block, not block).encode())


def _tsv_rows(shard: Path, left_out: Counter[str]) -> Iterator[tuple]:
    """Tabs, quotes only where needed, newlines within them; truth is written as a word."""

    def odd(row: pyarrow.csv.InvalidRow) -> str:
        left_out["rows with another number of columns"] += 1
        return "skip"

    try:
        with pa.input_stream(shard, "gzip" if shard.suffix == ".gz" else None) as stream:
            reader = pyarrow.csv.open_csv(
                _in_utf8(stream),
                pyarrow.csv.ReadOptions(block_size=BLOCK),
                pyarrow.csv.ParseOptions(delimiter="\t", newlines_in_values=True, invalid_row_handler=odd),
                pyarrow.csv.ConvertOptions(
                    include_columns=COLUMNS,
                    column_types=dict.fromkeys(COLUMNS, pa.string()),
                ),
            )
            for batch in reader:
                main = pc.equal(pc.utf8_lower(batch["is_main_image"]), "true")
                yield batch["image_url"], batch["page_url"], main, pa.repeat(-1, len(batch))
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(shard, error) from error


def _parquet_rows(shard: Path) -> Iterator[tuple]:
    """One row an image, its articles as lists side by side."""
    try:
        file, first = pq.ParquetFile(shard), 0
        columns = ["image_url", "wit_features.page_url", "wit_features.is_main_image"]
        for batch in file.iter_batches(1000, columns=columns):
            features, images = batch["wit_features"], batch["image_url"]
            pages, main = pc.struct_field(features, "page_url"), pc.struct_field(features, "is_main_image")
            row = pc.list_parent_indices(pages)
            images, pages = (
                column.cast(pa.binary()) for column in (images.take(row), pc.list_flatten(pages))
            )
            yield images, pages, _bools(pc.list_flatten(main)), pc.add(row, first)
            first += len(batch)
    except (pa.ArrowException, ValueError, KeyError, OSError) as error:
        raise _unreadable(shard, error) from error


def _bools(values: pa.Array) -> pa.Array:
    return (
        values
        if pa.types.is_boolean(values.type)
        else pc.equal(pc.utf8_lower(values.cast(pa.string())), "true")
    )


def _unreadable(shard: Path, error: Exception) -> UserError:
    first = str(error).splitlines()[0]
    return UserError(
        f"wit must hold shards with the columns {', '.join(COLUMNS)}, but {shard.name} cannot be read "
        f"({first}); download it again"
    )
