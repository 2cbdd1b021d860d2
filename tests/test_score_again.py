"""The same call again: from another folder, after another training, with somebody's own files in the way."""

import os
import shutil

import keras
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from score_planted import NAMES, SIDE, Planted
from wikitopics import cli
from wikitopics.alike import features
from wikitopics.alike.features import About, Embedder
from wikitopics.artefacts import write_json
from wikitopics.errors import UserError
from wikitopics.evaluate.predictions import freeze_thresholds
from wikitopics.scoring import shards
from wikitopics.scoring.pictures import FILES, NamedFiles, WithTitles
from wikitopics.scoring.shards import key_of, parts_of, score_files
from wikitopics.sources.inputs import check_out, paths_of
from wikitopics.sources.tables import WRITTEN, table_writer
from wikitopics.train.record import file_digest

# --- a standing cluster ------------------------------------------------------------------------------------


@pytest.fixture
def trained(root, tmp_path):
    """A run and its evaluation that a test may change."""
    shutil.copytree(root / "data", tmp_path / "data")
    return tmp_path / "data" / "03_train" / "tiny", tmp_path / "data" / "04_evaluate" / "tiny"


def standing(before):
    """What a cluster does whose one worker is this process, which ends with no job."""

    def on_cluster(work, tasks, address):
        before()
        yield from map(work, tasks)

    return on_cluster


def train_again(folder):
    model = keras.saving.load_model(folder / "model.keras")
    model.layers[-1].bias.assign_add([1.0, -1.0, 0.5])
    model.save(folder / "model.keras")
    record = {"parameters": {"images": "set"}, "model_sha256": file_digest(folder / "model.keras")}
    write_json(folder / "run.json", record)


def test_a_worker_that_is_still_there_takes_the_new_model(trained, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "on_cluster", standing(lambda: None))
    paths, here, there = paths_of([str(pictures)]), tmp_path / "here.parquet", tmp_path / "there.parquet"
    for change in (
        lambda: None,
        lambda: freeze_thresholds(trained[1], NAMES, np.zeros(3)),
        lambda: train_again(trained[0]),
    ):
        change()
        score_files(trained[0], paths, here, trained[1])
        score_files(trained[0], paths, there, trained[1], dask="there")
        assert here.read_bytes() == there.read_bytes()


def test_a_worker_that_sees_another_model_is_told(trained, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "on_cluster", standing(lambda: train_again(trained[0])))
    with pytest.raises(UserError, match="workers must see the model as it is here, but one has another"):
        score_files(trained[0], paths_of([str(pictures)]), tmp_path / "o.parquet", trained[1], dask="there")
    assert not list(tmp_path.glob("o.*"))


# --- another folder ----------------------------------------------------------------------------------------


