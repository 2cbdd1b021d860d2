"""Whatever is to be scored and whatever happens: one sentence, or a row with its reason; no half file."""

import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from fake_laboratory import hear_ctrl_c
from score_planted import NAMES, SIDE
from wikitopics import artefacts, cli
from wikitopics.alike.features import About, Embedder, Features
from wikitopics.alike.features import rows as feature_rows
from wikitopics.alike.nearest import nearest_table, pixels_agree
from wikitopics.artefacts import write_table
from wikitopics.errors import UserError
from wikitopics.evaluate.neighbours import Index
from wikitopics.images.decode import Recipe
from wikitopics.scoring import shards
from wikitopics.scoring.pictures import FILES, decoded
from wikitopics.scoring.shards import parts_of, score_files
from wikitopics.sources.inputs import paths_of


@pytest.fixture
def scored(folders, tmp_path):
    """A function that scores paths, and gives path and reason of each row."""

    def score(paths, out=None):
        out = out or tmp_path / "out" / "rows.parquet"
        score_files(folders[0], paths, out, folders[1], shard=5)
        return pd.read_parquet(out)

    return score


@pytest.fixture
def command(root, monkeypatch, capsys):
    """A function that runs the command; its exit code and what it says on the error stream."""
    monkeypatch.setenv("WIKITOPICS_ROOT", str(root))

    def run(*arguments):
        code = cli.main(["score", *map(str, arguments), "--model", "tiny"])
        return code, "".join(
            line for line in capsys.readouterr().err.splitlines(True) if "wikitopics:" in line
        )

    return run


def assert_one_sentence(said, *words):
    code, line = said
    assert code == 2 and line.count("\n") == 1 and line.startswith("wikitopics: ")
    assert all(word in line for word in words), line


# --- what is not to be scored at all -----------------------------------------------------------------------


def test_a_model_of_another_evaluation(root, command, pictures, tmp_path):
    other = root / "data" / "04_evaluate" / "other"
    shutil.copytree(root / "data" / "04_evaluate" / "tiny", other)
    try:
        (other / "run.json").write_text('{"model": "large"}')
        said = command(pictures, "--out", tmp_path / "o.parquet", "--evaluation", "other")
        assert_one_sentence(said, "must be a run that judged 'tiny'", "judged 'large'")
        (other / "run.json").write_text('{"model": "tiny"}')
        for low, words in ((-0.1, "thresholds must be in [0, 1]"), (np.nan, "thresholds must be in [0, 1]")):
            table = pd.DataFrame({"label": NAMES, "threshold": [0.5, low, 1.0]})
            write_table(other / "thresholds.parquet", table)
            assert_one_sentence(
                command(pictures, "--out", tmp_path / "o.parquet", "--evaluation", "other"), words
            )
    finally:
        shutil.rmtree(other)
    assert not list(tmp_path.glob("o.*"))


def test_nothing_to_score(command, tmp_path):
    (tmp_path / "empty" / ".hidden").mkdir(parents=True)
    (tmp_path / "none.csv").write_text("path\n")
    for nothing in ("empty", "none.csv"):
        assert_one_sentence(command(tmp_path / nothing, "--out", tmp_path / "o.parquet"), "at least one file")
    assert_one_sentence(command(tmp_path / "nowhere", "--out", tmp_path / "o.parquet"), "is not there")
    assert not list(tmp_path.glob("o.*"))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"PAR1", b"", b'a,"b\n'])
def test_a_table_that_is_none(command, tmp_path, content):
    for name in ("list.csv", "list.parquet"):
        (tmp_path / name).write_bytes(content)
        assert_one_sentence(
            command(tmp_path / name, "--out", tmp_path / "o.jsonl"), "a table of pictures must"
        )


def test_numbers_that_cannot_be(command, pictures, tmp_path):
    out = ("--out", tmp_path / "o.parquet")
    assert_one_sentence(command(pictures, *out, "--abstain", "1.5"), "--abstain must be a share from 0 to 1")
    assert_one_sentence(command(pictures, *out, "--jobs", "-1"), "--jobs must be at least 1")
    assert not os.listdir(tmp_path)


# --- where the result cannot go ----------------------------------------------------------------------------


