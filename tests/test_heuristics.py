"""Heuristics on small graphs made by hand, where every answer can be seen; and laws on random graphs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wikitopics.errors import UserError
from wikitopics.labels import taxonomy
from wikitopics.labels.category_graph import from_edges, from_table, part, without
from wikitopics.labels.file_labels import label_files, shares
from wikitopics.labels.heuristics import label_categories, parse

V14 = taxonomy.load("v1.4")


def graph(rows: dict, hidden=(), heads=None, **columns):
    """title -> parents; heads are the titles unless given."""
    table = pd.DataFrame({"title": list(rows), "parents": list(rows.values()), **columns})
    table["hiddencat"] = table["title"].isin(list(hidden))
    table["head"] = [(heads or {}).get(title, title) for title in rows]
    return from_table(table)


def labels_of(g, category, heuristics="headJ+depth", **more):
    found = label_categories(g, V14, heuristics, **more)
    return V14.labels(found.masks[g.find([category])[0]])


TOP = {
    "CommonsRoot": [],
    "Topics": ["CommonsRoot"],
    "Food": ["Topics"],
    "Sports": ["Topics"],
    "Art": ["Topics"],
}


def test_depth_goes_only_to_parents_nearer_to_the_root():
    g = graph(
        {
            **TOP,
            "A": ["Food"],
            "B": ["A", "Art"],
            "C": ["B", "Deep"],
            "Deep": ["C2"],
            "C2": ["C1"],
            "C1": ["Sports"],
        }
    )
    assert labels_of(g, "B", "depth") == [
        "Culture",
        "Art",
    ]  # A is no nearer than B: both are one below a label
    assert labels_of(g, "B", "all") == ["Culture", "Art", "Food"]
    assert labels_of(g, "C", "depth") == ["Culture", "Art"]
    assert labels_of(g, "C", "all") == ["Society", "Sports", "Culture", "Art", "Food"]


def test_an_anchor_ends_the_walk():
    g = graph({**TOP, "Plantae": ["Food"], "Trees": ["Plantae"]})
    assert labels_of(g, "Trees", "all") == ["STEM", "Nature", "Plants"]


@pytest.mark.parametrize("rules", ["all", "depth", "headJ+depth"])
def test_nothing_comes_through_what_says_nothing(rules):
    """Hidden, a number or a month as head, not connected, or a red link: no label, and none beyond."""
    heads = {"Number": "1999", "Month": "March", "Kinds": "Categories"}
    rows = {name: ["Food"] for name in ["Hidden", "Number", "Month", "Kinds"]}
    below = {f"Below {name}": [name] for name in rows}
    g = graph({**TOP, **rows, **below, "Alone": [], "Below Alone": ["Alone"]}, hidden=["Hidden"], heads=heads)
    for name in [*rows, *below, "Alone", "Below Alone"]:
        assert labels_of(g, name, rules) == []
    files = pd.DataFrame({"title": ["f"], "categories": [["Below Hidden", "Not there", "Below Alone"]]})
    assert label_files(label_categories(g, V14, rules), files)["labels"].tolist() == [[]]


def test_head_jump_leaves_the_parents_and_goes_to_the_category_of_that_name():
    rows = {
        **TOP,
        "Bread": ["Food"],
        "Things": ["Topics"],
        "Old things": ["Things"],
        "Bread by age": ["Old things"],
    }
    heads = {"Bread by age": "Bread", "Old bread of Rome": "Old bread", "Old things": "Old things"}
    g = graph({**rows, "Old bread of Rome": ["Bread by age"]}, heads=heads)
    assert labels_of(g, "Old bread of Rome", "depth") == []
    assert labels_of(g, "Old bread of Rome") == ["Culture", "Food"]  # "Old bread" is cut to "Bread"


def test_heads_are_shortened_only_until_two_are_equal():
    """ "Red wine" stands twice: the jump goes to Red wine, not on to Wine."""
    rows = {**TOP, "Wine": ["Food"], "Red wine": ["Art"], "P": ["Topics"], "Q": ["P"], "X": ["Q"]}
    heads = {"X": "Old red wine", "Q": "Red wine"}
    assert labels_of(graph(rows, heads=heads), "X") == ["Culture", "Art"]
    assert labels_of(graph(rows, heads={**heads, "Q": "White wine"}), "X") == ["Culture", "Food"]


def test_two_parents_alone_can_share_a_head_and_empty_heads_end_the_shortening():
    rows = {
        **TOP,
        "Cats": ["Food"],
        "P": ["Topics"],
        "Cats 1": ["P"],
        "Cats 2": ["P"],
        "X": ["Cats 1", "Cats 2"],
    }
    heads = {"Cats 1": "Cats", "Cats 2": "Cats", "X": "Paintings"}
    assert labels_of(graph(rows, heads=heads), "X") == ["Culture", "Food"]
    heads = {"Cats 1": "Red cats", "Cats 2": "Cats", "X": ""}
    assert labels_of(graph(rows, heads=heads), "X") == ["Culture", "Food"]
    rows = {**rows, "E": ["P"], "X": ["Cats 1", "Cats 2", "E"]}
    assert labels_of(graph(rows, heads={**heads, "E": ""}), "X") == []  # "" stands twice: nothing is cut


def test_jumps_only_lead_nearer_to_the_root():
    rows = {**TOP, "A": ["Topics"], "B": ["A"], "Cats": ["C1"], "C1": ["Food"], "X": ["B"]}
    heads = {"B": "Cats", "X": "Cats"}
    assert labels_of(graph(rows, heads=heads), "X") == []  # X and Cats both have depth 5
    assert labels_of(graph({**rows, "Cats": ["Food"]}, heads=heads), "X") == ["Culture", "Food"]


def test_no_jump_heads_lead_to_the_parent_instead_whatever_its_depth():
    rows = {**TOP, "Genera": ["Art"], "P": ["Topics"], "Q": ["P"]}
    rows |= {"Bread": ["Food"], "Rye bread": ["Bread"], "Genera of rye bread": ["Rye bread"]}
    rows |= {"X": ["Q", "Genera of rye bread"]}
    g = graph(rows, heads={"Genera of rye bread": "Genera", "X": "Genera"})
    assert g.depth[g.find(["X", "Genera of rye bread"])].tolist() == [5, 6]
    assert labels_of(g, "X") == ["Culture", "Food"]
    assert labels_of(g, "X", no_jump=frozenset()) == ["Culture", "Art"]
    first = {"Genera of rye bread": ["Rye bread"], **rows}  # the first category of a table is like any other
    g = graph(first, heads={"Genera of rye bread": "Genera", "X": "Genera"})
    assert g.find(["Genera of rye bread"]) == [0] and labels_of(g, "X") == ["Culture", "Food"]


def test_head_goes_to_parents_of_the_same_last_word():
    rows = {**TOP, "Red cats": ["Food"], "Pets": ["Sports"], "X": ["Red cats", "Pets"]}
    g = graph(rows, heads={"X": "Cats", "Red cats": "Red cats"})
    assert labels_of(g, "X", "head+depth") == ["Culture", "Food"]
    assert labels_of(g, "X", "depth") == ["Society", "Sports", "Culture", "Food"]


def test_lookahead_takes_anchors_among_the_parents_whatever_their_depth():
    rows = {**TOP, "M": ["Topics"], "X": ["M", "Music"], "Music": ["Y"], "Y": ["Art"]}
    assert labels_of(graph(rows), "X", "lookahead") == ["Culture", "Music"]
    assert labels_of(graph(rows), "X", "depth") == []


def test_the_first_rule_that_labels_wins():
    rows = {**TOP, "M": ["Sports"], "X": ["M", "Food"]}
    heads = {"X": "M"}
    assert labels_of(graph(rows, heads=heads), "X", "lookahead+headJ") == ["Culture", "Food"]
    assert labels_of(graph({**rows, "X": ["M", "Topics"]}, heads=heads), "X", "lookahead+head") == [
        "Society",
        "Sports",
    ]


def test_embedding_rules_use_the_function_they_are_given():
    vectors = {"X": [1, 0], "Food": [0.9, 0.1], "Art": [0, 1], "Sports": [0.8, 0.6]}
    g = graph({**TOP, "X": ["Food", "Art", "Sports"]})

    def embed(names):
        return np.array([vectors.get(name, [0, 1]) for name in names])

    assert labels_of(g, "X", "embedding", embed=embed) == ["Culture", "Food"]
    assert labels_of(g, "X", "embedding10", embed=embed) == ["Culture", "Food"]
    assert labels_of(g, "X", "embedding30", embed=embed) == ["Society", "Sports", "Culture", "Food"]


@pytest.mark.parametrize(
    "wrong", ["", "depth+", "headj", "embedding100", "embedding0", "naive", "depth+depth"]
)
def test_unknown_rules_get_a_sentence(wrong):
    with pytest.raises(UserError):
        parse(wrong)


def test_loops_give_what_can_be_reached_and_the_order_of_the_table_means_nothing():
    """A <-> B <-> C, each with its own way out; the graph is asked in 50 random orders of its rows."""
    rows = {**TOP, "A": ["B", "Food"], "B": ["C", "A"], "C": ["A", "B", "Art"]}
    rows |= {f"Cats {i}": [f"Cats {(i + 1) % 4}"] for i in range(4)}
    rows["Cats 2"] = ["Cats 3", "Sports"]
    heads = {name: "Cats" for name in rows if name.startswith("Cats")}
    answers = set()
    for seed in range(50):
        order = np.random.default_rng(seed).permutation(list(rows))
        g = graph({name: rows[name] for name in order}, heads=heads)
        for rules in ["all", "head", "head+depth", "lookahead+all", "headJ+depth"]:
            found = label_categories(g, V14, rules)
            answers.add((rules, *(tuple(V14.labels(found.masks[i])) for i in g.find(list(rows)))))
            if rules == "all":
                assert labels_of(g, "A", rules) == labels_of(g, "B", rules) == ["Culture", "Art", "Food"]
            if rules == "head":
                assert labels_of(g, "Cats 3", rules) == []
            if rules == "head+depth":
                assert labels_of(g, "Cats 3", rules) == ["Society", "Sports"]
    assert len(answers) == 5


def test_in_a_loop_of_rules_the_next_rule_is_asked_for_all_at_once():
    """ "head" leads from A to B and back; both then take the depth rule, neither the other's label."""
    rows = {**TOP, "Red cats": ["Blue cats", "Food"], "Blue cats": ["Red cats", "Art"]}
    heads = {"Red cats": "Cats", "Blue cats": "Cats"}
    for order in [list(rows), list(rows)[::-1]]:
        g = graph({name: rows[name] for name in order}, heads=heads)
        assert labels_of(g, "Red cats", "head+depth") == ["Culture", "Food"]
        assert labels_of(g, "Blue cats", "head+depth") == ["Culture", "Art"]


