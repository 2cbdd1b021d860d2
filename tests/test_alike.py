"""Look-alikes: planted neighbours are found, copies are told from strangers, features survive a kill."""

import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import planted
from wikitopics import cli
from wikitopics.alike.features import ABOUT, About, embed_files, load_embedder, read_features
from wikitopics.alike.nearest import duplicates_table, index_for_all, near_duplicates
from wikitopics.artefacts import write_json
from wikitopics.errors import UserError
from wikitopics.evaluate import neighbours as index_module
from wikitopics.evaluate.neighbours import Index, nearest
from wikitopics.sources.inputs import paths_of

SIDE = 32
needs_faiss = pytest.mark.skipif(not index_module.installed(), reason="faiss is not installed (extra alike)")


def clustered(count: int, width: int = 64, kin: int = 10, seed: int = 0) -> np.ndarray:
    """Vectors in little groups of `kin` that lie one after the other."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(-(-count // kin), width))
    return (np.repeat(centres, kin, axis=0)[:count] + 0.3 * rng.normal(size=(count, width))).astype(
        np.float32
    )


# -- the index -------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 40), width=st.integers(1, 6), count=st.integers(0, 50), seed=st.integers(0, 9))
def test_an_exact_index_is_the_sorted_cosine(n: int, width: int, count: int, seed: int):
    vectors = np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    rows, similarity = Index(vectors).nearest(3 * vectors, count)
    assert rows.shape == similarity.shape == (n, min(n, count))
    truth = unit @ unit.T
    assert np.allclose(similarity, -np.sort(-truth, axis=1)[:, :count], atol=1e-5)
    assert np.allclose(np.take_along_axis(truth, rows, axis=1), similarity, atol=1e-5)


def test_planted_neighbours_are_found_across_the_chunks_of_a_mapped_file(tmp_path, monkeypatch):
    monkeypatch.setattr(index_module, "CHUNK", 100)
    np.save(tmp_path / "features.npy", clustered(1000))
    index = Index(np.load(tmp_path / "features.npy", mmap_mode="r"))
    asked = np.array([5, 107, 994])
    rows, similarity = nearest(index, asked, 9)
    assert [sorted(own) for own in rows.tolist()] == [
        [i for i in range(row // 10 * 10, row // 10 * 10 + 10) if i != row] for row in asked
    ]
    assert (np.diff(similarity, axis=1) <= 0).all()


@needs_faiss
def test_an_approximate_index_finds_nine_of_ten_and_the_same_ones_again():
    features = clustered(20_000)
    asked = np.arange(0, 20_000, 97)
    exact, _ = nearest(Index(features, approximate=False), asked, 10)
    rough = Index(features, approximate=True)
    rows, similarity = nearest(rough, asked, 10)
    assert rough.approximate
    assert np.mean([np.isin(a, b).mean() for a, b in zip(exact, rows, strict=True)]) >= 0.9
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    assert np.allclose(similarity, np.einsum("qcd,qd->qc", unit[rows], unit[asked]), atol=1e-5)
    again, _ = nearest(Index(features, approximate=True), asked, 10)
    assert (rows == again).all()


@needs_faiss
@pytest.mark.parametrize("count", [1, 2, 30, 300])
def test_a_small_approximate_index_answers_in_full(count: int):
    rows, similarity = nearest(Index(clustered(count, 8, 1), approximate=True), np.arange(count), 7)
    assert rows.shape == (count, min(7, count - 1)) and np.isfinite(similarity).all() and (rows >= 0).all()


@needs_faiss
def test_cells_that_hold_too_little_are_made_up_for(monkeypatch):
    monkeypatch.setattr("wikitopics.evaluate.neighbours.VISITED", 1)
    features = clustered(300)
    rows, similarity = nearest(Index(features, approximate=True), np.arange(20), 200)
    exact = nearest(Index(features, approximate=False), np.arange(20), 200)
    assert (rows == exact[0]).all() and np.isfinite(similarity).all()


def test_without_faiss_answers_are_exact_and_insisting_is_told(monkeypatch):
    monkeypatch.setattr("wikitopics.evaluate.neighbours.importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr(index_module, "EXACT", 10)
    assert not Index(clustered(100)).approximate
    with pytest.raises(UserError, match=r"faiss.*pip install -e '.\[alike\]'"):
        Index(clustered(100), approximate=True)


def test_zero_vectors_one_picture_and_none():
    zeros = np.zeros((3, 4), np.float32)
    rows, similarity = nearest(Index(zeros), np.array([1]), 5)
    assert sorted(rows[0]) == [0, 2] and (similarity == 0).all()
    assert nearest(Index(zeros[:1]), np.array([0]), 5)[0].shape == (1, 0)
    none = Index(zeros[:0])
    assert none.nearest(np.ones((2, 4)), 5)[0].shape == (2, 0) and len(near_duplicates(none)) == 0


def test_equal_pictures_leave_out_the_one_asked_about():
    rows, _ = nearest(Index(np.ones((50, 3), np.float32)), np.array([40]), 8)
    assert 40 not in rows[0] and len(set(rows[0])) == 8


@pytest.mark.parametrize(
    ("features", "told"),
    [
        (np.array([[1.0, np.nan]]), "row 0 is not"),
        (np.array([[1.0, np.inf]], np.float32), "finite"),
        (np.ones(3), "of shape"),
        (np.ones((2, 2), int), "int64"),
    ],
)
def test_features_that_cannot_be_compared_are_told_in_one_sentence(features, told):
    with pytest.raises(UserError, match=told):
        Index(features)


def test_vectors_of_another_network_are_refused():
    with pytest.raises(UserError, match=r"4 numbers each.*\(1, 5\)"):
        Index(np.ones((2, 4))).nearest(np.ones((1, 5)), 1)


# -- near duplicates -------------------------------------------------------------------------------


def test_planted_pairs_are_found_once_each_the_most_similar_first():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(300, 64)).astype(np.float32)
    features[17], features[203] = features[5] * 2, features[100] + 0.1 * rng.normal(size=64)
    pairs = near_duplicates(Index(features), 0.9)
    assert pairs[["first", "second"]].to_numpy().tolist() == [[5, 17], [100, 203]]
    assert pairs.similarity[0] == pytest.approx(1) and 0.9 < pairs.similarity[1] < 1


def test_many_copies_of_one_picture_do_not_multiply():
    pairs = near_duplicates(Index(np.ones((400, 3), np.float32)), 0.9, most=4)
    assert len(pairs) <= 4 * 400 and (pairs["first"] < pairs["second"]).all()
    assert not pairs.duplicated(["first", "second"]).any()


def test_pictures_that_are_gone_agree_with_nothing(tmp_path, capsys):
    paths = [str(tmp_path / f"{i}.png") for i in range(3)]
    for path in paths[1:]:
        Image.new("RGB", (9, 9), "black").save(path)
    table = duplicates_table(paths, Index(np.ones((3, 2), np.float32)))
    assert table[table.pixels_agree][["path_a", "path_b"]].to_numpy().tolist() == [paths[1:]]
    assert len(table) == 3 and "1 pictures could not be read again" in capsys.readouterr().out


# -- features of files -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The folder of a run of 03_train with a network of random weights, its features 8 numbers."""
    import keras

    from wikitopics.train.record import file_digest

    root = tmp_path_factory.mktemp("lab")
    folder = root / "data" / "03_train" / "small"
    keras.utils.set_random_seed(1)
    pictures = keras.Input((SIDE, SIDE, 3))
    layers = [keras.Input((SIDE, SIDE, 3)), keras.layers.Rescaling(1 / 128, -1), keras.layers.Conv2D(8, 7, 2)]
    backbone = keras.Sequential(layers, name="TinyNet")
    features = keras.layers.GlobalAveragePooling2D(name="features")(backbone(pictures))
    scores = keras.layers.Dense(2, "sigmoid")(features)
    folder.mkdir(parents=True)
    keras.Model(pictures, scores).save(folder / "model.keras")
    names = {"taxonomy": "t", "label_names": ["a", "b"], "parents": {"a": None, "b": None}}
    write_json(folder / "label_names.json", names)
    record = {"parameters": {"images": "set"}, "model_sha256": file_digest(folder / "model.keras")}
    write_json(folder / "run.json", record)
    write_json(root / "data" / "02_images" / "set" / "run.json", {"parameters": {"fit": "pad"}})
    truth = (np.arange(40).reshape(20, 2) % 3 == 0).astype(np.uint8)
    table = {"truth": list(truth), "scores": list((0.2 + 0.5 * truth).astype(np.float32))}
    pd.DataFrame(table).to_parquet(folder / "predictions_validation.parquet")
    return folder


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(1)
    for number in range(12):
        Image.fromarray(planted.picture(number, SIDE, rng)).save(folder / f"{number:02}.png")
    return folder


