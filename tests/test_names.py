"""The labels' names as the classifier: what is asked, what answers, how pictures are ranked by it."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import planted
from wikitopics import cli
from wikitopics.artefacts import write_json
from wikitopics.errors import UserError
from wikitopics.evaluate.context import _by_words
from wikitopics.evaluate.predictions import freeze_thresholds
from wikitopics.labels import taxonomy
from wikitopics.params import check
from wikitopics.train import model
from wikitopics.train.examples import Batches, keep_top_labels, read_examples
from wikitopics.train.features import prepare_learner
from wikitopics.train.fit import CHECKPOINT, build_optimizer, fit
from wikitopics.train.given_features import read_given
from wikitopics.train.losses import PLAIN
from wikitopics.train.members import prepare
from wikitopics.train.outcome import by_seed, by_split, in_words
from wikitopics.train.record import proof, saved_difference, write_labels, write_predictions
from wikitopics.vectors.prompts import prompts_of, spoken, table
from wikitopics.vectors.text_side import TextFile, likeness, text_side

V14 = taxonomy.load("v1.4")


def texts(folder, rows, column="text"):
    """A file of texts: pairs (text, numbers or None)."""
    path = folder / "texts.parquet"
    vectors = pa.array([None if v is None else np.array(v, "float32") for _, v in rows])
    pq.write_table(pa.table({column: [text for text, _ in rows], "clip": vectors}), path)
    return path


# --- What is asked


def test_names_anchors_and_prompts_are_asked_in_words(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text(
        'label,parent,anchors,prompt\nFoxes,,Red_foxes|Vulpes,"a fox|a red fox, in snow"\nOwls,,,\n'
    )
    mine = taxonomy.load(str(file))
    assert mine.prompts == {"Foxes": ("a fox", "a red fox, in snow")}
    assert prompts_of(["Owls", "Foxes"], phrase="{}!") == {"Owls": ("Owls!",), "Foxes": ("Foxes!",)}
    asked = prompts_of(["Foxes", "Owls"], "anchors", "a {}", mine)
    assert asked == {"Foxes": ("a Foxes", "a Red foxes", "a Vulpes"), "Owls": ("a Owls",)}
    assert prompts_of(["Foxes"], "prompts", "a {}", mine) == {"Foxes": ("a fox", "a red fox, in snow")}
    assert table(asked)["texts"].tolist() == ["a Foxes | a Red foxes | a Vulpes", "a Owls"]
    with pytest.raises(UserError, match="the taxonomy mine has none for 'Owls'; fill in its column prompt"):
        prompts_of(["Foxes", "Owls"], "prompts", "{}", mine)
    with pytest.raises(UserError, match="words: anchors needs .* the taxonomy v1.4 has none for 'Ghosts'"):
        prompts_of(["Space", "Ghosts"], "anchors", "{}", V14)


def test_every_shipped_label_is_spoken_without_its_path():
    ores = [spoken(name) for name in taxonomy.load("ores-64").label_names]
    assert not any("." in name or "*" in name for name in ores) and "Food and drink" in ores
    assert [spoken(name) for name in V14.label_names] == [name.replace("_", " ") for name in V14.label_names]


# --- Which vectors answer


def test_a_label_is_the_mean_of_the_unit_vectors_of_its_texts(tmp_path):
    side = TextFile(texts(tmp_path, [("an  owl", [0, 5]), ("a fox", [3, 0]), ("a vixen", [0, 8])]))
    found = side.of_labels({"Foxes": ("a fox", "a vixen"), "Owls": ("an owl",)})
    assert np.allclose(found, [[0.5**0.5, 0.5**0.5], [0, 1]]) and found.dtype == np.float32


def test_a_file_by_label_is_asked_for_the_labels_whatever_their_prompts(tmp_path):
    side = TextFile(texts(tmp_path, [("Owls", [0, 2]), ("Foxes", [2, 0])], "label"))
    assert side.of_labels({"Foxes": ("a fox",), "Owls": ("a", "b")}).tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("a fox", [1, 0])], "'an owl' has none in texts.parquet; embed it"),
        ([("a fox", [1, 0]), ("an owl", [np.nan, 1])], "'an owl' has one of zeros or not finite"),
        ([("a fox", [1, 0]), ("an owl", None)], "'an owl' has one of zeros or not finite"),
        ([("a fox", [1, 0]), ("an owl", [0, 1]), ("a fox", [2, 0])], "'a fox' has two in texts.parquet that"),
        ([("a fox", [1, 0]), ("an owl", [0, 1, 2])], "texts must be lists of one length"),
    ],
)
def test_a_text_without_a_vector_is_one_sentence(tmp_path, rows, words):
    side = TextFile(texts(tmp_path, rows))
    with pytest.raises(UserError) as said:
        side.of_labels({"Foxes": ("a fox",), "Owls": ("an owl",)})
    assert words in str(said.value) and "\n" not in str(said.value)


def test_a_file_of_something_else_is_refused_and_equal_doubles_are_one(tmp_path):
    twice = TextFile(texts(tmp_path, [("a fox", [1, 0]), ("a fox", [1, 0]), ("junk", [np.inf, 0])]))
    assert twice.vectors(["a fox"]).tolist() == [[1, 0]]
    with pytest.raises(
        UserError, match="texts must have one column of lists of numbers and one of text, lab"
    ):
        TextFile(texts(tmp_path, [("a", [1, 0])], "title")).vectors(["a"])
    assert (
        text_side("", "EfficientNetLite0") is None and text_side("t.parquet", "features").name == "t.parquet"
    )


def test_words_find_the_very_text_or_all_that_have_them(tmp_path):
    side = TextFile(texts(tmp_path, [("A red fox", [1, 0]), ("a red fox in snow", [0, 1]), ("owl", [1, 1])]))
    assert side.find("a RED fox")[0] == ["A red fox"]
    assert side.find("fox red")[0] == ["A red fox", "a red fox in snow"]
    pictures = np.array([[0, 3], [5, 5], [2, 0]])
    asked = likeness(side, "snow", [pictures[:1], pictures[1:]])
    assert asked.texts == ["a red fox in snow"] and np.allclose(asked.likeness, [1, 0.5**0.5, 0])
    assert np.argmax(likeness(side, "fox", [pictures]).likeness) == 1
    with pytest.raises(UserError, match="no text of texts.parquet has all of 'whale'"):
        likeness(side, "whale", [pictures])
    with pytest.raises(UserError, match="3 numbers each, but those of texts.parquet have 2"):
        likeness(side, "owl", [np.ones((1, 3))])


def test_the_browser_of_a_run_with_texts_asks_its_own_features_and_no_others(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    texts(tmp_path, [("an owl", [0, 1])])
    made_from = {"backbone": "features", "texts": "texts.parquet"}
    record = tmp_path / "data/03_train/mine/run.json"
    write_json(record, {"features_file": "own.npy"})
    assert _by_words(tmp_path, "mine", made_from) is None  # they are not kept
    np.save(tmp_path / "own.npy", np.array([[2, 0], [0, 3], [0, 0]], np.float32))
    asked = _by_words(tmp_path, "mine", made_from)("owl")
    assert asked.texts == ["an owl"] and asked.likeness.tolist() == [0, 1, 0]
    assert _by_words(tmp_path, "mine", made_from | {"texts": ""}) is None
    write_json(record, {"features_file": ""})  # its backbone learned, so others' features are all there is
    assert _by_words(tmp_path, "mine", made_from) is None


# --- How pictures are ranked


def test_a_score_is_in_the_order_of_the_cosine_and_spread_by_pictures_without_their_labels():
    network = model.build_model(2, model.GIVEN, given_width=2, names=np.array([[4, 0], [0, 2]]))
    scores = network.predict_on_batch(np.array([[9.0, 0], [0, -1], [0.1, 0.1]]))
    cosines = np.array([[1, 0], [0, -1], [0.5**0.5] * 2])
    assert np.allclose(scores, 1 / (1 + np.exp(-cosines)), atol=1e-6) and not network.trainable_weights
    some = np.array([[5.0, 0], [0, 2], [-3, 0], [0, -1]])  # cosines 1 0, 0 1, -1 0, 0 -1: sd is 0.5 ** 0.5
    for _ in range(2):  # spread twice is spread once
        model.spread(network, [some[:1] + 0.0, some[1:]])
        scores = network.predict_on_batch(np.array([[9.0, 0], [0, -1], [0.1, 0.1]]))
        assert np.allclose(scores, 1 / (1 + np.exp(-cosines * 2**0.5)), atol=1e-6)
    model.spread(network, [np.ones((2, 2))])  # all alike: nothing to spread them by
    assert np.allclose(network.predict_on_batch(np.ones((1, 2))), 0.5, atol=1e-6)
    with pytest.raises(UserError, match="names must be embedded by .* 3 numbers each, but have 2; take both"):
        model.build_model(1, model.GIVEN, given_width=3, names=np.ones((1, 2)))


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Pictures whose vectors lie near the names of their labels, and what 03 makes of them as they are."""
    root = tmp_path_factory.mktemp("names")
    images, labels = planted.write_images(root), planted.write_labels(root)
    data = keep_top_labels(read_examples(images, labels), 3)
    rng = np.random.default_rng(0)
    names = rng.normal(size=(len(data.label_names), 16)).astype(np.float32)
    vectors = data.label_matrix @ (names * [[1], [20], [0.1]]) + 0.01 * rng.normal(size=(len(data.frame), 16))
    numbers = pa.array(list(vectors.astype(np.float32)))
    pq.write_table(pa.table({"title": data.frame["title"], "v": numbers}), root / "clip.parquet")
    given = read_given(root / "clip.parquet", images)
    network = model.build_model(
        len(names), model.GIVEN, given_width=16, names=names, descent=None, head_units=8
    )
    part = prepare_learner(network, images, data, 32, given=given)
    rows, target = data.frame["row"].to_numpy(), data.label_matrix.astype(np.float32)
    train, validation = (
        Batches(part.inputs, rows[data.rows(split)], target[data.rows(split)], 16, seed)
        for split, seed in (("train", 0), ("validation", None))
    )
    members = prepare(part, [train], [PLAIN], lambda steps: build_optimizer(steps_per_epoch=steps))
    history = fit(members, validation, 20, 5, root, "k")
    scores = members.scores(Batches(part.inputs, rows, target, 64))[0]
    return root, data, network, part, members, history, scores, names


