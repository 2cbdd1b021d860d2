"""Baselines, mistakes, human labels and summaries on planted predictions."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from evaluate_planted import NAMES, write_source_runs, write_train_run
from wikitopics.artefacts import read_json, write_json
from wikitopics.errors import UserError
from wikitopics.evaluate import bootstrap, context, metrics, mistakes, people, tables, thresholds
from wikitopics.evaluate.predictions import (
    freeze_thresholds,
    joined,
    lineage,
    read_joined,
    read_test,
    read_validation,
    write_joined,
)
from wikitopics.labels.taxonomy import label_matrix
from wikitopics.show import evaluation_figures

RUN = "commons-10-lite0"


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Validation and test predictions of a planted run, and its thresholds."""
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    train = write_train_run(tmp_path, RUN)
    write_source_runs(tmp_path, train)
    validation = read_validation(RUN)
    cuts = thresholds.choose("per_label", validation.truth, validation.scores)
    return validation, read_test(RUN, freeze_thresholds(tmp_path, NAMES, cuts)), cuts


def test_the_model_beats_the_baselines_and_they_are_what_they_must_be(opened):
    validation, test, cuts = opened
    prior = tables.read_prior(RUN, NAMES)
    found = tables.baseline_overall(validation, test, prior, "per_label")
    model = metrics.overall(test.truth, test.scores, cuts)
    assert found["label prior"]["macro roc_auc"] == 0.5
    assert found["label prior"]["micro roc_auc"] > 0.55  # without ever looking at an image
    assert found["label prior"]["macro average_precision"] == pytest.approx(test.truth.mean(axis=0).mean())
    assert found["predict none"]["macro f1"] == 0
    assert found["predict none"]["hamming"] == pytest.approx(test.truth.mean())
    for name in ("macro roc_auc", "macro average_precision", "macro f1", "micro f1"):
        assert model[name] > found["label prior"][name] + 0.05


def test_always_yes_has_the_f1_it_says(opened):
    _, test, _ = opened
    always = metrics.per_label(test.truth, np.ones_like(test.scores), np.full(6, 0.5), NAMES)
    assert tables.baseline_per_label(test.truth)["f1_always"].to_numpy() == pytest.approx(
        always["f1"].to_numpy()
    )


def test_prior_without_a_label_is_refused(opened, tmp_path):
    write_json(tmp_path / "data" / "03_train" / RUN / "prior.json", {"Plants": 0.1})
    with pytest.raises(UserError, match="lacks 'Animals'"):
        tables.read_prior(RUN, NAMES)


def test_every_wrong_cell_is_one_mistake_and_the_worst_is_first():
    frame = pd.DataFrame({"title": ["a", "b"], "row": [7, 9], "split": "test"})
    truth = np.array([[1, 0], [0, 0]], dtype=np.uint8)
    scores = np.array([[0.4, 0.1], [0.5, 0.99]], dtype=np.float32)
    table = mistakes.mistakes(frame, truth, scores, np.array([0.5, 0.6]), ["A", "B"])
    assert table.columns.tolist() == mistakes.COLUMNS
    assert table["title"].tolist() == ["b", "a", "b"] and table["label"].tolist() == ["B", "A", "A"]
    assert table["kind"].tolist() == ["false positive", "false negative", "false positive"]
    assert table["margin"].to_numpy() == pytest.approx([0.39, -0.1, 0.0])
    assert table["loss"].to_numpy() == pytest.approx(-np.log([0.01, 0.4, 0.5]), rel=1e-5)
    assert mistakes.worst_images(table, 5)["row"].tolist() == [9, 7]
    none = mistakes.mistakes(frame, truth, truth.astype(np.float32), np.array([0.5, 0.6]), ["A", "B"])
    assert len(none) == 0 and none.columns.tolist() == mistakes.COLUMNS


def test_label_matrix_takes_values_and_passes_over_other_labels():
    labels = pd.Series([["b", "z"], [], ["a", "b"]])
    values = pd.Series([[0.5, 0.9], [], [0.25, 1.0]])
    assert label_matrix(labels, ["a", "b"]).tolist() == [[0, 1], [0, 0], [1, 1]]
    assert label_matrix(labels, ["a", "b"], values).tolist() == [[0, 0.5], [0, 0], [0.25, 1]]


