"""From a real MediaWiki to an evaluated network: what `wikitopics download` fetched goes through 01 to 04."""

import subprocess
import sys

import pytest

from test_api_commons import downloaded, imported  # noqa: F401
from wikitopics.artefacts import read_json, read_table

PARAMS = {
    "01_labels/wire": "source: commons_api\nimage_root: data/downloads/all\nlabel_source: commons",
    "02_images/wire": "labels: [wire]\nstore_size: 64\njobs: 1",
    "03_train/wire": "images: wire\nlabels: wire\nlabels_top: 5\nimage_size: 64\nepochs: 3",
    "04_evaluate/wire": "model: wire\nrounds: 50",
}


@pytest.mark.servers
def test_what_was_fetched_is_labelled_decoded_learned_and_judged(downloaded, imported):  # noqa: F811
    for name, text in PARAMS.items():
        path = downloaded / "params" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"run: wire\n{text}\n")
    command = [sys.executable, "-m", "wikitopics.cli", "run", "--root", str(downloaded)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    kept, rejected, copies = (
        read_table(downloaded / f"data/02_images/wire/{name}.parquet")
        for name in ("images", "rejected", "duplicates")
    )
    exact = copies[copies["kind"] == "exact"]
    assert {*kept["title"], *rejected["title"], *exact["title"]} <= set(imported)
    assert len(kept) > 0.7 * len(imported)
    record = read_json(downloaded / "data/04_evaluate/wire/metrics.json")
    overall = {row["metric"]: row["value"] for row in record["overall"]}
    assert 0.5 < overall["macro roc_auc"] <= 1
