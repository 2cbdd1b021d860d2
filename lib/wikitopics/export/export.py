"""A finished run made into a bundle: files converted and checked, records gathered, cards filled."""

import platform
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from wikitopics import __version__, paths
from wikitopics.artefacts import RECORD, read_arrow, write_json
from wikitopics.errors import UserError
from wikitopics.evaluate.predictions import matrix
from wikitopics.export.cards import filled
from wikitopics.export.convert import (
    CONVERTERS,
    PACKAGES,
    TOLERANCE,
    bound,
    check_formats,
    frozen,
    largest_difference,
)
from wikitopics.export.facts import Chain, Facts, params_text, read_chain, read_facts
from wikitopics.export.front_matter import data_front, model_front, with_front
from wikitopics.export.written import check_place, names_in, whole_bundle
from wikitopics.images.squares import read_squares
from wikitopics.scoring.archive import SUMS
from wikitopics.scoring.bundle import write_model
from wikitopics.scoring.settings import settings_of
from wikitopics.sources.table_cells import without_formula
from wikitopics.train.model import takes_features
from wikitopics.train.record import read_trained

JUDGED = ("metrics.json", "per_label.parquet", "thresholds.parquet")
PICTURES = 64  # of the validation, on which each file is checked


def export_run(
    model: str, out: Path, evaluation: str | None = None, formats: Sequence[str] | None = None
) -> dict[str, Any]:
    """Write the bundle of the 03_train run `model` to `out`, a new folder or a .zip; what export.json says.

    `evaluation`: the 04_evaluate run that judged it, by default of the same name. `formats`: model files for
    other programs beside the weights that `wikitopics score` reads, any of keras, onnx, tflite; by default
    all for which the packages are installed. An earlier bundle at `out` is replaced when the new one is
    whole. Raises UserError for runs that are missing or do not fit each other, for a network that is none of
    ours, for a layer that a format cannot hold, for scores that differ from the run's by more than
    convert.TOLERANCE, and for an `out` that is something else.
    """
    formats, chain, out = check_formats(formats), read_chain(model, evaluation), Path(out)
    check_place(out)
    network, _ = read_trained(chain.model)
    if takes_features(network):
        raise UserError(
            f"a bundle must hold the whole way from pictures to topics, but the run {chain.model.name!r} "
            "learned from features that were given; export a run with a backbone"
        )
    settings = settings_of(chain.model, chain.evaluation, network.inputs[0].shape[1])
    with whole_bundle(out) as folder:
        write_model(folder, network, settings)
        _convert(network, chain, formats, folder)
        missing = _gather(chain, folder)
        export = _checked(chain, len(settings.label_names), ["safetensors", *formats], folder)
        facts = read_facts(chain, settings, export | {"versions": _versions(formats)}, missing)
        _fill(facts, folder)
    return facts.export


def _convert(network, chain: Chain, formats: list[str], folder: Path) -> None:
    if "keras" in formats:
        shutil.copyfile(chain.model / "model.keras", folder / "model.keras")
    function = frozen(network) if set(formats) & set(CONVERTERS) else None
    for name in formats:
        if name in CONVERTERS:
            (folder / f"model.{name}").write_bytes(CONVERTERS[name](function))


def _checked(chain: Chain, n_labels: int, formats: list[str], folder: Path) -> dict[str, Any]:
    """Sizes of the model's files, and how far their scores are from the run's, at most."""
    pictures, scores = validation_batch(chain, n_labels)
    files = {name: folder / f"model.{name}" for name in formats}
    differences = {name: bound(largest_difference(file, pictures, scores)) for name, file in files.items()}
    return {
        "checked": {"pictures": len(pictures), "tolerance": TOLERANCE, "largest_difference": differences},
        "bytes": {name: file.stat().st_size for name, file in files.items()},
    }


def validation_batch(chain: Chain, n_labels: int) -> tuple[np.ndarray, np.ndarray]:
    """The first validation pictures (n, s, s, 3) uint8 and the scores (n, L) that the run wrote for them.

    Raises UserError where the run has no validation pictures.
    """
    table = read_arrow(chain.model / "predictions_validation.parquet", columns=["row", "scores"])
    table = table.slice(0, PICTURES)
    if len(table) == 0:
        raise UserError(
            f"a model must be checked on validation pictures, but {chain.model.name!r} has none; "
            "choose a larger validation_share in its images run"
        )
    scores = matrix(table["scores"], n_labels, f"scores of {chain.model.name!r}")
    return np.asarray(read_squares(chain.images)[table["row"].to_numpy()]), scores


def _gather(chain: Chain, folder: Path) -> list[str]:
    """Copy the records of the chain; the names of those that are missing."""
    missing = []
    for stage, run in chain.runs:
        text = params_text(stage, run)
        given = folder / "params" / stage / f"{run}.yaml"
        if text is None:
            missing.append(f"params/{stage}/{run}.yaml (its parameters are in run.json)")
        else:
            given.parent.mkdir(parents=True, exist_ok=True)
            given.write_text(text, "utf-8")
        record = paths.run_folder(stage, run) / RECORD
        missing += (
            [] if _copied(record, folder / "runs" / stage / run / RECORD) else [f"{stage}/{run}/{RECORD}"]
        )
    for name in JUDGED:
        _copied(chain.evaluation / name, folder / "evaluation" / name)
    return missing


def _copied(source: Path, to: Path) -> bool:
    if not source.is_file():
        return False
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, to)
    return True


def _versions(formats: list[str]) -> dict[str, str]:
    packages = ["keras", "tensorflow", *(package for name in formats for package in PACKAGES[name])]
    own = {"python": platform.python_version(), "wikitopics": __version__}
    return own | {name: version(name) for name in packages}


def _fill(facts: Facts, folder: Path) -> None:
    """The cards and what belongs to them; README.md last, since it names what is there."""
    write_json(folder / "export.json", facts.export | {"missing": facts.missing})
    model, pictures = model_front(facts), facts.pictures
    data = data_front(facts.chain.images.name, pictures["licence"].fillna(""), len(pictures), "DATA_CARD.md")
    for name, front in (("MODEL_CARD.md", model), ("DATA_CARD.md", data)):
        (folder / name).write_text(with_front(front, filled(f"{name}.j2", facts=facts)), "utf-8")
    if facts.lists_creators():
        credits = facts.pictures.map(without_formula)
        credits.to_csv(folder / "credits.csv", index=False, lineterminator="\n")
    names = [*names_in(folder), SUMS]
    parts = {name.partition("/")[0] + "/" * ("/" in name) for name in names}
    readme = filled("README.md.j2", facts=facts, parts=parts)
    (folder / "README.md").write_text(with_front(model, readme), "utf-8")  # the one that the Hub reads