def random_graph(seed: int, n: int = 30):
    rng = np.random.default_rng(seed)
    names = ["CommonsRoot", "Topics", "Food", "Art", "Sports", "Plantae"] + [f"Cats {i}" for i in range(n)]
    parents = [[], ["CommonsRoot"], ["Topics"], ["Topics"], ["Topics"], ["Topics"]]
    parents += [list(rng.choice(names, rng.integers(0, 4), replace=False)) for _ in range(n)]
    heads = {
        name: str(rng.choice(["Cats", "Red cats", "Art", "Plantae", "Dogs", "1999"])) for name in names[6:]
    }
    return graph(dict(zip(names, parents, strict=True)), hidden=rng.choice(names[6:], 2), heads=heads)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.sampled_from(["all", "head", "headJ+depth", "head+lookahead+depth", "head+all"]),
)
def test_laws_on_random_graphs_with_loops(seed, rules):
    g = random_graph(seed)
    found = label_categories(g, V14, rules)
    used = found.hops
    union = np.zeros(len(g), dtype=np.uint64)
    np.bitwise_or.at(union, used.source, found.masks[used.target])
    walked = found.rule >= 0
    # a category has exactly the labels of the hops in use, and those lead to labels only
    assert (union[walked] == found.masks[walked]).all() and (found.masks[used.target] != 0).all()
    # whoever has a label reaches an anchor along the hops in use
    reached = (found.masks != 0) & ~walked
    for _ in range(len(g)):
        reached[used.source[reached[used.target]]] = True
    assert (reached == (found.masks != 0)).all()
    # sets are closed upward, and a score is above 0 exactly where there is a label
    assert all(V14.close(V14.labels(m)) == V14.labels(m) for m in found.masks)
    bits = found.masks[:, None] >> np.arange(28, dtype=np.uint64) & np.uint64(1)
    assert ((shares(found) > 0) == (bits == 1)).all()
    assert shares(found).max() <= 1 + 1e-6


