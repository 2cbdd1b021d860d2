"""Where training stands, in one file that is replaced whole after each epoch.

Keras' own BackupAndRestore keeps weights and epoch number in two files (a kill between them resumes with the
weights of one epoch and the number of another), and forgets the best epoch so far. Here both, the optimizer's
state and the history are one file, so a resumed run ends exactly as an uninterrupted one.
"""

import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from wikitopics.artefacts import replacing
from wikitopics.errors import UserError


@dataclass
class Progress:
    """Epochs done so far: `history` has one row each; `best` holds the weights of the best of them."""

    history: list[dict[str, Any]] = field(default_factory=list)
    best: list[np.ndarray] = field(default_factory=list)


def save_checkpoint(path: Path, key: str, model: keras.Model, progress: Progress) -> None:
    """Write the model's variables, its optimizer's, and `progress`, under `key`."""
    arrays = {f"now{i}": np.asarray(value) for i, value in enumerate(_state(model))}
    arrays |= {f"best{i}": value for i, value in enumerate(progress.best)}
    note = json.dumps({"key": key, "history": progress.history}).encode()
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, note=np.frombuffer(note, np.uint8), allow_pickle=False, **arrays)


def restore_checkpoint(path: Path, key: str, model: keras.Model) -> Progress:
    """Bring `model` and its optimizer to where the checkpoint of `key` stands, if there is one.

    Without one nothing is touched and the Progress is empty.

    Raises UserError where the file is damaged.
    """
    if not Path(path).exists():
        return Progress()
    try:
        with np.load(path, allow_pickle=False) as saved:
            note = json.loads(saved["note"].tobytes())
            if note["key"] != key:
                return Progress()
            state = _state(model)
            for i, variable in enumerate(state):
                variable.assign(saved[f"now{i}"])
            best = [saved[f"best{i}"] for i in range(len(model.weights))]
        return Progress(note["history"], best)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(
            f"a checkpoint must be whole, but {Path(path).name} cannot be read ({error}); delete it to start "
            "this run's training again"
        ) from error


def _state(model: keras.Model) -> list:
    """Everything that an epoch changes: weights, random generators of layers, the optimizer's moments."""
    model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]
