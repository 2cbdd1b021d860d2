"""People's judgements: on the disk before anybody is told so, by many hands at once, and never taken away."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from fake_laboratory import Laboratory
from wikitopics import cli, judgements, paths
from wikitopics.commands.clean import WRITTEN
from wikitopics.judgements import Journals, annotations, append, journal, take_over_all, verdicts

WRITER = """
import sys
from pathlib import Path
from wikitopics.show.browser.reviews import Reviews

folder, person, number, count = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
reviews = Reviews(folder, person)
for i in range(count):
    reviews.put((f"{number} {i}.png", "Food", "false positive"), "label wrong", ["Food", "Art"])
    print(i, flush=True)
"""


def writer(folder: Path, person: str, number: int, count: int) -> subprocess.Popen:
    command = [sys.executable, "-c", WRITER, str(folder), person, str(number), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_four_processes_of_two_people_lose_nothing(tmp_path):
    writers = [writer(tmp_path, person, number, 200) for number, person in enumerate(["anna", "ben"] * 2)]
    assert [process.communicate()[1] or process.returncode for process in writers] == [0] * 4
    table = verdicts(tmp_path)
    assert len(table) == 800 and table["title"].nunique() == 800
    assert table["reviewer"].value_counts().to_dict() == {"anna": 400, "ben": 400}
    assert all(names == ["Food", "Art"] for names in table["corrected_labels"])


def test_what_was_said_to_be_saved_is_there_after_a_kill(tmp_path):
    process = writer(tmp_path, "anna", 0, 100_000)
    told = [int(process.stdout.readline()) for _ in range(50)]
    process.send_signal(signal.SIGKILL)
    rest = process.communicate()[0]
    told += [int(line) for line in rest.splitlines()]
    there = set(verdicts(tmp_path)["title"])
    assert {f"0 {i}.png" for i in told} <= there and len(there) <= len(told) + 1


def test_a_torn_line_costs_itself_and_nothing_else(tmp_path):
    append(tmp_path, "anna", [{"title": "a", "labels": ["Food"]}])
    with open(journal(tmp_path, "anna"), "a") as file:
        file.write('{"title": "half')
    assert annotations(tmp_path)["title"].tolist() == ["a"]
    append(tmp_path, "anna", [{"title": "b", "labels": []}])
    assert annotations(tmp_path)["title"].tolist() == ["a", "b"]
    assert annotations(tmp_path)["labels"].tolist() == [["Food"], []]


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "{}",
        "null",
        "\ud800",
        '{"title": 3, "time": "2026", "person": "x"}',
        "[" * 100_000,
        "x" * 3_000_000,
    ],
)
def test_lines_that_are_no_judgements_are_passed_over(tmp_path, line):
    append(tmp_path, "anna", [{"title": "a", "labels": ["Food"]}])
    with open(journal(tmp_path, "ben"), "w", encoding="utf-8", errors="surrogatepass") as file:
        file.write(line + "\n")
    assert annotations(tmp_path)["annotator"].tolist() == ["anna"]
    assert len(Journals(tmp_path).news()) == 1


def test_the_last_word_counts_even_when_the_clock_went_back(tmp_path):
    for when, labels in (("2026-11-29T10:00:00Z", ["Food"]), ("2026-11-29T09:00:00Z", ["Art"])):
        append(tmp_path, "anna", [{"title": "a", "labels": labels, "time": when}])
    assert annotations(tmp_path)["labels"].tolist() == [["Art"]]


@pytest.mark.parametrize("person", ["", "../../etc", "a/b", "Zoë", "." * 300, "CON", "x\0y"])
def test_any_name_has_a_journal_in_the_folder(tmp_path, person):
    append(tmp_path / "run", person, [{"title": "a", "labels": []}])
    assert [path.parent for path in tmp_path.rglob("*.jsonl")] == [tmp_path / "run"]
    assert annotations(tmp_path / "run")["annotator"].tolist() == [person or judgements.UNNAMED]


def test_a_full_disk_is_an_error_and_leaves_the_journal_as_it_was():
    """On a real file system without room: /dev/full refuses what is written to it."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with open("/dev/full", "r+b", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        judgements._write(file.fileno(), b"a line\n")