def test_scores_are_shares_of_random_walks():
    g = graph({**TOP, "A": ["Food", "Art"], "B": ["A", "Food"], "X": ["A", "Sports"]})
    files = pd.DataFrame({"title": ["f", "g", "h"], "categories": [["A", "Sports", "Gone"], ["X"], []]})
    table = label_files(label_categories(g, V14, "all"), files)
    assert table["labels"].tolist() == [
        ["Society", "Sports", "Culture", "Art", "Food"],
        ["Society", "Sports", "Culture", "Art", "Food"],
        [],
    ]
    np.testing.assert_allclose(table["scores"][0], [0.5, 0.5, 0.5, 0.25, 0.25])
    np.testing.assert_allclose(table["scores"][1], [0.5, 0.5, 0.5, 0.25, 0.25])
    assert table["evidence"].tolist() == [2, 1, 0]


def test_files_get_the_union_in_any_script_and_with_quotes_and_newlines():
    odd = ["Ελληνικά", "日本の食", 'A "quoted" name', "Two\nlines", "'; drop table", "a,b|c"]
    g = graph({**TOP, **{name: ["Food"] for name in odd}})
    files = pd.DataFrame({"title": odd, "categories": [[name, "Sports"] for name in odd]})
    table = label_files(label_categories(g, V14, "depth"), files)
    assert all(labels == ["Society", "Sports", "Culture", "Food"] for labels in table["labels"])


