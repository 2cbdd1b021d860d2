"""Scoring any number of files: shard by shard, each written whole, so that a stopped run goes on."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from wikitopics.artefacts import read_json, replacing, write_json
from wikitopics.errors import UserError
from wikitopics.progress import report
from wikitopics.scoring.decoding import FILES, Reads, decoded
from wikitopics.scoring.forward import BATCH
from wikitopics.scoring.results import rows
from wikitopics.scoring.scorer import Scorer, load_scorer
from wikitopics.scoring.writing import FORMATS, parquet_writer

SHARD = 4096  # files; a stop costs at most this many


def score_files(
    model_folder: Path,
    paths: list[str],
    out: Path,
    evaluation: Path | None = None,
    jobs: int = 0,
    shard: int = SHARD,
    source: Reads = FILES,
) -> dict[str, int]:
    """Score `paths` with the run in `model_folder` into `out`; counts: files, scored, and each reason.

    `out` ends in .parquet (scoring.results.SCHEMA) or .jsonl (scoring.results.liftwing); one row a path, in
    order, and it appears only when it is whole. Until then the shards lie beside it in OUT.parts; the same
    call (same model, thresholds and paths) takes those that are there. Memory does not grow with the number
    of files, but for their names. `source` reads the paths, by default files of these names; a source of
    sources.open_source does as well. `evaluation`: see load_scorer; `jobs`: see decoded. Raises UserError
    for another ending, for no path, and as load_scorer does.
    """
    out = Path(out)
    if out.suffix not in FORMATS:
        raise UserError(f"results must go to a file in {' or '.join(FORMATS)}, but out is {out}; rename it")
    if not paths:
        raise UserError("there must be at least one file to score, but there is none; name files or folders")
    scorer = load_scorer(Path(model_folder), evaluation)
    parts = out.with_name(out.name + ".parts")
    _begin(parts, _key(scorer, paths, shard, source))
    files = []
    for number, start in enumerate(range(0, len(paths), shard)):
        files.append(parts / f"{number:06}.parquet")
        if not files[-1].exists():
            _write(
                files[-1], scorer, paths[start : start + shard], jobs, source, _reporter(start, len(paths))
            )
    counts = _join(files, out, scorer)
    shutil.rmtree(parts)
    return counts


def _key(scorer: Scorer, paths: list[str], shard: int, source: Reads) -> str:
    digest = hashlib.sha256(f"{scorer.settings.text()} {shard} {source!r}".encode())
    for path in paths:
        digest.update(path.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()


def _begin(parts: Path, key: str) -> None:
    """A folder of shards for `key`; shards of something else are thrown away."""
    if parts.exists() and not ((parts / "key.json").exists() and read_json(parts / "key.json") == key):
        shutil.rmtree(parts)
    write_json(parts / "key.json", key)


def _reporter(start: int, total: int) -> Callable[[int], None]:
    return lambda done: report("scoring", start + done, total)


def _write(
    file: Path, scorer: Scorer, paths: list[str], jobs: int, source: Reads, tell: Callable[[int], None]
) -> None:
    """One shard, written whole: workers decode the next chunks while the network looks at this one."""
    done = 0
    with replacing(file) as temporary, parquet_writer(temporary, scorer) as write:
        tell(0)
        for some, pixels, rejected in decoded(paths, scorer.recipe, BATCH, jobs, source):
            write(rows(some, scorer.forward(pixels), rejected, scorer, source.name))
            done += len(some)
            tell(done)


def _join(files: list[Path], out: Path, scorer: Scorer) -> dict[str, int]:
    """All shards as one file, and how many files were scored or why not."""
    counts: dict[str, int] = {"files": 0, "scored": 0}
    with replacing(out) as temporary, FORMATS[out.suffix](temporary, scorer) as write:
        for file in files:
            table = pq.read_table(file)
            write(table)
            counts["files"] += len(table)
            for reason in table["reason"].to_pylist():
                counts[reason or "scored"] = counts.get(reason or "scored", 0) + 1
    return counts
