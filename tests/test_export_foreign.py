"""Damaged, foreign and hostile bundles: one sentence, before anything in them becomes an object."""

import hashlib
import io
import json
import shutil
import struct
import zipfile

import h5py
import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import export_planted
from wikitopics.errors import UserError
from wikitopics.export.keras_file import check_keras_file
from wikitopics.export.listing import ENTRIES
from wikitopics.export.load import load_bundle
from wikitopics.export.make import export_run
from wikitopics.export.named import SUMS
from wikitopics.export.sums import sums_text, verified

RUN = export_planted.RUN


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A bundle as a zip, made by export; other tests take it apart."""
    root = tmp_path_factory.mktemp("chain")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WIKITOPICS_ROOT", str(root))
        export_planted.write_chain(root)
        export_run(RUN, root / "tiny.zip", formats=["keras", "tflite"])
        yield root / "tiny.zip"


@pytest.fixture(scope="module")
def files(good):
    with zipfile.ZipFile(good) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def loads():
    """For tests in which Keras may load."""


@pytest.fixture(autouse=True)
def never_loaded(request, monkeypatch):
    """Keras is not asked to load anything, but in tests that say so."""
    if "loads" not in request.fixturenames:

        def refuse(*_, **__):
            raise AssertionError("a foreign file reached Keras")

        monkeypatch.setattr(keras.saving, "load_model", refuse)


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


@pytest.mark.usefixtures("loads")
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


@pytest.mark.usefixtures("loads")
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
    model = bytearray(files["model.keras"])
    model[len(model) // 2] ^= 1
    cases = {
        "another model.keras than": files | {"model.keras": bytes(model)},
        "another settings.json than": files | {"settings.json": files["settings.json"] + b" "},
        "has no export.json": {name: data for name, data in files.items() if name != "export.json"},
        "one file more, extra.txt": files | {"extra.txt": b"x"},
        "has no SHA256SUMS": {name: data for name, data in files.items() if name != SUMS},
        "a SHA256SUMS that is none": files | {SUMS: b"\xff\x00 hello"},
        "has no model.keras": summed({name: d for name, d in files.items() if name != "model.keras"}),
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


@pytest.mark.usefixtures("loads")
def test_parts_that_do_not_belong_together(files, tmp_path):
    told = json.loads(files["settings.json"])
    labels = {
        "label_names": told["label_names"][:5],
        "thresholds": told["thresholds"][:5],
        "platt": told["platt"][:5],
    }
    cases = {
        "a model of 6 scores for 5 labels": labels
        | {"label_names": ["Colour", "Red", "Green", "Shape", "Round"]},
        "a settings.json for another model": {"key": "0" * 64},
        "thresholds must be in": {"thresholds": [2.0] * 6},
        "a label is there twice": {"label_names": ["Colour", "Colour", "Green", "Shape", "Round", "Square"]},
        "label_names is no list": {"label_names": "Colour"},
        "unexpected keyword": {"exec": "rm"},
        "must lead from every label": {"parents": told["parents"] | {"Colour": "Nothing"}},
        "calibration or sureness": {"platt": [[float("inf"), 0.0]] * 6},
        "pictures are 'crop'": {"fit": "crop"},
        "side is no int": {"side": "32"},
        "too large": {"thresholds": [10**400] * 6},
        "a label is no text": {"label_names": [*told["label_names"][:5], {"a": 1}]},
        "a parent is no text": {"parents": told["parents"] | {"Colour": ["x"]}},
        "more than 10,000 labels": {
            "label_names": [str(number) for number in range(10_001)],
            "parents": dict.fromkeys(map(str, range(10_001))),
            "thresholds": [0.5] * 10_001,
            "platt": [[1.0, 0.0]] * 10_001,
        },
        "pictures of 32 x 32 x 3 for settings of 64": {"side": 64},
    }
    for number, (words, changed) in enumerate(cases.items()):
        assert words in refusal(zipped(with_settings(files, **changed), tmp_path / f"{number}.zip"))
    for number, text in enumerate((b"[]", b"{", b"[" * 100_000)):
        path = zipped(summed(files | {"settings.json": text}), tmp_path / f"json{number}.zip")
        assert "settings" in refusal(path)


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


# what is in model.keras


def with_config(files, change):
    """The bundle with `change` applied to the model's config.json, all sums and keys made to fit."""
    inner = {}
    with zipfile.ZipFile(io.BytesIO(files["model.keras"])) as archive:
        inner = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(inner["config.json"])
    change(config)
    return with_model(files, inner | {"config.json": json.dumps(config).encode()})


