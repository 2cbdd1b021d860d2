"""The files that describe the environment agree with each other and with what is installed."""

import re
import tomllib
from importlib.metadata import version

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from wikitopics import __version__
from wikitopics.paths import PROJECT

PROJECT_FILE = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT_FILE["optional-dependencies"]
INSTALLED = ("train", "deep", "lab", "test", "docs", "browser-test")  # by `make install`
LOCK = (PROJECT / "requirements.lock.txt").read_text("utf-8")


def locked() -> dict[str, list[str]]:
    """Versions in the lock by package name; some differ between Pythons."""
    found: dict[str, list[str]] = {}
    for name, number in re.findall(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;\\]+)", LOCK, re.MULTILINE):
        found.setdefault(name, []).append(number)
    return found


@pytest.mark.parametrize(
    "line",
    [*PROJECT_FILE["dependencies"], *(line for extra in INSTALLED for line in EXTRAS[extra])],
    ids=str,
)
def test_the_lock_holds_what_the_project_asks_for(line):
    requirement = Requirement(line)
    assert all(requirement.specifier.contains(number) for number in locked()[requirement.name])
    assert requirement.specifier.contains(version(requirement.name))


def test_every_package_of_the_lock_has_hashes():
    pinned = re.findall(r"^[a-z0-9._\[\]-]+==.*(?:\n    --hash=sha256:[0-9a-f]{64}.*)*", LOCK, re.MULTILINE)
    assert len(pinned) > 100
    assert all("--hash=sha256:" in block for block in pinned)


def test_the_lock_names_no_index():
    assert "://" not in LOCK and "--find-links" not in LOCK and "--extra-index-url" not in LOCK


def test_conda_installs_the_same_by_the_same_file():
    environment = yaml.safe_load((PROJECT / "environment.yml").read_text("utf-8"))
    python, pip, by_pip = environment["dependencies"]
    assert SpecifierSet(python.removeprefix("python")) == SpecifierSet(PROJECT_FILE["requires-python"])
    assert pip == "pip" and by_pip == {"pip": ["-e .[train,deep,lab]"]}
    assert environment["channels"] == ["conda-forge"]


@pytest.mark.parametrize("name", ["pyproject.toml", "environment.yml"])
def test_every_dependency_has_its_reason_beside_it(name):
    text = (PROJECT / name).read_text("utf-8")
    lines = [
        line
        for line in text.splitlines()
        if re.match(r'\s+("[a-z0-9.\[\]-]+[><=]|- (python|pip$|pip |-e))', line)
    ]
    assert lines and all("#" in line for line in lines)


def test_one_version_is_told_everywhere():
    cited = yaml.safe_load((PROJECT / "CITATION.cff").read_text("utf-8"))["version"]
    latest = re.search(r"^## (\S+)", (PROJECT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)[1]
    assert PROJECT_FILE["version"] == __version__ == cited == latest
