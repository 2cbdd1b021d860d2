"""What notebook 01 shows: counts, co-occurrence, examples, and the drawing of why."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from test_labels_people import labelled
from wikitopics.errors import UserError
from wikitopics.judgements import append
from wikitopics.labels.label_sources import people_for
from wikitopics.labels.labelled import (
    by_title,
    co_occurrence,
    examples,
    label_counts,
    labels_per_file,
    pictures,
)
from wikitopics.labels.taxonomy import load
from wikitopics.show import label_figures
from wikitopics.show.label_figures import layout
from wikitopics.sources.tables import read_table

LISTS = [["a"], ["a", "b"], ["a", "b"], ["c"], []]


def test_counts_and_co_occurrence_by_hand():
    table = labelled(LISTS, [[0.5], [1.0, 0.2], [1.0, 0.4], [1.0], []])
    counts = label_counts(table).set_index("label")
    assert counts["files"].tolist() == [3, 2, 1] and counts["share"].tolist() == [0.6, 0.4, 0.2]
    assert counts.loc["b", "mean_score"] == pytest.approx(0.3)
    together = co_occurrence(table)
    assert together.loc["a"].tolist() == pytest.approx([1, 2 / 3, 0])
    assert together.loc["b"].tolist() == [1, 1, 0]
    assert labels_per_file(table)["files"].tolist() == [1, 2, 2]


def test_alone_are_the_files_that_have_none_of_the_children():
    table = labelled(LISTS)
    table.taxonomy.parents["b"] = "a"
    assert label_counts(table)["alone"].tolist() == [1, 2, 1]


def test_examples_are_seeded_and_show_no_file_twice():
    table = labelled([["a", "b"]] * 20 + [["c"]] * 2)
    files = table.labels[["title"]].assign(path=table.labels["title"])
    shown = examples(table, files, per_label=3, labels=3, seed=1)
    assert shown["title"].is_unique and shown["label"].value_counts().to_dict() == {"a": 3, "b": 3, "c": 2}
    pd.testing.assert_frame_equal(shown, examples(table, files, per_label=3, labels=3, seed=1))


def test_a_picture_that_cannot_be_read_is_a_grey_square():
    class Source:
        def read(self, path, max_bytes):
            if path == "gone":
                raise FileNotFoundError(path)
            return b"2"

    files = pd.DataFrame({"title": ["A", "B"], "path": ["gone", "there"]})
    decode = lambda data: SimpleNamespace(pixels=np.full((2, 2, 3), int(data)))  # noqa: E731
    see = by_title(Source(), files, decode, (OSError,))
    shown = pictures(see, ["A", "B"])
    assert see("A") is None and shown[0].min() == shown[0].max() == 200
    assert shown[1].tolist() == [[[2] * 3] * 2] * 2


WHY = pd.DataFrame(
    {
        "label": ["Food", "Culture", "Art", "Plants"],
        "path": [["A", "B", "Food"], ["A", "B", "Food"], ["A", "Art"], ["<b>C", "B", "X", "Plantae"]],
        "rules": [["depth", "headJ"], ["depth", "headJ"], ["depth"], ["depth"] * 3],
        "anchor": ["Food", "Food", "Art", "Plantae"],
    }
)


def test_the_drawing_runs_from_left_to_right_and_no_two_nodes_coincide():
    nodes, lines = layout(WHY)
    assert (lines["x1"] - lines["x0"] == 1).all()  # a hop that passes a column bends in it
    assert not nodes.duplicated(["x", "y"]).any()
    kinds = nodes.set_index("name")["kind"]
    assert kinds["A"] == kinds["<b>C"] == "start" and kinds["Food"] == "anchor" and kinds["B"] == "between"
    assert (nodes[nodes["kind"] == "anchor"]["x"] == nodes["x"].max()).all()
    assert "Food → Food, Culture" in set(nodes["text"])
    assert lines["rule"].value_counts()["headJ"] == 1


def test_paths_that_form_a_loop_are_still_drawn():
    paths = [["A", "B", "C"], ["B", "A", "D"]]
    loop = pd.DataFrame({"label": ["x", "y"], "path": paths, "rules": [["r"] * 2] * 2})
    nodes, _ = layout(loop.assign(anchor=["C", "D"]))
    assert set(nodes["name"]) == {"A", "B", "C", "D"}


def test_names_are_not_read_as_markup():
    texts = [
        text
        for trace in label_figures.why(WHY).data
        for text in (trace.text if trace.text is not None else ())
    ]
    assert "&lt;b&gt;C" in texts and not any("<" in text for text in texts)


def test_figures_take_what_the_tables_give():
    table = labelled(LISTS)
    counts = label_counts(table)
    for figure in (
        label_figures.taxonomy_tree(counts),
        label_figures.label_counts(counts),
        label_figures.co_occurrence(co_occurrence(table)),
        label_figures.labels_per_file(labels_per_file(table)),
    ):
        assert figure.data and figure.layout.title.text
    assert label_figures.why(WHY[:0]).data is not None


def test_annotations_become_the_majority_and_a_ceiling(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    f = [("F.jpg", "x", "Food"), ("File:f.jpg", "y", "Food")]
    rows = [*f, ("g.jpg", "x", ""), ("g.jpg", "y", "Art")]
    pd.DataFrame(rows, columns=["title", "annotator", "labels"]).to_csv(tmp_path / "a.csv", index=False)
    people, ceiling = people_for(None, "a.csv", load("v1.4"))
    assert people["labels"].tolist() == [["Culture", "Food"], []] and ceiling == pytest.approx(4 / 6)
    with pytest.raises(Exception, match="annotations must be a table"):
        read_table(tmp_path / "b.csv", "annotations")
    rows[0] = ("F.jpg", "x", "Food|Nonsense")
    pd.DataFrame(rows, columns=["title", "annotator", "labels"]).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(Exception, match=r"'Nonsense' \(1 times\)"):
        people_for(None, "a.csv", load("v1.4"))


def test_annotations_in_journals_are_read_as_those_in_a_table(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    folder = tmp_path / "judgements" / "01_labels" / "run"
    rows = [("x", "File:f.jpg", ["Art"], "2026-01-01"), ("x", "F.jpg", ["Food"], "2026-01-02")]
    for person, title, labels, time in [*rows, ("y", "F.jpg", ["Food"], "2026-01-01")]:
        append(folder, person, [{"title": title, "labels": labels, "time": time}])
    people, ceiling = people_for(None, "judgements/01_labels/run", load("v1.4"))
    assert people.to_dict("list") == {"title": ["F.jpg"], "labels": [["Culture", "Food"]]} and ceiling == 1
    append(folder, "y", [{"title": "g.jpg", "labels": ["Nonsense"]}])
    with pytest.raises(UserError, match=r"a label of run must be in the taxonomy v1.4, but 'Nonsense'"):
        people_for(None, "judgements/01_labels/run", load("v1.4"))
    with pytest.raises(UserError, match="must be a table, or a folder like judgements/01_labels/RUN"):
        people_for(None, "judgements/01_labels/none", load("v1.4"))
