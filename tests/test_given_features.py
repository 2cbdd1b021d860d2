"""Features that somebody else made: which picture they are of, what is refused, what they teach."""

import hashlib
from urllib.parse import quote

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import planted
from test_train_options import small, small_backbone  # noqa: F401 (fixture)
from wikitopics import cli, score
from wikitopics.alike.chosen_features import given_features, vectors_of
from wikitopics.alike.features import read_about
from wikitopics.artefacts import write_json, write_table
from wikitopics.errors import UserError
from wikitopics.evaluate.predictions import freeze_thresholds
from wikitopics.params import check
from wikitopics.scoring.choose import Chosen
from wikitopics.scoring.network import read_network
from wikitopics.scoring.pictures import NamedFiles
from wikitopics.train import examples, model
from wikitopics.train.examples import Batches, read_examples
from wikitopics.train.features import prepare_learner
from wikitopics.train.fit import build_optimizer, fit
from wikitopics.train.given_features import only_known, read_given
from wikitopics.train.losses import PLAIN
from wikitopics.train.members import prepare
from wikitopics.train.record import saved_difference, write_labels, write_predictions

TITLES = ["Red fox.jpg", "Blue whale.png", "Owl.jpg", "Café.jpg"]
VECTORS = np.arange(1, 13, dtype=np.float32).reshape(4, 3)


@pytest.fixture
def images(tmp_path):
    """An images run of four pictures, in folders."""
    folder = tmp_path / "set"
    folder.mkdir()
    table = pd.DataFrame({"row": range(4), "title": TITLES, "path": [f"birds/{name}" for name in TITLES]})
    write_table(
        folder / "images.parquet",
        table.assign(sha1="of pixels", file_sha1=[f"{number:040x}" for number in range(10, 14)]),
    )
    return folder


def address(title):
    """Where Wikimedia keeps a picture: in folders of its name's MD5."""
    name = title.replace(" ", "_")
    place = hashlib.md5(name.encode()).hexdigest()
    return f"https://upload.wikimedia.org/wikipedia/commons/{place[0]}/{place[:2]}/{quote(name)}"


def file(folder, vectors, kind="float32", **keys):
    """A Parquet file with one column of keys and one of lists of numbers."""
    path = folder / "mine.parquet"
    lists = pa.array([None if v is None else np.array(v, kind) for v in vectors])
    pq.write_table(pa.table({**keys, "numbers": lists}), path)
    return path


@pytest.mark.parametrize(
    ("column", "keys"),
    [
        ("title", TITLES),
        ("title", ["File:red_fox.jpg", "Datei:Blue whale.png", "[[File:Owl.jpg|thumb]]", "Cafe\u0301.jpg"]),
        ("path", [f"/home/ann/pictures/birds/{name}" for name in TITLES]),
        ("path", [f"birds/{name}" for name in TITLES]),
        ("sha1", [f"{number:040X}" for number in range(10, 14)]),
        (
            "image_url",
            [address(name) for name in TITLES],
        ),
    ],
)
def test_a_row_is_found_by_any_name_of_its_picture_in_any_order(images, tmp_path, column, keys):
    order = [2, 0, 3, 1]
    path = file(tmp_path, VECTORS[order], **{column: [keys[place] for place in order]})
    given = read_given(path, images)
    assert np.array_equal(given.array, VECTORS) and given.known(np.arange(4)).all()
    assert str(given) == "4 rows of 3 numbers: features of 4 of 4 pictures"


@pytest.mark.parametrize("kind", ["float16", "float32", "float64"])
def test_numbers_of_any_width_are_read_and_what_cannot_be_used_is_counted(images, tmp_path, kind):
    vectors = [VECTORS[0], VECTORS[0], [np.nan, 1, 1], None, [0, 0, 0], VECTORS[1]]
    path = file(tmp_path, vectors, kind, title=[TITLES[0], TITLES[0], *TITLES[1:], "Another.jpg"])
    given = read_given(path, images)
    told = "6 rows of 3 numbers (1 of other pictures, 1 repeated, 3 of zeros or not finite)"
    assert str(given) == f"{told}: features of 1 of 4 pictures"
    assert given.known(np.arange(4)).tolist() == [True, False, False, False]
    assert not np.asarray(given.array)[1:].any()
    assert str(read_given(path, images)) == str(given)  # from what was kept


