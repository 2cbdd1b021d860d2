"""Rows of WIT: which article shows which image, from the TSV shards of version 1 and from Parquet."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from wikitopics.errors import UserError
from wikitopics.sources.articles import article_of_url
from wikitopics.sources.files import mediawiki_title
from wikitopics.sources.stored import stored_path

COLUMNS = ("image_url", "page_url", "is_main_image")
COMMONS = "/wikipedia/commons/"
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


def pairs(shard: Path, left_out: Counter[str]) -> Iterator[pa.RecordBatch]:
    """Which article shows which image: title, article, main (or not), shard, row (-1: without its bytes).

    Files that are not on Commons and addresses that cannot be read are counted in `left_out`. Raises
    UserError where the shard is neither form.
    """
    rows = _parquet_rows(shard) if shard.suffix == ".parquet" else _tsv_rows(shard, left_out)
    for images, pages, main, row in rows:
        titles = [title_of_url(url) for url in images.to_pylist()]
        articles = [article_of_url(url or "") for url in pages.to_pylist()]
        table = pa.table([titles, articles, main, pa.repeat(shard.name, len(titles)), row], schema=PAIRS)
        left_out["images that are not on Commons"] += table["title"].null_count
        table = table.filter(pc.is_valid(table["title"]))
        left_out["pages that are no articles"] += table["article"].null_count
        yield from table.filter(pc.is_valid(table["article"])).to_batches()


def title_of_url(url: str | None) -> str | None:
    """The title of a Commons file by its address, None where it is none: the address must fit its own digest.

    >>> title_of_url("https://upload.wikimedia.org/wikipedia/commons/5/5f/Oxydactylus_longipes_fm.jpg")
    'Oxydactylus longipes fm.jpg'
    """
    path = urlsplit(url or "").path
    if not path.startswith(COMMONS):
        return None
    parts = path[len(COMMONS) :].split("/")
    name = parts[3] if parts[0] == "thumb" and len(parts) > 3 else parts[-1]
    title = mediawiki_title(unquote(name))
    return title if "/".join(parts).removeprefix("thumb/").startswith(stored_path(title)[:5]) else None


def _tsv_rows(shard: Path, left_out: Counter[str]) -> Iterator[tuple]:
    """Tabs, quotes only where needed, newlines within them; truth is written as a word."""

    def odd(row: pyarrow.csv.InvalidRow) -> str:
        left_out["rows with another number of columns"] += 1
        return "skip"

    try:
        with pa.input_stream(shard, "gzip" if shard.suffix == ".gz" else None) as stream:
            reader = pyarrow.csv.open_csv(
                stream,
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
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as error:
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
            yield images.take(row), pc.list_flatten(pages), _bools(pc.list_flatten(main)), pc.add(row, first)
            first += len(batch)
    except (pa.ArrowInvalid, pa.ArrowKeyError, KeyError, OSError) as error:
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