def with_model(files, inner):
    packed = io.BytesIO()
    zipped(inner, packed)
    changed = files | {"model.keras": packed.getvalue()}
    return with_settings(changed, key=hashlib.sha256(packed.getvalue()).hexdigest())


def layer(config, kind):
    return next(one for one in config["config"]["layers"] if one["class_name"] == kind)


LAMBDA = {
    "module": "keras.layers",
    "class_name": "Lambda",
    "registered_name": None,
    "config": {"name": "x", "function": {"class_name": "__lambda__", "config": {"code": "4wEA"}}},
}
HOSTILE = {
    "lambda": lambda c: layer(c, "ReLU").update(LAMBDA),
    "reads a file": lambda c: layer(c, "ReLU").update(
        class_name="StringLookup", config={"vocabulary": "/etc/passwd"}
    ),
    "foreign module": lambda c: layer(c, "ReLU").update(module="os", class_name="system"),
    "shell by name": lambda c: layer(c, "ReLU").update(module="subprocess", class_name="Popen"),
    "registered elsewhere": lambda c: layer(c, "ReLU").update(registered_name="evil>Thing"),
    "ours by another module": lambda c: layer(c, "MaxConstraint").update(module="evil"),
    "function": lambda c: layer(c, "Conv2D")["config"].update(
        activation={
            "module": "builtins",
            "class_name": "function",
            "config": "eval",
            "registered_name": "function",
        }
    ),
    "tensor": lambda c: layer(c, "Dense")["config"].update(extra={"class_name": "__numpy__", "config": {}}),
    "compiled inside": lambda c: layer(c, "Dense").update(
        compile_config={"optimizer": {"module": "evil", "class_name": "X", "config": {}}}
    ),
    "huge layer": lambda c: layer(c, "Dense")["config"].update(units=2_000_000_000),
    "huge by a float": lambda c: layer(c, "Dense")["config"].update(units=1e300),
    "unknown module only": lambda c: layer(c, "Dense")["config"].update(extra={"module": "evil"}),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_config_never_reaches_keras(files, tmp_path, case):
    told = refusal(zipped(with_config(files, HOSTILE[case]), tmp_path / "a.zip"))
    assert "no layer of ours" in told


@pytest.mark.usefixtures("loads")
def test_what_is_refused_would_have_reached_keras(files, tmp_path):
    """The plants work: the same change in a harmless place is loaded."""
    path = zipped(
        with_config(files, lambda c: layer(c, "Dense")["config"].update(trainable=False)), tmp_path / "a.zip"
    )
    assert load_bundle(path)[0].get_layer("scores").trainable is False


ODD = {
    "no output": lambda c: c["config"].pop("output_layers"),
    "a layer of no size": lambda c: layer(c, "Conv2D")["config"].update(filters=-3),
    "a layer alone": lambda c: c.update(layer(c, "ReLU")),
    "another shape": lambda c: layer(c, "Dense")["config"].update(units=7),
}


@pytest.mark.usefixtures("loads")
@pytest.mark.parametrize("case", ODD)
def test_what_keras_cannot_make_is_one_sentence_too(files, tmp_path, case):
    assert "has a model" in refusal(zipped(with_config(files, ODD[case]), tmp_path / "a.zip"))


def test_other_files_in_the_model(files, tmp_path):
    with zipfile.ZipFile(io.BytesIO(files["model.keras"])) as archive:
        inner = {name: archive.read(name) for name in archive.namelist()}
    told = refusal(zipped(with_model(files, inner | {"assets/x.txt": b"x"}), tmp_path / "a.zip"))
    assert "other files than Keras writes" in told
    told = refusal(zipped(with_model(files, inner | {"config.json": b"[" * 100_000}), tmp_path / "b.zip"))
    assert "config.json cannot be read" in told
    told = refusal(
        zipped(with_model(files, inner | {"model.weights.h5": b"junk" * 9_000}), tmp_path / "c.zip")
    )
    assert "weights that cannot be read" in told


def external(file):
    file.create_dataset("outside", (8,), "u1", external=[("/etc/hostname", 0, 8)])


def sparse(file):
    file.create_dataset("huge", (1 << 40,), "f4", chunks=(1024,))


def linked(file):
    file["soft"] = h5py.SoftLink("/layers")


def elsewhere(file):
    file["link"] = h5py.ExternalLink("/etc/hostname", "/")


def doubled(file):
    for _ in range(40):  # two ways at each step: 2 ** 40 ways to the last
        below = file.create_group("a")
        file["b"] = below
        file = below


def twice(file):
    file["again"] = file["layers/dense/vars/0"]


def round_and_round(file):
    file["layers/dense/vars/up"] = file


def without_numbers(file):
    file["empty"] = h5py.Empty("f4")


def packed(file):
    file.create_dataset("zeros", data=np.zeros(1_000_000, "f4"), compression="gzip")


DOUBLED = [doubled, twice, round_and_round, without_numbers]


@pytest.mark.parametrize("plant", [external, sparse, linked, elsewhere, packed, *DOUBLED])
def test_weights_that_are_not_in_the_file(files, tmp_path, plant):
    with zipfile.ZipFile(io.BytesIO(files["model.keras"])) as archive:
        inner = {name: archive.read(name) for name in archive.namelist()}
    weights = io.BytesIO(inner["model.weights.h5"])
    with h5py.File(weights, "r+") as file:
        plant(file)
    path = zipped(with_model(files, inner | {"model.weights.h5": weights.getvalue()}), tmp_path / "a.zip")
    assert "weights" in refusal(path)


def grown(config, kind, **changed):
    """Each layer of a kind with other sizes, told without contradiction."""
    for one in config["config"]["layers"]:
        if one["class_name"] == kind:
            one["config"].update(changed)


def channels(config, kind, count):
    layer(config, kind)["build_config"]["input_shape"][-1] = count


LARGE = {
    "units": ("numbers, which its", lambda c: grown(c, "Dense", units=8192)),
    "filters": ("numbers, which its", lambda c: grown(c, "Conv2D", filters=16384)),
    "kernel": ("numbers, which its", lambda c: grown(c, "Conv2D", kernel_size=[4096, 4096])),
    "what comes in": ("numbers, which its", lambda c: channels(c, "Dense", 16384)),
    "less than nothing": ("cannot be read", lambda c: channels(c, "Dense", -16384)),
    "unknown": ("cannot be read", lambda c: channels(c, "Dense", None)),
    "not said": ("cannot be read", lambda c: layer(c, "Dense").pop("build_config")),
    "beside it": ("cannot be read", lambda c: grown(c, "Dense", lora_rank=16384)),
    "another type": ("cannot be read", lambda c: grown(c, "Dense", dtype="int8_from_float32")),
    "other axis": ("cannot be read", lambda c: grown(c, "Conv2D", data_format="channels_first")),
    "layers": ("parts, more than", lambda c: c["config"]["layers"].extend([layer(c, "ReLU")] * 10_000)),
}


@pytest.mark.parametrize("case", LARGE)
def test_a_network_larger_than_its_weights_never_reaches_keras(files, tmp_path, case):
    """Some bytes of text would be gigabytes of numbers, drawn before the first weight is missed."""
    words, change = LARGE[case]
    assert words in refusal(zipped(with_config(files, change), tmp_path / "a.zip"))


@pytest.mark.usefixtures("loads")
def test_a_picture_that_would_grow_inside_the_network(files, tmp_path):
    path = zipped(
        with_config(files, lambda c: grown(c, "Resizing", height=16384, width=16384)), tmp_path / "a.zip"
    )
    assert "numbers of one picture" in refusal(path)


def test_every_network_that_we_build_passes_its_own_check(tmp_path):
    from wikitopics.train.model import build_model, save_model

    for backbone, policy in (("EfficientNetLite0", "mixed_float16"), ("EfficientNetB0", "float32")):
        keras.mixed_precision.set_global_policy(policy)
        try:
            model = build_model(
                3, backbone, 64, 16, "none", -1, store_size=128, descent=np.eye(3, dtype=bool)
            )
        finally:
            keras.mixed_precision.set_global_policy("float32")
        save_model(model, tmp_path / "m.keras")
        check_keras_file(tmp_path / "m.keras", "m")
    shutil.rmtree(tmp_path)
