"""The text side of a preset: its vectors are KerasHub's own, and what has none says so."""

import numpy as np
import pytest

import hub_planted
from wikitopics.errors import UserError
from wikitopics.networks.hub_text import text_features

keras_hub = pytest.importorskip("keras_hub", reason="the extra `hub` is not installed")
TEXTS = ["a red fox", "Map of the cat", "photo"]


@pytest.mark.parametrize("family", ["clip", "siglip"])
def test_texts_have_the_vectors_of_the_whole_network_with_its_own_preprocessor(family, tmp_path):
    preset = str(hub_planted.write_preset(tmp_path / family, family))
    network = keras_hub.models.Backbone.from_preset(preset)
    prepare = getattr(keras_hub.models, type(network).__name__.replace("Backbone", "Preprocessor"))
    pictures = np.random.default_rng(0).uniform(0, 255, (3, 40, 40, 3)).astype("float32")
    inputs = prepare.from_preset(preset)({"prompts": TEXTS, "images": pictures})
    expected = np.asarray(network.get_text_embeddings(inputs["token_ids"]))
    assert np.allclose(text_features(preset, TEXTS), expected, atol=1e-6)
    assert np.allclose(text_features(f"keras_hub:{preset}", TEXTS[::-1]), expected[::-1], atol=1e-6)
    assert text_features(preset, []).shape == (0, expected.shape[1])
    assert np.abs(expected[0] - expected[2]).max() > 1e-3  # texts differ


def test_a_preset_without_a_tokenizer_or_a_text_side_says_so(tmp_path):
    dumb = hub_planted.write_preset(tmp_path / "dumb", "clip", text=False)
    with pytest.raises(UserError, match="has no tokenizer"):
        text_features(str(dumb), TEXTS)
    blind = hub_planted.write_preset(tmp_path / "vit", "vit")
    with pytest.raises(UserError, match="is a ViTBackbone, which only sees pictures"):
        text_features(str(blind), TEXTS)
