"""Labels from several sources together: two that agree, by hand; weights that find who is to be believed."""

import numpy as np
import pandas as pd
import pytest

from wikitopics.artefacts import write_json, write_table
from wikitopics.batch.plan import plan
from wikitopics.errors import UserError
from wikitopics.labels import combined
from wikitopics.labels.combined import Said
from wikitopics.labels.label_sources import combination_for, label_from
from wikitopics.labels.taxonomy import closed_upwards, descent, from_labels, load
from wikitopics.params import read_params
from wikitopics.rules import inputs
from wikitopics.show import label_figures

TREE = from_labels("mine", ["Nature", "Animals", "Food"], {"Nature": None, "Animals": "Nature", "Food": None})
TITLES = ["a.png", "b.png", "c.png"]
SOURCE = {"source": "folder", "options": {"image_root": "pictures"}}


def write_run(root, run, lists, names=TREE.label_names, taxonomy="mine", scores=0.5, source=SOURCE):
    folder = root / "data" / "01_labels" / run
    titles = TITLES if len(lists) == 3 else [f"{n}.png" for n in range(len(lists))]
    given = [[scores] * len(row) for row in lists]
    write_table(folder / "labels.parquet", pd.DataFrame({"title": titles, "labels": lists, "scores": given}))
    write_json(folder / "label_names.json", {"taxonomy": taxonomy, "label_names": list(names)})
    write_json(folder / "source.json", source)
    write_json(folder / "run.json", {})


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    write_run(tmp_path, "one", [["Nature", "Animals"], ["Food"], []], scores=0.4)
    write_run(tmp_path, "two", [["Nature", "Animals", "Food"], ["Nature"], ["Food"]], scores=0.8)
    write_run(tmp_path, "three", [["Nature"], ["Food"], ["Food"]], scores=0.6)
    return tmp_path


def files(n=3):
    titles = TITLES if n == 3 else [f"{number}.png" for number in range(n)]
    return pd.DataFrame({"title": titles, "categories": [[]] * n, "articles": [[]] * n})


# --- Two that agree, by hand


def test_labels_are_those_that_two_of_three_give(root):
    joined = combined.combine(["one", "two", "three"], "agree", files(), TREE, None)
    found = label_from("combined", files(), TREE, combination=joined)
    assert found.labels["labels"].tolist() == [["Nature", "Animals"], ["Food"], ["Food"]]
    scores = [[round(float(score), 2) for score in row] for row in found.labels["scores"]]
    assert scores == [[0.6, 0.6], [0.5], [0.7]]  # the mean of those who say so
    assert found.labels["evidence"].tolist() == [3, 2, 2]
    why = found.why.set_index(["title", "label"])
    assert why.loc[("a.png", "Animals"), "path"] == ["said by one and two", "Animals"]
    assert why.loc[("a.png", "Nature"), "start"] == "said by one, two and three"
    assert set(found.why["rules"].map(tuple)) == {("agree",)}
    assert found.steps == {
        "in the source": 3,
        "labelled by any run that is combined": 3,
        "with a label": 3,
    }
    assert found.notes == {"labelled by one": 2, "labelled by two": 3, "labelled by three": 3}


def test_of_two_sources_both_must_agree(root):
    joined = combined.combine(["one", "two"], "agree", files(), TREE, None)
    assert label_from("combined", files(), TREE, combination=joined).labels["labels"].tolist() == [
        ["Nature", "Animals"],
        [],
        [],
    ]


def test_topics_of_articles_are_read_in_the_other_vocabulary(root):
    tree = load("v1.4")
    topics = ["STEM.STEM*", "STEM.Space", "Culture.Food and drink"]
    write_run(
        root, "ores", [["STEM.STEM*", "STEM.Space"], ["Culture.Food and drink"], []], topics, "ores-64", 0.9
    )
    said = combined.read_said("ores", TITLES, tree)
    given = [[tree.label_names[i] for i in np.flatnonzero(row)] for row in said.gives]
    assert given == [["STEM", "Space"], ["Culture", "Food"], []]  # closed upwards
    place = tree.label_names.index
    assert said.knows[0, place("Food")] and not said.knows[2].any()
    assert not said.knows[0, place("Animals")]  # its run never gives Biology: it has no say on animals
    write_run(root, "own", [["Owls"], [], []], ["Owls"], "folders")
    with pytest.raises(UserError, match="'own' has those of 'folders'; choose that taxonomy, or other runs"):
        combined.read_said("own", TITLES, tree)


# --- Weights, with a planted truth


