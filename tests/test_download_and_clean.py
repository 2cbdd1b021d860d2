"""A download and the cleaning after it, killed at thirty moments: all ends as in an undisturbed run."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from small_commons import small_commons, small_pictures
from test_download import fetch
from wikitopics.images import parallel
from wikitopics.images.decode import Recipe
from wikitopics.images.image_set import decode_files
from wikitopics.sources import open_source

CHILD = """\
import sys
from pathlib import Path
from types import SimpleNamespace
from test_download_and_clean import work
work(SimpleNamespace(api=sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]).read_text().splitlines())
"""


def work(wiki, folder: Path, titles: list[str]) -> None:
    """Download, then decode what came, as 02 does; the tables are written beside the pictures."""
    _, rows = fetch(wiki, titles, folder)
    fetched = rows[rows["status"] == "fetched"].reset_index()[["title", "path"]]
    fetched.to_csv(folder / "table.csv", index=False)
    parallel.FILES = 5
    source = open_source("table", table=str(folder / "table.csv"), image_root=str(folder / "pictures"))
    found = decode_files(source.files(), source, Recipe(store_size=16), folder / "images.npy", jobs=1)
    for name, table in vars(found).items():
        table.to_parquet(folder / f"{name}.parquet")


def start(wiki, folder: Path, titles: Path) -> subprocess.Popen:
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", CHILD, wiki.api, folder, titles]
    return subprocess.Popen(command, env=here, stdout=subprocess.DEVNULL)


def kill(child: subprocess.Popen, reached: Callable[[], bool], pause: float) -> None:
    """Kill -9 `pause` seconds after something was reached."""
    while child.poll() is None and not reached():
        time.sleep(0.001)
    time.sleep(pause)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL, "the run was over before it was killed"


@pytest.mark.slow
def test_killed_while_downloading_and_while_cleaning_the_end_is_the_same(tmp_path):
    pictures, chance = small_pictures(600), random.Random(0)
    titles, killed, whole = tmp_path / "titles.txt", tmp_path / "killed", tmp_path / "whole"
    titles.write_text("\n".join([*pictures, "Nowhere.png"]))
    with small_commons(pictures) as wiki:
        assert start(wiki, whole, titles).wait() == 0
        for _ in range(15):
            wanted = wiki.asked.total() + chance.randint(0, 20)
            child = start(wiki, killed, titles)
            kill(child, lambda wanted=wanted: wiki.asked.total() >= wanted, chance.uniform(0, 0.05))
        for _ in range(15):
            wanted = cleaned(killed) + chance.randint(1, 3)
            child = start(wiki, killed, titles)
            kill(child, lambda wanted=wanted: cleaned(killed) >= wanted, chance.uniform(0, 0.02))
        assert start(wiki, killed, titles).wait() == 0
    names = sorted(path.name for path in whole.glob("*.parquet"))
    assert names == ["exact.parquet", "images.parquet", "manifest.parquet", "rejected.parquet"]
    for name in names:
        pd.testing.assert_frame_equal(pd.read_parquet(killed / name), pd.read_parquet(whole / name))
    assert (killed / "images.npy").read_bytes() == (whole / "images.npy").read_bytes()


def cleaned(folder: Path) -> int:
    """How many chunks of pictures are cleaned and on disk."""
    return len(list((folder / "chunks").glob("*.arrow")))
