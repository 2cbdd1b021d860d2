"""What the notebooks say at their end is made of their run's numbers: planted tables, sentences by hand."""

import dataclasses
import html
import re

import numpy as np
import pandas as pd
import pytest
from mistune import html as markdown

from wikitopics.evaluate import tables
from wikitopics.labels import labelled, taxonomy
from wikitopics.scoring import found
from wikitopics.show import figures


def test_01_tells_coverage_imbalance_thin_ground_and_people():
    given = [["Cats"], ["Cats", "Dogs"], [], ["Cats"]]
    rows = pd.DataFrame({"title": list("abcd"), "labels": given, "evidence": [1, 2, 0, 1]})
    rows["scores"] = [np.ones(len(names), np.float32) for names in given]
    walked = pd.DataFrame({"title": ["a"], "label": ["Cats"]})
    of = labelled.Labelled(taxonomy.from_labels("pets", ["Cats", "Dogs"]), rows, walked, {}, {})
    people = pd.DataFrame(
        {
            "label": ["micro", "macro", "Cats", "Dogs"],
            "people": [4, 4, 3, 1],
            "f1": [0.75, 0.7, 0.9, 0.5],
            "f1_low": [0.6] * 4,
            "f1_high": [0.8] * 4,
        }
    )
    ways = pd.DataFrame(
        {
            "heuristics": ["depth", "headJ", "headN"],
            "micro_f1": [0.75, 0.74, 0.3],
            "micro_f1_low": [0.7, 0.7, 0.2],
            "micro_f1_high": [0.8, 0.8, 0.4],
        }
    )
    told = " ".join(labelled.in_words(of, people, ways))
    assert "3 of 4 files have a label (75%), 1.3 of them on average" in told
    assert "Cats has 3 files, Dogs 1" in told and "67% of the labelled files rest on one" in told
    assert "micro F1 is 0.750 [0.600, 0.800]" in told
    assert "most about Cats (F1 0.90, 3 files) and least about Dogs (F1 0.50, 1 files)" in told
    assert "Of 3 ways to label, depth agrees best" in told and "intervals of 1 others overlap" in told
    assert len(labelled.in_words(of, None, None)) == 3
    given = dataclasses.replace(of, why=walked.head(0))  # labels that somebody gave rest on no category
    assert len(labelled.in_words(given, None, None)) == 2


def test_names_of_other_people_are_no_markup_in_the_sentences():
    """A category may be called as it likes; a sentence about it fetches, links and computes nothing."""
    hostile = "first of all <img src=x onerror=alert(1)> in ![a](http://b.c/d) `e` *f* g_h $i$ | j"
    shown = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "display", lambda data, raw: shown.append(data))
        figures.display_sentences([hostile])
    told = markdown(shown[0]["text/markdown"])
    assert not re.search("<(img|a|code|em|table)", told)
    assert html.unescape(re.sub("<[^>]*>", "", told)).strip() == hostile == shown[0]["text/plain"]


def evaluation() -> tuple[pd.DataFrame, ...]:
    """The tables of 04: four labels, of which one has no skill and one too few images."""
    overall = pd.DataFrame(
        {
            "metric": ["macro roc_auc", "micro f1"],
            "value": [0.8, 0.6],
            "low": [0.75, np.nan],
            "high": [0.85, np.nan],
            "label prior": [0.5, 0.35],
        }
    )
    per_label = pd.DataFrame(
        {
            "label": ["A", "B", "C", "D"],
            "roc_auc": [0.9, 0.55, 0.7, 1.0],
            "roc_auc_low": [0.85, 0.45, 0.6, np.nan],
            "roc_auc_high": [0.95, 0.65, 0.8, np.nan],
            "f1": [0.8, 0.2, 0.5, 1.0],
            "f1_always": [0.4, 0.3, 0.4, 0.1],
        }
    )
    by_image = pd.DataFrame(
        {
            "slice": ["all images", "maps", "photographs"],
            "images": [100, 40, 60],
            "micro_f1": [0.6, 0.4, 0.7],
            "low": [0.5, 0.3, 0.6],
            "high": [0.7, 0.5, 0.8],
            "others": [np.nan, 0.7, 0.4],
            "p_holm": [np.nan, 0.004, 0.004],
        }
    )
    calibrated = pd.DataFrame({"scores": ["as it comes", "Platt"], "ece": [0.07, 0.02]})
    human = pd.DataFrame({"who": ["image model", "label source"], "metric": "micro f1", "value": [0.6, 0.9]})
    return overall, per_label, by_image, calibrated, human.assign(low=0.5, high=0.95)


