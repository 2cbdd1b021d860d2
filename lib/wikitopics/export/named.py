"""Is a model named by its run, or by the path of a bundle?"""

import os
from pathlib import Path

from wikitopics import paths
from wikitopics.errors import UserError

SUMS = "SHA256SUMS"  # the file that every bundle has


def is_bundle(model: str | Path) -> bool:
    """Whether `model` is to be read as a bundle of `wikitopics export`: a file, or a folder with SHA256SUMS.

    >>> is_bundle("commons-10-lite2")
    False
    """
    return Path(model).is_file() or (Path(model) / SUMS).is_file()


def bundle_path(model: str, evaluation: str | None) -> Path | None:
    """The path of the bundle that `--model` names, or None where it names a run.

    A path is told by its separator or its ending .zip, or by a bundle being there; a bundle brings its own
    thresholds. Raises UserError where a path leads to no file or folder, or to a folder that is no bundle,
    which would be used unchecked like a run without an evaluation; and where an evaluation is named.
    """
    is_path = os.sep in model or model.endswith(".zip")
    if not (is_path or (Path(model) / SUMS).is_file()):
        return None
    if not Path(model).exists():
        raise UserError(
            f"--model must be a run or the path of a bundle, but there is nothing at {model!r}; "
            "correct the path"
        )
    if Path(model).is_dir() and not (Path(model) / SUMS).is_file():
        run = Path(model).resolve()
        ours = run.parent == paths.run_folder("03_train", run.name).resolve().parent
        raise UserError(
            f"a folder named by --model must be a bundle, but {model!r} has no {SUMS}; "
            + (f"name the run: --model {run.name}" if ours else "name a run by its name alone")
        )
    if evaluation is not None:
        raise UserError(
            f"a bundle has thresholds of its own, but --evaluation is {evaluation!r}; leave --evaluation out"
        )
    return Path(model)
