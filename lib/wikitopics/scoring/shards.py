"""Scoring any number of files, shard by shard, here or on the machines of a Dask cluster."""

import json
import os
from collections import deque
from collections.abc import Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from wikitopics.errors import UserError
from wikitopics.paths import root
from wikitopics.scoring.decoding import FILES, Reads, decoded
from wikitopics.scoring.forward import BATCH
from wikitopics.scoring.parts import Result, Shard, key_of, write_result, write_shard
from wikitopics.scoring.results import rows, schema
from wikitopics.scoring.scorer import Scorer, load_scorer
from wikitopics.scoring.settings import from_json
from wikitopics.scoring.spread import on_cluster
from wikitopics.scoring.topics import ABSTAIN, least_sure
from wikitopics.scoring.writing import FORMATS

SHARD = 4096  # files; a stop costs at most this many


class Work(NamedTuple):
    """How shards are scored, by whichever process: see score_files.

    settings: as text, of which the worker's network must be; root: see paths.root.
    """

    model: Path
    settings: str
    evaluation: Path | None
    jobs: int
    source: Reads
    abstain: float
    root: Path


def score_files(
    model: Path,
    paths: list[str],
    out: Path,
    evaluation: Path | None = None,
    jobs: int = 0,
    shard: int = SHARD,
    source: Reads = FILES,
    abstain: float = ABSTAIN,
    dask: str = "",
) -> dict[str, int]:
    """Score `paths` with the run in the folder `model` into `out`; counts: files, scored, and each reason.

    `out` ends in .parquet (scoring.results.SCHEMA) or .jsonl (scoring.results.liftwing); one row a path, in
    order. It appears, or takes the place of what was there, only when it is whole. Until then the shards lie
    beside it in OUT.parts; the same call (same model, settings and paths) takes those that are there. Memory
    does not grow with the number of files, but for their names.

    `source` reads the paths, by default files of these names; a source of sources.open_source does as well.
    `abstain`: see topics.least_sure; `evaluation`: see load_scorer; `jobs`: see decoded. `dask`: address of a
    cluster whose workers see the same folders under the same names. Raises UserError for another ending, for
    no path, where another process writes the same, and as load_scorer does.
    """
    out = Path(out)
    if out.suffix not in FORMATS:
        raise UserError(f"results must go to a file in {' or '.join(FORMATS)}, but out is {out}; rename it")
    if not paths:
        raise UserError("there must be at least one file to score, but there is none; name files or folders")
    model, judged = Path(model).absolute(), evaluation and Path(evaluation).absolute()
    scorer = load_scorer(model, judged)
    work = Work(model, scorer.settings.text(), judged, jobs, source, abstain, root())
    least_sure(scorer.settings, abstain)  # a share that cannot be is told before anything is written
    key = key_of(f"{scorer.settings.text()} {shard} {source!r} {abstain}", paths, source)
    result = Result(out.absolute(), key, schema(scorer.settings), "scoring", "scored")
    elsewhere = partial(on_cluster, partial(_write_there, work), address=dask) if dask else None
    return write_result(result, paths, shard, partial(_tables, work, scorer), FORMATS[out.suffix], elsewhere)


def _tables(work: Work, scorer: Scorer, paths: list[str]) -> Iterator[pa.Table]:
    """Rows, some at a time: workers decode the next chunks while the network looks at this one."""
    cut = least_sure(scorer.settings, work.abstain)
    for some, pixels, rejected in decoded(paths, scorer.recipe, BATCH, work.jobs, work.source):
        yield rows(some, scorer.forward(pixels), rejected, scorer.settings, work.source, cut)


def _write_there(work: Work, shard: Shard) -> int:
    """The number of a shard's files; a cluster's machine writes it, unless an earlier attempt was whole."""
    if root() != work.root:
        os.environ["WIKITOPICS_ROOT"] = str(work.root)
    if not shard.file.exists():
        scorer = _loaded(work.model, work.evaluation, work.settings)
        deque(write_shard(shard, partial(_tables, work, scorer), schema(scorer.settings)), maxlen=0)
    return len(shard.paths)


@lru_cache(maxsize=1)
def _loaded(model: Path, evaluation: Path | None, settings: str) -> Scorer:
    """A worker's, for all its shards: its own network with the settings of who sends the work.

    A worker lives on when somebody trains again in the same folder, and a calibration that it fits itself
    may differ in its last digits.
    """
    own, ours = load_scorer(model, evaluation), from_json(json.loads(settings), str(model))
    if own.settings.key != ours.key:
        raise UserError(
            f"workers must see the model as it is here, but one has another in {model}; let them see the "
            "same folders, or run again if it was trained meanwhile"
        )
    return Scorer(ours, own.forward)
