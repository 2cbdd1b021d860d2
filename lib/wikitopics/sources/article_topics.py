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
from wikitopics.sources.dumps.cirrus import wiki_of, write_topics

FORM = "1"
DUMPS = ("*.json", "*.json.gz", "*.json.bz2")


def search_dumps(path: Path) -> list[Path]:
    """The dumps of search indices at `path`: itself, or all below a folder; empty where there are none."""
    if path.is_dir():
        return sorted(file for pattern in DUMPS for file in path.rglob(pattern))
    return [path] if any(path.match(pattern) for pattern in DUMPS) else []


def topics_from_dumps(path: Path, articles: Iterable[str], jobs: int = -1) -> pd.DataFrame:
    """The topics of these articles (article, topic, score), in the dumps' order; `attrs["notes"]`: counts.

    Articles are named with their wiki's language ("en:Cat"); where all dumps are of one wiki, plain titles
    are found too. Each dump is read once, `jobs` at a time (-1: all cores), and kept under data/sources.
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
    plain = len({wiki_of(dump) for dump in dumps}) == 1
    tables = [_of_articles(folder / "topics.parquet", wanted, plain) for folder in made]
    topics = pa.concat_tables(tables).to_pandas()
    counts = pd.DataFrame([read_json(folder / RECORD)["counts"] for folder in made]).sum()
    topics.attrs["notes"] = {what: int(count) for what, count in counts.items() if count}
    return topics


def _made(dump: Path) -> Path:
    def make(folder: Path) -> dict[str, Any]:
        return {"dump": dump.name, "counts": write_topics(dump, folder / "topics.parquet")}

    return made_once("search_index", fingerprint_of([dump], FORM), make)


def _of_articles(path: Path, wanted: pa.Array, plain: bool) -> pa.Table:
    """The rows of these articles, one row group after the other; `plain`: named without a language too."""
    file = pq.ParquetFile(path)
    kept = [file.schema_arrow.empty_table()]
    for i in range(file.num_row_groups):
        table = file.read_row_group(i)
        kept.append(table.filter(pc.is_in(table["article"], wanted)))
        if plain:
            title = pc.replace_substring_regex(table["article"], "^[^:]*:", "")
            named = table.set_column(0, "article", title)
            kept.append(named.filter(pc.is_in(title, wanted)))
    return pa.concat_tables(kept)
