"""A dump's tables are made once: stopped at any moment it goes on, and several runs at once do no harm."""

import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from dump_planted import FILES, PARENTS, plant
from test_dump import listed, parents
from wikitopics.sources import open_source
from wikitopics.sources.dumps.commons_graph import dump_fingerprint
from wikitopics.sources.reading import made_once

MAKE = "from wikitopics.sources.dumps.commons_graph import made_from; print(made_from('dump'))"


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("begun", ["tables", "page.parquet", "redirect.parquet", "selected.parquet"])
def test_killed_at_any_moment_it_goes_on_to_the_same_tables(root, begun):
    plant(root / "dump")
    for _ in range(10):  # on a busy machine it may be done before it is killed
        if killed_when(root, begun):
            break
        shutil.rmtree(root / "data")
    else:
        pytest.fail("it was always done before")
    source = open_source("commons_dump", dump="dump")
    assert listed(source.files()) == FILES and parents(source.graph()) == PARENTS


def killed_when(root, begun: str) -> bool:
    """Make the tables and kill the process when a file or folder is there; whether that came in time."""
    run = subprocess.Popen([sys.executable, "-c", MAKE], stdout=subprocess.DEVNULL)
    while run.poll() is None and not any(root.glob(f"data/sources/**/{begun}")):
        time.sleep(0.001)
    run.kill()
    return run.wait() == -signal.SIGKILL


def test_what_a_killed_run_left_half_written_does_no_harm(root):
    plant(root / "dump")
    tables = root / "data" / "sources" / f"commons_dump-{dump_fingerprint('dump')[:16]}" / "tables"
    tables.mkdir(parents=True)
    for name in ("selected.parquet", "tmp_selected.parquet", ".page.parquet.123.part"):
        (tables / name).write_bytes(b"PAR1 half")
    assert listed(open_source("commons_dump", dump="dump").files()) == FILES


def test_of_several_that_want_the_same_one_makes_it_and_the_others_wait(root):
    made = []

    def make(folder):
        made.append(folder)
        time.sleep(0.3)
        return {"counts": {}}

    with ThreadPoolExecutor(3) as pool:
        folders = [pool.submit(made_once, "thing", "0123", make) for _ in range(3)]
    assert len(made) == 1 and {folder.result() for folder in folders} == set(made)
    assert (made[0] / "run.json").exists()


def test_of_several_runs_that_want_the_same_dump_one_makes_it(root):
    plant(root / "dump")
    command = [sys.executable, "-c", MAKE]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = [run.communicate()[0].splitlines()[-1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0] and len(set(said)) == 1
    assert listed(open_source("commons_dump", dump="dump").files()) == FILES
