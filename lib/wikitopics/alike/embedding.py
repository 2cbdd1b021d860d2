"""Features of any number of files: shard by shard, each written whole, so that a stopped run goes on."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

from wikitopics.alike.embedder import Embedder, load_embedder
from wikitopics.alike.features_file import rows, schema
from wikitopics.artefacts import replacing
from wikitopics.errors import UserError
from wikitopics.progress import report
from wikitopics.scoring.decoding import FILES, Reads, decoded
from wikitopics.scoring.forward import BATCH
from wikitopics.scoring.parts import key_of, parts_of

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
    with parts_of(out.absolute(), key) as parts:
        shards = [
            (parts / f"{number:06}-{key[:16]}.parquet", paths[start : start + shard])
            for number, start in enumerate(range(0, len(paths), shard))
        ]
        missing = [one for one in shards if not one[0].exists()]
        total, done = sum(len(some) for _, some in missing), 0
        report("embedding", 0, total)
        for file, some in missing:
            for files in _write(file, some, embedder, jobs, source):
                report("embedding", done + files, total)
            done += len(some)
        return _join([file for file, _ in shards], out, embedder)


def _key(embedder: Embedder, paths: list[str], shard: int, source: Reads) -> str:
    return key_of(f"{embedder.about.text()} {shard} {source!r}", paths, source)


def _write(file: Path, paths: list[str], embedder: Embedder, jobs: int, source: Reads) -> Iterator[int]:
    """One shard, written whole; gives the number of its files that are done."""
    done = 0
    with (
        replacing(file) as temporary,
        pq.ParquetWriter(temporary, schema(embedder.about), compression="zstd") as writer,
    ):
        for some, pixels, rejected in decoded(paths, embedder.recipe, BATCH, jobs, source):
            writer.write_table(rows(some, embedder.forward(pixels), rejected, embedder.about))
            yield (done := done + len(some))


def _join(files: list[Path], out: Path, embedder: Embedder) -> dict[str, int]:
    """All shards as one file, in order; how many files were embedded, or why not."""
    counts: dict[str, int] = {"files": 0, "embedded": 0}
    with (
        replacing(out) as temporary,
        pq.ParquetWriter(temporary, schema(embedder.about), compression="zstd") as writer,
    ):
        for file in files:
            table = pq.read_table(file)
            writer.write_table(table)
            counts["files"] += len(table)
            for reason in table["reason"].to_pylist():
                counts[reason or "embedded"] = counts.get(reason or "embedded", 0) + 1
    return counts