def test_features_are_the_layers_own_and_a_bad_file_is_a_row(model, pictures, tmp_path):
    import keras

    (tmp_path / "page.jpg").write_bytes(b"<html></html>")
    paths = [*paths_of([str(pictures)]), str(tmp_path / "page.jpg"), str(tmp_path / "nowhere.png")]
    counts = embed_files(model, paths, tmp_path / "out.parquet", shard=5)
    assert counts == {"files": 14, "embedded": 12, "not_an_image": 1, "missing": 1}
    network = keras.saving.load_model(model / "model.keras")
    whole = keras.Model(network.input, network.get_layer("features").output)
    pixels = np.stack([np.asarray(Image.open(path)) for path in paths[:12]])
    frame = pd.read_parquet(tmp_path / "out.parquet")
    assert frame.path.tolist() == paths and frame.reason.tolist()[12:] == ["not_an_image", "missing"]
    assert np.allclose(np.stack(frame.features[:12]), whole.predict(pixels, verbose=0), atol=1e-4)
    assert [len(row) for row in frame.features[12:]] == [0, 0]
    found = read_features(tmp_path / "out.parquet", tmp_path)
    assert found.paths == paths[:12] and found.vectors.shape == (12, 8)
    assert found.unreadable.path.tolist() == paths[12:]
    about = found.about
    assert (about.model, about.backbone, about.side, about.fit, about.width) == (
        "small",
        "TinyNet",
        32,
        "pad",
        8,
    )
    assert len(about.weights) == 64 and about.comparable(load_embedder(model).about)


