"""Damaged, foreign and hostile bundles: one sentence, before anything in them becomes an object."""

import hashlib
import io
import json
import struct
import zipfile

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import export_planted
from wikitopics.errors import UserError
from wikitopics.export.export import export_run
from wikitopics.labels.taxonomy import descent
from wikitopics.scoring import bundle
from wikitopics.scoring.archive import ENTRIES, SUMS, sums_text, verified
from wikitopics.scoring.bundle import WEIGHTS, load_bundle, read_model, write_model
from wikitopics.scoring.network import forward
from wikitopics.scoring.settings import from_json
from wikitopics.train.model import build_model, features_of

RUN = export_planted.RUN


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A bundle as a zip, made by export; other tests take it apart."""
    root = tmp_path_factory.mktemp("chain")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WIKITOPICS_ROOT", str(root))
        export_planted.small_backbone(patch)
        export_planted.write_chain(root)
        export_run(RUN, root / "tiny.zip", formats=["keras", "tflite"])
        yield root / "tiny.zip"


@pytest.fixture(scope="module")
def files(good):
    with zipfile.ZipFile(good) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(autouse=True)
def never_loaded(monkeypatch):
    """Keras is not asked to load anything, whatever a bundle says."""

    def refuse(*_, **__):
        raise AssertionError("a foreign file reached Keras")

    monkeypatch.setattr(keras.saving, "load_model", refuse)
    monkeypatch.setattr(keras.saving, "deserialize_keras_object", refuse)


@pytest.fixture
def never_built(monkeypatch):
    """No network is made: what is refused is refused before."""

    def refuse(*_, **__):
        raise AssertionError("a network was made")

    monkeypatch.setattr(bundle, "build_model", refuse)


def summed(files):
    """The files with sums that fit them."""
    rest = {name: data for name, data in files.items() if name != SUMS}
    return rest | {SUMS: sums_text({n: hashlib.sha256(d).hexdigest() for n, d in rest.items()}).encode()}


def zipped(files, path, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def unpacked(files, folder):
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def refusal(path):
    with pytest.raises(UserError) as told:
        load_bundle(path)
    assert "\n" not in str(told.value) and len(str(told.value)) < 400
    return str(told.value)


def test_what_the_tests_take_apart_is_sound_before(good, files, tmp_path):
    names = tuple(set(files) - {SUMS})
    with verified(good, names) as folder:
        assert {name: (folder / name).read_bytes() for name in names} == {n: files[n] for n in names}
    for path in (zipped(summed(files), tmp_path / "a.zip"), unpacked(files, tmp_path / "a")):
        model, found = load_bundle(path)
        assert model.output_shape == (None, 6) and found.name == RUN


@pytest.mark.parametrize("kept", [0, 10, 5000, -1, -30])
def test_a_truncated_zip(good, tmp_path, kept):
    (tmp_path / "a.zip").write_bytes(good.read_bytes()[:kept])
    assert "was cut off" in refusal(tmp_path / "a.zip") or kept == -30


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.one_of(st.integers(0, 100_000), st.integers(-3_000, -1)),  # the list of contents comes last
    planted=st.one_of(st.binary(min_size=1, max_size=1), st.binary(min_size=1, max_size=30)),
)
def test_bytes_that_changed_are_found_or_change_nothing(good, files, tmp_path, place, planted):
    data = bytearray(good.read_bytes())
    place = place % len(data)
    data[place : place + len(planted)] = planted[: len(data) - place]
    (tmp_path / "a.zip").write_bytes(data)
    names = tuple(sorted(set(files) - {SUMS}))
    try:
        with verified(tmp_path / "a.zip", names) as folder:
            assert {name: (folder / name).read_bytes() for name in names} == {n: files[n] for n in names}
    except UserError as error:
        assert "\n" not in str(error)


def test_damage_in_a_folder_and_in_a_zip(files, tmp_path):
    flipped = {name: bytearray(files[name]) for name in (WEIGHTS, "model.keras")}
    for data in flipped.values():
        data[len(data) // 2] ^= 1
    cases = {
        "another model.keras than": files | {"model.keras": bytes(flipped["model.keras"])},
        "another model.safetensors than": files | {WEIGHTS: bytes(flipped[WEIGHTS])},
        "another settings.json than": files | {"settings.json": files["settings.json"] + b" "},
        "has no export.json": {name: data for name, data in files.items() if name != "export.json"},
        "one file more, extra.txt": files | {"extra.txt": b"x"},
        "has no SHA256SUMS": {name: data for name, data in files.items() if name != SUMS},
        "a SHA256SUMS that is none": files | {SUMS: b"\xff\x00 hello"},
        "has no model.safetensors": summed({name: d for name, d in files.items() if name != WEIGHTS}),
        "has no settings.json": summed({name: d for name, d in files.items() if name != "settings.json"}),
    }
    for number, (words, spoiled) in enumerate(cases.items()):
        assert words in refusal(zipped(spoiled, tmp_path / f"{number}.zip"))
        if SUMS in spoiled:  # a folder without it is no bundle to begin with
            assert words in refusal(unpacked(spoiled, tmp_path / str(number)))


def test_foreign_files(files, tmp_path):
    (tmp_path / "text.zip").write_text("PK is what zips begin with. " * 100)
    assert "is no zip" in refusal(tmp_path / "text.zip")
    (tmp_path / "a.keras").write_bytes(files["model.keras"])
    assert "has no SHA256SUMS" in refusal(tmp_path / "a.keras")
    assert "has no SHA256SUMS" in refusal(zipped({"thesis.txt": b"mine"}, tmp_path / "thesis.zip"))
    assert "encrypted or compressed" in refusal(zipped(files, tmp_path / "again.zip", zipfile.ZIP_DEFLATED))
    nested = io.BytesIO()
    zipped(files, nested)
    assert "has no SHA256SUMS" in refusal(zipped({"inner.zip": nested.getvalue()}, tmp_path / "outer.zip"))


def with_settings(files, **changed):
    told = json.loads(files["settings.json"])
    return summed(files | {"settings.json": json.dumps(told | changed).encode()})


def with_network(files, **changed):
    return with_settings(files, network=json.loads(files["settings.json"])["network"] | changed)


def with_weights(files, data):
    """The bundle with other weights, all sums made to fit."""
    return with_network(files | {WEIGHTS: data}, weights=hashlib.sha256(data).hexdigest())


SIX = ["Colour", "Colour", "Green", "Shape", "Round", "Square"]
MANY = [str(number) for number in range(10_001)]
SETTINGS = {
    "thresholds must be in": {"thresholds": [2.0] * 6},
    "a label is there twice": {"label_names": SIX},
    "label_names is no list": {"label_names": "Colour"},
    "unexpected keyword": {"exec": "rm"},
    "calibration or sureness": {"platt": [[float("inf"), 0.0]] * 6},
    "pictures are 'crop'": {"fit": "crop"},
    "pictures are 'pad', 1000000 pixels": {"side": 1_000_000},
    "side is no int": {"side": "32"},
    "too large": {"thresholds": [10**400] * 6},
    "a label is no text": {"label_names": [*SIX[1:], {"a": 1}]},
    "a parent is no text": {"parents": dict.fromkeys(export_planted.NAMES) | {"Colour": ["x"]}},
    "must lead from every label": {"parents": dict.fromkeys(export_planted.NAMES) | {"Colour": "Nothing"}},
    "more than 10,000 labels": {
        "label_names": MANY,
        "parents": dict.fromkeys(MANY),
        "thresholds": [0.5] * 10_001,
        "platt": [[1.0, 0.0]] * 10_001,
    },
    "does not say what its network is": {"network": {"backbone": export_planted.BACKBONE}},
    "must have the format 2": {"format": 3},
    "has True; export": {"format": True},
}


@pytest.mark.usefixtures("never_built")
@pytest.mark.parametrize("words", SETTINGS)
def test_settings_that_cannot_be(files, tmp_path, words):
    assert words in refusal(zipped(with_settings(files, **SETTINGS[words]), tmp_path / "a.zip"))


@pytest.mark.usefixtures("never_built")
@pytest.mark.parametrize("text", [b"[]", b"{", b"[" * 100_000, b'{"format": 2}', b"7", b'{"a": ' * 90_000])
def test_settings_that_are_none(files, tmp_path, text):
    assert "settings" in refusal(zipped(summed(files | {"settings.json": text}), tmp_path / "a.zip"))


@pytest.mark.usefixtures("never_built")
def test_settings_that_are_too_long(files, tmp_path):
    long = files["settings.json"] + b" " * (16 << 20)
    assert "of at most 16 MiB" in refusal(zipped(summed(files | {"settings.json": long}), tmp_path / "a.zip"))


@pytest.mark.usefixtures("never_built")
def test_a_bundle_of_the_first_format_says_what_to_do(files, tmp_path):
    """It has its network in model.keras alone, and settings that say nothing of a format."""
    told = json.loads(files["settings.json"])
    old = {name: value for name, value in told.items() if name not in ("format", "network")}
    rest = {name: data for name, data in files.items() if name != WEIGHTS}
    path = zipped(summed(rest | {"settings.json": json.dumps(old).encode()}), tmp_path / "old.zip")
    assert refusal(path) == (
        "a bundle must have the format 2 of this version of wikitopics, but old.zip has 1; export it again "
        "with this version, from its run: `wikitopics export RUN --out NEW.zip`"
    )


def entry(name, **attributes):
    info = zipfile.ZipInfo(name)
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    return info


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../up.txt",
        "a/../../up.txt",
        "a//b",
        "C:\\x.txt",
        "..\\up.txt",
        ".hidden",
        "a/b/c/d/e",
        "caf\u00e9.txt",
        "two\nlines",
        "x" * 200,
    ],
)
def test_names_that_lead_out_or_could_mislead(files, tmp_path, name):
    told = refusal(zipped(files | {name: b"x"}, tmp_path / "a.zip"))
    assert "does not belong into a bundle" in told


def test_entries_that_are_no_plain_files(files, tmp_path):
    nameless = zipped(files | {"?": b""}, tmp_path / "n.zip")
    nameless.write_bytes(nameless.read_bytes().replace(b"?", b"\0"))
    assert "'', which is no plain file" in refusal(nameless)
    link = entry("link", create_system=3, external_attr=0o120777 << 16)
    folder = entry("folder/", external_attr=0o40755 << 16)
    for odd in (link, folder):
        path = zipped(files, tmp_path / "a.zip")
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(odd, b"/etc/passwd" if odd is link else b"")
        assert "is no plain file" in refusal(path)
    with pytest.warns(UserWarning, match="Duplicate"):
        path = zipped(files, tmp_path / "b.zip")
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("settings.json", b"{}")
    assert "twice" in refusal(path)
    assert "only in case" in refusal(zipped(files | {"MODEL.KERAS": b"x"}, tmp_path / "c.zip"))


def test_links_in_a_folder_are_not_followed(files, tmp_path):
    folder = unpacked(files, tmp_path / "a")
    (folder / "settings.json").unlink()
    (folder / "settings.json").symlink_to("/etc/hostname")
    assert "'settings.json', which does not belong" in refusal(folder)


def patched(path, name, offset, value):
    """The zip with four bytes of an entry in its list of contents replaced."""
    data = bytearray(path.read_bytes())
    start = data.rindex(b"PK\x01\x02", 0, data.rindex(name.encode()))
    data[start + offset : start + offset + len(value)] = value
    path.write_bytes(data)
    return path


def test_sizes_and_flags_that_lie(files, tmp_path):
    def fresh():
        return zipped(files, tmp_path / "a.zip")

    huge = struct.pack("<L", 3 << 30)
    assert "which cannot be" in refusal(patched(fresh(), "settings.json", 24, huge))
    assert "which cannot be" in refusal(patched(fresh(), "settings.json", 20, huge + huge))
    assert "encrypted" in refusal(patched(fresh(), "settings.json", 8, b"\x01\x00"))
    assert "encrypted or compressed" in refusal(patched(fresh(), "settings.json", 10, b"\x08\x00"))
    whole = len(fresh().read_bytes()) - 100
    size = struct.pack("<L", whole)
    told = refusal(patched(fresh(), "settings.json", 20, size + size))  # swallows its neighbours
    assert "lie on one another" in told


def test_a_list_of_contents_that_is_too_long(files, tmp_path):
    many = {f"f{number}": b"" for number in range(ENTRIES)}
    assert "another list of contents" in refusal(zipped(files | many, tmp_path / "a.zip"))
    huge = {f"f{number}": b"" for number in range(70_000)}  # more than a plain zip can count: a zip64
    assert "another list of contents" in refusal(zipped(huge, tmp_path / "b.zip"))
    data = zipped(files, tmp_path / "c.zip").read_bytes()
    (tmp_path / "c.zip").write_bytes(b"MZ" + data)  # something before it
    assert "another list of contents" in refusal(tmp_path / "c.zip")
    many = {f"{number}{'x' * 900}": b"" for number in range(ENTRIES + 20)}
    data = bytearray(zipped(files | many, tmp_path / "d.zip").read_bytes())
    data[-14:-10] = struct.pack("<2H", 1, 1)  # it says that it has one entry
    (tmp_path / "d.zip").write_bytes(data)
    assert "another list of contents (1 entries, 2" in refusal(tmp_path / "d.zip")


# what the network is, and its weights


NETWORKS = {
    "an unknown backbone": {"backbone": "os.system"},
    "no size": {"image_size": 0},
    "a huge size": {"image_size": 10**9},
    "a negative head": {"head_units": -8},
    "a float": {"head_units": 8.0},
    "a truth for a number": {"image_size": True},
    "another type of numbers": {"precision": "int8_from_float32"},
    "one thing more": {"activation": "lambda x: x"},
    "other weights": {"weights": "0" * 64},
}


@pytest.mark.parametrize("case", NETWORKS)
def test_a_network_that_is_none_of_ours(files, tmp_path, case):
    told = refusal(zipped(with_network(files, **NETWORKS[case]), tmp_path / "a.zip"))
    assert "network" in told or "for another model.safetensors" in told


@pytest.mark.usefixtures("never_built")
def test_a_network_larger_than_its_weights_is_never_made(files, tmp_path):
    """Some digits of text would be gigabytes of numbers, drawn before the first weight is missed."""
    for units in (50_000, 10**9, 10**30):
        told = refusal(zipped(with_network(files, head_units=units), tmp_path / "a.zip"))
        assert f"{len(files[WEIGHTS]):,} bytes of weights" in told
    many = {
        "label_names": MANY[:5000],
        "parents": dict.fromkeys(MANY[:5000]),
        "thresholds": [0.5] * 5000,
        "platt": [[1.0, 0.0]] * 5000,
    }
    told = refusal(zipped(with_settings(files, **many), tmp_path / "b.zip"))  # every picture would be 100 MB
    assert "a hierarchy of more than 4,096 labels" in told


def test_settings_and_weights_of_two_networks(files, tmp_path):
    told = json.loads(files["settings.json"])
    five = {"label_names": ["Colour", "Red", "Green", "Shape", "Round"]}
    five |= {name: told[name][:5] for name in ("thresholds", "platt")}
    for changed in (with_settings(files, **five), with_network(files, head_units=7)):
        assert "not those of its network" in refusal(zipped(changed, tmp_path / "a.zip"))
    assert "not those of its network" in refusal(
        zipped(with_network(files, backbone="EfficientNetLite0"), tmp_path / "b.zip")
    )


def header_of(data):
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def packed(header, numbers, length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + numbers


def changed_header(change):
    def hostile(data):
        header, numbers = header_of(data)
        change(header, [name for name in header if name != "__metadata__"])
        return packed(header, numbers)

    return hostile


WEIGHT_FILES = {
    "nothing": lambda data: b"",
    "a few bytes": lambda data: data[:5],
    "no numbers": lambda data: packed(*header_of(data))[: 8 + int.from_bytes(data[:8], "little")],
    "cut off": lambda data: data[:-4],
    "one number more": lambda data: data + bytes(4),
    "a pickle": lambda data: b"\x80\x04cos\nsystem\n(S'true'\ntR." + bytes(100),
    "a header longer than the file": lambda data: packed(*header_of(data), length=len(data) * 2),
    "a header of exabytes": lambda data: packed(*header_of(data), length=(1 << 63)),
    "a header that says it is short": lambda data: packed(*header_of(data), length=10),
    "a header of many names": lambda data: packed(
        {f"{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(30_000)}, b""
    ),
    "a header that is no JSON": lambda data: packed(b"{" * 100_000, b""),
    "no header": lambda data: packed(b"[]", b""),
    "a huge shape": changed_header(lambda h, names: h[names[0]].update(shape=[1 << 62, 1 << 62])),
    "a negative shape": changed_header(lambda h, names: h[names[0]].update(shape=[-1])),
    "a shape that is turned": changed_header(
        lambda h, names: [h[name].update(shape=h[name]["shape"][::-1]) for name in names]
    ),
    "a shape that is flat": changed_header(
        lambda h, names: [h[name].update(shape=[int(np.prod(h[name]["shape"]))]) for name in names]
    ),
    "another type": changed_header(lambda h, names: [h[name].update(dtype="I32") for name in names]),
    "an unknown type": changed_header(lambda h, names: h[names[0]].update(dtype="OBJ")),
    "wider numbers": changed_header(lambda h, names: h[names[0]].update(dtype="F64")),
    "offsets that overlap": changed_header(
        lambda h, names: h[names[0]].update(data_offsets=h[names[1]]["data_offsets"])
    ),
    "offsets far away": changed_header(lambda h, names: h[names[0]].update(data_offsets=[1 << 50, 1 << 51])),
    "offsets backwards": changed_header(lambda h, names: h[names[0]]["data_offsets"].reverse()),
    "a tensor less": changed_header(lambda h, names: h.pop(names[-1])),
    "another name": changed_header(lambda h, names: h.update({"../../up": h.pop(names[-1])})),
    "an empty tensor more": changed_header(
        lambda h, names: h.update({"x": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}})
    ),
}


LONG_HEADERS = ("a header of exabytes", "a header of many names")


@pytest.mark.parametrize("case", WEIGHT_FILES)
def test_weights_that_are_not_those_of_the_network(files, tmp_path, case):
    data = WEIGHT_FILES[case](files[WEIGHTS])
    assert data != files[WEIGHTS]
    told = refusal(zipped(with_weights(files, data), tmp_path / "a.zip"))
    assert any(words in told for words in ("has weights", f"has a {WEIGHTS}", "bytes of weights"))
    assert ("bytes of names" in told) == (case in LONG_HEADERS)


def test_what_is_refused_would_have_been_read(files, tmp_path):
    """The plants work: a file that was taken apart and put together again is read, and so are its numbers."""
    header, numbers = header_of(files[WEIGHTS])
    last = max(header, key=lambda name: header[name].get("data_offsets", [0, 0])[1])
    start, end = header[last]["data_offsets"]
    numbers = numbers[:start] + np.full((end - start) // 4, 0.125, "<f4").tobytes() + numbers[end:]
    path = zipped(with_weights(files, packed(header, numbers)), tmp_path / "a.zip")
    model, _ = load_bundle(path)
    assert (model.get_weights()[int(last.split(".")[0])] == 0.125).all()


def test_a_name_that_is_there_twice_is_no_second_way(files, tmp_path):
    """The reader takes one of both, of which all checks hold: the same numbers, or one sentence."""
    header, numbers = header_of(files[WEIGHTS])
    names = [name for name in header if name != "__metadata__"]
    other = header | {names[0]: header[names[0]] | {"data_offsets": [1 << 50, 1 << 51]}}
    good = read_model(unpacked(files, tmp_path / "good"), "good")[0].get_weights()
    for number, (one, two) in enumerate(((header, header), (header, other), (other, header))):
        text = f"{json.dumps(one)[:-1]}, {json.dumps(two)[1:]}".encode()
        changed = with_weights(files, packed(text, numbers))
        try:
            model, _ = load_bundle(zipped(changed, tmp_path / f"{number}.zip"))
        except UserError as error:
            assert "cannot be read" in str(error)
        else:
            assert all(map(np.array_equal, model.get_weights(), good))


@pytest.fixture(scope="module")
def shapes(good):
    return bundle._shapes(load_bundle(good)[0])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 12_000), planted=st.binary(min_size=1, max_size=20))
def test_bytes_that_changed_in_the_header_are_found_or_change_no_shape(
    files, shapes, tmp_path, place, planted
):
    """Whoever can change a sum too: what is read then are still numbers for our network, or one sentence."""
    data = bytearray(files[WEIGHTS])
    data[place : place + len(planted)] = planted
    (tmp_path / WEIGHTS).write_bytes(data)
    try:
        arrays = bundle._read_weights(tmp_path / WEIGHTS, shapes, "a")
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert [list(array.shape) for array in arrays] == [shape for shape, _ in shapes.values()]


@pytest.mark.parametrize("name", ["model.keras", "model.tflite", "evaluation/per_label.parquet"])
def test_what_else_is_there_is_counted_and_never_opened(files, tmp_path, name):
    path = zipped(summed(files | {name: b"no model, and nothing to read"}), tmp_path / "a.zip")
    assert load_bundle(path)[0].output_shape == (None, 6)


def weights_for_keras(patch, path, network):
    """Keras' own ImageNet weights are not on every machine: what it fetches is the network's, told anew."""
    from keras.src.applications import efficientnet

    normal = next(one for one in network.layers if isinstance(one, keras.layers.Normalization))
    normal.set_weights([np.array([0.4, 0.5, 0.6]), np.array([0.01, 0.04, 0.09]), np.array(0)])
    network.save_weights(path)
    patch.setattr(efficientnet.file_utils, "get_file", lambda *_, **__: str(path))


NETWORKS_OF_OURS = [
    ("EfficientNetLite0", "imagenet", "float32", 0),
    *(
        pytest.param(*network, marks=pytest.mark.slow)
        for network in (
            ("EfficientNetLite1", "none", "mixed_float16", 8),
            ("EfficientNetB0", "none", "float32", 8),
            ("EfficientNetB0", "imagenet", "float32", 8),  # it scales colours once more
            ("EfficientNetB0", "imagenet", "mixed_float16", 0),
        )
    ),
]


@pytest.mark.parametrize(("backbone", "start", "policy", "units"), NETWORKS_OF_OURS)
def test_every_network_that_we_build_is_read_as_it_was(
    files, tmp_path, monkeypatch, backbone, start, policy, units
):
    told = json.loads(files["settings.json"]) | {"side": 48}
    ours = from_json({name: value for name, value in told.items() if name not in ("format", "network")}, "")
    if (backbone, start) == ("EfficientNetB0", "imagenet"):
        network = keras.applications.EfficientNetB0(include_top=False, weights=None, input_shape=(32, 32, 3))
        weights_for_keras(monkeypatch, tmp_path / "b.weights.h5", network)
    keras.config.set_dtype_policy(policy)
    try:
        model = build_model(
            6, backbone, 32, units, start, -1, store_size=48, descent=descent(ours.label_names, ours.parents)
        )
    finally:
        keras.config.set_dtype_policy("float32")
    write_model(tmp_path, model, ours)
    other, _ = read_model(tmp_path, "a")
    assert keras.config.dtype_policy().name == "float32"
    kinds = [[type(layer).__name__ for layer in one._flatten_layers()] for one in (model, other)]
    assert kinds[0] == kinds[1]
    pictures = np.random.default_rng(1).integers(0, 255, (3, 48, 48, 3)).astype(np.uint8)
    for part in (lambda one: one, features_of):
        assert np.array_equal(forward(part(model))(pictures), forward(part(other))(pictures))
