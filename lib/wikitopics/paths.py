"""Where things are: one mapping from (stage, run) to params, executed notebook and artefacts."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
STAGES = ("01_labels", "02_images", "03_train", "04_evaluate", "05_compare", "06_score")


def root() -> Path:
    """Folder that holds params/, data/ and executed/: $WIKITOPICS_ROOT, or the project itself."""
    return Path(os.environ.get("WIKITOPICS_ROOT") or PROJECT).resolve()


def notebook(stage: str) -> Path:
    """The stage's source notebook: the root's own if it has one, else the project's."""
    own = root() / "notebooks" / f"{stage}.ipynb"
    return own if own.exists() else PROJECT / "notebooks" / f"{stage}.ipynb"


def params_file(stage: str, run: str) -> Path:
    """The YAML file that says how this run differs from the notebook's defaults."""
    return root() / "params" / stage / f"{run}.yaml"


def executed(stage: str, run: str) -> Path:
    """The executed copy of the notebook."""
    return root() / "executed" / stage / f"{run}.ipynb"


def run_folder(stage: str, run: str) -> Path:
    """The folder of the run's artefacts."""
    return root() / "data" / stage / run


def sample_folder() -> Path:
    """The embedded sample and its data card."""
    return PROJECT / "sample"
