"""Decoders that die, runs that are killed, clusters: every file still ends in a table, always the same."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fake_laboratory import hear_ctrl_c
from hostile import saved
from wikitopics import fence
from wikitopics.artefacts import clear_leftovers, still_runs
from wikitopics.errors import UserError
from wikitopics.images import parallel, sandbox
from wikitopics.images.decode import Recipe
from wikitopics.images.image_set import decode_files
from wikitopics.images.parallel import forget
from wikitopics.images.sandbox import decode_in_child
from wikitopics.sources import open_source
from wikitopics.sources.folder import Folder

RECIPE = Recipe(store_size=32, max_seconds=0.3)
SLEEP, CRASH, SPIN, GREEDY, KILLED = (f"BM{word}".encode() for word in ("zzz", "segv", "spin", "mem", "kill"))


def decode_or_die(data: bytes, recipe: Recipe):
    """What a decoder with a fault in its own code would do, on files that say so."""
    if data == CRASH:
        ctypes.string_at(0)
    if data == SLEEP:
        time.sleep(60)
    if data == KILLED:
        os.kill(os.getpid(), signal.SIGKILL)
    while data == SPIN:
        pass
    if data == GREEDY:
        return [np.empty(100 << 20, np.uint8) for _ in range(9)]
    return undisturbed(data, recipe)


undisturbed = sandbox.decode


@dataclass(frozen=True)
class Faulty(Folder):
    """A folder whose reader brings the faulty decoder along, into whatever process it is sent to."""

    def read(self, path: str, max_bytes: int) -> bytes:
        sandbox.decode = decode_or_die
        return super().read(path, max_bytes)


@dataclass(frozen=True)
class Murderous(Folder):
    """A folder whose reader ends its process at 'worker.bmp', as often as `times` says."""

    times: int = 1

    def read(self, path: str, max_bytes: int) -> bytes:
        met = Path(os.environ["WIKITOPICS_ROOT"]) / "met"
        if path == "worker.bmp" and met.stat().st_size < self.times:
            with open(met, "a") as file:
                file.write("x")
            os._exit(1)
        return super().read(path, max_bytes)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder of 24 good pictures; decoding is in chunks of 5 and blames nobody after the test."""
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    monkeypatch.setattr(parallel, "FILES", 5)
    monkeypatch.setattr(sandbox, "decode", undisturbed)
    fill(tmp_path / "set", 24)
    return tmp_path


def fill(folder: Path, count: int) -> None:
    folder.mkdir()
    for seed in range(count):
        fields = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), dtype=np.uint8)
        (folder / f"{seed:03d}.png").write_bytes(saved(Image.fromarray(fields).resize((90, 60)), "PNG"))


def run(root: Path, name: str, source=None, **options):
    """Decode the folder into root/name; the array's bytes and the three tables."""
    source = source or open_source("folder", image_root="set")
    decoded = decode_files(
        source.files(), source, options.pop("recipe", RECIPE), root / name / "a.npy", **options
    )
    return (root / name / "a.npy").read_bytes(), decoded.images, decoded.rejected, decoded.exact


def assert_same(one, other) -> None:
    assert one[0] == other[0]
    for mine, theirs in zip(one[1:], other[1:], strict=True):
        pd.testing.assert_frame_equal(mine, theirs)


# --- decoders that die -----------------------------------------------------------------------------------

FAULTS = {CRASH: "crashed", SPIN: "too_slow", SLEEP: "too_slow", GREEDY: "too_much_memory"}
FAULTS |= {KILLED: "too_much_memory"}


@pytest.mark.parametrize(("data", "reason"), FAULTS.items(), ids=[name.decode() for name in FAULTS])
def test_a_decoder_that_dies_costs_one_file(monkeypatch, data, reason):
    monkeypatch.setattr(sandbox, "decode", decode_or_die)
    monkeypatch.setattr(fence, "STANDSTILL", 3)
    good = saved(Image.new("RGB", (8, 8), "red"), "PNG")
    started = time.monotonic()
    outcomes = decode_in_child([good, b"", data, good, data], RECIPE)
    assert [getattr(o, "reason", "valid") for o in outcomes] == ["valid", "empty", reason, "valid", reason]
    assert outcomes[3].pixels[16, 16].tolist() == [255, 0, 0]
    assert time.monotonic() - started < 10


