"""The real params of wikipedia/, all 50 runs of them, on made-up downloads: every question has its answer."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import yaml

from test_wikipedia import PARAMS, RUNS
from wikipedia_planted import WIKIS, plant
from wikitopics.artefacts import read_json, read_table

FILES = JUDGED = 600
SMALL = {  # all that is not as in wikipedia/params, because it must be small, or needs a network
    "01_labels": {"min_images": 5},
    "02_images": {"store_size": 64},
    "03_train": {"weights": "weights/{backbone}.weights.h5", "epochs": 10, "seeds": 2, "batch_size": 32},
    "04_evaluate": {"rounds": 100},
    "05_compare": {"rounds": 100},
    "06_score": {"rounds": 100, "smallest_group": 20},
}
SIDES = {224: 48, 260: 64}  # image_size: still two resolutions, and the larger one that of the store
PEOPLE = "# annotations"  # the line that becomes a parameter once people have judged
pytestmark = pytest.mark.slow


def small_params(root: Path) -> None:
    """The params of wikipedia/, less what SMALL and SIDES say, and with people's judgements."""
    for path in PARAMS.glob("*/*.yaml"):
        settings = yaml.safe_load(path.read_text().replace(PEOPLE, PEOPLE[2:])) | SMALL[path.parent.name]
        if "image_size" in settings:
            settings["image_size"] = SIDES[settings["image_size"]]
            settings["weights"] = settings["weights"].format(**settings)
        place = root / "params" / path.relative_to(PARAMS)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(yaml.safe_dump(settings))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, str]:
    """data/ of the root in which everything was run, and what the command said."""
    root = tmp_path_factory.mktemp("wikipedia")
    small_params(root)
    plant(root, FILES, JUDGED)
    command = [sys.executable, "-m", "wikitopics.cli", "run", "--root", root]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stdout + done.stderr
    return root / "data", done.stdout


def claims(data: Path, run: str) -> dict[str, dict]:
    """The claims of a run of 05, by name."""
    return {claim["name"]: claim for claim in read_json(data / "05_compare" / run / "claims.json")}


def is_answered(claim: dict) -> bool:
    """Whether it rests on something, and says what."""
    said = claim["verdict"] != "not answered by these runs" and "do not tell" not in claim["sentence"]
    return claim["based_on"] > 0 and claim["number"] is not None and claim["p_holm"] is not None and said


def test_all_runs_are_made_and_can_be_read(made):
    data, said = made
    assert f"{RUNS} runs: {RUNS} made" in said
    assert len(list(data.glob("0*/*/notebook.ipynb"))) == RUNS


def test_every_question_of_the_grid_is_answered(made):
    """Also by people, of whom the dumps know nothing."""
    found = claims(made[0], "grid")
    based = {name: claim["based_on"] for name, claim in found.items()}
    labels = {"label source, own labels": 6, "label source, people's view": 6}
    sizes = {"network size": 4, "network size with image_size": 4}
    assert based == labels | sizes | {"pre-training, commons": 20, "pre-training, ores": 20}
    assert all(map(is_answered, found.values())), found


def test_the_learned_labels_are_compared_with_the_walks(made):
    """By their own labels and by people; sizes are a question of the grid's."""
    found = claims(made[0], "walk")
    asked = {name for name, claim in found.items() if is_answered(claim)}
    assert set(found) - asked == {"network size"}
    for name in ("label source, own labels", "label source, people's view"):
        assert "commons-walk minus commons, mean of 2 pairs" in found[name]["sentence"]
    assert found["label source, own labels"]["number"] != 0  # other labels, not the same ones twice


def test_what_people_said_is_depicted_is_a_third_source(made):
    """Each two sources of three, by their own labels and by people, on the files that have statements."""
    found = claims(made[0], "stated")
    based = {name: claim["based_on"] for name, claim in found.items() if name.startswith("label source")}
    pairs = ("commons and depicts", "commons and ores", "depicts and ores")
    questions = ("label source, own labels", "label source, people's view")
    assert based == {f"{question}: {pair}": 2 for question in questions for pair in pairs}
    assert all(is_answered(claim) for name, claim in found.items() if name in based), found
    cells = read_table(made[0] / "05_compare" / "stated" / "comparison.parquet")
    assert len(cells) == 6 and cells["images"].nunique() == 1
    why = read_table(made[0] / "01_labels" / "depicts" / "why.parquet")
    assert why["path"].map(lambda path: path[0].startswith("depicts ")).all()


def test_every_single_change_is_measured(made):
    sizes = {"backbone": 4, "image_size": 4, "backbone with image_size": 4}
    changes = {"grid": {"labels": 6, "labels_top": 6} | sizes, "walk": {"labels": 2, "labels_top": 2}}
    for run, expected in changes.items():
        table = read_table(made[0] / "05_compare" / run / "differences.parquet")
        main = table[table["metric"] == "macro roc_auc"]
        assert Counter(main["setting"]) == expected and (main["seeds"] == 2).all()
        assert main[["low", "high", "p_holm"]].notna().all().all()


def test_all_cells_have_the_same_test_images_and_people(made):
    tables = [read_table(made[0] / "05_compare" / run / "comparison.parquet") for run in ("grid", "walk")]
    cells = pd.concat(tables).drop_duplicates("run")
    assert len(cells) == 14 and cells["images"].nunique() == 1 and cells["images"].iloc[0] > FILES / 5
    assert cells[["macro_roc_auc_low", "human_roc_auc_low", "people_f1"]].notna().all().all()
    assert cells["macro_roc_auc"].mean() > 0.55 < cells["human_roc_auc"].mean()  # they have seen the colours


def test_each_spoilt_file_has_a_reason(made):
    folder = made[0] / "02_images" / "wikipedia"
    rejected = read_table(folder / "rejected.parquet")
    duplicates = read_table(folder / "duplicates.parquet")
    assert sorted(rejected["reason"]) == ["missing", "truncated"]
    assert (duplicates["kind"] == "exact").sum() == 1


def test_the_wikis_are_compared(made):
    """Each Wikipedia's scored pictures beside the others', none of which was learned from."""
    folder = made[0] / "06_score" / "wikis"
    groups, counts, topics = (
        read_table(folder / f"{name}.parquet") for name in ("groups", "counts", "topics")
    )
    assert set(groups["group"]) == set(WIKIS) and (groups["pictures"] >= 20).all()
    assert len(counts) == 20 and counts["share"].notna().any() and (counts["low"] <= counts["high"]).all()
    images = read_table(made[0] / "02_images" / "wikipedia" / "images.parquet")
    assert not set(images.loc[images["split"] != "test", "path"]) & set(topics["path"])