def test_what_does_not_learn_is_judged_once_and_says_so(asked):
    root, data, network, part, members, history, scores, _ = asked
    assert len(history) == 1 and not members.learn and not (root / CHECKPOINT).exists()
    assert history["val_macro_pr_auc"][0] > 0.9
    odds = np.log(scores / (1 - scores))[data.rows("train")]  # in standard deviations of these alone
    assert odds.mean() == pytest.approx(0, abs=1e-5) and odds.std() == pytest.approx(1, abs=1e-4)
    proved = proof(part, members, PLAIN, data.label_names)
    assert proved["fixed_batch_loss"]["compiled"] == pytest.approx(proved["fixed_batch_loss"]["formula"])
    train = data.label_matrix[data.rows("train")].sum(axis=0)
    assert proved["label_images"] == dict(zip(data.label_names, train, strict=True))
    assert all(np.allclose(pair, 1, atol=0.01) for pair in proved["effective_weights"].values())
    truth = {split: data.label_matrix[data.rows(split)] for split in ("train", "validation")}
    splits = by_split(truth, {split: scores[data.rows(split)] for split in truth})
    told = in_words(splits, by_seed(history, {0: 1}), members.learn)
    assert "the labels' names alone have" in told[0] and not any("learned" in one for one in told)


def test_the_loss_of_an_epoch_is_the_mean_over_its_images(asked):
    _, data, _, part, members, history, scores, _ = asked
    truth, seen = data.label_matrix[data.rows("train")], scores[data.rows("train")].clip(1e-7, 1 - 1e-7)
    expected = -np.mean(truth * np.log(seen) + (1 - truth) * np.log1p(-seen))
    assert history["loss"][0] == pytest.approx(expected, rel=1e-4)


