"""A bundle made ready to score: nothing of it is made an object before all of it was checked."""

import json
from pathlib import Path

from wikitopics.export.keras_file import check_keras_file
from wikitopics.export.listing import refuse
from wikitopics.export.sums import verified
from wikitopics.scoring.settings import Settings, from_json

MODEL, SETTINGS = "model.keras", "settings.json"


def load_bundle(path: Path) -> tuple:
    """The model (keras.Model) and the settings of the bundle, a folder or zip, at `path`.

    Raises UserError where it is damaged, foreign, made of other layers than ours, or of parts that do not
    belong together.
    """
    from wikitopics.train.model import load_model
    from wikitopics.train.record import file_digest

    with verified(Path(path), (MODEL, SETTINGS)) as folder:
        settings = _settings(folder / SETTINGS, Path(path).name)
        if file_digest(folder / MODEL) != settings.key:
            refuse(Path(path).name, f"has a {SETTINGS} for another model")
        check_keras_file(folder / MODEL, Path(path).name)
        model = load_model(folder / MODEL)
    shape = [tuple(model.inputs[0].shape[1:]), tuple(model.outputs[0].shape[1:])]
    if shape != [(settings.side, settings.side, 3), (len(settings.label_names),)]:
        refuse(Path(path).name, f"has a model of {shape[1]} scores for {len(settings.label_names)} labels")
    return model, settings


def _settings(path: Path, where: str) -> Settings:
    try:
        given = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        refuse(where, f"has a {SETTINGS} that is no JSON ({type(error).__name__})")
    return from_json(given, where)
