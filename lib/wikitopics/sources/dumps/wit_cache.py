"""WIT turned round: one row per image with the articles that show it, made once for all runs that read it."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from wikitopics.artefacts import RECORD, read_json, replacing
from wikitopics.errors import UserError
from wikitopics.paths import root
from wikitopics.progress import report
from wikitopics.sources.cache import fingerprint_of, made_once
from wikitopics.sources.dumps.database import connected, text
from wikitopics.sources.dumps.wit_rows import PAIRS, pairs

FORM = "1"
PART = 2_000_000  # pairs grouped at once
SHARDS = ("*.tsv", "*.tsv.gz", "*.parquet")
GROUPED = """
SELECT title, list(DISTINCT article ORDER BY article) AS articles, bool_or(main) AS main,
    min(shard || '#' || row) FILTER (row >= 0) AS place
FROM read_parquet({pairs}) WHERE hash(title) % {parts} = {part} GROUP BY title
"""


def wit_shards(wit: str) -> list[Path]:
    """The shards in a folder, or the one file, below the root folder; UserError where there are none."""
    place = root() / Path(wit).expanduser()
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