KILLED = """
import sys
from pathlib import Path
from wikitopics.alike import features as embedding
begun = embedding.decoded
def slow(some, *rest):
    if "05.png" in some[0]:
        print("second shard", flush=True)
        import time; time.sleep(60)
    return begun(some, *rest)
embedding.decoded = slow
embedding.embed_files(Path(sys.argv[1]), sys.argv[3:], Path(sys.argv[2]), jobs=1, shard=5)
"""


def test_a_killed_run_goes_on_with_the_shards_it_has(model, pictures, tmp_path, monkeypatch):
    paths, out = paths_of([str(pictures)]), tmp_path / "out.parquet"
    killed = subprocess.Popen(
        [sys.executable, "-c", KILLED, model, out, *paths], stdout=subprocess.PIPE, start_new_session=True
    )
    assert any(b"second shard" in line for line in killed.stdout)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert not out.exists() and (tmp_path / "out.parquet.parts").is_dir()
    from wikitopics.alike import features as features_module

    asked, decoded = [], features_module.decoded
    monkeypatch.setattr(
        features_module, "decoded", lambda some, *rest: asked.extend(some) or decoded(some, *rest)
    )
    assert embed_files(model, paths, out, shard=5)["embedded"] == 12
    assert asked == paths[5:] and not (tmp_path / "out.parquet.parts").exists()
    embed_files(model, paths, tmp_path / "whole.parquet", shard=5)
    assert out.read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def features_file(path, rows, about=None, **changed):
    about = about or About("m", "net", "0" * 64, 32, "pad", 3)
    table = {
        "path": [f"{i}.png" for i in range(len(rows))],
        "features": pa.array(rows, pa.list_(pa.float32())),
    }
    table |= {"reason": [""] * len(rows), "detail": [""] * len(rows)}
    pq.write_table(pa.table(table | changed).replace_schema_metadata({ABOUT: about.text()}), path)
    return path


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([[1, 2, 3], [1, 2]], "3 numbers for each picture.*one has 2"),
        ([[1, 2, 3], [1, float("nan"), 3]], "finite"),
        ([[1, 2, 3], None], "3 numbers for each picture.*one has 0"),
    ],
)
def test_a_table_of_other_widths_or_of_no_numbers_is_one_sentence(rows, told, tmp_path):
    with pytest.raises(UserError, match=told):
        read_features(features_file(tmp_path / "f.parquet", rows), tmp_path)


def test_a_file_of_something_else_is_one_sentence(tmp_path):
    pd.DataFrame({"path": ["a"], "features": ["1.0"]}).to_parquet(tmp_path / "other.parquet")
    (tmp_path / "text.parquet").write_text("no")
    wide = About("m", "net", "0" * 64, 32, "pad", 1 << 40)
    features_file(tmp_path / "wide.parquet", [[1, 2, 3]], wide)
    for name in ("other", "text", "wide", "nowhere"):
        with pytest.raises(UserError, match=f"features must .*{name}.parquet"):
            read_features(tmp_path / f"{name}.parquet", tmp_path)


