"""Features of any number of files: shard by shard, each written whole, so that a stopped run goes on."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa

from wikitopics.alike.embedder import Embedder, load_embedder
from wikitopics.alike.features_file import rows, schema
from wikitopics.errors import UserError
from wikitopics.scoring.decoding import FILES, Reads, decoded
from wikitopics.scoring.forward import BATCH
from wikitopics.scoring.parts import Result, key_of, write_result

SHARD = 4096  # files; a stop costs at most this many


def embed_files(
    model: Path, paths: list[str], out: Path, jobs: int = 0, shard: int = SHARD, source: Reads = FILES
) -> dict[str, int]:
    """Features of `paths` by the trained `model` (see load_embedder) into `out`; counts: files, embedded, and
    each reason.

    `out` ends in .parquet: features_file.SCHEMA, one row a path, in order; its metadata is an About. It
    appears only when it is whole; until then the shards lie beside it in OUT.parts, and the same call goes on
    with those that are there. Memory does not grow with the number of files, but for their names. jobs,
    source: see scoring.decoding.decoded. Raises UserError for another ending, for no path, where another
    process writes the same, and as load_embedder.
    """
    out = Path(out)
    if out.suffix != ".parquet":
        raise UserError(f"features must go to a file in .parquet, but out is {out}; rename it")
    if not paths:
        raise UserError("there must be at least one picture, but there is none; name files or folders")
    embedder = load_embedder(Path(model))
    key = _key(embedder, paths, shard, source)
    result = Result(out.absolute(), key, schema(embedder.about), "embedding", "embedded")
    return write_result(result, paths, shard, partial(_tables, embedder, jobs, source))


def _key(embedder: Embedder, paths: list[str], shard: int, source: Reads) -> str:
    return key_of(f"{embedder.about.text()} {shard} {source!r}", paths, source)


def _tables(embedder: Embedder, jobs: int, source: Reads, paths: list[str]) -> Iterator[pa.Table]:
    for some, pixels, rejected in decoded(paths, embedder.recipe, BATCH, jobs, source):
        yield rows(some, embedder.forward(pixels), rejected, embedder.about)
