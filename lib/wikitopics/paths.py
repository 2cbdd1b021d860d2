"""Where things are: one mapping from (stage, run) to params, artefacts and executed notebooks."""

import os
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wikitopics.errors import UserError

STAGES = ("01_labels", "02_images", "03_train", "04_evaluate", "05_compare", "06_score")
CHECKOUT = Path(__file__).resolve().parents[2]
IN_WHEEL = Path(__file__).resolve().parent / "laboratory"  # notebooks, params and sample of a `pip install .`
INSTALLED = not (CHECKOUT / "notebooks" / "01_labels.ipynb").is_file()  # without a checkout
PROJECT = IN_WHEEL if INSTALLED else CHECKOUT
VARIABLE = "WIKITOPICS_ROOT"


def root() -> Path:
    """The root folder, which holds params/, data/ and executed/.

    It is $WIKITOPICS_ROOT; else the nearest folder, from the current one upwards, whose params/ has a stage's
    folder; else the checkout that this library lies in. Raises UserError where there is none of them.
    """
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given).expanduser().resolve()
    found = laboratory_around(Path.cwd())
    if found is None and INSTALLED:
        raise UserError(
            f"a laboratory is a folder with params/, but neither {Path.cwd()} nor a folder above it has one; "
            "make one with `wikitopics new DIR` and work in it, or name one with --root DIR"
        )
    return found or CHECKOUT


def laboratory_around(place: Path) -> Path | None:
    """The nearest folder from `place` upwards whose params/ has a folder of a stage; None without one."""
    for folder in (place.resolve(), *place.resolve().parents):
        if any((folder / "params" / stage).is_dir() for stage in STAGES):
            return folder
    return None


@contextmanager
def rooted(folder: Path | str | None) -> Iterator[Path]:
    """`root()` is `folder` inside the block, and what it was before after it; None changes nothing.

    Raises UserError where `folder` is none.
    """
    before = os.environ.get(VARIABLE)
    if folder is not None:
        os.environ[VARIABLE] = str(checked_root(folder))
    try:
        yield root()
    finally:
        os.environ.pop(VARIABLE, None)
        if before is not None:
            os.environ[VARIABLE] = before


def checked_root(folder: Path | str) -> Path:
    """The folder's whole path; UserError where it is no folder."""
    place = Path(folder).expanduser()
    if not place.is_dir():
        raise UserError(f"--root must be a folder, but {folder} is none; correct the path or make it")
    return place.resolve()


def located(path: str | os.PathLike) -> Path:
    """Where a path leads that a parameter names: relative to the root folder, ~ is the home folder.

    Letters with marks may be composed (NFC) or not (NFD, as Macs write names): it is the one that is there.
    Raises UserError for the ~ of somebody who is not known here.
    """
    try:
        return as_there(root() / Path(path).expanduser())
    except RuntimeError as error:  # ~nobody
        raise UserError(
            f"~NAME must be the home of somebody known here, but the path is {path}; write it in full"
        ) from error


def as_there(path: Path) -> Path:
    """The path in the composition of letters in which it is there, part by part; itself where it is not.

    >>> as_there(Path("/nowhere/x")).as_posix()
    '/nowhere/x'
    """
    if str(path).isascii() or os.path.lexists(path):
        return path
    found = Path()
    for part in path.parts:
        forms = [found / unicodedata.normalize(form, part) for form in ("NFC", "NFD")]
        found = next((each for each in [found / part, *forms] if os.path.lexists(each)), found / part)
    return found


def notebook(stage: str) -> Path:
    """The stage's source notebook: the root's own if it has one, else the project's."""
    own = root() / "notebooks" / f"{stage}.ipynb"
    return own if own.exists() else PROJECT / "notebooks" / f"{stage}.ipynb"


def params_file(stage: str, run: str) -> Path:
    """The YAML file that says how this run differs from the notebook's defaults."""
    return root() / "params" / stage / f"{run}.yaml"


def run_folder(stage: str, run: str) -> Path:
    """The folder of the run's artefacts and of its executed notebook."""
    return root() / "data" / stage / run


def run_notebook(stage: str, run: str) -> Path:
    """The notebook as it was executed for this run, beside the run's artefacts."""
    return run_folder(stage, run) / "notebook.ipynb"


def shared_notebook(stage: str, run: str) -> Path:
    """The executed copy that somebody chose to share."""
    return root() / "executed" / stage / f"{run}.ipynb"


def judgements_folder(stage: str, run: str) -> Path:
    """Where people's judgements about a run are kept: outside data/, since no rerun may touch them."""
    return root() / "judgements" / stage / run


def sample_folder() -> Path:
    """The embedded sample and its data card."""
    return PROJECT / "sample"