def test_a_read_only_folder_is_an_error(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    tmp_path.chmod(0o500)
    with pytest.raises(OSError, match="denied"):
        append(tmp_path / "run", "anna", [{"title": "a"}])


def old_tables(root: Path) -> None:
    """Judgements as version 0.2 kept them."""
    rows = [["a.png", "Food", "false positive", "label wrong", ["Art"], "", "2026-01-01T00:00:00Z"]]
    rows += [["b.png", "Food", "false negative", "unsure", None, "ben", "2026-01-02T00:00:00Z"]]
    place = root / "data/04_evaluate/x"
    place.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(
        rows, columns=judgements.VERDICT_COLUMNS[:4] + ["corrected_labels", "reviewer", "time"]
    ).to_parquet(place / "reviews.parquet")
    place = root / "data/01_labels/a"
    place.mkdir(parents=True, exist_ok=True)
    names = [f"{i}.png" for i in range(60)]
    table = {"title": names * 2, "annotator": ["x"] * 60 + ["y"] * 60, "labels": [["Food"]] * 120}
    pd.DataFrame(table | {"time": "2026-01-01T00:00:00Z"}).to_parquet(place / "annotations.parquet")


def test_tables_of_earlier_versions_are_taken_over_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    old_tables(tmp_path)
    assert [sentence.split(" ")[0] for sentence in take_over_all()] == ["2", "120"] and take_over_all() == []
    assert verdicts("x")["corrected_labels"].tolist() == [["Art"], None]
    assert verdicts("x")["reviewer"].tolist() == ["unnamed", "ben"]
    assert len(annotations("a")) == 120 and set(annotations("a")["annotator"]) == {"x", "y"}
    assert (tmp_path / "data/01_labels/a/annotations.taken_over.parquet").exists()


def test_no_command_takes_a_judgement_away(tmp_path, monkeypatch, capsys):
    """Annotations and verdicts, old and new: remakes, changed parameters and `clean` leave them alone."""
    laboratory = Laboratory(tmp_path)
    laboratory.small()
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    laboratory.run("04_evaluate")
    old_tables(tmp_path)
    append(paths.judgements_folder("01_labels", "a"), "anna", [{"title": "new.png", "labels": ["Art"]}])
    laboratory.params("01_labels/a", "value: 5")
    said = laboratory.run("04_evaluate")
    assert "120 judgements of data/01_labels/a/annotations.parquet are now in judgements/01_labels/a" in said
    laboratory.run("--again", "04_evaluate", "01_labels")
    assert cli.main(["clean"]) == 0 and not (tmp_path / "data/01_labels/b").exists()
    laboratory.run("04_evaluate")
    assert len(annotations("a")) == 121 and len(verdicts("x")) == 2
    kept = tmp_path / "data/01_labels/a/annotations.taken_over.parquet"
    assert len(pd.read_parquet(kept)) == 120


def test_clean_alone_takes_old_tables_over_first(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    old_tables(tmp_path)
    (tmp_path / "data/04_evaluate/x/metrics.json").write_text("{}")
    assert cli.main(["clean"]) == 0
    assert len(annotations("a")) == 120 and len(verdicts("x")) == 2
    assert sorted(path.name for path in (tmp_path / "data/04_evaluate/x").iterdir()) == [
        "reviews.taken_over.parquet"
    ]


def test_an_old_table_never_takes_the_place_of_a_newer_word(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    old_tables(tmp_path)
    before = pd.read_parquet(tmp_path / "data/04_evaluate/x/reviews.parquet").iloc[0]
    about = {name: before[name] for name in ("title", "label", "kind")}
    append(paths.judgements_folder("04_evaluate", "x"), before["reviewer"], [about | {"verdict": "unsure"}])
    take_over_all()
    table = verdicts("x").set_index(["title", "label", "kind"])
    assert table.loc[tuple(about.values()), "verdict"] == "unsure" and len(table) == 2


@pytest.mark.parametrize("record", [None, "made by version 0.2"])
def test_clean_leaves_a_persons_files_in_an_unfinished_run(tmp_path, monkeypatch, capsys, record):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    folder = tmp_path / "data/02_images/x"
    (folder / "chunks").mkdir(parents=True)
    for name in ("images.npy", "chunks/0.arrow", "my notes.txt", "funnel.json"):
        (folder / name).write_text("1")
    if record:
        (folder / "run.json").write_text("{}")
    assert cli.main(["clean"]) == 0
    assert [path.name for path in folder.iterdir()] == ["my notes.txt"]
    assert "kept, since no run wrote it: data/02_images/x/my notes.txt" in capsys.readouterr().out


def test_clean_knows_every_file_that_the_notebooks_say_they_write():
    for stage in paths.STAGES:
        first = json.loads(paths.notebook(stage).read_text())["cells"][0]["source"]
        writes = "".join(first).split("Writes under")[1].split(". ")[0]
        names = set(re.findall(r"`([\w.]+\.\w+)`", writes))
        assert names and names <= WRITTEN, stage


def test_a_line_is_what_anybody_can_read(tmp_path):
    append(tmp_path, "anna", [{"title": "Zoë.png", "labels": ["Food"]}])
    entry = json.loads(journal(tmp_path, "anna").read_text("utf-8"))
    assert entry.keys() == {"title", "labels", "person", "time"} and entry["person"] == "anna"
    assert time.strptime(entry["time"], "%Y-%m-%dT%H:%M:%SZ")
