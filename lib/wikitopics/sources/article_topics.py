"""Topics of the articles that show some files: from a table, or from dumps of search indices, read once."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wikitopics.artefacts import RECORD, read_json
from wikitopics.errors import UserError
from wikitopics.sources.cache import fingerprint_of, made_once
from wikitopics.sources.cirrus import write_topics

FORM = "1"
DUMPS = ("*.json", "*.json.gz", "*.json.bz2")


def search_dumps(path: Path) -> list[Path]:
    """The dumps of search indices at `path`: itself, or all below a folder; empty where there are none."""
    if path.is_dir():
        return sorted(file for pattern in DUMPS for file in path.rglob(pattern))
    return [path] if any(path.match(pattern) for pattern in DUMPS) else []


def topics_from_dumps(path: Path, articles: Iterable[str], jobs: int = -1) -> pd.DataFrame:
    """article, topic, score of these articles, in the order of the dumps; `attrs["notes"]`: what was counted.

    Each dump is read once, `jobs` at a time (-1: all cores), and kept as Parquet under data/sources.
    Raises UserError where there is no dump.
    """
    dumps = search_dumps(path)
    if not dumps:
        raise UserError(
            f"topics must be a table or hold dumps of search indices (.json, .json.gz, .json.bz2), but "
            f"{path} holds none; correct the path"
        )
    made = joblib.Parallel(n_jobs=jobs)(joblib.delayed(_made)(dump) for dump in dumps)
    wanted = pa.array(sorted(set(articles)), pa.string())
    tables = [_of_articles(folder / "topics.parquet", wanted) for folder in made]
    topics = pa.concat_tables(tables).to_pandas()
    counts = pd.DataFrame([read_json(folder / RECORD)["counts"] for folder in made]).sum()
    topics.attrs["notes"] = {what: int(count) for what, count in counts.items() if count}
    return topics


def _made(dump: Path) -> Path:
    def make(folder: Path) -> dict[str, Any]:
        return {"dump": dump.name, "counts": write_topics(dump, folder / "topics.parquet")}

    return made_once("search_index", fingerprint_of([dump], FORM), make)


def _of_articles(path: Path, wanted: pa.Array) -> pa.Table:
    """The rows of these articles, one row group after the other."""
    file = pq.ParquetFile(path)
    groups = (file.read_row_group(i) for i in range(file.num_row_groups))
    kept = [table.filter(pc.is_in(table["article"], wanted)) for table in groups]
    return pa.concat_tables(kept) if kept else file.schema_arrow.empty_table()
