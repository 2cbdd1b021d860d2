"""Results of scoring as rows of a table, and the same in the shape of LiftWing's article topics."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from wikitopics import __version__
from wikitopics.evaluate.calibration import sureness
from wikitopics.scoring.pictures import FILES, Reads, remark
from wikitopics.scoring.settings import Settings, topics

FLOATS = pa.list_(pa.float32())
SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("labels", pa.list_(pa.string())),
        ("probabilities", FLOATS),
        ("scores", FLOATS),
        ("sureness", pa.float32()),
        ("abstained", pa.bool_()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("source", pa.string()),
        ("model", pa.string()),
        ("key", pa.string()),
        ("version", pa.string()),
    ]
)
IN_EVERY_FORM = ("source", "model", "key", "version")  # columns of Parquet, CSV and lines of JSON


def schema(settings: Settings) -> pa.Schema:
    """SCHEMA with the model's description (label order, thresholds, calibration) under "wikitopics"."""
    return SCHEMA.with_metadata({"wikitopics": settings.text()})


def rows(
    paths: list[str],
    scores: np.ndarray,
    rejected: pd.DataFrame,
    settings: Settings,
    source: Reads = FILES,
    cut: float = 0.0,
) -> pa.Table:
    """One row for each of `paths`, in order, with SCHEMA's columns.

    scores: (k, L) of the paths whose places are not in the index of `rejected` (reason, detail; see
    pictures.decoded), in order. probabilities and
    scores are in the order of label_names; labels: see settings.topics, none where abstained, which is where
    sureness (evaluate.calibration) is below `cut`. A rejected file has a reason and no scores; a scored one
    has reason "". source: the name of what the paths are read from; version: of this library.
    """
    bad = np.isin(np.arange(len(paths)), rejected.index)
    chances = settings.probabilities(scores)
    sure = sureness(chances)
    silent = sure < cut
    chosen = [[] if still else own for own, still in zip(topics(scores, settings), silent, strict=True)]
    columns = {
        "path": [readable(path) for path in paths],
        "labels": with_gaps(bad, chosen, []),
        "probabilities": with_gaps(bad, list(chances), []),
        "scores": with_gaps(bad, list(scores), []),
        "sureness": with_gaps(bad, list(sure), None),
        "abstained": with_gaps(bad, silent.tolist(), False),
        "reason": rejected["reason"].reindex(range(len(paths)), fill_value="").tolist(),
        "detail": [
            rejected.at[place, "detail"] if wrong else remark(source, path)
            for place, (path, wrong) in enumerate(zip(paths, bad, strict=True))
        ],
    }
    of = {"source": source.name, "model": settings.name, "key": settings.key, "version": __version__}
    columns |= {name: [value] * len(paths) for name, value in of.items()}
    return pa.table(columns, schema=schema(settings))


def columns_of(label_names: list[str]) -> list[str]:
    """A column's name for each label, in order: the label, numbered where that is a column of SCHEMA already.

    >>> columns_of(["Owls", "path"])
    ['Owls', 'path (label)']
    """
    return [f"{name} (label)" if name in SCHEMA.names else name for name in label_names]


def wide(table: pa.Table, label_names: list[str]) -> pd.DataFrame:
    """The rows with a column a label, of its probability, as spreadsheets want it: path, ..., Owls, ...

    labels: joined by |. A file that could not be used has a reason and empty cells.
    """
    frame = table.drop_columns(["probabilities", "scores"]).to_pandas()
    frame["labels"] = ["|".join(names) for names in frame["labels"]]
    chances = [row or [None] * len(label_names) for row in table["probabilities"].to_pylist()]
    each = pd.DataFrame(chances, columns=columns_of(label_names), index=frame.index, dtype=np.float32)
    front = frame[["path", "labels", "sureness", "abstained"]]
    return pd.concat([front, each, frame.drop(columns=front.columns)], axis=1)


def readable(path: str) -> str:
    r"""A file's name as text: bytes in it that are no UTF-8 become the replacement character.

    >>> readable("caf\udce9.jpg")
    'caf�.jpg'
    """
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def with_gaps(bad: np.ndarray, values: Iterable, missing: Any) -> list:
    """The values in order, with `missing` where `bad` (n,) is true.

    >>> with_gaps(np.array([False, True, False]), [1, 2], None)
    [1, None, 2]
    """
    left = iter(values)
    return [missing if wrong else next(left) for wrong in bad]


def liftwing(table: pa.Table, label_names: list[str]) -> Iterator[str]:
    """One line of JSON a row: {"prediction": {"image": ..., "results": [{"topic": ..., "score": ...}]}}.

    results: the labels above their thresholds and those above them, the most probable first, with their
    probabilities; none where abstained. Beside it stand all probabilities, the model and, for a file that
    could not be used, the reason.
    """
    for row in table.to_pylist():
        chance = dict(zip(label_names, row["probabilities"], strict=False))
        topics = sorted(row["labels"], key=lambda topic: -chance[topic])
        results = [{"topic": topic, "score": round(chance[topic], 4)} for topic in topics]
        about = {name: row[name] for name in (*IN_EVERY_FORM, "sureness", "abstained")}
        about |= {"probabilities": {name: round(value, 4) for name, value in chance.items()}}
        wrong = {"error": {"reason": row["reason"], "detail": row["detail"]}} if row["reason"] else {}
        yield json.dumps(
            {"prediction": {"image": row["path"], "results": results}} | about | wrong, ensure_ascii=False
        )