def test_graph_from_edges_finds_depth_hidden_and_unconnected_categories():
    edges = pd.DataFrame(
        {
            "title": ["Topics", "Cats", "Cats", "Dogs", "Dogs", "Loop", "Pool"],
            "parent": ["CommonsRoot", "Topics", "Topics", "Cats", "Gone", "Pool", "Loop"],
            "hidden": ["0", "0", "0", "1", "0", "0", "0"],
        }
    )
    g = from_edges(edges)
    depth = dict(zip(g.titles.to_pylist(), g.depth.tolist(), strict=True))
    assert depth == {"Topics": 2, "Cats": 3, "Dogs": 4, "Loop": -1, "Pool": -1, "CommonsRoot": 1, "Gone": -1}
    assert g.hidden[g.find(["Dogs"])[0]] and g.hidden.sum() == 1
    assert g.notes == {"categories that do not reach the root": 3, "hidden categories": 1}


@pytest.mark.parametrize(
    "table, sentence",
    [
        ({"title": ["CommonsRoot", "A", "A"], "parents": [[], ["CommonsRoot"], []]}, "'A' stands in several"),
        ({"title": ["A"], "parents": [[]]}, "must have the root 'CommonsRoot'"),
        ({"title": ["A"]}, "have no parents"),
    ],
)
def test_a_graph_that_cannot_be_gets_a_sentence(table, sentence):
    with pytest.raises(UserError, match=sentence):
        from_table(pd.DataFrame(table))


def test_a_graph_without_any_anchor_gets_a_sentence():
    g = from_table(pd.DataFrame({"title": ["CommonsRoot", "A"], "parents": [[], ["CommonsRoot"]]}))
    with pytest.raises(UserError, match="has none of STEM"):
        label_categories(g, V14, "depth")


def test_a_struck_jump_is_no_way_any_more_though_it_is_no_edge():
    """Two heads "Sports" jump past the parent; struck out, the walk goes by the parents' depth."""
    rows = {**TOP, "Winter sports": ["Food"], "Sports in Oslo": ["Winter sports"]}
    g = graph(rows, heads={"Winter sports": "Sports", "Sports in Oslo": "Sports"})
    assert labels_of(g, "Sports in Oslo") == ["Society", "Sports"]
    struck = without(g, [("Sports in Oslo", "Sports"), ("Sports in Oslo", "Dogs")])
    assert struck.notes == {"hops struck out by people": 1, "struck hops of other graphs": 1}
    assert labels_of(struck, "Sports in Oslo") == labels_of(struck, "Winter sports") == ["Culture", "Food"]
    both = without(struck, [("Winter sports", "Food"), ("Winter sports", "Sports")])
    assert labels_of(both, "Sports in Oslo") == []


def test_a_part_of_a_graph_labels_as_the_whole():
    """What is left out lies on no way of "Sports in Oslo": "Art" and all that only it names."""
    rows = {**TOP, "Winter sports": ["Food"], "Sports in Oslo": ["Winter sports"], "Paintings": ["Art"]}
    g = graph(rows, heads={"Winter sports": "Sports", "Sports in Oslo": "Winter sports"})
    kept = ~np.isin(np.array(g.titles.to_pylist()), ["Art", "Paintings"])
    less = part(without(g, [("Sports in Oslo", "Food"), ("Paintings", "Art")]), kept)
    assert len(less) == len(g) - 2 and less.struck.tolist() == [
        less.find(["Sports in Oslo", "Food"]).tolist()
    ]
    assert less.heads.forms.to_pylist()[less.heads.of[less.find(["Sports in Oslo"])[0]]] == "Winter sports"
    for name in less.titles.to_pylist():
        assert labels_of(less, name) == labels_of(g, name)
        assert less.depth[less.find([name])] == g.depth[g.find([name])]