def test_a_result_goes_where_it_can(command, pictures, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder.parquet").mkdir()
    for out, words in (
        (tmp_path / "folder.parquet", "is a folder"),
        (tmp_path / "file" / "o.parquet", "folder that can be written"),
        (Path("/proc/nowhere/o.parquet"), "folder that can be written"),
        (Path("/proc/no/where/o.parquet"), "folder that can be written"),
        (tmp_path / ("x" * 250 + ".parquet"), "folder that can be written"),
    ):
        assert_one_sentence(command(pictures, "--out", out), words)
    picture = pictures / "00.png"
    assert_one_sentence(command(picture, "--out", picture), "--out must not be an input")
    assert (
        command(picture, "--out", tmp_path / "new" / "deep" / "o.parquet")[0] == 0
    )  # missing folders are made
    assert len(pd.read_parquet(tmp_path / "new" / "deep" / "o.parquet")) == 1


def test_alike_makes_the_folder_of_its_result_too(tmp_path, capsys):
    about = About("m", "n", "w", SIDE, "pad", 2)
    none = pd.DataFrame([], columns=["path", "reason", "detail"])
    pq.write_table(feature_rows(["a", "b"], np.eye(2), none, about), tmp_path / "f.parquet")
    (tmp_path / "file").touch()

    def alike(features, out):
        command = ["alike", str(tmp_path / features), "--near-duplicates", "--out", str(tmp_path / out)]
        return cli.main(command), capsys.readouterr().err

    assert_one_sentence(alike("nothing.parquet", "new/o.parquet"), "features must be")
    assert_one_sentence(alike("f.parquet", "file/o.parquet"), "folder that can be written")
    assert not (tmp_path / "new").exists()
    assert alike("f.parquet", "new/deep/o.parquet")[0] == 0
    assert pd.read_parquet(tmp_path / "new" / "deep" / "o.parquet").empty


def test_a_result_that_is_there_is_replaced_when_the_new_one_is_whole(
    folders, pictures, tmp_path, monkeypatch
):
    out, paths = tmp_path / "out.jsonl", paths_of([str(pictures)])
    out.write_text("what was there")
    real = shards.join

    def stops(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr("wikitopics.scoring.shards.join", stops)
    with pytest.raises(KeyboardInterrupt):
        score_files(folders[0], paths, out, folders[1])
    assert out.read_text() == "what was there"
    monkeypatch.setattr("wikitopics.scoring.shards.join", real)
    score_files(folders[0], paths, out, folders[1])
    assert len(out.read_text().splitlines()) == 12 and os.listdir(tmp_path) == ["out.jsonl"]


def test_two_at_once_are_one_sentence(folders, pictures, tmp_path):
    out = tmp_path / "out.parquet"
    with (
        parts_of(out, "somebody else's"),
        pytest.raises(UserError, match="one process writes a result at a time"),
    ):
        score_files(folders[0], paths_of([str(pictures)]), out, folders[1])
    score_files(folders[0], paths_of([str(pictures)]), out, folders[1])
    assert len(pd.read_parquet(out)) == 12


def test_a_disk_that_is_full_for_small_files_too(folders, pictures, tmp_path, monkeypatch):
    def full(*given):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path / "out.parquet.parts"))

    monkeypatch.setattr(artefacts.os, "replace", full)
    with pytest.raises(UserError, match="the disk must have room"):
        score_files(folders[0], paths_of([str(pictures)]), tmp_path / "out.parquet", folders[1])
    assert not (tmp_path / "out.parquet").exists()


# --- what lies among the pictures --------------------------------------------------------------------------

ODD = [
    "new\nline.png",
    "tab\tquote'\".png",
    "\u202eright to left.png",
    "🦉.png",
    "a|b, c.png",
    "Ä" * 120 + ".png",
    " .png",
]


def test_names_of_all_kinds(scored, pictures, tmp_path):
    folder = tmp_path / "odd"
    folder.mkdir()
    for name in ODD:
        shutil.copy(pictures / "00.png", folder / name)
    shutil.copy(pictures / "00.png", os.fsencode(folder) + b"/caf\xe9.png")
    rows = scored(paths_of([str(folder)]))
    assert (
        set(rows.path) == {f"{folder}/{name}" for name in [*ODD, "caf\ufffd.png"]} and not rows.reason.any()
    )
    pd.DataFrame({"path": [str(folder / name) for name in ODD]}).to_csv(tmp_path / "list.csv", index=False)
    assert not scored(paths_of([str(tmp_path / "list.csv")])).reason.any()