def planted(n=400, seed=0):
    """Three sources: "first" is always right of Animals and random of Food, "second" the other way round, and
    "noise" says all of everything at random."""
    rng = np.random.default_rng(seed)
    truth = (rng.random((n, 3)) < 0.5).astype(np.uint8)
    truth[:, 0] |= truth[:, 1]
    noise = [(rng.random((n, 3)) < 0.5).astype(np.float32) for _ in range(3)]
    first, second, third = noise
    first[:, 1], second[:, 2] = truth[:, 1], truth[:, 2]
    below = descent(TREE.label_names, TREE.parents)
    said = [closed_upwards(one, below) for one in (first, second, third)]
    return [
        Said(name, one, np.ones_like(one, bool))
        for name, one in zip(("first", "second", "noise"), said, strict=True)
    ], truth


def test_who_is_right_of_a_label_is_believed_for_that_label():
    said, truth = planted()
    n = len(truth)
    found = combined.weighed(said, TREE, truth, np.arange(n), np.arange(n), seed=0)
    yes = found.weights.assign(word=found.weights["yes"] + found.weights["score"] - found.weights["no"])
    word = yes.set_index(["label", "source"])["word"]
    assert word["Animals", "first"] > 2 * word.abs()["Animals"][["second", "noise"]].max()
    assert word["Food", "second"] > 2 * word.abs()["Food"][["first", "noise"]].max()
    given = found.scores > 0
    assert (given[:, 1] == truth[:, 1]).mean() > 0.97 and (given[:, 2] == truth[:, 2]).mean() > 0.97
    alone = max(combined.f1(truth, one.gives)[0] for one in said)
    assert combined.f1(truth, given)[0] > alone + 0.1
    assert (given[:, 0] >= given[:, 1]).all()  # what lies above is given too


def test_what_people_say_of_a_file_has_no_part_in_its_own_labels():
    """Else the figures of combined labels against people, in 04 and 05, would be too high."""
    said, truth = planted(150)
    votes, groups = combined.Votes.of(said), np.arange(150) // 2
    before = combined.cross_fitted(votes, truth, groups, 0)
    fold = combined.folds(groups, combined.FOLDS, 1)
    lied = truth.copy()
    lied[fold == 2] = 1 - lied[fold == 2]
    after = combined.cross_fitted(votes, lied, groups, 0)
    assert (before[fold == 2] == after[fold == 2]).all()
    assert (before[fold != 2] != after[fold != 2]).any()


def test_files_of_a_group_are_on_one_side():
    groups = np.repeat(np.arange(40), 5)
    fold = combined.folds(groups, 5, 0)
    assert all(len(set(fold[groups == group])) == 1 for group in range(40))
    assert np.bincount(fold).tolist() == [40] * 5
    table = pd.DataFrame(
        {
            "title": ["Red fox 1.jpg", "Red fox 22.png", "Owl.jpg", "x.jpg", "y.jpg"],
            "categories": [["Foxes"], ["Dens"], ["Dens"], [], []],
        }
    )
    assert combined.groups_of(table).tolist() == [0, 0, 0, 1, 2]


def test_a_label_that_few_judged_is_weighed_as_the_others_are():
    said, truth = planted(200)
    truth[5:, 2] = 0  # people gave Food to next to nothing
    found = combined.weighed(said, TREE, truth, np.arange(200), np.arange(200), seed=0)
    assert np.isfinite(found.weights[["yes", "no", "score"]].to_numpy()).all()
    assert (found.scores[5:, 2] > 0).mean() < 0.1


@pytest.mark.parametrize("right", [0, 1])
def test_people_who_confirm_all_or_nothing_leave_nothing_to_weigh(right):
    said, truth = planted(100)
    found = combined.weighed(said, TREE, np.full_like(truth, right), np.arange(100), np.arange(100), seed=0)
    some = np.any([one.gives for one in said], axis=0)
    assert ((found.scores > 0) == (some if right else False)).all()


@pytest.mark.parametrize("judged, groups", [(49, 49), (100, 19)])
def test_too_few_judged_files_are_refused(judged, groups):
    said, truth = planted(100)
    with pytest.raises(
        UserError, match=rf"needs 50 files, in 20 groups, .* there are \d+ in {groups}; name more"
    ):
        combined.weighed(said, TREE, truth[:judged], np.arange(judged), np.arange(judged) % groups, seed=0)


def test_who_never_has_a_say_on_a_label_has_no_weight_there():
    said, truth = planted(100)
    said[1].scores[:, 1], said[1].knows[:, 1] = 0, False
    found = combined.weighed(said, TREE, truth, np.arange(100), np.arange(100), seed=0).weights
    lacking = found[found["yes"].isna()]
    assert lacking[["label", "source"]].to_numpy().tolist() == [["Animals", "second"]]