def test_human_section_finds_the_planted_agreement(opened):
    _, test, cuts = opened
    judged = people.read_judged(lineage(RUN), test.frame["title"], NAMES)
    confidence = people.read_confidence(lineage(RUN), test.frame["title"], NAMES)
    assert judged.rows.all() and judged.scored.all() and np.array_equal(confidence > 0, test.truth == 1)
    measured = people.views(test, judged, confidence, cuts)
    table = people.compare(measured, judged, bootstrap.group_codes(test.frame["group"]), rounds=20, seed=0)
    value = table.set_index(["who", "metric"])["value"]
    assert value["label source", "macro roc_auc"] > value["image model", "macro roc_auc"] > 0.7
    assert value["label prior", "macro roc_auc"] == 0.5
    assert value["label source", "micro f1"] == pytest.approx(0.91, abs=0.04)  # 5 % of the cells are flipped
    told = table.dropna(subset=["low"])  # all but the prior's recall, which is 1 in every resample
    assert len(told) == len(table) - 1 and told["low"].le(told["value"]).all()
    assert told["value"].le(told["high"]).all()
    assert len(people.per_label(measured, judged, NAMES)) == 4 * 6


def test_what_people_say_is_measured_counted_and_told(opened, tmp_path):
    _, test, cuts = opened
    path = tmp_path / "data" / "01_labels" / "commons" / "human.parquet"
    table = pd.read_parquet(path)
    table = table[table["title"].isin(test.frame["title"][::5])]
    always = [[*(name for name in row if name not in NAMES[:2]), NAMES[0]] for row in table["labels"]]
    table.assign(labels=always).to_parquet(path)  # the first label of every image, the second of none
    groups = bootstrap.group_codes(test.frame["group"])
    value, per_label, sentence = people.measure(test, cuts, lineage(RUN), groups, rounds=20, seed=0)
    assert sentence == (
        "People judged 50 of 250 test images; 4 of 6 labels have a positive and a negative among them."
    )
    assert per_label.columns[0] == "who" and per_label["label"].tolist() == NAMES[2:] * 4
    rows = np.arange(250) % 5 == 0
    truth = label_matrix(pd.Series(always), NAMES)[:, 2:]
    plain = metrics.overall(truth, test.scores[rows][:, 2:], cuts[2:])
    model = value[value["who"] == "image model"].set_index("metric")["value"]
    assert model.to_dict() == {name: pytest.approx(plain[name]) for name in people.SHOWN}
    model = per_label[per_label["who"] == "image model"]
    expected = metrics.per_label(truth, test.scores[rows][:, 2:], cuts[2:], NAMES[2:])
    pd.testing.assert_frame_equal(model.drop(columns="who").reset_index(drop=True), expected)
    table.assign(labels=[[NAMES[0]]] * 50).to_parquet(path)
    value, per_label, sentence = people.measure(test, cuts, lineage(RUN), groups, rounds=20, seed=0)
    assert value.empty and per_label.empty and "no human labels that tell these" in sentence


def test_human_labels_of_some_images_and_without_any(opened, tmp_path):
    _, test, cuts = opened
    path = tmp_path / "data" / "01_labels" / "commons" / "human.parquet"
    table = pd.read_parquet(path)
    kept = table[table["title"].isin(test.frame["title"][::5])]
    kept.to_parquet(path)
    judged = people.read_judged(lineage(RUN), test.frame["title"], NAMES)
    assert judged.rows.sum() == 50 and judged.truth.shape == (50, 6)
    row = np.flatnonzero(judged.rows)[3]
    assert kept.set_index("title")["labels"][test.frame["title"][row]].tolist() == [
        name for name, has in zip(NAMES, judged.truth[3], strict=True) if has
    ]
    path.unlink()
    assert people.read_judged(lineage(RUN), test.frame["title"], NAMES) is None