def test_a_stopped_run_goes_on_with_pictures_of_its_own_folder_only(folders, pictures, tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in (0, 1):
            shutil.copy(pictures / f"{number + 2 * (name == 'b'):02}.png", tmp_path / name / f"{number}.png")
    write, begun, out = shards.write_shard, [], tmp_path / "out.parquet"

    def stops(*given):
        if begun:
            raise KeyboardInterrupt
        begun.append(given)
        return write(*given)

    monkeypatch.setattr(shards, "write_shard", stops)
    monkeypatch.chdir(tmp_path / "a")
    with pytest.raises(KeyboardInterrupt):
        score_files(folders[0], ["0.png", "1.png"], out, folders[1], shard=1)
    monkeypatch.setattr(shards, "write_shard", write)
    monkeypatch.chdir(tmp_path / "b")
    score_files(folders[0], ["0.png", "1.png"], out, folders[1], shard=1)
    there = [str(pictures / "02.png"), str(pictures / "03.png")]
    score_files(folders[0], there, tmp_path / "own.parquet", folders[1])
    rows, own = pd.read_parquet(out), pd.read_parquet(tmp_path / "own.parquet")
    assert np.allclose(np.stack(rows.scores), np.stack(own.scores), atol=1e-5)


def test_only_a_relative_name_of_a_file_depends_on_the_folder(tmp_path, monkeypatch):
    embedder = Embedder(About("m", "n", "w", SIDE, "pad", 1), None)
    with_titles = WithTitles(tmp_path, "")
    asked = [(["a"], FILES), (["/a", "a"], with_titles), (["/a"], FILES), (["File:A", "/a"], with_titles)]
    asked += [(["a"], Planted(SIDE)), (["a"], NamedFiles("/b"))]
    keys = []
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        keys.append([key_of("model", names, source) for names, source in asked])
        keys[-1] += [features._key(embedder, names, 1, source) for names, source in asked]
    assert [first == again for first, again in zip(*keys, strict=True)] == [False] * 2 + [True] * 4 + [
        False
    ] * 2 + [True] * 4


# --- a folder of parts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("theirs", ["thesis.txt", "000000.parquet", "more/", ".hidden", "a.part"])
def test_a_folder_with_somebodys_files_is_left_alone(theirs, folders, pictures, tmp_path):
    parts = tmp_path / "out.parquet.parts"
    parts.mkdir()
    (parts / theirs).mkdir() if theirs.endswith("/") else (parts / theirs).write_text("theirs")
    with pytest.raises(UserError, match=f"nothing but shards, but it holds '{theirs.rstrip('/')}'"):
        score_files(folders[0], paths_of([str(pictures)]), tmp_path / "out.parquet", folders[1])
    assert os.listdir(parts) == [theirs.rstrip("/")] and os.listdir(tmp_path) == ["out.parquet.parts"]


def test_what_comes_into_the_folder_meanwhile_stays_and_what_was_begun_goes(tmp_path):
    parts = tmp_path / "out.parquet.parts"
    with parts_of(tmp_path / "out.parquet", "b" * 64):
        (parts / f".000000-{'b' * 16}.parquet.77.part").touch()  # a worker that was killed
        (parts / f"000000-{'b' * 16}.parquet").touch()
    assert not parts.exists()
    with parts_of(tmp_path / "out.parquet", "b" * 64):
        (parts / "mine.txt").touch()
    assert os.listdir(parts) == ["mine.txt"]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".txt"])
def test_a_result_replaces_an_earlier_one_and_nothing_of_a_persons(tmp_path, suffix):
    out, schema = tmp_path / f"museum{suffix}", pa.schema({"path": pa.string(), "model": pa.string()})
    check_out([], out, schema.names)
    out.touch()
    check_out([], out, schema.names)  # empty, as mktemp leaves it
    for mine in ("path;model of the camera\n", '["path"]\n', "7\n", "", "path,camera\na,b\n"):
        out.write_bytes(mine.encode() or b"\xff\xfe\0")
        with pytest.raises(UserError, match="must be a new file or an earlier result"):
            check_out([], out, schema.names)
    if suffix in WRITTEN:
        with table_writer(out, suffix, schema) as write:
            write(pa.table([["a"], ["m"]], schema=schema))
        check_out([], out, schema.names)
        with pytest.raises(UserError):
            check_out([], out, ["path", "features"])


@pytest.mark.parametrize(
    "command",
    [
        "score {0}/a.png --model m --out {0}/mine.csv",
        "embed {0}/a.png --model m --out {0}/mine.parquet",
        "label --graph {0} --files {0}/a.png --source depth --out {0}/mine.csv",
        "label --graph {0} --files {0}/a.png --source depth --out {0}/new.csv --why {0}/mine.csv",
        "alike {0}/a.png --near-duplicates --out {0}/mine.parquet",
    ],
)
def test_no_command_writes_over_a_persons_table(tmp_path, capsys, command):
    for name in ("mine.csv", "mine.parquet", "a.png"):
        (tmp_path / name).write_text("title,year\nOwl,1900\n")
    assert cli.main(command.format(tmp_path).split()) == 2
    assert "is something else; name another file" in capsys.readouterr().err
    assert {path.read_text() for path in tmp_path.iterdir()} == {"title,year\nOwl,1900\n"}
