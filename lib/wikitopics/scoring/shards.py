"""Scoring any number of files, shard by shard, here or on the machines of a Dask cluster."""

import hashlib
import json
import multiprocessing
import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from wikitopics.artefacts import clear_leftovers, read_json, replacing, room_for, take_lock, write_json
from wikitopics.errors import UserError
from wikitopics.images.parallel import client
from wikitopics.paths import root
from wikitopics.progress import report
from wikitopics.scoring.network import BATCH, Scorer, load_scorer
from wikitopics.scoring.pictures import FILES, NamedFiles, Reads, WithTitles, decoded
from wikitopics.scoring.results import liftwing, rows, schema, wide
from wikitopics.scoring.settings import ABSTAIN, from_json, least_sure
from wikitopics.sources.inputs import PREFIX

LOCK, KEY = "lock", "key.json"
OURS = re.compile(r"lock|key\.json|\d{6,}-[0-9a-f]{16}\.parquet")  # and what becomes one of these

AHEAD = 2  # tasks for each thread of the cluster: enough never to wait, and the names of few at a time

SHARD = 4096  # files; a stop costs at most this many


# --- Results of any number of files, shard by shard, so that a stopped run goes on
#
# The shards lie in a folder beside the result, which one process fills at a time.


def key_of(what: str, paths: list[str], source: Reads) -> str:
    """Hex digest of what a result depends on: the model and all settings in `what`, and the pictures.

    A relative name is another picture in another folder, so the folder one is in counts with it; a source of
    its own knows where its paths begin.
    """
    digest = hashlib.sha256(what.encode())
    for path in paths:
        digest.update(path.encode("utf-8", "surrogateescape") + b"\0")
    files = source.files if isinstance(source, WithTitles) else source
    if isinstance(files, NamedFiles) and not all(path.startswith(("/", PREFIX)) for path in paths):
        digest.update(os.fsencode(files.base or os.getcwd()))
    return digest.hexdigest()


@contextmanager
def parts_of(out: Path, key: str) -> Iterator[Path]:
    """The folder OUT.parts, held until the block ends, with the shards of `key` that are there already.

    Shards of something else are thrown away. It goes when the block ends well, or without a shard, and
    stays for the same command otherwise. Raises UserError where another process has it, where it holds
    anything else, or where nothing can be written.
    """
    parts = out.with_name(out.name + ".parts")
    with writable(out), _held(parts, out):
        known = parts / KEY
        if not known.exists() or read_json(known) != key:
            _remove(parts, but=LOCK)
            write_json(known, key)
        whole = False
        try:
            yield parts
            whole = True
        finally:
            if whole or not any(parts.glob("*.parquet")):
                # A worker whose driver was killed may still write a shard here: nobody will take it.
                with suppress(OSError):
                    _remove(parts)
                    parts.rmdir()


@contextmanager
def _held(parts: Path, out: Path) -> Iterator[None]:
    parts.mkdir(parents=True, exist_ok=True)
    theirs = sorted(entry.name for entry in os.scandir(parts) if not _is_ours(entry))
    if theirs:
        raise UserError(
            f"{parts} must hold nothing but shards, but it holds {theirs[0]!r}; move it away or write "
            f"{out.name} elsewhere"
        )
    with open(parts / LOCK, "ab") as file:
        try:
            take_lock(file.fileno(), parts, wait=False)
        except BlockingIOError:
            raise UserError(
                f"one process writes a result at a time, but another one writes {out}; wait for it or name "
                "another file"
            ) from None
        yield


def _is_ours(entry: os.DirEntry) -> bool:
    whole = re.fullmatch(r"\.(.+)\.\d+\.part", entry.name)  # as artefacts.replacing names what is begun
    return bool(OURS.fullmatch(whole[1] if whole else entry.name)) and entry.is_file(follow_symlinks=False)


def _remove(parts: Path, but: str = "") -> None:
    for entry in os.scandir(parts):
        if entry.name != but and _is_ours(entry):
            Path(entry).unlink(missing_ok=True)


@contextmanager
def writable(out: Path) -> Iterator[None]:
    """A block in which it is a UserError that `out` (absolute) cannot be written, or is a folder."""
    if os.path.isdir(out):
        raise UserError(f"results must go to a file, but {out} is a folder; name a file in it")
    try:
        with room_for("what is written", str(out.parent), ": it goes on where it was"):
            yield
    except OSError as error:
        where = Path(os.fsdecode(error.filename or ""))
        if not where.is_absolute() or not (where.is_relative_to(out.parent) or where in out.parents):
            raise
        raise UserError(
            f"results must go to a folder that can be written, but {out.parent} cannot "
            f"({os.strerror(error.errno) if error.errno else error}); name another"
        ) from error


class Shard(NamedTuple):
    """Paths whose rows are computed together, and the file that they go to."""

    file: Path
    paths: list[str]


class Result(NamedTuple):
    """A table with one row a path, in order: where it goes, what it depends on, and how it is told of.

    out: an absolute path; key: see key_of; schema: of its shards, which have a column "reason" that is empty
    for a good row; doing, done: of a path, as in "scoring" and "scored".
    """

    out: Path
    key: str
    schema: pa.Schema
    doing: str
    done: str


Write = Callable[[pa.Table], None]


Tables = Callable[[list[str]], Iterator[pa.Table]]


@contextmanager
def parquet_writer(path: Path, schema: pa.Schema) -> Iterator[Write]:
    """A function that appends tables to one Parquet file."""
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        yield writer.write_table


