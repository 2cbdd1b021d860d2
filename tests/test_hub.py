"""Presets of KerasHub as backbones: features as KerasHub has them, learning, bundles, what is none."""

import json
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

import export_planted
import hub_planted
import planted
from wikitopics.alike.features import embed_files
from wikitopics.artefacts import read_array, read_table
from wikitopics.errors import UserError
from wikitopics.export.export import export_run
from wikitopics.labels.taxonomy import descent
from wikitopics.networks import hub
from wikitopics.networks.hub_text import text_features
from wikitopics.rules import files_read, rules_of
from wikitopics.scoring import network as scoring
from wikitopics.scoring.bundle import read_model, write_model
from wikitopics.scoring.network import load_scorer
from wikitopics.scoring.settings import Settings
from wikitopics.train.features import cached_features, features_key
from wikitopics.train.model import architecture_of, build_model, features_of, load_model, save_model

keras_hub = pytest.importorskip("keras_hub", reason="the extra `hub` is not installed")
STORE = 40  # pixels; the presets see 32
FAMILIES = sorted(hub_planted.MAKERS)


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """The path of the tiny preset of a family, made once."""
    root = tmp_path_factory.mktemp("presets")

    def path(family: str) -> str:
        folder = root / family
        return str(folder if folder.exists() else hub_planted.write_preset(folder, family))

    return path


def pictures(side: int = STORE) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (3, side, side, 3)).astype("float32")


def theirs(preset: str, shown: np.ndarray, **options) -> np.ndarray:
    """Features by KerasHub's own preprocessing and network."""
    seen = keras_hub.layers.ImageConverter.from_preset(preset)(shown)
    network = keras_hub.models.Backbone.from_preset(preset, **options)
    if hasattr(network, "get_vision_embeddings"):
        return np.asarray(network.get_vision_embeddings(seen))
    given = {next(iter(network.input)): seen} if isinstance(network.input, dict) else seen
    found = np.asarray(network(given, training=False))
    return found.mean(axis=(1, 2)) if found.ndim == 4 else found[:, 0]


def tiny(preset: str, **options) -> keras.Model:
    given = {"image_size": 0, "head_units": 0, "store_size": STORE} | options
    return build_model(2, f"keras_hub:{preset}", **given)


@pytest.mark.parametrize("family", FAMILIES)
def test_features_of_stored_pictures_are_kerashubs_own_also_when_saved(family, preset, tmp_path):
    path = preset(family)
    model, expected = tiny(path), theirs(path, pictures())
    save_model(model, tmp_path / "model.keras")
    for one in (model, load_model(tmp_path / "model.keras")):
        found = np.asarray(features_of(one)(pictures(), training=False))
        assert found.shape == expected.shape and np.allclose(found, expected, atol=1e-5)
    assert np.abs(expected[0] - expected[1]).max() > 1e-3  # pictures differ
    assert not [weight for weight in model.trainable_weights if "scores" not in weight.path]


def test_a_network_without_fixed_positions_takes_another_size(preset):
    path = preset("dinov2")
    found = np.asarray(features_of(tiny(path, image_size=48, store_size=48))(pictures(48)))
    converter = keras_hub.layers.ImageConverter.from_preset(path)
    converter.image_size = (48, 48)
    network = keras_hub.models.Backbone.from_preset(path, image_shape=(48, 48, 3))
    assert np.allclose(found, np.asarray(network({"images": converter(pictures(48))}))[:, 0], atol=1e-5)
    for family, size in (("clip", 48), ("dinov2", 44)):
        with pytest.raises(UserError, match=f"image_size must be 0 .*but is {size}; write image_size: 0"):
            tiny(preset(family), image_size=size)


def test_the_last_layers_of_a_preset_learn_where_they_are_asked_to(preset):
    model = tiny(preset("vit"), trainable_layers=2)
    names = {weight.path.split("/")[1] for weight in model.trainable_weights if "encoder" in weight.path}
    assert names == {"transformer_block_2", "ln"}
    whole = tiny(preset("dinov2"), trainable_layers=-1)
    named = {weight.path.rsplit("/", 1)[-1] for weight in whole.trainable_weights}
    assert {"cls_token", "interpolated_position_embeddings"} <= named and "mask_token" not in named


def test_random_weights_are_of_the_same_shapes_and_others_are_refused(preset):
    keras.utils.set_random_seed(1)
    one, other = (tiny(preset("vit"), weights=weights) for weights in ("none", "imagenet"))
    assert [weight.shape for weight in one.weights] == [weight.shape for weight in other.weights]
    assert any(np.abs(a - b).max() > 0.1 for a, b in zip(one.get_weights(), other.get_weights(), strict=True))
    with pytest.raises(UserError, match="weights must be imagenet"):
        tiny(preset("vit"), weights="mine.h5")