def test_arrays_of_one_length_and_large_lists_are_lists_too(images, tmp_path):
    flat = pa.array(VECTORS.ravel())
    for lists in (
        pa.FixedSizeListArray.from_arrays(flat, 3),
        pa.LargeListArray.from_arrays(pa.array([0, 3, 6, 9, 12], pa.int64()), flat),
    ):
        pq.write_table(pa.table({"title": TITLES, "v": lists}), tmp_path / "f.parquet")
        assert np.array_equal(read_given(tmp_path / "f.parquet", images).array, VECTORS)


def test_another_file_is_another_array_and_the_same_is_read_once(images, tmp_path):
    first = read_given(file(tmp_path, VECTORS, title=TITLES), images)
    again = read_given(file(tmp_path, VECTORS, title=TITLES), images)
    other = read_given(file(tmp_path, VECTORS + 1, title=TITLES), images)
    assert first.file == again.file != other.file
    assert np.array_equal(other.array, VECTORS + 1) and np.array_equal(first.array, VECTORS)


@pytest.mark.parametrize(
    ("column", "names"), [("title", TITLES), ("path", [f"birds/{name}" for name in TITLES])]
)
def test_pictures_that_were_renamed_have_the_features_of_their_new_names(images, tmp_path, column, names):
    path = file(tmp_path, VECTORS, **{column: names})
    assert np.array_equal(read_given(path, images).array, VECTORS)
    table = pd.read_parquet(images / "images.parquet")
    write_table(images / "images.parquet", table.assign(**{column: names[::-1]}))
    assert np.array_equal(read_given(path, images).array, VECTORS[::-1])


def refusals(folder):
    """Files that are refused, and what the sentence says."""
    title, vectors = TITLES, VECTORS
    yield file(folder, vectors[[0, 1]], title=[title[0], title[0]]), "two in mine.parquet that differ"
    yield file(folder, vectors, title=["x.jpg"] * 4), "of 4 rows in mine.parquet none is usable"
    yield file(folder, [[1, 2], [1, 2, 3]], title=title[:2]), "some of 3 and of 2 numbers"
    yield file(folder, [None, [np.nan, 1]], title=title[:2]), "of 2 rows in mine.parquet none is usable"
    yield file(folder, [[], []], title=title[:2]), "of 2 rows in mine.parquet none is usable"
    yield (
        file(folder, vectors, name=title),
        "title, path, image_url, but mine.parquet has 'name'",
    )
    path = folder / "mine.parquet"
    lists = pa.array(vectors.tolist())
    pq.write_table(pa.table({"title": title, "image": lists, "text": lists}), path)
    yield path, "one column of lists of numbers and"
    pq.write_table(pa.table({"title": title, "n": [1, 2, 3, 4]}), path)
    yield path, "one column of lists of numbers and"
    pq.write_table(pa.table({"sha1": [b"\xff\xfe", b"b"] * 2, "n": lists}), path)
    yield path, "the column 'sha1' of mine.parquet is binary; write it as text (SHA-1 in hex)"
    pq.write_table(pa.table([pa.array(title), pa.array(title), lists], names=["title", "title", "n"]), path)
    yield path, "one column of lists of numbers and"
    pq.write_table(pa.table({"title": title, "n": lists}), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + b"\xff" * 40 + whole[44:])
    yield path, "must be a whole file, but mine.parquet is damaged"
    path.write_bytes(b"title,numbers\n")
    yield path, "must be a Parquet file, but mine.parquet cannot be read as one"


def test_what_is_not_understood_is_refused_in_one_sentence(images, tmp_path):
    for path, words in refusals(tmp_path):
        with pytest.raises(UserError) as said:
            read_given(path, images)
        assert words in str(said.value) and "\n" not in str(said.value)
        assert not list((images / "features").glob("*"))


