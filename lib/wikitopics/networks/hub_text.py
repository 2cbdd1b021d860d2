"""The text side of a preset that was trained on pictures with their captions (CLIP, SigLIP)."""

from collections.abc import Callable
from functools import partial

import keras
import numpy as np

from wikitopics.errors import UserError
from wikitopics.networks.hub import described, keras_hub, opened
from wikitopics.rules import PRESET

AT_ONCE = 32  # texts
PREPROCESSORS = {"CLIPBackbone": "CLIPPreprocessor", "SigLIPBackbone": "SigLIPPreprocessor"}


def text_features(preset: str, texts: list[str]) -> np.ndarray:
    """Vectors (n, d) float32 of `texts`, comparable by cosine with the features of the preset's pictures.

    `preset` as after `backbone: keras_hub:`, with or without that beginning. Texts are prepared as the preset
    says (lower case, number of words, ...); vectors have the length that the network gives them. Raises
    UserError where the preset cannot be had (see hub.opened), has no text side, or one without a tokenizer.
    """
    return reader(preset)(texts)


def reader(preset: str) -> Callable[[list[str]], np.ndarray]:
    """`text_features` of a preset that is loaded once, for who asks again. Raises UserError as it."""
    preset = preset.removeprefix(PRESET)
    hub = keras_hub()
    with opened(preset) as name:
        family, _ = described(name, preset)
        if family not in PREPROCESSORS:
            raise UserError(
                f"texts must be read by a network with a text side (CLIP, SigLIP), but {preset!r} is a "
                f"{family}, which only sees pictures; choose another preset"
            )
        words = _preprocessor(getattr(hub.models, PREPROCESSORS[family]), name, preset)
        network = hub.models.Backbone.from_preset(name, dtype="float32")
    return partial(_read, network, words)


def _preprocessor(kind, name: str, preset: str):
    """What makes numbers of words, without the part for pictures."""
    from keras_hub.src.utils.preset_utils import TOKENIZER_CONFIG_FILE, check_file_exists

    if not check_file_exists(name, TOKENIZER_CONFIG_FILE):
        raise UserError(
            f"texts must be cut into the words of their network, but the preset {preset!r} has no tokenizer "
            f"({TOKENIZER_CONFIG_FILE}); save it with its preprocessor, too (preprocessor.save_to_preset)"
        )
    made = kind.from_preset(name)
    made.image_converter = None
    return made


def _read(network, words, texts: list[str]) -> np.ndarray:
    found = []
    for start in range(0, len(texts) or 1, AT_ONCE):
        some = texts[start : start + AT_ONCE] or [""]  # of no texts: how wide they would be
        tokens = words({"prompts": some, "images": np.zeros((len(some), 1))})["token_ids"]
        found.append(keras.ops.convert_to_numpy(network.get_text_embeddings(tokens)))
    return np.concatenate(found).astype(np.float32)[: len(texts)]
