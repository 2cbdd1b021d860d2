"""The README says what the executed comparison shows, because it is copied from there."""

import base64
import json

import pytest

from wikitopics import paths, readme
from wikitopics.errors import UserError


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a README and an executed comparison that shows known things."""
    monkeypatch.setattr(paths, "PROJECT", tmp_path)
    data = {"headline": {"text/markdown": ["**What holds**:\n", "nothing."]}}
    data["findings"] = {"text/markdown": ["| run |\n", "|---|\n", "| a |\n"]}
    data["headline-figure"] = {"image/png": base64.b64encode(b"a picture").decode()}
    cells = [
        {"metadata": {"tags": [tag]}, "outputs": [{"data": {"text/plain": ""}}, {"data": shown}]}
        for tag, shown in data.items()
    ]
    (tmp_path / "executed" / "05_compare").mkdir(parents=True)
    (tmp_path / "executed" / "05_compare" / "grid.ipynb").write_text(json.dumps({"cells": cells}))
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text(f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n")
    return tmp_path


def test_the_findings_are_copied_between_the_comments_and_nothing_else_changes(project):
    assert readme.main([]) == 0
    text = (project / "README.md").read_text()
    told = "**What holds**:\nnothing.\n\n| run |\n|---|\n| a |"
    assert text == f"before\n{readme.BEGIN}\n\n{told}\n\n{readme.END}\nafter\n"
    assert (project / "docs" / "all_runs.png").read_bytes() == b"a picture"


def test_a_readme_that_drifted_is_told_and_left_alone(project, capsys):
    assert readme.main(["--check"]) == 1
    assert "README.md is not what grid.ipynb shows" in capsys.readouterr().out
    assert "old" in (project / "README.md").read_text() and not (project / "docs" / "all_runs.png").exists()
    readme.main([])
    assert readme.main(["--check"]) == 0


def test_what_is_missing_is_one_sentence(project):
    (project / "README.md").write_text("no comments")
    with pytest.raises(UserError, match="once each"):
        readme.main([])
    (project / "executed" / "05_compare" / "grid.ipynb").write_text('{"cells": []}')
    with pytest.raises(UserError, match="tagged 'headline'"):
        readme.main([])


@pytest.mark.skipif(
    not (paths.PROJECT / "executed/05_compare/grid.ipynb").exists(), reason="no executed comparison is here"
)
def test_our_own_readme_says_what_our_executed_comparison_shows():
    assert readme.main(["--check"]) == 0