def test_cached_features_hang_on_the_preprocessing_which_is_no_weight(preset, tmp_path):
    images = planted.write_images(tmp_path, n=6, size=STORE)
    model = features_of(tiny(preset("vit")))
    pixels = np.asarray(read_array(images / "images.npy"))
    found = cached_features(images, model, "tiny", 32)
    assert np.allclose(found, theirs(preset("vit"), pixels.astype("float32")), atol=1e-4)
    brighter = features_of(tiny(preset("vit")))
    brighter.get_layer("keras_hub.vit").get_layer("colours").offset = [0.0, 0.0, 0.0]
    assert features_key(images, pixels, model) != features_key(images, pixels, brighter)


# --- Bundles: all that is needed, and nothing that is not bounded


def settings() -> Settings:
    names, half = ["cat", "map"], np.full(2, 0.5)
    parents = dict.fromkeys(names)
    return Settings(
        "tiny", "0" * 64, names, parents, half, np.ones((2, 2)), False, STORE, "pad", np.linspace(0, 1, 101)
    )


@pytest.mark.parametrize("family", ["clip", "dinov2"])
def test_a_bundle_scores_without_the_preset(family, preset, tmp_path):
    model = tiny(preset(family), head_units=3)
    write_model(tmp_path, model, settings())
    read, _ = read_model(tmp_path, "bundle")
    assert np.allclose(read(pictures()), model(pictures()), atol=1e-6)
    assert architecture_of(read) == architecture_of(model)
    assert preset(family) not in (tmp_path / "settings.json").read_text()


def test_a_large_network_is_asked_as_it_is_and_a_small_one_as_constants(preset, monkeypatch):
    model, shown = tiny(preset("siglip")), pictures().astype(np.uint8)
    small = scoring.forward(model)(shown)
    monkeypatch.setattr(scoring, "FOLDED", 10)
    monkeypatch.setattr(scoring, "_constant", lambda *_: pytest.fail("made constant"))
    assert np.allclose(scoring.forward(model)(shown), small, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_dim", 60_000),
        ("num_layers", 100_000),
        ("hidden_dim", 10**12),
        ("odd", 1),
        ("image_shape", [8, 8, 3]),
    ],
)
def test_a_bundle_that_asks_for_another_network_is_refused_before_memory_is(name, value, preset, tmp_path):
    write_model(tmp_path, tiny(preset("dinov3")), settings())
    told = json.loads((tmp_path / "settings.json").read_text())
    told["network"]["preset"]["encoder"][name] = value
    (tmp_path / "settings.json").write_text(json.dumps(told))
    with pytest.raises(UserError, match="bundle"):
        read_model(tmp_path, "bundle")


@pytest.mark.parametrize(("family", "size"), [("vit", [48, 48]), ("vit", [32, 48]), ("resnet", None)])
def test_pictures_are_prepared_as_the_network_sees_them(family, size, preset, tmp_path):
    mine = shutil.copytree(preset(family), tmp_path / "mine")
    converter = json.loads((mine / "image_converter.json").read_text())
    converter["config"]["image_size"] = size
    (mine / "image_converter.json").write_text(json.dumps(converter))
    with pytest.raises(UserError, match="must prepare square pictures as its network sees them"):
        hub.load(str(mine))


@pytest.mark.parametrize(
    "asked",
    [
        {"stackwise_num_blocks": [1, 60_000]},
        {"stackwise_num_repeats": [4, 9], "depth_coefficient": 60_000.0},
        {"input_conv_filters": [64] * 1000},
    ],
)
def test_blocks_of_layers_are_as_few_as_layers(asked):
    told = {"name": "keras_hub.x", "family": "ResNetBackbone", "projection": 0, "image_size": 32}
    told |= {"scale": [1.0] * 3, "offset": [0.0] * 3, "interpolation": "bilinear", "antialias": True}
    hub.check_architecture(told | {"encoder": {"stackwise_num_blocks": [3, 24, 36, 3]}})
    with pytest.raises(UserError, match="at most 256 layers"):
        hub.check_architecture(told | {"encoder": asked})