def test_what_was_said_of_an_exact_copy_counts_for_the_picture_that_was_kept(opened, tmp_path):
    _, test, _ = opened
    kept, label = test.frame["title"].iloc[0], int(np.flatnonzero(test.truth[0] == 0)[0])
    for name in ("human", "labels"):
        path = tmp_path / "data" / "01_labels" / "commons" / f"{name}.parquet"
        table = pd.read_parquet(path)
        copy = table[table["title"] == kept].assign(title="copy.png", labels=[[NAMES[label]]])
        copy = copy.assign(scores=[[0.7]]) if "scores" in copy else copy
        pd.concat([table, copy], ignore_index=True).to_parquet(path)
    titles, images = test.frame["title"], tmp_path / "data" / "02_images" / lineage(RUN)["images"]

    def told() -> tuple[int, float]:
        judged = people.read_judged(lineage(RUN), titles, NAMES)
        return judged.truth[0, label], people.read_confidence(lineage(RUN), titles, NAMES)[0, label]

    before = told()
    made = pd.DataFrame({"title": ["copy.png"], "duplicate_of": [kept], "kind": ["exact"]})
    made.to_parquet(images / "duplicates.parquet")
    assert before[1] == 0 and told() == (1, np.float32(0.7))


def test_summary_tables_and_json(opened):
    validation, test, cuts = opened
    codes = bootstrap.group_codes(test.frame["group"])
    drawn = bootstrap.bootstrap(test.truth, test.scores, cuts, codes, rounds=50)
    prior = tables.read_prior(RUN, NAMES)
    table = tables.overall(test, cuts, drawn, tables.baseline_overall(validation, test, prior, "per_label"))
    inside = table.dropna(subset=["low"])
    assert len(inside) == len(table) - 2
    assert ((inside["low"] <= inside["value"]) & (inside["value"] <= inside["high"])).all()
    labels = tables.per_label(test, cuts, drawn)
    assert labels["label"].tolist() == NAMES and (labels["roc_auc_low"] < labels["roc_auc"]).all()
    counted = tables.labels_per_image(test.truth, metrics.predict(test.scores, cuts))
    assert counted["true"].sum() == counted["predicted"].sum() == 250
    assert (counted["labels"] * counted["true"]).sum() == test.truth.sum()
    text = json.dumps(tables.plain({"overall": table, "labels": labels}), allow_nan=False)
    assert json.loads(text)["overall"][0]["metric"] == "micro precision"


def test_what_an_evaluation_writes_is_read_again(opened, tmp_path):
    validation, test, _ = opened
    folder = tmp_path / "written"
    freeze_thresholds(folder, NAMES, np.full(6, 0.4))
    with pytest.raises(UserError, match="must hold predictions.parquet to be browsed, but written has none"):
        read_joined(folder)
    write_joined(folder, both := joined(validation, None, test))
    again = read_joined(folder)
    assert again.label_names == NAMES and again.frame["split"].value_counts().to_dict() == {
        "validation": 150,
        "test": 250,
    }
    assert np.array_equal(again.truth, np.concatenate([validation.truth, test.truth]))
    assert np.array_equal(again.scores, np.concatenate([validation.scores, test.scores]))
    assert again.frame["title"].tolist() == [*validation.frame["title"], *test.frame["title"]]
    some = again.rows(np.array([400 - 1, 0]))
    assert some.frame["title"].tolist() == [test.frame["title"].iloc[-1], validation.frame["title"].iloc[0]]
    assert np.array_equal(some.scores, both.scores[[399, 0]]) and np.array_equal(
        some.truth, both.truth[[399, 0]]
    )
    tables.write(folder, {"f1": np.float32(0.5), "none": np.nan}, overall=pd.DataFrame({"value": [0.25]}))
    assert read_json(folder / "metrics.json") == {"f1": 0.5, "none": None}
    assert pd.read_parquet(folder / "overall.parquet")["value"].tolist() == [0.25]


def test_context_knows_every_image_of_the_set(opened):
    _, test, _ = opened
    found = context.read_context(RUN)
    assert found.images.shape == (400, 16, 16, 3)
    assert found.details.index.tolist() == found.table["title"].tolist()
    assert found.details.columns.tolist() == ["categories", "labels: commons"]
    assert set(found.why["title"]) <= set(found.table["title"])
    first = found.details["labels: commons"][test.frame["title"].iloc[0]]
    assert first == [name for name, has in zip(NAMES, test.truth[0], strict=True) if has]


