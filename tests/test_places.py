"""Where a laboratory may lie: long and odd places, disks without locks or to be read only, other people's."""

import errno
import fcntl
import os

import pytest

from fake_laboratory import Laboratory
from wikitopics import cli, judgements
from wikitopics.artefacts import read_json, take_lock
from wikitopics.batch import run as batch
from wikitopics.errors import UserError


def test_a_run_is_made_in_a_place_with_braces_and_with_a_long_folder_for_temporary_files(tmp_path):
    place = tmp_path / "{run} and {x}"
    place.mkdir()
    laboratory = Laboratory(place)
    laboratory.params("01_labels/a")
    long = tmp_path / ("t" * 90)
    long.mkdir()
    laboratory.environment["TMPDIR"] = str(long)
    assert "1 made" in laboratory.run("01_labels/a")
    assert (place / "data/01_labels/a/notebook.ipynb").is_file()


def test_sockets_lie_where_their_paths_are_short_enough(monkeypatch, tmp_path):
    monkeypatch.setattr(batch.tempfile, "gettempdir", lambda: "/" + "t" * 200)
    assert len(batch.place_of_sockets()) <= batch.LONGEST_PLACE
    monkeypatch.setattr(batch.os, "access", lambda *_: False)
    with pytest.raises(UserError, match="set TMPDIR to a shorter one"):
        batch.place_of_sockets()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_one_sentence(monkeypatch, tmp_path, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with open(tmp_path / "x", "w") as file, pytest.raises(UserError, match="must know locks"):
        take_lock(file.fileno(), tmp_path)
    with pytest.raises(UserError, match="must know locks"):
        judgements.append(tmp_path, "me", [{"title": "A"}])


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_disk_to_be_read_only_and_another_ones_run_are_one_sentence(monkeypatch, tmp_path, capsys, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number), str(tmp_path / "data/.batch/x.lock"))

    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    monkeypatch.setattr(batch, "run_batch", refuse)
    assert cli.main(["run"]) == 2
    told = capsys.readouterr().err.strip()
    assert "x.lock" in told and os.strerror(number) in told and len(told.splitlines()) == 1


@pytest.mark.parametrize("text", [b"", b'{"a": 1', b"\xff\xfe"])
def test_a_damaged_record_is_named(tmp_path, text):
    path = tmp_path / "data" / "03_train" / "x" / "run.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(text)
    with pytest.raises(UserError, match=r"x/run\.json is damaged .* --again 03_train/x"):
        read_json(path)
