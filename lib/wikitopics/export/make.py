"""A finished run made into a bundle: files converted and checked, records gathered, cards told."""

import platform
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from wikitopics import __version__, paths
from wikitopics.artefacts import RECORD, write_json
from wikitopics.export.agreement import TOLERANCE, bound, largest_difference, validation_batch
from wikitopics.export.chain import Chain, params_text, read_chain
from wikitopics.export.convert import CONVERTERS, FORMATS, PACKAGES, check_formats, frozen
from wikitopics.export.data_card import MANY, data_card, pictures_of
from wikitopics.export.facts import Facts, read_facts
from wikitopics.export.keras_file import check_keras_file
from wikitopics.export.load import MODEL, SETTINGS
from wikitopics.export.model_card import model_card
from wikitopics.export.named import SUMS
from wikitopics.export.read_me import read_me
from wikitopics.export.written import check_place, names_in, whole_bundle
from wikitopics.scoring.of_run import settings_of
from wikitopics.train.record import read_trained

JUDGED = ("metrics.json", "per_label.parquet", "thresholds.parquet")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that spreadsheets compute


def export_run(
    model: str, out: Path, evaluation: str | None = None, formats: Sequence[str] = FORMATS
) -> dict[str, Any]:
    """Write the bundle of the 03_train run `model` to `out`, a new folder or a .zip; what export.json says.

    `evaluation`: the 04_evaluate run that judged it, by default of the same name. `formats`: keras and any
    of onnx, tflite. An earlier bundle at `out` is replaced when the new one is whole. Raises UserError for
    runs that are missing or do not fit each other, for a layer that a format cannot hold, for scores that
    differ from the run's by more than agreement.TOLERANCE, and for an `out` that is something else.
    """
    formats, chain, out = check_formats(list(formats)), read_chain(model, evaluation), Path(out)
    check_place(out)
    network, _ = read_trained(chain.model)
    settings = settings_of(chain.model, chain.evaluation, network.inputs[0].shape[1])
    with whole_bundle(out) as folder:
        shutil.copyfile(chain.model / MODEL, folder / MODEL)
        check_keras_file(folder / MODEL, out.name)
        _convert(network, formats, folder)
        write_json(folder / SETTINGS, settings.as_json())
        missing = _gather(chain, folder)
        export = _checked(chain, len(settings.label_names), formats, folder)
        facts = read_facts(chain, settings, export | {"versions": _versions(formats)}, missing)
        _tell(facts, folder)
    return facts.export


def _convert(network, formats: list[str], folder: Path) -> None:
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


def _tell(facts: Facts, folder: Path) -> None:
    """The cards and what belongs to them; README.md last, since it names what is there."""
    write_json(folder / "export.json", facts.export | {"missing": facts.missing})
    (folder / "MODEL_CARD.md").write_text(model_card(facts), "utf-8")
    (folder / "DATA_CARD.md").write_text(data_card(facts), "utf-8")
    pictures = pictures_of(facts)
    if len(pictures) <= MANY:
        pictures.map(_no_formula).to_csv(folder / "credits.csv", index=False, lineterminator="\n")
    (folder / "README.md").write_text(read_me(facts, [*names_in(folder), SUMS]), "utf-8")


def _no_formula(cell: Any) -> Any:
    """A cell that no spreadsheet computes: strangers wrote titles and creators."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