def test_what_is_no_file_is_a_row_and_nobody_waits_for_it(scored, pictures, tmp_path):
    folder = tmp_path / "odd"
    (folder / "sub").mkdir(parents=True)
    os.mkfifo(folder / "pipe.png")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(folder / "socket.png"))
    links = {
        "device": "/dev/zero",
        "loop": "loop",
        "gone": "nowhere",
        "own": "..",
        "up": "/",
        "good": pictures / "00.png",
    }
    for name, target in links.items():
        (folder / "sub" / name).symlink_to(target)
    os.mkfifo(folder / "list.csv")  # a table that nobody writes
    rows = scored(paths_of([str(folder), str(folder / "list.csv")])).set_index("path").reason
    listening.close()
    reasons = {str(path).removeprefix(f"{folder}/"): reason for path, reason in rows.items()}
    assert reasons == {
        "pipe.png": "refused", "socket.png": "refused", "list.csv": "refused", "sub/device": "refused",
        "sub/loop": "unreadable", "sub/gone": "missing", "sub/good": "",
    }  # fmt: skip


def test_folders_as_deep_as_the_system_can_name(tmp_path):
    here, depth = os.getcwd(), 0
    try:
        os.chdir(tmp_path)
        while depth < 2100:  # deeper than Python may recurse, and than a path may be long
            os.mkdir("d")
            os.chdir("d")
            depth += 1
            if depth % 500 == 0:
                Path("picture.png").touch()
        found = paths_of([str(tmp_path)])
    finally:
        os.chdir(here)
        subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)
    depths = [path.count("/d") for path in found]
    assert len(found) >= 4 and depths[:3] == [500, 1000, 1500] and found[-1].endswith("/d")


def test_many_links_to_few_files(pictures, tmp_path):
    folder, few = tmp_path / "links", [pictures / f"{number:02}.png" for number in range(12)]
    folder.mkdir()
    for number in range(5000):
        (folder / f"{number:07}.png").symlink_to(few[number % 12])
    began = time.process_time()
    found = paths_of([str(folder)])
    assert time.process_time() - began < 1
    assert len(found) == 5000 and found == sorted(found)
    assert FILES.read(found[-1], 10**6) == few[4999 % 12].read_bytes()


def test_a_file_that_changes_or_vanishes_after_it_was_listed(scored, pictures, tmp_path):
    folder = tmp_path / "set"
    shutil.copytree(pictures, folder)
    paths = paths_of([str(folder)])
    (folder / "03.png").unlink()
    (folder / "04.png").write_bytes((folder / "04.png").read_bytes()[:200])
    (folder / "05.png").unlink()
    (folder / "05.png").mkdir()
    shutil.rmtree(folder / "05.png")
    (folder / "06.png").write_bytes(b"")
    reasons = scored(paths).reason.tolist()
    assert reasons[3] == reasons[5] == "missing" and reasons[4] == "truncated" and reasons[6] == "empty"
    assert reasons.count("") == 8


def test_relative_names_are_of_the_folder_one_is_in_now(scored, pictures, tmp_path, monkeypatch):
    scored([str(pictures / "00.png")])  # the processes that decode are begun
    (tmp_path / "here").mkdir()
    shutil.copy(pictures / "01.png", tmp_path / "here" / "only here.png")
    monkeypatch.chdir(tmp_path / "here")
    assert scored(paths_of(["only here.png"])).reason.tolist() == [""]


# --- stopped, and no room ----------------------------------------------------------------------------------


