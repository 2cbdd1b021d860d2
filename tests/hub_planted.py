"""Tiny presets of KerasHub: random weights, two layers, few words, as `save_to_preset` writes them."""

import io
from pathlib import Path

import keras
import numpy as np

WORDS = ["a", "red", "fox", "cat", "map", "photo", "of", "the"]
MERGES = ["f o", "fo x</w>", "r e", "re d</w>"]  # of the letters of words
SCALE = [1 / 255 / deviation for deviation in (0.23, 0.22, 0.25)]
OFFSET = [-mean / deviation for mean, deviation in ((0.48, 0.23), (0.46, 0.22), (0.41, 0.25))]
BLOCKS = {"num_layers": 2, "hidden_dim": 8, "num_heads": 2}
SIDE = 32


def write_preset(folder: Path, family: str, text: bool = True) -> Path:
    """The preset of a `family` of MAKERS in `folder`; without `text` it has no tokenizer."""
    import keras_hub

    keras.utils.set_random_seed(3)
    network = MAKERS[family](keras_hub)
    for weight in network.weights:  # nothing may be hidden by zeros
        if weight.dtype == "float32":
            drawn = np.random.default_rng(len(weight.path)).normal(0, 0.3, weight.shape)
            weight.assign(np.abs(drawn) if "variance" in weight.path else drawn)
    network.save_to_preset(str(folder))
    kind = getattr(keras_hub.layers, f"{type(network).__name__.removesuffix('Backbone')}ImageConverter")
    options = {"scale": SCALE, "offset": OFFSET, "interpolation": "bicubic", "antialias": True}
    converter = kind(image_size=(SIDE, SIDE), **options)
    if family in TOKENIZERS and text:
        maker = getattr(keras_hub.models, f"{type(network).__name__.removesuffix('Backbone')}Preprocessor")
        tokenizer = TOKENIZERS[family](keras_hub)
        maker(tokenizer, converter, sequence_length=9).save_to_preset(str(folder))
    else:
        converter.save_to_preset(str(folder))
    return folder


def _clip(hub):
    see = hub.models.CLIPVisionEncoder(
        8, **BLOCKS, intermediate_dim=12, image_shape=(SIDE, SIDE, 3), name="see"
    )
    read = hub.models.CLIPTextEncoder(
        vocabulary_size=len(_letters()),
        embedding_dim=8,
        **BLOCKS,
        intermediate_dim=12,
        max_sequence_length=9,
        name="read",
    )
    return hub.models.CLIPBackbone(see, read, projection_dim=6)


def _siglip(hub):
    see = hub.models.SigLIPVisionEncoder(
        8, **BLOCKS, intermediate_dim=12, image_shape=(SIDE, SIDE, 3), name="see"
    )
    read = hub.models.SigLIPTextEncoder(
        vocabulary_size=len(WORDS) + 4,
        embedding_dim=8,
        **BLOCKS,
        intermediate_dim=12,
        max_sequence_length=9,
        name="read",
    )
    return hub.models.SigLIPBackbone(see, read)


def _dinov2(hub):
    shapes = {"image_shape": (SIDE, SIDE, 3), "position_embedding_shape": (40, 40, 3)}
    return hub.models.DINOV2Backbone(8, **BLOCKS, intermediate_dim=12, num_register_tokens=1, **shapes)


def _dinov3(hub):
    return hub.models.DINOV3Backbone(8, **BLOCKS, intermediate_dim=12, image_shape=(SIDE, SIDE, 3))


def _vit(hub):
    return hub.models.ViTBackbone((SIDE, SIDE, 3), 8, 2, 2, 8, 12)


def _resnet(hub):
    return hub.models.ResNetBackbone([64], [7], [64, 64], [1, 1], [1, 2], "basic_block")


MAKERS = {
    "clip": _clip,
    "siglip": _siglip,
    "dinov2": _dinov2,
    "dinov3": _dinov3,
    "vit": _vit,
    "resnet": _resnet,
}


def _letters() -> dict[str, int]:
    letters = sorted(set("".join(WORDS)))
    merged = [merge.replace(" ", "") for merge in MERGES]
    tokens = [*letters, *(letter + "</w>" for letter in letters), *merged, "<|startoftext|>", "<|endoftext|>"]
    return {token: number for number, token in enumerate(tokens)}


def _clip_tokenizer(hub):
    return hub.models.CLIPTokenizer(_letters(), MERGES, pad_with_end_token=True)


def _siglip_tokenizer(hub):
    import sentencepiece

    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([" ".join(WORDS)] * 3),
        model_writer=written,
        vocab_size=len(WORDS) + 4,
        model_type="WORD",
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=3,
        minloglevel=2,
    )
    return hub.models.SigLIPTokenizer(proto=written.getvalue())


TOKENIZERS = {"clip": _clip_tokenizer, "siglip": _siglip_tokenizer}