def test_who_dies_once_by_chance_is_not_blamed(monkeypatch, tmp_path):
    def unlucky(data: bytes, recipe: Recipe):
        if data == KILLED and not (tmp_path / "died").exists():
            (tmp_path / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return undisturbed(data, recipe)

    monkeypatch.setattr(sandbox, "decode", unlucky)
    assert [outcome.reason for outcome in decode_in_child([KILLED, b""], RECIPE)] == ["damaged", "empty"]


def test_an_interrupt_ends_the_child_too(monkeypatch):
    children = []

    def interrupted(_, child: int, __):
        children.append(child)
        raise KeyboardInterrupt

    monkeypatch.setattr(sandbox, "decode", decode_or_die)
    monkeypatch.setattr(fence, "_listen", interrupted)
    with pytest.raises(KeyboardInterrupt):
        decode_in_child([SLEEP], RECIPE)
    with pytest.raises(ProcessLookupError):
        os.kill(children[0], 0)


@pytest.mark.parametrize("jobs", [1, 2])
def test_deadly_files_end_in_the_table_and_the_others_in_the_set(root, jobs):
    for name, data in {"005": CRASH, "011": SPIN, "012": KILLED}.items():
        (root / "set" / f"{name}.png").write_bytes(data)
    _, images, rejected, _ = run(root, "out", Faulty("set"), jobs=jobs)
    assert len(images) == 21
    found = dict(zip(rejected["path"], rejected["reason"], strict=True))
    assert found == {"005.png": "crashed", "011.png": "too_slow", "012.png": "too_much_memory"}


def test_a_worker_killed_from_outside_is_replaced_and_often_is_one_sentence(root, monkeypatch):
    monkeypatch.setattr(parallel, "ATTEMPTS", 2)
    (root / "met").touch()
    (root / "set" / "worker.bmp").write_bytes(saved(Image.new("RGB", (8, 8)), "BMP"))
    assert_same(run(root, "one", Murderous("set"), jobs=2), run(root, "two", jobs=1))
    with pytest.raises(UserError, match="2 were killed from outside .* run again"):
        run(root, "three", Murderous("set", times=99), jobs=2)


# --- runs that are killed --------------------------------------------------------------------------------


def test_what_is_done_is_not_done_again_unless_it_changed(root, monkeypatch):
    asked = []

    def counted(files: list[bytes], recipe: Recipe):
        asked.append(len(files))
        return decode_in_child(files, recipe)

    monkeypatch.setattr(parallel, "decode_in_child", counted)
    first = run(root, "out", jobs=1)
    assert asked == [5, 5, 5, 5, 4]
    asked.clear()
    assert_same(first, run(root, "out", jobs=1))
    assert asked == []
    (root / "set" / "007.png").write_bytes(b"")
    again = run(root, "out", jobs=1)
    assert asked == [5] and again[2]["reason"].tolist() == ["empty"]
    asked.clear()
    run(root, "out", recipe=Recipe(store_size=16), jobs=1)
    assert asked == [5, 5, 5, 5, 4]
    assert len(list((root / "out" / "chunks").iterdir())) == 5
    forget(root / "out")
    assert [path.name for path in (root / "out").iterdir()] == ["a.npy"]


@pytest.mark.slow
def test_a_run_killed_at_any_moment_goes_on_and_ends_the_same(root):
    fill(root / "many", 400)
    source = open_source("folder", image_root="many")
    (root / "many" / "300.png").write_bytes((root / "many" / "100.png").read_bytes())
    (root / "many" / "301.png").write_bytes(b"<html>")
    undisturbed_run = run(root, "whole", source, jobs=1)
    command = [sys.executable, __file__, str(root / "killed")]
    kills, moments = 0, iter([0.02, 0.1, 60])
    for moment in moments:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        try:
            process.wait(moment)
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
    assert kills == 2 and process.returncode == 0
    assert (root / "killed" / "a.npy").read_bytes() == undisturbed_run[0]
    assert_same(run(root, "killed", source, jobs=1), undisturbed_run)


# --- clusters --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same(root):
    distributed = pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
    (root / "set" / "003.png").write_bytes(b"")
    (root / "set" / "004.png").write_bytes(CRASH)
    source = Faulty("set")
    here = run(root, "here", source, jobs=1)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None, silence_logs=50
    ) as cluster:
        assert_same(run(root, "there", source, scheduler=cluster.scheduler_address), here)
    assert here[2]["reason"].tolist() == ["empty", "crashed"]


