"""The learned labeller: words, evidence on planted graphs, coherent scores, and the shipped model."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wikitopics.artefacts import read_json
from wikitopics.errors import UserError
from wikitopics.labels import learned, taxonomy
from wikitopics.labels.category_graph import from_table, open_graph
from wikitopics.labels.learned import FACTS, Lexicon, bags, category_weights, gather, walks
from wikitopics.paths import PROJECT

MODEL = Path(learned.__file__).parent / "learned_model" / "model.npz"
pytestmark = pytest.mark.skipif(not MODEL.exists(), reason="commons-learned has no shipped model yet")

V14 = taxonomy.load("v1.4")
COMMONS = Path(os.environ.get("WIKITOPICS_COMMONS_GRAPH", "../shared/data/commons_graph"))


@pytest.fixture(scope="module")
def graph():
    rows = {
        "CommonsRoot": [],
        "Topics": ["CommonsRoot"],
        "Sports": ["Topics"],
        "Plantae": ["Topics"],
        "Football clubs": ["Sports"],
        "Loop A": ["Loop B"],
        "Loop B": ["Loop A"],
    }
    return from_table(pd.DataFrame({"title": list(rows), "parents": list(rows.values())}))


@pytest.fixture(scope="module")
def lexicon():
    words = ["clubs", "sports", "oak", "football"]
    hints = np.zeros((4, 28), dtype=np.uint8)
    hints[0, V14.label_names.index("Events")] = 1
    hints[1, V14.label_names.index("Sports")] = 1
    return Lexicon({w: i for i, w in enumerate(words)}, np.array([1, 0.5, 1, 0.5], np.float32), hints)


def files_of(*rows):
    return pd.DataFrame(rows, columns=["title", "categories"])


def test_a_bag_has_length_one_and_leaves_unknown_words_out():
    bag = bags(["Red red OAK", "unknown", "", "red"], {"red": 0, "oak": 1}, np.array([1, 2], np.float32))
    np.testing.assert_allclose(bag.toarray()[0], np.array([2, 2]) / np.sqrt(6), rtol=1e-6)
    assert bag.toarray()[1:].tolist() == [[0, 0], [0, 0], [1, 0]]


@pytest.mark.parametrize(
    ("name", "weight"),
    [("Castles", 1.0), ("1952 births", 0.6), ("May 2013 in Turin", 0.3), ("Photographs by Ann", 0.15)],
)
def test_upkeep_and_dates_weigh_less(name, weight):
    assert category_weights([name]) == np.float32(weight)


def test_facts_of_a_planted_file(graph, lexicon):
    files = files_of(("Oak.jpg", ["Football clubs", "Not in the graph"]))
    evidence = gather(graph, walks(graph, V14), files, lexicon)
    sports, events = (V14.label_names.index(n) for n in ("Sports", "Events"))
    fact = {name: evidence.facts[i, 0] for i, name in enumerate(FACTS)}
    assert fact["walked to"][sports] == 1 and fact["walked to"][events] == 0
    assert fact["share of walked categories"][sports] == 1  # of the one that has labels
    assert fact["heads"][events] == 0.5 and fact["any head"][events] == 1
    assert fact["heads that tell"][events] == 1
    assert fact["parents' heads"][sports] == 1
    title, own, parents = (matrix.toarray()[0] for matrix in evidence.words)
    assert title.tolist() == [0, 0, 1, 0]
    assert own[0] > own[3] > 0 and parents[1] > 0  # "clubs", "football"; "sports" of the parent


def test_the_shipped_model_is_small_and_reads_without_pickle():
    model = learned.load_model()
    assert model.label_names == V14.label_names
    assert model.words.shape == (3, len(model.lexicon.vocabulary), 28)
    path = Path(learned.__file__).parent / "learned_model" / "model.npz"
    assert path.stat().st_size < 20e6


def test_labels_are_closed_upward_and_reach_the_threshold(graph):
    files = files_of(
        ("Footballer.jpg", ["Football clubs"]),
        ("No categories.jpg", []),
        ('Línea "x"\n.svg', ["Loop A", "猫"]),
    )
    table = learned.label_files(graph, V14, files)
    assert table["title"].tolist() == files["title"].tolist()
    assert "Sports" in table["labels"][0]
    for labels, scores in zip(table["labels"], table["scores"], strict=True):
        assert V14.close(labels) == labels
        assert len(scores) == len(labels) and all(s >= learned.load_model().threshold for s in scores)


def test_files_do_not_depend_on_each_other(graph, monkeypatch):
    files = files_of(("A.jpg", ["Football clubs"]), ("B.svg", ["Plantae"]), ("C.jpg", []))
    together = learned.label_files(graph, V14, files)
    monkeypatch.setattr(learned, "BLOCK", 1)
    alone = learned.label_files(graph, V14, files)
    assert together["labels"].tolist() == alone["labels"].tolist()
    for one, other in zip(together["scores"], alone["scores"], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_no_files_and_another_taxonomy(graph):
    assert len(learned.label_files(graph, V14, files_of())) == 0
    with pytest.raises(UserError, match="v1.4 only"):
        learned.label_files(graph, taxonomy.load("v1.3"), files_of())


def test_coherent_lifts_ancestors_only():
    scores = np.zeros((1, 28), dtype=np.float32)
    scores[0, V14.label_names.index("Plants")] = 0.7
    found = learned.coherent(scores, V14)[0]
    lifted = {name for name, s in zip(V14.label_names, found, strict=True) if s > 0}
    assert lifted == {"Plants", "Nature", "STEM"}


@pytest.mark.skipif(not COMMONS.is_dir(), reason="the Commons graph is not here")
def test_fits_the_files_it_was_trained_on_better_than_any_walk():
    files = pd.read_parquet(COMMONS / "human_validation.parquet")
    table = learned.label_files(open_graph(COMMONS), V14, files)
    truth, found = files["labels"].map(set), table["labels"].map(set)
    hits = sum(len(a & b) for a, b in zip(truth, found, strict=True))
    assert 2 * hits / (truth.map(len).sum() + found.map(len).sum()) > 0.6  # training files: not a measure


def test_the_model_card_tells_the_figures_that_training_wrote():
    scores = read_json(PROJECT / "training" / "scores.json")
    card = (MODEL.parent / "MODEL.md").read_text("utf-8")
    for name, row in (("headJ+depth", "headJ+depth"), ("shipped", "**this model**")):
        line = next(line for line in card.splitlines() if line.startswith(f"| {row}"))
        for average in ("micro", "macro"):
            assert f"{scores[name][average]:.3f}".removeprefix("0") in line
    silver = len((PROJECT / "training" / "silver.csv").read_text("utf-8").splitlines()) - 1
    assert f"{silver:,} other files" in card