def test_what_lies_above_a_label_is_given_though_nobody_confirmed_it():
    said, truth = planted(100)
    truth[:, 0] = 0
    found = combined.weighed(said, TREE, truth, np.arange(100), np.arange(100), seed=0).scores
    assert (found[:, 1] > 0).any() and (found[:, 0] >= found[:, 1]).all()


def test_the_figure_has_a_mark_for_each_source_and_label():
    said, truth = planted(100)
    found = combined.weighed(said, TREE, truth, np.arange(100), np.arange(100), seed=0)
    figure = label_figures.weights(found.weights)
    assert [trace.name for trace in figure.data] == ["first", "second", "noise"]
    assert all(len(trace.x) == 3 for trace in figure.data)


# --- As a run of 01_labels


class Opened:
    """A source of which people said something."""

    name = "folder"

    def __init__(self, people):
        self.people = people

    def human(self, taxonomy):
        return self.people


def test_a_run_weighs_by_what_people_say(root, monkeypatch):
    said, truth = planted(120)
    names = np.array(TREE.label_names)
    for one in said:
        lists = [names[row].tolist() for row in one.gives]
        write_run(root, one.run, lists, scores=1.0)
    people = pd.DataFrame(
        {"title": files(120)["title"][:100], "labels": [names[row == 1].tolist() for row in truth[:100]]}
    )
    monkeypatch.setattr("wikitopics.labels.label_sources.describe", lambda source: SOURCE)
    asked = ("combined", [one.run for one in said], "weighed", Opened(people), files(120), TREE)
    found = label_from("combined", files(120), TREE, combination=combination_for(*asked))
    given = np.array([[name in row for name in names] for row in found.labels["labels"]])
    assert (given[:, 1] == truth[:, 1]).mean() > 0.95  # of those too that nobody judged
    assert found.notes["judged files, labelled by weights that did not see them"] == 100
    assert combination_for("commons", *asked[1:]) is None
    with pytest.raises(UserError, match="needs 50 files"):
        combination_for(*asked[:3], Opened(None), *asked[4:])


def test_runs_of_another_source_are_refused(root):
    with pytest.raises(UserError, match="must label the source of this run, but 'one' labels another"):
        combined.combine(
            ["one", "two"], "agree", files(), TREE, None, source={"source": "wit", "options": {}}
        )


def test_without_runs_it_says_what_it_needs(root):
    with pytest.raises(UserError, match="needs runs to combine, but there is none"):
        label_from("combined", files(), TREE)
    with pytest.raises(UserError, match="needs two runs of 01_labels .* but has 1 and 'agree'"):
        combined.combine(["one", "one"], "agree", files(), TREE, None)


# --- In params, and in what is made before what


@pytest.fixture
def params(root):
    (root / "params" / "01_labels").mkdir(parents=True)
    (root / "pictures").mkdir()

    def write(run, **given):
        lines = {"run": run, "source": "sample", **given}
        text = "".join(f"{name}: {value}\n" for name, value in lines.items())
        (root / "params" / "01_labels" / f"{run}.yaml").write_text(text)

    write("commons", label_source="commons")
    write("ores", label_source="ores", taxonomy="ores-64")
    return write


def test_the_runs_that_are_combined_are_made_before_it(params):
    params("both", label_source="combined", combines="[commons, ores]", combination="agree")
    _, parameters = read_params("01_labels", "both")
    assert inputs("01_labels", parameters) == [("01_labels", "commons"), ("01_labels", "ores")]
    runs = plan(["01_labels/both"])
    assert list(runs) == ["01_labels/commons", "01_labels/ores", "01_labels/both"]
    assert runs["01_labels/both"].inputs == ("01_labels/commons", "01_labels/ores")


@pytest.mark.parametrize(
    "given",
    [
        {"label_source": "combined"},
        {"label_source": "combined", "combines": "[commons]"},
        {"label_source": "combined", "combines": "[commons, both]"},
        {"label_source": "commons", "combines": "[commons, ores]"},
    ],
)
def test_what_cannot_be_combined_is_told_before_anything_is_made(params, given):
    params("both", **given)
    with pytest.raises(UserError, match="combines must be a list of two or more different runs of 01_labels"):
        read_params("01_labels", "both")


def test_runs_that_read_each_other_are_told(params):
    params("both", label_source="combined", combines="[commons, all]")
    params("all", label_source="combined", combines="[ores, both]")
    told = "must not read itself, but 01_labels/both reads 01_labels/all reads 01_labels/both"
    with pytest.raises(UserError, match=told):
        plan(["01_labels/both"])
