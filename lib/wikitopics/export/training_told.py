"""The part of a model card that says how the model was trained: what was measured, and what was chosen."""

from typing import Any

from wikitopics import paths
from wikitopics.declarations import declared
from wikitopics.export.facts import Facts
from wikitopics.export.markdown import Markdown, table

MEASURED = {
    "shown_images": "training pictures shown in an epoch",
    "best_epoch": "epoch that was kept",
    "precision": "numbers computed in",
    "devices": "devices",
    "processor": "processor",
    "seconds": "seconds it took",
    "peak_memory_mib": "memory at its peak (MiB)",
    "fixed_batch_loss": "loss of one batch: as compiled, and by its formula",
    "changed_variables": "variables that training changed",
    "saved_model_difference": "scores of the saved file from those in memory, at most",
    "backbone_weights_sha256": "SHA-256 of the backbone's weights before training",
    "model_sha256": "SHA-256 of model.keras",
}
MANY = 8  # items of a list that are told


def training(facts: Facts) -> list[str]:
    """Paragraphs: what was measured on the trained model, and all parameters of its run."""
    record = facts.chain.record("03_train")
    measured = [(words, _told(record.get(name))) for name, words in MEASURED.items()]
    notebook = paths.notebook("03_train")
    usual = declared(notebook) if notebook.is_file() else {}
    chosen = []
    for name, value in record.get("parameters", {}).items():
        if name not in ("run", "interactive"):
            differs = name in usual and usual[name].default != value
            chosen.append((Markdown(f"`{name}`"), _told(value), "changed" if differs else ""))
    return [
        "Measured on the trained model, not copied from its parameters:",
        table(("measured", "value"), measured),
        "Parameters of its run; *changed* stands where they are not those that the notebook has:",
        table(("parameter", "value", "against the notebook"), chosen),
    ]


def _told(value: Any) -> str | None:
    """A value of a record in one line; None where there is none."""
    if value is None:
        return None
    if isinstance(value, dict):
        return ", ".join(f"{name} {_told(item)}" for name, item in value.items())
    if isinstance(value, list):
        more = f" and {len(value) - MANY} more" if len(value) > MANY else ""
        return (", ".join(str(item) for item in value[:MANY]) + more) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
