"""What a second round is worth: labels with planted errors, doubted by 04, corrected, and trained on again.

python benchmarks/second_round.py    the sample's pictures, labels of 3 files in 10 exchanged (5 minutes)

The first round trains on labels of which a share were exchanged for another file's. A reviewer who knows the
truth corrects the files of the most doubtful cells of label_issues.parquet, as a person would in the browser
of 04; as many files drawn at random are what answering without the ranking brings. Runs are made by
`wikitopics run` in a folder of their own, and 05 compares them by the true labels. The last line is JSON.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import explain  # noqa: F401
import numpy as np
import pandas as pd
import yaml

from wikitopics.evaluate.label_issues import to_correct
from wikitopics.labels.label_sources import graph_for, label_from
from wikitopics.labels.labelled import keep_frequent
from wikitopics.show.browser.reviews import Reviews
from wikitopics.sources import open_source

NOISE, LABELS = 0.3, 10
ROUNDS = ("noisy", "ranked", "random")


def plant(root: Path, rng: np.random.Generator) -> dict[str, list[str]]:
    """Write pictures and table.csv (labels with errors; human: the truth); the truth by title."""
    source = open_source("sample")
    files = source.files()
    labelled = keep_frequent(label_from("commons", files, graph=graph_for("commons", "", source)), 60)
    truth = dict(zip(labelled.labels["title"], labelled.labels["labels"], strict=True))
    files = files[files["title"].map(truth.get).map(len) > 0]
    given = [truth[title] for title in files["title"]]
    wrong = np.flatnonzero(rng.random(len(given)) < NOISE)
    for row, other in zip(wrong, rng.permutation(wrong), strict=True):
        given[row] = truth[files["title"].iloc[other]]
    (root / "pictures").mkdir()
    paths = [f"{number:05}" for number in range(len(files))]
    for path, inside in zip(paths, files["path"], strict=True):
        (root / "pictures" / path).write_bytes(source.read(inside, 10_000_000))
    said = ["|".join(truth[title]) for title in files["title"]]
    table = {"path": paths, "title": files["title"], "labels": ["|".join(names) for names in given]}
    pd.DataFrame(table | {"human": said}).to_csv(root / "table.csv", index=False)
    return truth


def write_params(root: Path, run: str, answers: str = "") -> None:
    """The params files of one round."""
    labels = {"source": "table", "label_source": "given", "table": "table.csv", "image_root": "pictures"}
    train = {"images": "pictures", "labels": run, "labels_top": LABELS}
    stages = {
        "01_labels": labels | ({"corrections": answers} if answers else {}),
        "03_train": train,
        "04_evaluate": {"model": run},
    }
    for stage, values in stages.items():
        path = root / "params" / stage / f"{run}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump({"run": run} | values))


def make(root: Path, *runs: str) -> None:
    """`wikitopics run`."""
    subprocess.run([sys.executable, "-m", "wikitopics.cli", "run", "--root", root, *runs], check=True)


def answer(root: Path, titles: list[str], truth: dict[str, list[str]], run: str) -> int:
    """File what somebody who knows says of these files; how many of them had wrong labels."""
    given = pd.read_parquet(root / "data/01_labels/noisy/labels.parquet").set_index("title")["labels"]
    reviews = Reviews(root / "judgements/04_evaluate" / run, "one who knows")
    wrong = [title for title in titles if set(given[title]) != set(truth[title])]
    for title in wrong:
        reviews.put((title, "", "false negative"), "label wrong", truth[title])
    return len(wrong)


def doubtful(root: Path, n: int) -> list[str]:
    """The files of the most doubtful cells, by 04 of the first round."""
    issues = pd.read_parquet(root / "data/04_evaluate/noisy/label_issues.parquet")
    return to_correct(issues)["title"].drop_duplicates().head(n).tolist()


def main(quick: bool) -> None:
    rng, answers = np.random.default_rng(0), 150 if quick else 400
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        truth = plant(root, rng)
        write_params(root, "noisy")
        (root / "params/02_images").mkdir()
        (root / "params/02_images/pictures.yaml").write_text("run: pictures\nlabels: [noisy]\n")
        make(root, "04_evaluate/noisy")
        every = pd.read_parquet(root / "data/02_images/pictures/images.parquet")["title"].tolist()
        chosen = {"ranked": doubtful(root, answers), "random": rng.choice(every, answers, False).tolist()}
        found = {run: answer(root, titles, truth, run) for run, titles in chosen.items()}
        for run in chosen:
            write_params(root, run, f"judgements/04_evaluate/{run}")
        (root / "params/05_compare").mkdir()
        rounds = yaml.safe_dump({"run": "rounds", "evaluations": list(ROUNDS)})
        (root / "params/05_compare/rounds.yaml").write_text(rounds)
        make(root)
        table = pd.read_parquet(root / "data/05_compare/rounds/comparison.parquet")
        print(f"{answers} answers each; wrong among them: {found}")
        print(table.to_string())
        print(
            json.dumps(
                {"answers": answers, "wrong": found} | {"table": table.to_dict("records")}, default=str
            )
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer answers")
    main(parser.parse_args().quick)