def test_a_scheduler_that_does_not_answer_is_one_sentence(root):
    pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
    with pytest.raises(UserError, match="'nonsense' does not answer"):
        run(root, "out", scheduler="nonsense")


if __name__ == "__main__":  # a run to be killed
    parallel.FILES = 5
    folder = open_source("folder", image_root="many")
    table = folder.files()
    print("ready", flush=True)
    decode_files(table, folder, RECIPE, Path(sys.argv[1]) / "a.npy", jobs=1)


@pytest.mark.parametrize("who", ["02_images", "score"])
def test_nobody_lives_on_when_the_one_who_decodes_is_killed(tmp_path, who):
    """A worker that waits for work, or for somebody to take a large answer, would wait for ever."""
    waits = {
        "02_images": "from wikitopics.images.parallel import in_order\nlist(in_order(work, [0] * 8, 2))",
        "score": "from wikitopics.scoring.pictures import _workers\n_workers(1).submit(work, 0).result()",
    }
    script = f"""
import os, sys, time
def work(task):
    with open({str(tmp_path / "pids")!r}, "a") as file:
        file.write(f"{{os.getpid()}}\\n")
    time.sleep(600)
{waits[who]}
"""
    driver = subprocess.Popen([sys.executable, "-c", script])
    pids = tmp_path / "pids"
    try:
        while not (pids.exists() and pids.read_text().endswith("\n")):
            assert driver.poll() is None
            time.sleep(0.05)
    finally:
        driver.kill()
        driver.wait()
    workers = [int(line) for line in pids.read_text().split()]
    for _ in range(600):
        if not any(still_runs(worker) for worker in workers):
            return
        time.sleep(0.1)
    for worker in workers:
        os.kill(worker, 9)
    raise AssertionError("a worker lives on")


def test_what_a_killed_process_left_goes_when_the_run_begins_again(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for name in (
        f".images.npy.{dead.pid}.part",
        f".x.zip.{dead.pid}.making",
        f".t.{os.getpid()}.part",
        ".mine",
    ):
        (tmp_path / name).write_text("x")
    clear_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([f".t.{os.getpid()}.part", ".mine"])


FORKS_ALL_THE_TIME = """
from wikitopics.fence import Limits, in_child
print("begun", flush=True)
while True:
    in_child(lambda number: {}, 1, Limits(2.0, 1 << 28))
"""


@pytest.mark.slow
def test_ctrl_c_amid_a_fork_is_heard_once_and_prints_nothing_else():
    for moment in range(40):  # one in nine was swallowed, and printed, where a fork did not hold it back
        how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
        command = [sys.executable, "-c", FORKS_ALL_THE_TIME]
        process = subprocess.Popen(command, **how, preexec_fn=hear_ctrl_c)
        assert process.stdout.readline() == "begun\n"
        time.sleep(0.01 + moment / 2000)
        os.killpg(process.pid, signal.SIGINT)
        try:
            said = process.communicate(timeout=30)[1]
        finally:  # where it did not hear, it would go on for ever
            process.kill()
        assert "ignored" not in said and said.endswith("KeyboardInterrupt\n"), said
        assert process.returncode in (-signal.SIGINT, 128 + signal.SIGINT)
