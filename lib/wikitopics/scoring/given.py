"""Topics from features that somebody else made, by a run that learned from such."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pyarrow as pa

from wikitopics.artefacts import RECORD, read_json, replacing
from wikitopics.errors import UserError
from wikitopics.progress import report
from wikitopics.scoring.results import rows, schema
from wikitopics.scoring.settings import ABSTAIN, Settings, least_sure, settings_of
from wikitopics.scoring.shards import FORMATS, writable
from wikitopics.vectors.vector_files import opened, vectors_of


class Features:
    """What `source` says of rows whose pictures nobody looked at here."""

    name: ClassVar[str] = "features"

    def read(self, path: str, max_bytes: int) -> bytes:
        """No picture is here."""
        raise FileNotFoundError(path)


def learned_from_features(model: Path) -> bool:
    """Whether the finished 03_train run in this folder was given features."""
    return bool(read_json(model / RECORD)["parameters"].get("features"))


def score_features(
    model: Path, inputs: list[str], out: Path, evaluation: Path | None = None, abstain: float = ABSTAIN
) -> dict[str, int]:
    """Score one file of features, see train.given_features.read_given, into `out`; counts as score_files.

    One row for each of the file's, in order; `path` is what names the picture there. Raises UserError for
    more than one input, for features of another width than the model's, and as score_files.
    """
    if len(inputs) != 1 or not inputs[0].endswith(".parquet"):
        raise UserError(
            f"the run {model.name!r} learned from given features and scores one Parquet file of them, but is "
            f"given {', '.join(inputs[:3])}; name such a file"
        )
    if out.suffix not in FORMATS:
        raise UserError(f"results must go to a file in {' or '.join(FORMATS)}, but out is {out}; rename it")
    path, counts = Path(inputs[0]), Counter({"files": 0, "scored": 0})
    settings = settings_of(model, evaluation, read_json(model / RECORD)["parameters"]["image_size"])
    cut, total = least_sure(settings, abstain), opened(path)[0].metadata.num_rows
    report("scoring", 0, total)
    with (
        writable(out.absolute()),
        replacing(out) as part,
        FORMATS[out.suffix](part, schema(settings)) as write,
    ):
        for table in _tables(model, path, settings, cut):
            write(table)
            counts.update(reason or "scored" for reason in table["reason"].to_pylist())
            counts.update({"files": len(table), "abstained": sum(table["abstained"].to_pylist())})
            report("scoring", counts["files"], total)
    return {name: count for name, count in counts.items() if count or name in ("files", "scored")}


def _tables(model: Path, path: Path, settings: Settings, cut: float) -> Iterator[pa.Table]:
    from wikitopics.train.record import read_trained

    network, _ = read_trained(model)
    for names, vectors, usable in vectors_of(path):
        width = network.input_shape[1]
        if vectors.shape[1] not in (0, width):
            raise UserError(
                f"features must be of the network that the run {model.name!r} was given, {width:,} numbers a "
                f"row, but {path.name} has {vectors.shape[1]:,}; name another file"
            )
        places = np.flatnonzero(~usable)
        told = {"reason": "no_features", "detail": "none, zeros or not finite"}
        rejected = pd.DataFrame(told, index=places, columns=["reason", "detail"])
        scores = np.empty((0, len(settings.label_names)), np.float32)
        if usable.any():
            scores = np.asarray(network.predict_on_batch(vectors[usable]), np.float32)
        yield rows(names, scores, rejected, settings, Features(), cut)