def test_a_title_of_two_pictures_names_neither(images, tmp_path):
    table = pd.read_parquet(images / "images.parquet")
    write_table(images / "images.parquet", table.assign(title=[TITLES[0], *TITLES[:3]]))
    path = file(tmp_path, VECTORS[:2], title=[TITLES[2], TITLES[0]])
    with pytest.raises(UserError, match="'Red fox.jpg' is the title of several; name pictures by path"):
        read_given(path, images)
    assert read_given(file(tmp_path, VECTORS, path=list(table["path"])), images).pictures == 4


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    return planted.write_images(root), planted.write_labels(root)


def learned(runs, folder, given=None):
    """A head trained as notebook 03 does: the whole model, its learner, examples, scores."""
    model.set_seed(0)
    data = only_known(read_examples(*runs), given)
    backbone, width = (model.GIVEN, given.width) if given else ("EfficientNetLite0", 0)
    network = model.build_model(len(data.label_names), backbone, 32, 8, "none", seed=0, given_width=width)
    part = prepare_learner(network, runs[0], data, 32, given=given)
    rows = data.frame["row"].to_numpy()
    target = data.label_matrix.astype(np.float32)
    train, validation = (
        Batches(part.shown, rows[data.rows(split)], target[data.rows(split)], 16, seed)
        for split, seed in (("train", 0), ("validation", None))
    )
    members = prepare(part, [train], [PLAIN], lambda steps: build_optimizer(steps_per_epoch=steps))
    folder.mkdir()
    fit(members, validation, 2, 0, folder, "k")
    return network, part, data, members.scores(Batches(part.inputs, rows, target, 64))[0]


def test_features_of_a_backbone_that_are_given_teach_what_the_backbone_teaches(runs, tmp_path):
    network, part, data, scores = learned(runs, tmp_path / "own")
    titles = data.frame.set_index("row")["title"]
    order = np.random.default_rng(0).permutation(len(titles))
    path = file(tmp_path, part.inputs[titles.index[order]], title=titles.to_numpy()[order])
    given = read_given(path, runs[0])
    alone, its_part, _, same = learned(runs, tmp_path / "given", given)
    assert np.array_equal(scores, same) and its_part.features_file == given.file.name
    assert model.takes_features(alone) and not model.takes_features(network)
    model.save_model(alone, tmp_path / "model.keras")
    assert saved_difference(tmp_path / "model.keras", data, its_part, same) < 1e-6


def test_pictures_without_features_are_left_out_of_every_split(runs, tmp_path):
    data = read_examples(*runs)
    titles = data.frame["title"].to_numpy()
    some = np.arange(len(titles)) % 3 > 0
    path = file(tmp_path, np.ones((some.sum(), 2)), title=titles[some])
    kept = only_known(data, read_given(path, runs[0]))
    assert kept.frame["title"].tolist() == titles[some].tolist()
    assert np.array_equal(kept.label_matrix, data.label_matrix[some])
    assert only_known(data, None) is data
    with pytest.raises(UserError, match="validation must have images, but of its"):
        examples.only(data, data.frame["split"].to_numpy() == "train")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"features": ""}, "features must be the path of a Parquet file"),
        ({"backbone": "EfficientNetLite0"}, "features must be the path of a Parquet file"),
        ({"trainable_layers": 2}, "trainable_layers must be at least -1, and 0 with"),
        ({"flip": True}, "flip must be false with"),
        ({"zoom": 0.1}, "zoom must be from 0 to 0.9, and 0 with"),
    ],
)
def test_what_needs_a_backbone_is_refused_without_one(tmp_path, monkeypatch, changed, words):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    (tmp_path / "mine.parquet").touch()
    with pytest.raises(UserError, match=words):
        check("03_train", {"backbone": "features", "features": "mine.parquet"} | changed)


