"""The command line: its help is quick, and a person's mistake is one line and exit code 2."""

import os
import signal
import subprocess
import sys

import pytest

from fake_laboratory import Laboratory
from wikitopics import __version__, cli, paths


def test_help_is_quick_and_has_examples():
    said = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "wikitopics.cli", "run", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
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


def test_version_and_module():
    said = subprocess.run([sys.executable, "-m", "wikitopics", "--version"], capture_output=True, text=True)
    assert said.stdout == f"wikitopics {__version__}\n" and said.returncode == 0


@pytest.mark.parametrize("command", ["run", *cli.OTHERS])
def test_every_command_takes_a_root(command, capsys):
    if command == "new":
        return
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    assert "--root DIR" in capsys.readouterr().out


def test_the_root_is_the_laboratory_around_and_is_said(tmp_path):
    laboratory = Laboratory(tmp_path)
    laboratory.small()
    inside = tmp_path / "notebooks"
    environment = {name: value for name, value in os.environ.items() if name != paths.VARIABLE}
    command = [sys.executable, "-m", "wikitopics", "run", "--dry-run", "params/03_train/x.yaml"]
    said = subprocess.run(command, cwd=inside, env=environment, capture_output=True, text=True)
    assert said.stderr == f"wikitopics: root folder {tmp_path}\n"
    assert "03_train/x" in said.stdout and "04_evaluate" not in said.stdout
    other = tmp_path / "other"
    other.mkdir()
    said = subprocess.run(
        [*command, "--root", other], cwd=inside, env=environment, capture_output=True, text=True
    )
    assert said.returncode == 2 and f"{other} has none" in said.stderr


def test_rooted_is_undone(tmp_path, monkeypatch):
    monkeypatch.setenv(paths.VARIABLE, "/before")
    with paths.rooted(tmp_path) as place:
        assert place == tmp_path == paths.root()
    assert os.environ[paths.VARIABLE] == "/before"
    monkeypatch.delenv(paths.VARIABLE)
    with paths.rooted(tmp_path):
        pass
    assert paths.VARIABLE not in os.environ


def test_a_hang_up_is_ignored_where_nohup_says_so(tmp_path):
    """`nohup wikitopics run &`, then the terminal goes away; without nohup the hang-up ends it."""
    laboratory = Laboratory(tmp_path)
    laboratory.params("01_labels/a", "seconds: 6")
    for ignored, code in ((True, 0), (False, 128 + signal.SIGHUP)):
        handler = signal.SIG_IGN if ignored else signal.SIG_DFL
        run = subprocess.Popen(
            [sys.executable, "-m", "wikitopics", "run"],
            env=laboratory.environment,
            preexec_fn=lambda handler=handler: signal.signal(signal.SIGHUP, handler),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert "01_labels/a" in run.stdout.readline()
        run.send_signal(signal.SIGHUP)
        said = run.communicate()[0]
        assert run.returncode == code, said
        if ignored:
            assert "1 made" in said
            laboratory.params("01_labels/a", "seconds: 5")
