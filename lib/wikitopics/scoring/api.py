"""`wikitopics.score`: what the command `wikitopics score` does, in Python."""

import json
import os
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from wikitopics.errors import UserError
from wikitopics.scoring.archive import bundle_path
from wikitopics.scoring.given import learned_from_features, score_features
from wikitopics.scoring.pictures import FILES, WIDTH, fetched
from wikitopics.scoring.results import IN_EVERY_FORM, columns_of, wide
from wikitopics.scoring.settings import ABSTAIN, finished_pair
from wikitopics.sources.commons_api import COMMONS
from wikitopics.sources.inputs import PREFIX, check_out, paths_of

IN_MEMORY = 100_000  # pictures whose rows are given as a table; about 200 MB with 20 labels

Name = str | os.PathLike[str]


def score(
    inputs: Name | Iterable[Name],
    model: str,
    out: Name | None = None,
    *,
    evaluation: str | None = None,
    abstain: float = ABSTAIN,
    jobs: int = 0,
    dask: str = "",
    contact: str = "",
    width: int = WIDTH,
    pictures: Name = "",
    api: str = COMMONS,
) -> pd.DataFrame | dict[str, int]:
    """Topics for pictures by the trained run (or bundle) `model`: counts, or without `out` the rows.

    inputs: one or more of what sources.inputs.paths_of reads. out: OUT.parquet, OUT.jsonl or OUT.csv, see
    scoring.shards.score_files, which also explains evaluation (a run of 04_evaluate, by default of the
    model's name), abstain, jobs and dask. Without `out` at most IN_MEMORY pictures are scored, into the
    columns of scoring.results.SCHEMA and behind them one a label, of its probability (NaN for a file that
    could not be used; columns_of names them); attrs["label_names"] is the order of the lists `probabilities`
    and `scores`. A call that was stopped begins anew. contact, width, pictures
    (folder), api: how titles of Commons are fetched, see scoring.pictures.fetched.

    Raises UserError for every mistake, before anything is computed where it can be seen then.
    """
    from wikitopics.scoring.shards import score_files

    if jobs < 0:
        raise UserError(f"--jobs must be at least 1, but is {jobs}; leave it out for half the cores")
    given = [inputs] if isinstance(inputs, str | os.PathLike) else inputs
    names = [os.fspath(name) for name in given]
    if out is not None:
        check_out(names, Path(out), IN_EVERY_FORM)
    run, judged = runs_of(model, evaluation)
    if judged is not None and learned_from_features(run):
        return _of_features(run, names, out, judged, abstain)
    paths = paths_of(names, print)
    if out is None and len(paths) > IN_MEMORY:
        raise UserError(
            f"without out at most {IN_MEMORY:,} pictures are scored, but there are {len(paths):,}; "
            "name a file for the result"
        )
    titles = any(path.startswith(PREFIX) for path in paths)
    source = fetched(paths, contact, os.fspath(pictures), width, api) if titles else FILES
    write = partial(
        score_files, run, paths, evaluation=judged, jobs=jobs, source=source, abstain=abstain, dask=dask
    )
    if out is not None:
        return write(out=Path(out))
    with tempfile.TemporaryDirectory() as folder:
        write(out=Path(folder) / "rows.parquet")
        return _with_labels(pq.read_table(Path(folder) / "rows.parquet"))


def _of_features(
    run: Path, names: list[str], out: Name | None, judged: Path, abstain: float
) -> pd.DataFrame | dict[str, int]:
    """The same for a run that learned from given features: one file of them is scored."""
    if out is not None:
        return score_features(run, names, Path(out), judged, abstain)
    with tempfile.TemporaryDirectory() as folder:
        score_features(run, names, Path(folder) / "rows.parquet", judged, abstain)
        return _with_labels(pq.read_table(Path(folder) / "rows.parquet"))


def _with_labels(table: pa.Table) -> pd.DataFrame:
    """The rows with a column a label."""
    label_names = json.loads(table.schema.metadata[b"wikitopics"])["label_names"]
    rows = table.to_pandas()
    whole = pd.concat([rows, wide(table, label_names)[columns_of(label_names)]], axis=1)
    whole.attrs["label_names"] = label_names
    return whole


def runs_of(model: str, evaluation: str | None = None) -> tuple[Path, Path | None]:
    """The folders of the model and of its evaluation, or a bundle alone (archive.bundle_path).

    Raises UserError where one is not finished or of another.
    """
    bundle = bundle_path(model, evaluation)
    if bundle is not None:
        return bundle, None
    return finished_pair(model, evaluation)