@pytest.fixture
def trained(runs, tmp_path, monkeypatch):
    """A finished run that learned from given features, as far as scoring reads it, and the file of them."""
    data = read_examples(*runs)
    vectors = np.random.default_rng(0).normal(size=(len(data.frame), 5))
    path = file(tmp_path, vectors, title=data.frame["title"].to_numpy())
    network, part, data, scores = learned(runs, tmp_path / "fit", read_given(path, runs[0]))
    folder = tmp_path / "data" / "03_train" / "given"
    folder.mkdir(parents=True)
    model.save_model(network, folder / "model.keras")
    write_labels(folder, data)
    write_predictions(folder, "validation", data, scores)
    parameters = {"images": "sample", "image_size": 128, "features": "mine.parquet"}
    write_json(folder / "run.json", {"parameters": parameters})
    write_json(tmp_path / "data/02_images/sample/run.json", {"parameters": {"fit": "pad"}})
    write_json(tmp_path / "data/04_evaluate/given/run.json", {"model": "given"})
    cuts = np.full(len(data.label_names), 0.4)
    freeze_thresholds(tmp_path / "data/04_evaluate/given", data.label_names, cuts)
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    return path, data, scores


def test_a_file_of_features_is_scored_row_by_row(trained, tmp_path, capsys):
    path, data, scores = trained
    titles = data.frame["title"].tolist()
    mixed = [None, *np.asarray(pq.read_table(path)["numbers"].to_pylist())[::-1], np.full(5, np.inf)]
    other = file(tmp_path / "fit", mixed, title=["none.png", *titles[::-1], "far.png"])
    command = ["score", str(other), "--model", "given", "--out"]
    assert cli.main([*command, str(tmp_path / "t.parquet")]) == 0
    table = pd.read_parquet(tmp_path / "t.parquet")
    assert table["path"].tolist() == ["none.png", *titles[::-1], "far.png"]
    assert table["reason"].tolist() == ["no_features", *[""] * len(titles), "no_features"]
    assert np.allclose(np.stack(table["scores"][1:-1])[::-1], scores, atol=1e-6)
    assert f"{len(titles) + 2:,} files, {len(titles):,} scored" in capsys.readouterr().out
    assert cli.main([*command, str(tmp_path / "t.csv")]) == 0
    assert len(score(str(other), "given")) == len(pd.read_csv(tmp_path / "t.csv")) == len(titles) + 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["pictures"], "scores one Parquet file of them, but is given pictures"),
        (["{wide}"], "was given, 5 numbers a row, but mine.parquet has 3"),
        (["{path}", "{path}"], "scores one Parquet file of them"),
    ],
)
def test_what_such_a_run_cannot_score_is_one_sentence(trained, tmp_path, capsys, arguments, words):
    named = {"path": trained[0], "wide": file(tmp_path / "fit", VECTORS, title=TITLES)}
    given = [one.format(**named) for one in arguments]
    assert cli.main(["score", *given, "--model", "given", "--out", str(tmp_path / "t.parquet")]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1 and not (tmp_path / "t.parquet").exists()


def test_pictures_are_not_embedded_by_a_run_without_a_backbone(trained, tmp_path):
    with pytest.raises(UserError, match="pictures must go through a backbone, but the run 'given' has none"):
        read_network(tmp_path / "data/03_train/given")


def chosen_of(titles, source=None):
    """Files as 06_score chooses them, in another order than the features have."""
    frame = pd.DataFrame({"path": [f"pictures/{title}" for title in titles], "title": titles})
    return Chosen(source, frame, [], True)


def test_chosen_pictures_are_scored_by_the_features_that_the_run_learned_from(trained, tmp_path):
    path, data, scores = trained
    titles = [*data.frame["title"].tolist()[::-1], "Unknown.png"]
    out = tmp_path / "06" / "features.parquet"
    assert given_features(chosen_of(titles), "given", "", out) == out
    about, _ = read_about(out)
    assert (about.model, about.backbone, about.width) == ("given", "features", 5)
    assert cli.main(["score", str(out), "--model", "given", "--out", str(tmp_path / "t.parquet")]) == 0
    table = pd.read_parquet(tmp_path / "t.parquet")
    assert table["path"].tolist() == [f"pictures/{title}" for title in titles]
    assert table["reason"].tolist() == [""] * len(data.frame) + ["no_features"]
    assert np.allclose(np.stack(table["scores"][:-1])[::-1], scores, atol=1e-6)
    known = np.asarray(pq.read_table(path)["numbers"].to_pylist())
    assert np.array_equal(vectors_of(out, [f"pictures/{titles[2]}"])[0], known[-3].astype("f4"))
    assert vectors_of(None, []) is None


def test_sha1_of_chosen_files_is_that_of_their_bytes(trained, tmp_path):
    path, data, _ = trained
    (tmp_path / "pictures").mkdir()
    for name in ("a", "b"):
        (tmp_path / "pictures" / name).write_bytes(name.encode())
    digests = [hashlib.sha1(name.encode()).hexdigest().upper() for name in "ba"]
    other = file(tmp_path / "fit", [[1, 2, 3, 4, 5], [5, 4, 3, 2, 1]], sha1=digests)
    chosen = chosen_of(["a", "b"], NamedFiles(str(tmp_path)))
    out = given_features(chosen, "given", str(other), tmp_path / "o.parquet")
    assert vectors_of(out, ["pictures/a", "pictures/b"]).tolist() == [[5, 4, 3, 2, 1], [1, 2, 3, 4, 5]]


def test_copies_among_the_chosen_files_have_the_same_features(trained, tmp_path):
    (tmp_path / "pictures").mkdir()
    for name, content in {"a": b"a", "b": b"b", "copy": b"a", "unknown": b"u"}.items():
        (tmp_path / "pictures" / name).write_bytes(content)
    digests = [hashlib.sha1(name).hexdigest() for name in (b"b", b"a")]
    other = file(tmp_path / "fit", [[1, 2, 3, 4, 5], [5, 4, 3, 2, 1]], sha1=digests)
    chosen = chosen_of(["a", "b", "copy", "unknown"], NamedFiles(str(tmp_path)))
    out = given_features(chosen, "given", str(other), tmp_path / "o.parquet")
    found = pq.read_table(out).to_pydict()
    assert found["features"] == [[5, 4, 3, 2, 1], [1, 2, 3, 4, 5], [5, 4, 3, 2, 1], []]
    assert found["reason"] == ["", "", "", "no_features"]


@pytest.mark.parametrize("begin", ["", "{root}/", "/home/ann/laboratory/"])
def test_a_chosen_file_is_found_by_its_path_in_the_laboratory(trained, tmp_path, monkeypatch, begin):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    path = begin.format(root=tmp_path) + "museum/owl.png"
    other = file(tmp_path / "fit", [[1, 2, 3, 4, 5]], path=[path])
    frame = pd.DataFrame({"path": [f"{tmp_path}/museum/owl.png"], "title": ["museum/owl.png"]})
    out = given_features(Chosen(None, frame, [], False), "given", str(other), tmp_path / "o.parquet")
    assert vectors_of(out, [f"{tmp_path}/museum/owl.png"]).tolist() == [[1, 2, 3, 4, 5]]


def test_features_beside_a_run_that_looks_at_pixels_are_refused(trained, tmp_path):
    run = tmp_path / "data/03_train/pixels/run.json"
    write_json(run, {"parameters": {"features": ""}})
    assert given_features(chosen_of(["a"]), "pixels", "", tmp_path / "o.parquet") is None
    with pytest.raises(UserError, match="'pixels' looks at pixels; leave features 'mine.parquet' out"):
        given_features(chosen_of(["a"]), "pixels", "mine.parquet", tmp_path / "o.parquet")


def test_near_duplicates_among_features_made_elsewhere(tmp_path, capsys):
    path = file(tmp_path, [[1, 0], [0, 1], None, [2, 0.001]], title=["A", "B", "Gone", "A again"])
    assert cli.main(["alike", str(path), "--near-duplicates", "--out", str(tmp_path / "pairs.parquet")]) == 0
    assert "3 pictures with features, 1 without" in capsys.readouterr().out
    pairs = pd.read_parquet(tmp_path / "pairs.parquet")
    assert pairs[["path_a", "path_b", "pixels_agree"]].to_numpy().tolist() == [["A", "A again", False]]
    assert cli.main(["alike", str(path), "--query", "x.png", "--out", str(tmp_path / "q.parquet")]) == 2
    assert "must be a Parquet file of `wikitopics embed`" in capsys.readouterr().err
