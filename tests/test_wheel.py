"""The library from a wheel, without a checkout: it works, or says in a sentence what it needs."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from wikitopics import __version__
from wikitopics.paths import PROJECT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """Runs `wikitopics` of a new environment: this one's packages, but our library from its wheel alone."""
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"  # a build leaves files in its folder
    ignored = shutil.ignore_patterns(".*", "data", "executed", "build", "*.egg-info", "__pycache__")
    shutil.copytree(PROJECT, source, ignore=ignored)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*build, "--no-build-isolation", "-w", place, source], check=True)
    venv.create(place / "bare", with_pip=True)
    wheel = next(place.glob("wikitopics-*.whl"))
    python = place / "bare/bin/python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel], check=True)
    packages = next((place / "bare/lib").glob("python*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "WIKITOPICS_ROOT")
    }

    def run(folder: Path, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [place / "bare/bin/wikitopics", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        said = done.stdout + done.stderr
        assert done.returncode == code and "Traceback" not in said, said
        return said

    return run


def test_outside_of_a_laboratory_it_says_what_to_do(command, tmp_path):
    assert __version__ in command(tmp_path, "--version")
    for arguments in (["run"], ["status"], ["site"], ["browse", "x"], ["clean"]):
        assert "make one with `wikitopics new DIR`" in command(tmp_path, *arguments, code=2)
    assert list(tmp_path.iterdir()) == []


def test_the_photographs_are_laid_out_where_one_wants_them(command, tmp_path):
    assert "name one: in a checkout" in command(tmp_path, "photographs", code=2)
    (tmp_path / "pictures").mkdir()
    asked = ["photographs", "--root", "pictures"]
    assert "2,000 files of 20 topics" in command(tmp_path, *asked, "--dry-run")
    nobody = ["--contact", "me@example.org", "--api", "ftp://127.0.0.1:9/w/api.php"]
    assert "must be reachable" in command(tmp_path, *asked, *nobody, code=2)
    assert (tmp_path / "pictures/categories.csv").exists()
    assert len(list((tmp_path / "pictures/params").glob("*/*.yaml"))) == 29


def test_a_laboratory_of_ones_own_runs(command, tmp_path):
    command(tmp_path, "new", "lab")
    lab = tmp_path / "lab"
    assert "needs a new or empty folder" in command(tmp_path, "new", "lab", code=2)
    assert len((lab / "README.md").read_text().splitlines()) <= 12
    assert "30 would run" in command(lab, "run", "--dry-run")
    assert "1 made" in command(lab / "notebooks", "run", "01_labels/ores")  # from a folder inside of it, too
    assert (lab / "data/01_labels/ores/notebook.ipynb").exists()
    state = command(lab, "status").partition("01_labels/ores ")[2].partition("\n")[0]
    assert "made by wikitopics run" in state and state.endswith("up to date")