def test_such_a_model_is_saved_read_back_and_scores_more_features(asked, tmp_path, monkeypatch, capsys):
    root, data, network, part, _, _, scores, _ = asked
    folder = tmp_path / "data" / "03_train" / "names"
    folder.mkdir(parents=True)
    model.save_model(network, folder / "model.keras")
    assert saved_difference(folder / "model.keras", data, part, scores) < 1e-6
    write_labels(folder, data)
    write_predictions(folder, "validation", data, scores)
    parameters = {"images": "sample", "image_size": 128, "features": "clip.parquet", "head": "names"}
    write_json(folder / "run.json", {"parameters": parameters})
    write_json(tmp_path / "data/02_images/sample/run.json", {"parameters": {"fit": "pad"}})
    write_json(tmp_path / "data/04_evaluate/names/run.json", {"model": "names"})
    cuts = np.full(len(data.label_names), 0.6)
    freeze_thresholds(tmp_path / "data/04_evaluate/names", data.label_names, cuts)
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    out = tmp_path / "t.parquet"
    assert cli.main(["score", str(root / "clip.parquet"), "--model", "names", "--out", str(out)]) == 0
    assert np.allclose(np.stack(pd.read_parquet(out)["scores"]), scores, atol=1e-6)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"backbone": "EfficientNetLite0", "features": ""}, "head must be trained, or names with a backbone"),
        ({"seeds": 5}, "head must be trained, or names with a backbone"),
        ({"texts": ""}, "texts must be the path of a Parquet file"),
        ({"texts": "none.parquet", "head": "trained"}, "texts must be the path of a Parquet file"),
        ({"words": "names"}, "words must be one of labels, anchors, prompts"),
        ({"phrase": "a photo"}, "phrase must be a text in which {} stands once"),
    ],
)
def test_what_names_need_is_told(tmp_path, monkeypatch, changed, words):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    for name in ("mine.parquet", "texts.parquet"):
        (tmp_path / name).touch()
    usual = {"backbone": "features", "features": "mine.parquet", "head": "names", "texts": "texts.parquet"}
    with pytest.raises(UserError, match="a run must exist to be read"):  # all else is well
        check("03_train", usual | {"seeds": 1})
    with pytest.raises(UserError, match=words.replace("{", r"\{")):
        check("03_train", usual | {"seeds": 1} | changed)
