"""Features that somebody else made, of files that are to be scored."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from wikitopics.alike.features import ROWS, About, read_features, rows, schema
from wikitopics.artefacts import RECORD, file_digest, finished_run, read_array, read_json, replacing
from wikitopics.errors import UserError
from wikitopics.images.decode import content, read
from wikitopics.paths import located, root
from wikitopics.progress import report
from wikitopics.scoring.choose import Chosen
from wikitopics.vectors.vector_files import opened

MAX_BYTES = 1 << 28  # of a file whose SHA-1 is asked for


def given_features(chosen: Chosen, model: str, features: str, out: Path) -> Path | None:
    """`out`, written with what a features file says of the chosen files, in their order, as of `wikitopics
    embed`; None where the run `model` looks at pixels itself.

    features: path of the file, "" for the one that the model learned from. A file that it does not have is
    a row with the reason no_features. Raises UserError where features are named for a model that takes none,
    and as train.given_features.read_given.
    """
    learned = read_json(finished_run("03_train", model) / RECORD)["parameters"].get("features", "")
    if not learned:
        if features:
            raise UserError(
                f"features can be scored by a run that learned from such, but {model!r} looks at pixels; "
                f"leave features {features!r} out"
            )
        return None
    from wikitopics.train.given_features import write_vectors

    path = located(features or learned)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        vectors, names = Path(folder) / "vectors.npy", _names(chosen, path)
        write_vectors(path, names.drop_duplicates("row"), vectors)
        rows_of = names["row"].to_numpy()
        _write(list(chosen.frame["path"]), rows_of, read_array(vectors), _about(model, path, vectors), out)
    return out


def _names(chosen: Chosen, path: Path) -> pd.DataFrame:
    """row, title, path, file_sha1 of the chosen files; all of them are read where the file asks for SHA-1.

    Copies have one SHA-1 and then one row, that of the first. A path in the laboratory's folder begins there,
    as people write it: one that is whole ends in it.
    """
    table, digests = chosen.frame[["title", "path"]].copy(), [""] * len(chosen.frame)
    rows_of = np.arange(len(table))
    if opened(path)[1] == "sha1":
        for number, name in enumerate(table["path"]):
            digests[number] = content(read(chosen.source, name, MAX_BYTES))
            report("reading", number + 1, len(table))
        rows_of = pd.Series(rows_of).groupby(digests).transform("first").to_numpy()
    table["path"] = [name.removeprefix(f"{root()}/") for name in table["path"]]
    return table.assign(row=rows_of, file_sha1=digests)


def _about(model: str, path: Path, vectors: Path) -> About:
    width = read_array(vectors).shape[1]
    return About(model=model, backbone="features", weights=file_digest(path), side=0, fit="", width=width)


def _write(paths: list[str], rows_of: np.ndarray, vectors: np.ndarray, about: About, out: Path) -> None:
    told = {"reason": "no_features", "detail": "none, zeros or not finite"}
    with replacing(out) as part, pq.ParquetWriter(part, schema(about)) as writer:
        for start in range(0, len(paths), ROWS):
            some = np.asarray(vectors[rows_of[start : start + ROWS]])
            known = some.any(axis=1)
            rejected = pd.DataFrame(told, index=np.flatnonzero(~known), columns=["reason", "detail"])
            writer.write_table(rows(paths[start : start + ROWS], some[known], rejected, about))


def vectors_of(features: Path | None, paths: list[str]) -> np.ndarray | None:
    """(k, d) features of these paths in a file of `given_features`; None without one."""
    if features is None:
        return None
    with tempfile.TemporaryDirectory(dir=features.parent) as folder:
        found = read_features(features, Path(folder))
        place = {path: row for row, path in enumerate(found.paths)}
        return np.array(found.vectors[[place[path] for path in paths]])