def test_no_picture_with_features_and_one(tmp_path):
    none = read_features(features_file(tmp_path / "none.parquet", [[]], reason=["empty"]), tmp_path)
    assert none.vectors.shape == (0, 3) and none.unreadable.reason.tolist() == ["empty"]
    assert len(duplicates_table(none.paths, index_for_all(none.vectors))) == 0
    one = read_features(features_file(tmp_path / "one.parquet", [[1, 2, 3]]), tmp_path)
    assert len(duplicates_table(one.paths, index_for_all(one.vectors))) == 0


# -- the commands ----------------------------------------------------------------------------------


@pytest.fixture
def lab(model, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(model.parents[2]))


def test_copies_are_pairs_and_queries_find_themselves(lab, pictures, tmp_path, capsys):
    own = tmp_path / "own"
    own.mkdir()
    for path in sorted(pictures.iterdir()):
        (own / path.name).write_bytes(path.read_bytes())
    with Image.open(pictures / "03.png") as image:
        image.save(own / "copy.jpg", quality=95)
    features, out = tmp_path / "features.parquet", tmp_path / "out.parquet"
    assert cli.main(["embed", str(own), "--model", "small", "--out", str(features)]) == 0
    assert cli.main(["alike", str(features), "--near-duplicates", "--above", "0.999", "--out", str(out)]) == 0
    pairs = pd.read_parquet(out)
    mine = pairs[pairs.path_b.str.endswith("copy.jpg") | pairs.path_a.str.endswith("copy.jpg")]
    assert set(mine.iloc[0][["path_a", "path_b"]]) == {str(own / "03.png"), str(own / "copy.jpg")}
    assert mine.pixels_agree.iloc[0]
    (tmp_path / "bad.png").write_bytes(b"")
    asked = [str(pictures / "05.png"), str(tmp_path / "bad.png")]
    arguments = ["alike", str(features), "--query", *asked, "--count", "3", "--out", str(out)]
    assert cli.main(arguments) == 2  # pairs are no answers to a query: somebody may want them
    out.unlink()
    assert cli.main(arguments) == 0
    found = pd.read_parquet(out)
    assert found["path"].tolist()[0] == str(own / "05.png") and found.similarity[0] == pytest.approx(1)
    assert found["rank"].tolist() == [1, 2, 3, 0] and found.reason.tolist() == ["", "", "", "empty"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["alike", "F", "--near-duplicates", "--out", "x.csv"], ".parquet"),
        (["alike", "F", "--near-duplicates", "--out", "x.parquet", "--above", "2"], "--above must be"),
        (["alike", "nowhere.parquet", "--near-duplicates", "--out", "x.parquet"], "a Parquet file, but"),
        (["embed", "File:Owl.jpg", "--model", "small", "--out", "x.parquet"], "title of Commons"),
        (["embed", ".", "--model", "small", "--out", "x.csv"], "must"),
        (["embed", "F", "--model", "other", "--out", "x.parquet"], "03_train"),
    ],
)
def test_mistakes_are_one_line(lab, arguments, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    features_file(tmp_path / "F", [[1, 2, 3]])
    assert cli.main(arguments) == 2
    said = capsys.readouterr().err
    assert told in said and said.count("\n") == 1 and not (tmp_path / "x.parquet").exists()


def test_a_query_by_another_network_is_refused(lab, pictures, tmp_path, capsys):
    features_file(tmp_path / "f.parquet", [[1, 2, 3]])
    out = str(tmp_path / "out.parquet")
    arguments = ["alike", str(tmp_path / "f.parquet"), "--query", str(pictures), "--out", out]
    assert cli.main([*arguments, "--model", "small"]) == 2
    assert "another network" in capsys.readouterr().err


def test_equal_vectors_are_pairs_at_the_highest_cut_too():
    half = np.random.default_rng(3).normal(size=(50, 97)).astype(np.float32)
    pairs = near_duplicates(Index(np.concatenate([half, half])), above=1.0)
    assert sorted(pairs[["first", "second"]].to_numpy().tolist()) == [[row, row + 50] for row in range(50)]
    assert pairs["similarity"].max() <= 1


def test_queries_beside_features_of_a_bundle_are_sent_to_the_bundle_not_to_training(tmp_path, monkeypatch):
    from wikitopics.alike.features import About, model_of

    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    with pytest.raises(UserError, match="name it, or the bundle .* with --model") as told:
        model_of(About("elsewhere", "b", "w", 32, "pad", 8), None)
    assert "wikitopics run" not in str(told.value)