def test_what_a_picture_depicts_is_told_by_the_names_that_any_label_run_knows(opened, tmp_path):
    labels = tmp_path / "data" / "01_labels"
    files = pd.read_parquet(labels / "commons" / "files.parquet")
    files["items"] = [["Q146", "Q9"], [], *([["Q42"]] * (len(files) - 2))]
    files.to_parquet(labels / "commons" / "files.parquet")
    names = pd.DataFrame({"item": ["Q146"], "category": ["Cats"], "name": ["house cat"]})
    names.to_parquet(labels / "commons" / "items.parquet")
    found = context.read_context(RUN).details["items"]
    assert [found[title] for title in files["title"][:3]] == [["house cat (Q146)", "Q9"], [], ["Q42"]]
    (labels / "commons" / "items.parquet").unlink()
    assert context.read_context(RUN).details["items"][files["title"][0]] == ["Q146", "Q9"]


def test_a_picture_of_which_a_label_run_knows_nothing_has_no_label_there(opened, tmp_path):
    _, test, _ = opened
    path = tmp_path / "data" / "01_labels" / "commons" / "labels.parquet"
    first, second = test.frame["title"][:2]
    table = pd.read_parquet(path)
    table[table["title"] != first].to_parquet(path)
    found = context.read_context(RUN).details["labels: commons"]
    assert found[first] == [] and found[second] == [
        n for n, has in zip(NAMES, test.truth[1], strict=True) if has
    ]


def test_the_picture_of_a_title_is_made_from_its_own_file_as_large_as_it_is(opened, tmp_path, monkeypatch):
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.new("RGB", (40, 90), "red").save(folder / "test 0 <b>.jpg")
    source = {"source": "folder", "options": {"image_root": str(folder)}}
    write_json(tmp_path / "data" / "01_labels" / "commons" / "source.json", source)
    assert context.read_context(RUN).original("test 0 <b>.jpg").shape == (100, 100, 3)  # so it says of itself
    table = pd.DataFrame({"title": ["a", "b"], "path": ["test 0 <b>.jpg", "gone.jpg"]})
    original = context.originals("commons", table.assign(width=40, height=90))
    assert original("a").shape == (90, 90, 3) and original("a")[45, 45].tolist() == [254, 0, 0]
    assert original("b") is None and original("of another set") is None
    monkeypatch.setattr(context, "LARGE", 50)
    assert original("a").shape == (50, 50, 3)
    monkeypatch.setattr(context, "MOST_BYTES", 100)
    assert original("a") is None


def test_a_file_of_commons_has_the_address_of_its_page(opened, monkeypatch):
    monkeypatch.setattr(context, "file_page", lambda source: f"https://{source}.example/File:")
    details = context.read_context(RUN).details
    assert details["address"]["test 3 <b>.jpg"] == "https://folder.example/File:test%203%20%3Cb%3E.jpg"


def test_people_agree_with_each_other_where_micro_f1_stands():
    rows = [
        (who, metric, 0.6, 0.5, 0.7) for who in ("image model", "both") for metric in ("macro f1", "micro f1")
    ]
    table = pd.DataFrame(rows, columns=["who", "metric", "value", "low", "high"])
    line = evaluation_figures.against_people(table, 0.62).data[-1]
    assert line.name == "two people" and set(line.y) == {0.62} and sum(line.x) / 2 == 1
    assert len(evaluation_figures.against_people(table, None).data) == 2


def test_the_prior_is_the_share_of_the_training_images(tmp_path):
    """Of no others: a prior from the images that thresholds are chosen on would know them."""
    from wikitopics.train.examples import Examples
    from wikitopics.train.record import write_labels

    frame = pd.DataFrame({"split": ["train"] * 4 + ["validation"] * 4 + ["test"] * 2})
    matrix = np.array([[1], [0], [0], [0], [1], [1], [1], [1], [1], [0]], dtype=np.uint8)
    write_labels(tmp_path, Examples(frame, matrix, matrix, matrix, ["Plants"], {"Plants": None}, "v1.4"))
    assert read_json(tmp_path / "prior.json") == {"Plants": 0.25}
