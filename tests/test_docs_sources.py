"""The params files shown in docs/sources.md are ones that notebook 01 would take."""

import re
from pathlib import Path

import pytest
import yaml

from wikitopics.params import read_params
from wikitopics.sources import open_source

TEXT = (Path(__file__).resolve().parents[1] / "docs" / "sources.md").read_text("utf-8")
BLOCKS = {yaml.safe_load(block)["run"]: block for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)}


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    for folder in ("commonswiki", "wit", "search_index", "pictures"):
        (tmp_path / "downloads" / folder).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("run", BLOCKS)
def test_a_params_file_in_the_text_is_one_that_runs(root, run):
    path = root / "params" / "01_labels" / f"{run}.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(BLOCKS[run], "utf-8")
    _, parameters = read_params("01_labels", run)
    options = ("table", "image_root", "dump", "wit", "max_files")
    source = open_source(parameters["source"], **{name: parameters[name] for name in options})
    assert source.name == parameters["source"]


def test_each_source_for_bulk_data_has_one():
    shown = {yaml.safe_load(block)["source"] for block in BLOCKS.values()}
    assert shown == {"commons_dump", "wit"} and len(BLOCKS) == 5