@pytest.fixture
def many(pictures, tmp_path):
    """5,000 links to twelve pictures: two shards of the command."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(5000):
        (folder / f"{number:04}.png").symlink_to(pictures / f"{number % 12:02}.png")
    return folder


def start(root, folder, out, **how):
    command = [sys.executable, "-m", "wikitopics.cli", "score", folder, "--model", "tiny", "--out", out]
    where = {"env": os.environ | {"WIKITOPICS_ROOT": str(root)}, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, **where, stdout=subprocess.DEVNULL, preexec_fn=hear_ctrl_c, **how)


def ended(process) -> tuple[int, str]:
    said = process.communicate(timeout=120)[1]
    return process.returncode, "".join(line for line in said.splitlines(True) if line.strip())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle(root, folders, many, tmp_path, number):
    out = tmp_path / "out.parquet"
    process = start(root, many, out, start_new_session=True)
    while not list(tmp_path.glob("out.parquet.parts/0*.parquet")):
        assert process.poll() is None
        time.sleep(0.02)
    first = next(tmp_path.glob("out.parquet.parts/000000*"))
    made = first.stat().st_ino
    (os.killpg if number == signal.SIGINT else os.kill)(
        process.pid, number
    )  # Ctrl-C reaches all of the group
    code, said = ended(process)
    assert (
        code == 128 + number and said == f"wikitopics: stopped by {number.name}; the same command goes on\n"
    )
    assert not out.exists() and first.stat().st_ino == made
    again = start(root, many, out)
    assert ended(again)[0] == 0
    score_files(folders[0], paths_of([str(many)]), tmp_path / "whole.parquet", folders[1])
    assert out.read_bytes() == (tmp_path / "whole.parquet").read_bytes()


@pytest.mark.slow
def test_a_disk_that_fills_up_half_way_goes_on_when_there_is_room(root, folders, many, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=260k", "none", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        out = disk / "out.parquet"
        code, said = ended(start(root, many, out))
        assert (
            code == 2 and said.count("\n") == 1 and "the disk must have room" in said and "run again" in said
        )
        assert not out.exists() and len(list(disk.glob("out.parquet.parts/0*.parquet"))) == 1
        assert not list(disk.rglob("*.part"))
        subprocess.run(["mount", "-o", "remount,size=10m", disk], check=True)
        assert ended(start(root, many, out))[0] == 0
        score_files(folders[0], paths_of([str(many)]), tmp_path / "whole.parquet", folders[1])
        assert out.read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    finally:
        subprocess.run(["umount", disk], check=True)


# --- one file named twice ----------------------------------------------------------------------------------


class Vanishing:
    """A file that is gone when it is read the second time."""

    name = "vanishing"

    def __init__(self, file: Path) -> None:
        self.file, self.asked = file, 0

    def __reduce__(self):  # each chunk is one process' own: it counts from the start
        return Vanishing, (self.file,)

    def read(self, path: str, max_bytes: int) -> bytes:
        self.asked += path == "x"
        return FILES.read("/gone" if path == "x" and self.asked == 2 else str(self.file), max_bytes)


def test_a_file_that_is_gone_the_second_time_gives_nobody_its_scores(folders, pictures, tmp_path):
    source, out = Vanishing(pictures / "00.png"), tmp_path / "out.parquet"
    score_files(folders[0], ["x", "x", "y"], out, folders[1], source=source)
    rows = pd.read_parquet(out)
    assert rows.reason.tolist() == ["", "missing", ""] and list(map(len, rows.scores)) == [3, 0, 3]


def test_what_is_alike_goes_by_places_too(pictures):
    source, about = Vanishing(pictures / "00.png"), About("m", "n", "w", SIDE, "pad", 1)
    paths = ["x", "x", "y"]
    [(_, pixels, rejected)] = decoded(paths, Recipe(SIDE, "pad"), 3, 1, source)
    table = feature_rows(paths, np.array([[1], [2]]), rejected, about).to_pylist()
    assert [row["features"] for row in table] == [[1], [], [2]] and table[1]["reason"] == "missing"
    wider, vectors = About("m", "n", "w", SIDE, "pad", 2), np.eye(2, dtype=np.float32)
    features, embedder = (
        Features(["a", "b"], vectors, wider, rejected),
        Embedder(wider, lambda some: vectors),
    )
    found = nearest_table(features, Index(vectors), embedder, paths, 1, 1, source)
    assert found[["query", "path"]].to_numpy().tolist() == [["x", "a"], ["x", ""], ["y", "b"]]
    pairs = pd.DataFrame({"first": [0, 0], "second": [1, 2]})
    agree, lost = pixels_agree(paths, pairs, 1, source)
    assert agree.tolist() == [False, True] and lost == 1