def test_04_tells_skill_labels_parts_calibration_and_people():
    told = tables.in_words(*evaluation())
    assert told[0] == (
        "Macro ROC-AUC is 0.800 [0.750, 0.850], that of the label prior 0.500; "
        "micro F1 is 0.600, that of the label prior 0.350."
    )
    assert "A (0.900 [0.850, 0.950]) is ranked best and B (0.550 [0.450, 0.650]) worst" in told[1]
    assert "1 of 4 labels have too few test images" in told[1] and "no skill is shown for B;" in told[1]
    assert told[1].endswith("no better than yes to every image: B.")
    assert told[2] == (
        "Worst of 2 parts of the test set is maps (40 images): micro F1 0.400, "
        "that of the other images 0.700, more than chance (p 0.004, corrected for 2)."
    )
    assert told[3] == "A score is off by 0.070 on average (ECE); Platt makes that 0.020."
    assert told[4].endswith("image model 0.600 [0.500, 0.950], label source 0.900 [0.500, 0.950].")


def test_04_says_what_may_be_chance_and_what_nobody_knows():
    overall, per_label, by_image, calibrated, human = evaluation()
    by_image.loc[1, "p_holm"] = 0.06
    told = tables.in_words(overall, per_label, by_image, calibrated.head(1), human.head(0))
    assert "which may be chance" in told[2] and told[3].endswith("(ECE).") and "not known" in told[4]


def test_04_has_no_opinion_where_numbers_are_equal():
    """An interval that ends at a half shows no skill; a p of exactly 0.05 may be chance."""
    overall, per_label, by_image, calibrated, human = evaluation()
    two = per_label.head(2).assign(roc_auc_low=[0.51, 0.5], f1=[0.4, 0.3])
    by_image.loc[1, "p_holm"] = 0.05
    told = tables.in_words(overall, two, by_image, calibrated.assign(ece=0.07), human)
    assert told[1] == (
        "In ROC-AUC A (0.900 [0.510, 0.950]) is ranked best and B (0.550 [0.500, 0.650]) worst; "
        "no skill is shown for B."
    )
    assert "which may be chance" in told[2] and told[3] == "A score is off by 0.070 on average (ECE)."
    by_image["p_holm"] = np.nan  # too few images in every part
    one = tables.in_words(overall, two.head(1), by_image, calibrated, human)
    assert len(one) == 3 and "ranked" not in " ".join(one)


def test_06_tells_shares_what_counting_hides_and_where_nothing_is_known():
    steps = [{"step": "files", "files": 120}, {"step": "given a topic", "files": 80}]
    counts = pd.DataFrame(
        {
            "label": ["A", "B", "C"],
            "counted": [60, 10, 5],
            "counted_share": [0.6, 0.1, 0.05],
            "share": [0.4, 0.12, np.nan],
            "low": [0.3, 0.05, 0.0],
            "high": [0.5, 0.2, 1.0],
            "pictures": pd.array([40, 12, None], "Int64"),
            "shifted": [True, False, False],
        }
    )
    doubts = pd.DataFrame({"abstained": [True] * 7 + [False] * 93})
    groups = pd.DataFrame(
        {
            "group": ["x", "y"],
            "label": ["A", "A"],
            "counted": [1, 9],
            "expected": [8.0, 5.0],
            "difference": [-0.5, 0.2],
            "p": [0.001, 0.2],
            "verdict": ["lacks", "no difference shown"],
        }
    )
    told = found.in_words(steps, counts, doubts, 0.05, groups)
    assert (
        "Of 120 files 100 were scored and 80 have a topic; 7 are left to a person, 7.0% where 5.0%" in told[0]
    )
    assert "A in 40% [30%, 50%], B in 12% [5%, 20%]" in told[1]
    assert "about 1 of 2 topics, most about A: 60 counted where about 40 are estimated" in told[2]
    assert "held-out pictures: A." in told[3]
    assert told[4].startswith("Of 2 questions about 2 groups, 1 answers say")
    assert "A in x: 1 pictures where 8 would be like the rest" in told[4]
    none = found.in_words(steps, counts.tail(1), doubts, 0.05, groups.head(0))
    assert none[1] == "Of no topic enough is known to say how many pictures have it." and len(none) == 2