def test_without_the_extra_a_bundle_and_a_run_say_what_is_missing(preset, tmp_path, monkeypatch):
    model = tiny(preset("vit"))
    write_model(tmp_path, model, settings())
    save_model(model, tmp_path / "model.keras")
    monkeypatch.setattr(hub, "find_spec", lambda _: None)
    for ask in (lambda: read_model(tmp_path, "bundle"), lambda: load_model(tmp_path / "model.keras")):
        with pytest.raises(UserError, match=r"must have keras-hub beside it.*pip install -e '\.\[hub\]'"):
            ask()


@pytest.mark.slow
@pytest.mark.parametrize(("family", "by_names"), [("clip", False), ("siglip", False), ("siglip", True)])
def test_a_run_is_exported_and_its_bundle_scores_and_embeds_pictures(
    preset, tmp_path, monkeypatch, family, by_names
):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path / "root"))
    monkeypatch.setattr(export_planted, "network", lambda: of_the_chain(preset(family), by_names))
    export_planted.write_chain(tmp_path / "root")
    told = export_run(export_planted.RUN, tmp_path / "bundle", formats=["keras", "tflite"])
    assert max(told["checked"]["largest_difference"].values()) <= 1e-3
    for number, picture in enumerate(pictures().astype(np.uint8)):
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    paths = sorted(str(path) for path in tmp_path.glob("*.png"))
    embed_files(tmp_path / "bundle", paths, tmp_path / "features.parquet", jobs=1)
    found = np.stack(read_table(tmp_path / "features.parquet")["features"])
    assert np.allclose(found, theirs(preset(family), pictures()), atol=1e-4)
    scored = load_scorer(tmp_path / "bundle").forward(pictures().astype(np.uint8))
    run = load_scorer(tmp_path / "root" / "data" / "03_train" / export_planted.RUN)
    assert scored.std(axis=0).max() > 1e-4 and np.allclose(
        scored, run.forward(pictures().astype(np.uint8)), atol=1e-5
    )


def of_the_chain(preset: str, by_names: bool) -> keras.Model:
    keras.Variable(0.0)  # a run's process has made other variables than one that reads its bundle
    names = export_planted.NAMES
    under = descent(names, planted.TAXONOMY)
    options = {"image_size": 0, "head_units": 8, "store_size": export_planted.SIDE, "descent": under}
    if by_names:
        options["names"] = text_features(str(preset), names)
    return build_model(len(names), f"keras_hub:{preset}", **options)


# --- What is no preset of pictures


def test_what_is_no_image_network_or_no_preset_is_one_sentence(preset, tmp_path):
    bert = keras_hub.models.BertBackbone(8, 1, 2, 4, 4, max_sequence_length=4)
    bert.save_to_preset(str(tmp_path / "bert"))
    with pytest.raises(UserError, match="must be an image network .*, but .*bert.* is a BertBackbone"):
        tiny(str(tmp_path / "bert"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="must be a whole folder that KerasHub's save_to_preset wrote"):
        tiny(str(tmp_path / "empty"))
    for name in ("nonsense", "gs://bucket/x", ""):
        with pytest.raises(UserError, match="must be a name of KerasHub, hf://OWNER/NAME"):
            tiny(name)


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("clip_vit_base_patch32", r"kagglehub.model_download\('keras/clip/keras/clip_vit_base_patch32"),
        ("kaggle://a/b/keras/c", r"kagglehub.model_download\('a/b/keras/c'\)"),
        ("hf://keras/siglip2_base_patch16_224", "hf download keras/siglip2_base_patch16_224"),
    ],
)
def test_offline_one_sentence_says_what_to_put_where(name, command, monkeypatch):
    def offline(*_, **__):
        raise ConnectionError("Name or service not known")

    monkeypatch.setattr("kagglehub.model_download", offline)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", offline)
    with pytest.raises(UserError, match=rf"(?s)must be downloaded once.*not known.*`.*{command}.*`.*FOLDER$"):
        tiny(name)


def test_the_rules_take_presets_and_hash_their_folders(tmp_path):
    rules, values = rules_of("03_train"), {"backbone": f"keras_hub:{tmp_path}"}
    assert rules["backbone"].holds(values["backbone"], values)
    assert not rules["backbone"].holds("keras_hub:", values) and not rules["backbone"].holds("CLIP", values)
    assert rules["image_size"].holds(0, values) and not rules["image_size"].holds(
        0, {"backbone": "EfficientNetB0"}
    )
    assert rules["weights"].holds("imagenet", values) and not rules["weights"].holds(str(tmp_path), values)
    assert files_read("03_train", values) == {"backbone": tmp_path}
    assert files_read("03_train", {"backbone": "keras_hub:clip_vit_base_patch32"}) == {}
