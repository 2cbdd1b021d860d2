"""Shards on a cluster: a worker and the driver are killed, and the result is the same, byte for byte."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest

from wikitopics.errors import UserError
from wikitopics.scoring import shards
from wikitopics.scoring.shards import score_files
from wikitopics.sources import open_source
from wikitopics.sources.inputs import paths_of


@pytest.fixture
def cluster():
    distributed = pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
    ) as cluster:
        yield cluster


def written(parts: Path) -> int:
    return len(list(parts.glob("0*.parquet"))) if parts.exists() else 0


def kill_in_the_middle(parts: Path, process: int, killed: list[int]) -> None:
    """Ends `process` as soon as two shards are there."""
    until = time.monotonic() + 120
    while written(parts) < 2 and time.monotonic() < until:
        time.sleep(0.002)
    killed.append(written(parts))
    os.kill(process, signal.SIGKILL)


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_costs_nothing(folders, pictures, tmp_path, cluster, monkeypatch):
    monkeypatch.chdir(pictures)  # where no worker is: names are relative to us
    paths, here, there = paths_of(["."]) * 20, tmp_path / "here.parquet", tmp_path / "there.parquet"
    score_files(folders[0], paths, here, folders[1], shard=12)
    killed, victim = [], next(iter(cluster.workers.values())).pid
    parts = tmp_path / "there.parquet.parts"
    killer = threading.Thread(target=kill_in_the_middle, args=(parts, victim, killed), daemon=True)
    killer.start()
    score_files(folders[0], paths, there, folders[1], shard=12, dask=cluster.scheduler_address)
    killer.join()
    assert 2 <= killed[0] < 20 and victim not in [worker.pid for worker in cluster.workers.values()]
    assert there.read_bytes() == here.read_bytes() and not parts.exists()
    assert not pd.read_parquet(there).reason.any()


DRIVER = """\
import sys
from pathlib import Path
from wikitopics.sources.inputs import paths_of
from wikitopics.scoring.shards import score_files
from wikitopics.sources import open_source
model, evaluation, pictures, out = map(Path, sys.argv[1:5])
score_files(model, paths_of([str(pictures)]) * 20, out, evaluation, shard=12, dask=sys.argv[5])
"""


@pytest.mark.slow
def test_a_driver_killed_in_the_middle_goes_on(folders, pictures, tmp_path, cluster):
    paths, out = paths_of([str(pictures)]) * 20, tmp_path / "out.parquet"
    command = [sys.executable, "-c", DRIVER, *folders, pictures, out, cluster.scheduler_address]
    driver, killed = subprocess.Popen(command), []
    kill_in_the_middle(tmp_path / "out.parquet.parts", driver.pid, killed)
    assert driver.wait() == -signal.SIGKILL and 2 <= killed[0] < 20 and not out.exists()
    assert subprocess.run(command, check=False).returncode == 0
    score_files(folders[0], paths, tmp_path / "here.parquet", folders[1], shard=12)
    assert out.read_bytes() == (tmp_path / "here.parquet").read_bytes()


@pytest.mark.slow
def test_a_source_below_the_root_is_read_by_workers_too(folders, pictures, tmp_path, cluster, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(pictures.parent))
    source = open_source("folder", image_root=pictures.name)
    there = {"source": source, "dask": cluster.scheduler_address}
    counts = score_files(
        folders[0], source.files()["path"].tolist(), tmp_path / "o.parquet", **there, abstain=0
    )
    assert counts == {"files": 12, "scored": 12}


def test_a_scheduler_that_does_not_answer_is_one_sentence(folders, pictures, tmp_path):
    pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
    with pytest.raises(UserError, match="--dask must be a Dask cluster's.* 'nonsense' does not answer"):
        score_files(folders[0], paths_of([str(pictures)]), tmp_path / "out.parquet", dask="nonsense")
    assert not list(tmp_path.iterdir())


def test_without_the_package_it_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r"--dask needs the package distributed.*pip install -e .\[cluster\]"):
        list(shards.on_cluster(len, [""], "tcp://here:8786"))
