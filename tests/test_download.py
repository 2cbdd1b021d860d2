"""The downloader: one row for every file, nothing twice, stopped at any moment; and who may download."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from small_commons import small_commons, small_pictures
from wikitopics import cli
from wikitopics.commands.download import listed
from wikitopics.errors import UserError
from wikitopics.params import read_params
from wikitopics.sources import open_source
from wikitopics.sources.online.action_api import ActionApi
from wikitopics.sources.online.download import download, put
from wikitopics.sources.online.http import Client, Failed, Manners, same_host
from wikitopics.sources.online.journal import Journal, held
from wikitopics.sources.online.wiki_pages import STEPS, standard_width
from wikitopics.sources.reading import TooLarge

QUICK = Manners("tests@example.org", api_pause=0, slow_pause=0, first_wait=0.01, attempts=3, timeout=5)


def fetch(wiki, titles, folder, **options):
    with Client(QUICK) as client:
        counts = download(titles, ActionApi(client, wiki.api), folder, 330, **options)
    return counts, pd.read_parquet(folder / "manifest.parquet").set_index("title")


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


# --- one row for every file ----------------------------------------------------------------------------


def test_every_file_has_a_row_and_nothing_is_fetched_twice(tmp_path):
    pictures = small_pictures(120)
    titles = [*pictures, "Old.png", "Nowhere.png"]
    with small_commons(pictures, {"Old.png": "Picture 0007.png"}) as wiki:
        counts, rows = fetch(wiki, titles, tmp_path)
        assert counts == {"fetched": 120, "renamed": 1, "missing": 1}
        assert rows.index.tolist() == titles
        assert rows.loc["Old.png", "detail"] == "Picture 0007.png"
        before = wiki.asked.copy()
        assert all(count == 1 for title, count in before.items() if title != "api")
        fetch(wiki, titles, tmp_path)
        assert wiki.asked == before
    row = rows.loc["Picture 0003.png"]
    assert (row.width, row.height, row.format, row.creator, row.licence) == (16, 12, "PNG", "Ann", "CC0")
    assert (tmp_path / "pictures" / row.path).read_bytes() == pictures["Picture 0003.png"]
    assert rows.loc["Picture 0009.png", "path"] == rows.loc["Picture 0008.png", "path"]


def test_a_picture_that_went_lost_is_fetched_again_and_alone(tmp_path):
    with small_commons(small_pictures(5)) as wiki:
        _, rows = fetch(wiki, list(wiki.pictures), tmp_path)
        (tmp_path / "pictures" / rows["path"].iloc[2]).write_bytes(b"")
        wiki.asked.clear()
        fetch(wiki, list(wiki.pictures), tmp_path)
        assert set(wiki.asked) == {"api", "Picture 0002.png"}


def test_what_failed_is_tried_first_or_alone(tmp_path):
    with small_commons(small_pictures(4)) as wiki:
        good = dict(wiki.pictures)
        info = wiki._page
        wiki._page = lambda title: _spoilt(info(title), title)
        counts, rows = fetch(wiki, list(good)[:3], tmp_path)
        assert counts == {"fetched": 2, "failed": 1}
        failed = rows.loc["Picture 0001.png"]
        assert (failed.status, failed.reason, failed.attempts) == ("failed", "wrong content", 3)
        wiki._page = info
        wiki.asked.clear()
        counts, rows = fetch(wiki, list(good), tmp_path, only_failed=True)
        assert set(wiki.asked) == {"api", "Picture 0001.png"} and counts["waiting"] == 1
        assert fetch(wiki, list(good), tmp_path)[0] == {"fetched": 4}


def _spoilt(page, title):
    """The wiki believes that this file has other bytes."""
    if title == "Picture 0001.png":
        page["imageinfo"][0]["sha1"] = "0" * 40
    return page


def test_the_source_reads_what_came(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    with small_commons(small_pictures(3)) as wiki:
        fetch(wiki, list(wiki.pictures)[:2], tmp_path / "got")
    columns = dict.fromkeys(["creator", "licence"], "") | dict.fromkeys(["categories", "articles"])
    names = list(wiki.pictures)
    files = pd.DataFrame({"title": names, "path": names}).assign(**columns)
    files.to_parquet(tmp_path / "got" / "files.parquet")
    source = open_source("commons_api", image_root="got")
    assert source.files().attrs["notes"] == {"files whose picture is not downloaded": 1}
    assert source.read(names[0], 10_000) == wiki.pictures[names[0]]
    with pytest.raises(TooLarge):
        source.read(names[0], 10)
    with pytest.raises(FileNotFoundError):
        source.read(names[2], 10_000)
    with pytest.raises(UserError, match="must be a folder made by `wikitopics download`"):
        open_source("commons_api", image_root="elsewhere").files()


# --- manners -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("contact", ["", "me", "python-requests", "a@b.org\r\nCookie: x", "é@b.org"])
def test_nobody_downloads_without_an_address(contact):
    with pytest.raises(UserError, match="contact must be an e-mail or web address"):
        Client(Manners(contact))


@pytest.mark.parametrize("width", [1, 224, 330, 331, 3840])
def test_the_next_standard_width_is_taken(width):
    assert standard_width(width) in STEPS and standard_width(width) >= width
    assert not [step for step in STEPS if width <= step < standard_width(width)]


def test_too_wide_is_told():
    with pytest.raises(UserError, match="width must be from 1 to 3840"):
        standard_width(3841)


@pytest.mark.parametrize("target", ["http://a.org/x", "https://b.org/x", "//b.org/x", "https://a.org:8443/x"])
def test_redirects_to_other_hosts_or_without_encryption_are_refused(target):
    with pytest.raises(Failed, match="redirected elsewhere"):
        same_host("https://a.org/", target)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "needs one of --category, --list and --categories"),
        (["--category", "Cats", "--categories", "x.csv"], "has --category and --categories; give one"),
        (["--categories", "x.csv", "--max-files", "5"], "whose column max_files says it of each"),
        (["--category", "Cats", "--depth", "-1"], "must be at least 0"),
        (["--category", "Cats", "--topics", "index"], "--topics needs articles"),
        (["--category", "Cats"], "contact must be"),
        (["--list", "nowhere.txt"], "--list must be a text file"),
        (["--category", "Cats", "--only-pictures"], "--only-pictures needs a list"),
        (["--category", "Cats", "--width", "4000"], "width must be from 1 to 3840"),
    ],
)
def test_a_wrong_command_is_one_sentence(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    assert cli.main(["download", "cats", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1


def test_a_list_may_hold_titles_addresses_or_be_a_table(tmp_path):
    list_, table = tmp_path / "list.txt", tmp_path / "list.parquet"
    address = "https://upload.wikimedia.org/wikipedia/commons"
    original, thumbnail = "/5/5f/Oxydactylus_longipes_fm.jpg", "/thumb/8/87/A_red_fox.jpg/330px-A_red_fox.jpg"
    list_.write_text(f"File:a_red__fox.jpg\n\n{address}{original}\n{address}{thumbnail}\n")
    assert listed(list_) == ("A red fox.jpg", "Oxydactylus longipes fm.jpg")
    pd.DataFrame({"title": ["A red fox.jpg"], "path": [""]}).to_parquet(table)
    assert listed(table) == ("A red fox.jpg",)
    for content in (b"\xff\xfe", b"https://example.org/a.jpg\n"):
        list_.write_bytes(content)
        with pytest.raises(UserError, match=r"--list must|is an address of no wiki"):
            listed(list_)


def test_the_params_files_in_the_text_are_taken_by_notebook_01(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    folder = tmp_path / "data" / "downloads" / "owls"
    folder.mkdir(parents=True)
    (folder / "topics.parquet").touch()
    text = (Path(__file__).resolve().parents[1] / "docs" / "downloading.md").read_text("utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        file = tmp_path / "params" / "01_labels" / f"{block.split()[1]}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block, "utf-8")
        _, parameters = read_params("01_labels", file.stem)
        assert open_source(parameters["source"], image_root=parameters["image_root"]).name == "commons_api"


def test_every_option_in_the_text_is_one_of_the_command():
    text = (Path(__file__).resolve().parents[1] / "docs" / "downloading.md").read_text("utf-8")
    known = cli.parser("download").parse_args(["download", "x"])
    options = {option.replace("-", "_") for option in re.findall(r"--([a-z][a-z-]+)", text)}
    assert options <= set(vars(known)) and len(options) >= 8


# --- stopped at any moment -----------------------------------------------------------------------------


def test_a_journal_cut_off_in_a_line_loses_that_line_only(tmp_path):
    columns = {"name": "", "size": 0}
    journal = Journal(tmp_path / "t.parquet", columns)
    for number in range(3):
        journal.put(name=f"n{number}", size=number)
    file = tmp_path / "t.journal"
    file.write_bytes(file.read_bytes()[:-5])
    again = Journal(tmp_path / "t.parquet", columns)
    again.put(name="n9", size=9)
    assert Journal(tmp_path / "t.parquet", columns).rows.keys() == {"n0", "n1", "n9"}
    again.close(["n9"])
    assert pd.read_parquet(tmp_path / "t.parquet")["name"].tolist() == ["n9", "n0", "n1"]
    assert not file.exists()


def test_two_at_a_time_in_one_folder_are_refused(tmp_path):
    with held(tmp_path), pytest.raises(UserError, match="one download at a time"), held(tmp_path):
        pass


def test_a_picture_is_written_once(tmp_path):
    sha1, path = put(tmp_path, b"picture", "PNG")
    os.utime(tmp_path / path, (1, 1))
    assert put(tmp_path, b"picture", "PNG") == (sha1, path)
    assert (tmp_path / path).stat().st_mtime == 1


DOWNLOAD = """\
import sys
from pathlib import Path
from test_download import fetch
class wiki: api = sys.argv[1]
fetch(wiki, Path(sys.argv[3]).read_text().splitlines(), Path(sys.argv[2]))
"""


def start(wiki, folder: Path, titles: Path) -> subprocess.Popen:
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", DOWNLOAD, wiki.api, folder, titles]
    return subprocess.Popen(command, env=here, stdout=subprocess.DEVNULL)


def fetched(folder: Path) -> set[str]:
    """Titles that the journal of a download calls fetched; a last line that was cut off does not count."""
    journal = folder / "manifest.journal"
    lines = journal.read_bytes().splitlines(keepends=True) if journal.exists() else []
    rows = [json.loads(line) for line in lines if line.endswith(b"\n")]
    return {row["title"] for row in rows if row["status"] == "fetched"}


@pytest.mark.slow
def test_killed_at_30_random_moments_the_tables_are_those_of_an_undisturbed_run(tmp_path):
    pictures, chance = small_pictures(700), random.Random(0)
    titles = tmp_path / "titles.txt"
    titles.write_text("\n".join([*pictures, "Old.png", "Nowhere.png"]))
    with small_commons(pictures, {"Old.png": "Picture 0007.png"}) as wiki:
        assert start(wiki, tmp_path / "whole", titles).wait() == 0
        wiki.asked.clear()
        known: dict[str, int] = {}  # on the disk when a process died -> how often asked for by then
        for number in range(30):
            child, asked = start(wiki, tmp_path / "killed", titles), wiki.asked.total()
            wanted, until = chance.randint(0, 20), time.monotonic() + chance.uniform(0, 0.05)
            while child.poll() is None and wiki.asked.total() < asked + wanted:
                time.sleep(0.001)
            time.sleep(max(0, until - time.monotonic()))
            child.send_signal(signal.SIGKILL)
            assert child.wait() == -signal.SIGKILL, f"run {number} was over before it was killed"
            known |= {title: wiki.asked[title] for title in fetched(tmp_path / "killed") - known.keys()}
        assert start(wiki, tmp_path / "killed", titles).wait() == 0
        again = {title: wiki.asked[title] for title in known}
    whole, killed = tree(tmp_path / "whole"), tree(tmp_path / "killed")
    left = [path for path in killed if path.endswith(".part")]
    assert len(left) <= 30
    tables = [pd.read_parquet(tmp_path / run / "manifest.parquet") for run in ("whole", "killed")]
    pd.testing.assert_frame_equal(*tables)
    assert {p: b for p, b in killed.items() if p.startswith("pictures") and p not in left} == {
        p: b for p, b in whole.items() if p.startswith("pictures")
    }
    assert len(known) > 30 and again == known
