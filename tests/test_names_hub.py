"""The names of labels as the classifier of a preset that reads, by its own text side."""

import numpy as np
import pytest

pytest.importorskip("keras_hub", reason="keras-hub is not installed (extra hub)")

from hub_planted import write_preset
from wikitopics.errors import UserError
from wikitopics.train import model
from wikitopics.vectors.prompts import prompts_of
from wikitopics.vectors.text_side import Preset, likeness, text_side

LABELS = ["fox", "map", "cat"]


@pytest.fixture(scope="module", params=["clip", "siglip"])
def preset(request, tmp_path_factory):
    return f"keras_hub:{write_preset(tmp_path_factory.mktemp(request.param) / 'preset', request.param)}"


def test_a_preset_is_asked_for_the_names_and_ranks_its_own_pictures_by_the_cosine(preset, tmp_path):
    side = text_side("", preset)
    assert isinstance(side, Preset)
    names = side.of_labels(prompts_of(LABELS, phrase="{}"))  # it reads nine letters
    assert (
        np.allclose(np.linalg.norm(names, axis=1), 1, atol=1e-5)
        and np.abs(names - names[[1, 2, 0]]).max() > 1e-3
    )
    network = model.build_model(3, preset, 32, names=names, store_size=32)
    pictures = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    features = model.features_of(network).predict_on_batch(pictures)
    scores = network.predict_on_batch(pictures)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    assert np.allclose(scores, 1 / (1 + np.exp(-unit @ names.T)), atol=1e-5)
    found = likeness(side, "map", [features])
    assert found.texts == ["map"] and np.allclose(found.likeness, unit @ names[1], atol=1e-5)
    model.save_model(network, tmp_path / "model.keras")
    again = model.load_model(tmp_path / "model.keras").predict_on_batch(pictures)
    assert np.allclose(again, scores, atol=1e-6)


@pytest.mark.parametrize(
    ("family", "text", "words"),
    [
        ("clip", False, "has no tokenizer"),
        ("dinov2", True, "which only sees pictures; choose another preset"),
    ],
)
def test_a_preset_that_does_not_read_is_one_sentence(tmp_path, family, text, words):
    folder = write_preset(tmp_path / "preset", family, text)
    with pytest.raises(UserError, match=words):
        Preset(str(folder)).of_labels(prompts_of(LABELS))
