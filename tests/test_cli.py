"""The command line: its help is quick, and a person's mistake is one line and exit code 2."""

import subprocess
import sys
import time

import pytest

from wikitopics import cli


def test_help_is_quick_and_has_examples():
    began = time.monotonic()
    said = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "wikitopics.cli", "run", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert time.monotonic() - began < 5  # 0.1 s on a quiet machine
    for module in ("numpy", "pandas", "papermill", "tensorflow"):
        assert f" {module}\n" not in said.stderr
    assert "--dry-run" in said.stdout and "examples:" in said.stdout and "exit code:" in said.stdout


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["run", "--root", "/nowhere/at/all"], "--root must be a folder"),
        (["run", "--jobs", "0"], "--jobs must be at least 1"),
        (["run", "03_train/nobody"], "must hold STAGE/RUN.yaml files"),
    ],
)
def test_a_mistake_is_one_line(arguments, part, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    assert cli.main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == 1
    assert said.err.startswith("wikitopics: ") and part in said.err


def test_a_command_that_does_not_exist(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["rum"])
    assert caught.value.code == 2 and "run" in capsys.readouterr().err