def write_result(
    result: Result,
    paths: list[str],
    size: int,
    tables: Tables,
    writer: Callable[[Path, pa.Schema], AbstractContextManager[Write]] = parquet_writer,
    elsewhere: Callable[[list[Shard]], Iterator[int]] | None = None,
) -> dict[str, int]:
    """How many files there were, were good, and had each reason, once the result is whole in its place.

    Until then its shards, of `size` paths each, lie beside it, see parts_of; those that are there already are
    taken. `tables` gives the rows of some paths, in order; `writer`: of the result's own format; `elsewhere`
    writes shards on other machines, and gives the number of files of each that is done.
    """
    with parts_of(result.out, result.key) as parts:
        clear_leftovers(result.out.parent, result.out.name)
        shards = [
            Shard(parts / f"{number:06}-{result.key[:16]}.parquet", paths[start : start + size])
            for number, start in enumerate(range(0, len(paths), size))
        ]
        missing = [shard for shard in shards if not shard.file.exists()]
        here = (files for shard in missing for files in write_shard(shard, tables, result.schema))
        total, done = sum(len(shard.paths) for shard in missing), 0
        report(result.doing, 0, total)
        for files in elsewhere(missing) if elsewhere else here:
            report(result.doing, done := done + files, total)
        return join([shard.file for shard in shards], result, writer)


def write_shard(shard: Shard, tables: Tables, schema: pa.Schema) -> Iterator[int]:
    """The number of rows of each table, as it is written; the shard is there when all of them are."""
    with replacing(shard.file) as temporary, parquet_writer(temporary, schema) as write:
        for table in tables(shard.paths):
            write(table)
            yield len(table)


def join(files: list[Path], result: Result, writer: Callable = parquet_writer) -> dict[str, int]:
    """How many files were good, were abstained from, or why not good; all shards are one file then."""
    counts: dict[str, int] = {"files": 0, result.done: 0}
    with replacing(result.out) as temporary, writer(temporary, result.schema) as write:
        for file in files:
            table = pq.read_table(file)
            write(table)
            counts["files"] += len(table)
            for reason in table["reason"].to_pylist():
                counts[reason or result.done] = counts.get(reason or result.done, 0) + 1
            abstained = sum(table["abstained"].to_pylist()) if "abstained" in table.column_names else 0
            if abstained:
                counts["abstained"] = counts.get("abstained", 0) + abstained
    return counts


# --- Shards on the machines of a Dask cluster: each is written by its worker, on a disk that all share


def on_cluster(work: Callable[[Any], int], tasks: list, address: str) -> Iterator[int]:
    """What `work` gives for each of `tasks`, as they end, computed by the cluster at `address`.

    A task whose worker is lost is done again by another. Raises UserError where nobody answers there or
    nobody works, where one task has cost several workers, and as `work` does.
    """
    with client(address, "--dask") as cluster:
        from distributed import KilledWorker, as_completed

        threads = sum(cluster.nthreads().values())
        if not threads:
            raise UserError(f"--dask must be a cluster with workers, but {address} has none; start some")
        left = (cluster.submit(_with_children, work, task, pure=False) for task in tasks)
        begun = as_completed(islice(left, AHEAD * threads), loop=cluster.loop)
        try:
            for future in begun:
                yield future.result()
                begun.update(islice(left, 1))
        except KilledWorker as error:
            raise UserError(
                f"workers of {address} must live until they are done, but several were lost at one piece of "
                "work; give them more memory and run again: it goes on where it was"
            ) from error


def _with_children(work: Callable[[Any], int], task: Any) -> int:
    """Dask starts its workers as daemons, which may have no children; ours decode, and end when idle."""
    process: Any = multiprocessing.current_process()
    process._config["daemon"] = False  # the attribute `daemon` can be set before the start only
    return work(task)


@contextmanager
def lines_writer(path: Path, schema: pa.Schema) -> Iterator[Write]:
    """A function that appends tables of scoring.results.schema as lines of JSON, see results.liftwing."""
    label_names = json.loads(schema.metadata[b"wikitopics"])["label_names"]
    with open(path, "w", encoding="utf-8") as file:
        yield lambda table: file.writelines(line + "\n" for line in liftwing(table, label_names))


@contextmanager
def csv_writer(path: Path, schema: pa.Schema) -> Iterator[Write]:
    """A function that appends tables of scoring.results.schema as CSV, a column a label, see results.wide."""
    label_names = json.loads(schema.metadata[b"wikitopics"])["label_names"]
    with open(
        path, "w", encoding="utf-8-sig", newline=""
    ) as file:  # with the mark by which Excel knows UTF-8

        def write(table: pa.Table) -> None:
            rows = wide(table, label_names)
            rows.to_csv(file, index=False, header=file.tell() == 0, float_format="%.4f")

        yield write


FORMATS = {".parquet": parquet_writer, ".jsonl": lines_writer, ".csv": csv_writer}


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

    `out` ends in .parquet (scoring.results.SCHEMA), .jsonl (results.liftwing) or .csv (results.wide); one row
    a path, in order. It appears, or takes the place of what was there, only when it is whole. Until then the
    shards lie beside it in OUT.parts; the same call (same model, settings and paths) takes those that are
    there. Memory does not grow with the number of files, but for their names.

    `source` reads the paths, by default files of these names; a source of sources.open_source does as well.
    `abstain`: see settings.least_sure; `evaluation`: see load_scorer; `jobs`: see decoded. `dask`: address of
    a cluster whose workers see the same folders under the same names. Raises UserError for another ending,
    for no path, where another process writes the same, and as load_scorer does.
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
