"""Pictures by what is said in words: those whose features are nearest to the vectors of texts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wikitopics.alike.features import ABOUT
from wikitopics.alike.nearest import COLUMNS
from wikitopics.artefacts import RECORD, read_json
from wikitopics.errors import UserError
from wikitopics.paths import run_folder
from wikitopics.progress import report
from wikitopics.rules import PRESET, is_preset
from wikitopics.vectors.text_side import Preset, TextFile, TextSide, check_width, text_side
from wikitopics.vectors.vector_files import opened, units, vectors_of


def nearest_to_texts(features: Path, side: TextSide, texts: list[str], count: int = 8) -> pd.DataFrame:
    """The `count` pictures nearest to each text: query, rank (from 1), path, similarity (cosine), reason "".

    features: a file of `wikitopics embed`, or any Parquet file that 03_train takes; `path` is what names the
    picture there. All are compared, some at a time, so memory does not grow with their number. Pictures
    without numbers are left out. Raises UserError for a text without a vector, and for texts of another
    width than the features.
    """
    asked, done = units(side.vectors(texts)), 0
    paths, best = np.empty((len(asked), 0), object), np.empty((len(asked), 0), np.float32)
    total = opened(features)[0].metadata.num_rows
    for names, vectors, usable in vectors_of(features):
        done += len(names)
        if usable.any():
            check_width(side.name, asked.shape[1], vectors.shape[1])
            similarity = asked @ units(vectors[usable]).T
            known = np.broadcast_to(np.array(names, object)[usable], similarity.shape)
            paths, best = np.hstack([paths, known]), np.hstack([best, similarity])
            order = np.argsort(-best, axis=1, kind="stable")[:, :count]
            paths, best = np.take_along_axis(paths, order, 1), np.take_along_axis(best, order, 1)
        report("comparing", done, total)
    found = [
        pd.DataFrame({"query": text, "rank": range(1, len(own) + 1), "path": own, "similarity": near})
        for text, own, near in zip(texts, paths, best, strict=True)
    ]
    return pd.concat(found, ignore_index=True).assign(reason="")[COLUMNS]


def side_of(features: Path, texts: Path | None, model: str | None) -> TextSide:
    """What gives vectors of texts beside these features: the file `texts`, else what `model` has, a preset or
    a run of 03_train, else what the run has that embedded the features.

    Raises UserError where that has no text side, and for another preset than that of the features.
    """
    if texts is not None:
        return TextFile(texts)
    run = str(_about(features).get("model", ""))
    own, named = _of_run(run), _of_run(model or run)
    if model and is_preset(model):
        named = Preset(model.removeprefix(PRESET))
    if named is None:
        raise UserError(
            f"texts must be embedded by the network of the features, but {model or run or features.name!r} "
            f"names none that reads; give a file of their vectors with --texts, or --model {PRESET}PRESET"
        )
    if isinstance(own, Preset) and isinstance(named, Preset) and own != named:
        raise UserError(
            f"texts must be embedded by the network of the features, {own.name!r}, but --model has "
            f"{named.name!r}; leave it out"
        )
    return named


def _of_run(run: str) -> TextSide | None:
    """What a finished run of 03_train has; None for what is no run here."""
    record = run_folder("03_train", run) / RECORD if run else None
    if record is None or not record.exists():
        return None
    parameters = read_json(record)["parameters"]
    return text_side(parameters.get("texts", ""), parameters["backbone"])


def _about(features: Path) -> dict[str, Any]:
    """What a file of `wikitopics embed` says of itself; nothing of any other."""
    try:
        about = json.loads((opened(features)[0].schema_arrow.metadata or {}).get(ABOUT, b"{}"))
    except ValueError as error:
        raise UserError(
            "a file of `wikitopics embed` must say of itself in JSON where it comes from, but "
            f"{features.name} does not ({error}); embed the pictures again"
        ) from error
    return about if isinstance(about, dict) else {}
