"""A bundle made ready to score: nothing of it is made an object before all of it was checked."""

import json
import warnings
from pathlib import Path

from wikitopics.export.keras_file import check_keras_file
from wikitopics.export.keras_sizes import check_tensors
from wikitopics.export.listing import refuse
from wikitopics.export.sums import verified
from wikitopics.scoring.settings import Settings, from_json

MODEL, SETTINGS = "model.keras", "settings.json"
LONGEST = 16 << 20  # bytes of settings.json


def load_bundle(path: Path) -> tuple:
    """The model (keras.Model) and the settings of the bundle, a folder or zip, at `path`.

    Raises UserError where it is damaged, foreign, made of other layers than ours, or of parts that do not
    belong together.
    """
    from wikitopics.train.record import file_digest

    with verified(Path(path), (MODEL, SETTINGS)) as folder:
        settings = _settings(folder / SETTINGS, Path(path).name)
        if file_digest(folder / MODEL) != settings.key:
            refuse(Path(path).name, f"has a {SETTINGS} for another model")
        check_keras_file(folder / MODEL, Path(path).name)
        model, given, result = _model(folder / MODEL, Path(path).name)
    _check_fit(given, result, settings, Path(path).name)
    check_tensors(model, Path(path).name)
    return model, settings


def _model(path: Path, where: str) -> tuple:
    """The model, and the shapes of its one input and its one output, without their first dimension."""
    from wikitopics.train.model import load_model

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # Keras only warns where it leaves weights at random
            model = load_model(path)
        (given,), (result,) = model.inputs, model.outputs
        return model, tuple(given.shape[1:]), tuple(result.shape[1:])
    # Layers meet impossible sizes with every exception there is; all mean that this model is none of ours.
    except Exception as error:
        refuse(where, f"has a model that Keras cannot make ({' '.join(ascii(str(error)).split())[:120]})")


def _check_fit(given: tuple, result: tuple, settings: Settings, where: str) -> None:
    if result != (len(settings.label_names),):
        told = " x ".join(map(str, result))
        refuse(where, f"has a model of {told} scores for {len(settings.label_names)} labels")
    if given != (settings.side, settings.side, 3):
        told = " x ".join(map(str, given))
        refuse(where, f"has a model of pictures of {told} for settings of {settings.side} pixels")


def _settings(path: Path, where: str) -> Settings:
    if path.stat().st_size > LONGEST:
        refuse(where, f"has a {SETTINGS} of more than {LONGEST >> 20} MiB")
    try:
        given = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        refuse(where, f"has a {SETTINGS} that is no JSON ({type(error).__name__})")
    return from_json(given, where)
