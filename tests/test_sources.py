"""Sources: what a table or a folder says reaches the files table, and no path leads out of its root."""

import os
import pickle
import shutil
import unicodedata
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikitopics import paths
from wikitopics.errors import UserError
from wikitopics.sources import describe, open_source
from wikitopics.sources.files import COLUMNS, unique_titles
from wikitopics.sources.folder import path_key, path_of_key
from wikitopics.sources.inputs import located_input, paths_of
from wikitopics.sources.reading import Refused, TooLarge, stored_path
from wikitopics.titles import mediawiki_title


def put(path: Path, content: bytes = b"picture") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    return tmp_path


def table_source(root: Path, text: str):
    put(root / "set.csv", text.encode())
    (root / "pictures").mkdir(exist_ok=True)
    return open_source("table", table="set.csv", image_root="pictures")


# --- opening -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"source": "moon"}, "source must be one of sample, table, folder.*, but is 'moon'"),
        ({"source": "table", "image_root": "x"}, "needs table"),
        ({"source": "folder", "image_root": "x", "table": "y.csv"}, "table='y.csv'"),
    ],
)
def test_a_wrong_source_is_one_sentence(arguments, words):
    with pytest.raises(UserError, match=words):
        open_source(**arguments)


def test_a_source_survives_description_and_pickling():
    source = open_source("table", table="a.csv", image_root="b")
    described = describe(source)
    assert open_source(described["source"], **described["options"]) == source
    assert pickle.loads(pickle.dumps(source)) == source


# --- table ---------------------------------------------------------------------------------------------


def test_a_table_may_be_csv_or_parquet_with_texts_or_lists(root):
    source = table_source(
        root, "path,title,categories,human\na/x.jpg,,Cats|Pets,Animals\nb/y.png,File:a_dog.png,,\n"
    )
    files = source.files()
    assert files["title"].tolist() == ["X.jpg", "A dog.png"]
    assert files["categories"].tolist() == [["Cats", "Pets"], []]
    assert list(files.columns[:6]) == COLUMNS
    assert source.human("v1.4").to_dict("list") == {"title": ["X.jpg"], "labels": [["Animals"]]}

    pd.DataFrame({"path": ["a/x.jpg"], "labels": [["Cats", "Pets"]]}).to_parquet(root / "set.parquet")
    files = open_source("table", table="set.parquet", image_root="pictures").files()
    assert files["labels"].tolist() == [["Cats", "Pets"]]
    assert "human" not in files


@pytest.mark.parametrize(
    "text, words",
    [
        ("file,labels\nx.jpg,Cats\n", "must have the columns path, but set.csv has file, labels"),
        ("path,labels\nx.jpg,Cats\n,Dogs\n", "1 of 2 rows have none"),
        ("path\n" + "x,y\nx,y,z\n", "2 cells in line 2 and 1 columns"),
    ],
)
def test_a_wrong_table_is_one_sentence(root, text, words):
    with pytest.raises(UserError, match=words) as caught:
        table_source(root, text).files()
    assert "\n" not in str(caught.value)


def test_missing_table_and_missing_root_are_told(root):
    with pytest.raises(UserError, match=r"nowhere\.csv is none"):
        open_source("table", table="nowhere.csv", image_root=".").files()
    with pytest.raises(UserError, match="image_root must be a folder"):
        open_source("folder", image_root="nowhere").files()


def test_table_fingerprint_follows_content_not_times(root):
    source = table_source(root, "path\nx.jpg\nmissing.jpg\n")
    picture = put(root / "pictures" / "x.jpg")
    first = source.fingerprint()
    os.utime(picture, (1, 1))
    assert source.fingerprint() == first
    put(picture, b"Picture")
    assert source.fingerprint() != first


ODD = {  # as a table may name a file -> where its bytes lie, below the folder of pictures
    "x.jpg": "x.jpg",
    "in/./x.jpg": "in/x.jpg",
    "linked/x.jpg": "in/x.jpg",
    "link.jpg": "in/x.jpg",
    "Caf\u00e9.jpg": "Cafe\u0301.jpg",
}


@pytest.mark.parametrize("named", ODD)
def test_the_fingerprint_of_a_table_follows_what_is_read_however_it_is_named(root, named):
    for place in {*ODD.values()}:
        put(root / "pictures" / place)
    (root / "pictures" / "linked").symlink_to("in")
    (root / "pictures" / "link.jpg").symlink_to("in/x.jpg")
    source = table_source(root, f"path\n{named}\n")
    assert source.read(named, 100) == b"picture"
    first = source.fingerprint()
    assert source.fingerprint() == first
    put(root / "pictures" / ODD[named], b"Picture")
    assert source.fingerprint() != first


@pytest.mark.parametrize("named", ["../outside.jpg", "/{root}/outside.jpg", "gone/x.jpg", ".."])
def test_the_fingerprint_of_a_table_is_of_no_file_outside(root, named):
    named = named.format(root=root).replace("//", "/")
    put(root / "outside.jpg")
    source = table_source(root, f"path\n{named}\nx.jpg\n")
    put(root / "pictures" / "x.jpg")
    first = source.fingerprint()
    put(root / "outside.jpg", b"Picture")
    assert source.fingerprint() == first
    table_source(root, "path\nanother.jpg\nx.jpg\n")
    assert source.fingerprint() != first


# --- folder --------------------------------------------------------------------------------------------


def test_folders_are_categories_deepest_first(root):
    put(root / "set" / "animals" / "cats" / "tom_cat.jpg")
    put(root / "set" / "top.png", b"another")
    put(root / "set" / "animals" / "notes.txt")
    put(root / "set" / ".git" / "x.png")
    files = open_source("folder", image_root="set").files()
    assert files["path"].tolist() == ["animals/cats/tom_cat.jpg", "top.png"]
    assert files["title"].tolist() == ["Tom cat.jpg", "Top.png"]
    assert files["categories"].tolist() == [["cats", "animals"], []]
    assert files.attrs["notes"] == {
        "hidden folders left out": 1,
        "files left out that are not named as pictures": 1,
    }


def test_folders_of_other_systems_are_one_category(root):
    for number, folder in enumerate(["Café", "Cafe\u0301", "Café ", "café", "@eaDir/x", "__MACOSX"]):
        put(root / "set" / folder / f"{number}.jpg", folder.encode())
    files = open_source("folder", image_root="set").files()
    assert sorted(files["categories"].map(tuple)) == [("Café",)] * 3 + [("café",)]
    assert files.attrs["parents"] == {"Café": None, "café": None}
    assert files.attrs["notes"] == {
        "hidden folders left out": 2,
        "folders that differ from another only in capitals": 1,
    }


def test_pictures_that_cannot_be_read_are_listed_so_that_the_reason_is_told(root):
    put(root / "set" / "a.HEIC")
    put(root / "set" / "b.avif")
    assert open_source("folder", image_root="set").files()["path"].tolist() == ["a.HEIC", "b.avif"]


def test_names_that_are_not_text_or_not_one_line_are_listed_and_read(root):
    (root / "set").mkdir()
    for name in [b"caf\xe9.jpg", b"two\nlines.jpg", b"bytes:x.jpg", b"100%.jpg", "‮gpj.exe.jpg".encode()]:
        (root / "set" / os.fsdecode(name)).write_bytes(name)
    source = open_source("folder", image_root="set")
    files = source.files()
    assert len(files) == 5
    for path in files["path"]:
        path.encode()  # fits into any table
        assert source.read(path, 99) == os.fsencode(path_of_key(path))
    assert "Two lines.jpg" in set(files["title"]) and "Gpj.exe.jpg" in set(files["title"])


@given(st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name))
def test_path_keys_are_text_and_reversible(name):
    path = os.fsdecode(name)
    assert path_of_key(path_key(path)) == path
    path_key(path).encode()


def test_one_name_in_two_folders_gives_two_titles_and_is_counted(root):
    for folder in "ab":
        put(root / "set" / folder / "1.jpg", folder.encode())  # equal files would be one
    files = open_source("folder", image_root="set").files()
    assert files["title"].tolist() == ["1.jpg", "1 (2).jpg"]
    assert files.attrs["notes"] == {"titles made unique by a number": 1}


# --- reading -------------------------------------------------------------------------------------------


def test_no_path_leads_out_of_the_root(root):
    put(root / "secret.jpg")
    put(root / "set" / "in.jpg")
    os.symlink("../secret.jpg", root / "set" / "out.jpg")
    os.symlink("..", root / "set" / "up")
    os.symlink("in.jpg", root / "set" / "alias.jpg")
    source = open_source("folder", image_root="set")
    assert source.read("in.jpg", 99) == source.read("alias.jpg", 99) == b"picture"
    for path in [
        "out.jpg",
        "up/secret.jpg",
        "../secret.jpg",
        str(root / "secret.jpg"),
        "/etc/passwd",
        "a\0b",
    ]:
        with pytest.raises(Refused):
            source.read(path, 99)


def test_special_files_and_loops_are_refused_without_waiting(root):
    (root / "set").mkdir()
    os.mkfifo(root / "set" / "pipe.jpg")
    os.symlink("/dev/zero", root / "set" / "zero.jpg")
    os.symlink("loop.jpg", root / "set" / "loop.jpg")
    os.symlink(".", root / "set" / "again")
    os.symlink("nothing.jpg", root / "set" / "dangling.jpg")
    source = open_source("folder", image_root="set")
    assert sorted(source.files()["path"]) == ["dangling.jpg", "loop.jpg", "pipe.jpg", "zero.jpg"]
    for path in [*source.files()["path"], "again", "n" * 300, "missing.jpg"]:
        with pytest.raises(OSError):
            source.read(path, 99)
    assert len(source.fingerprint()) == 32


def test_a_large_file_is_not_read(root):
    put(root / "set" / "x.jpg", b"12345")
    with open(root / "set" / "sparse.jpg", "wb") as file:
        file.truncate(2 << 30)
    source = open_source("folder", image_root="set")
    assert source.read("x.jpg", 5) == b"12345"
    for path, limit in [("x.jpg", 4), ("sparse.jpg", 1 << 20)]:
        with pytest.raises(TooLarge):
            source.read(path, limit)
    source.fingerprint()


# --- titles --------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(["A.jpg", "A (2).jpg", "A (3).jpg", "B", ""]), max_size=12))
def test_unique_titles_are_unique_and_keep_the_first(titles):
    unique, changed = unique_titles(titles)
    assert len(set(unique)) == len(titles) == len(unique)
    assert changed == len(titles) - len(set(titles))
    assert unique == unique_titles(titles)[0]


@given(st.text(max_size=30))
def test_mediawiki_title_is_stable(name):
    title = mediawiki_title(name)
    assert "\n" not in title and "_" not in title and title == title.strip()


# --- sample --------------------------------------------------------------------------------------------


@pytest.mark.skipif(
    not (paths.sample_folder() / "sample.parquet").exists(), reason="the sample is not built yet"
)
def test_the_sample_has_unique_titles_bytes_and_a_human_view():
    source = open_source("sample", table="", image_root="")
    files = source.files()
    assert files["title"].is_unique
    assert all(len(source.read(path, 1 << 24)) >= 0 for path in files["path"])
    with pytest.raises(FileNotFoundError):
        source.read("no such title", 99)
    for taxonomy in ("v1.4", "ores-64"):
        human = source.human(taxonomy)
        assert set(human["title"]) <= set(files["title"]) and human["labels"].map(len).min() >= 1
    assert source.human("no taxonomy") is None


def test_a_small_sample_of_the_documented_form_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr("wikitopics.sources.sample.sample_folder", lambda: tmp_path)
    pd.DataFrame(
        {
            "title": ["A.png", "B.png"],
            "image": [b"one", b"two"],
            "creator": "c",
            "licence": "l",
            "folder": ["x", "y"],
        }
        | {"categories": [["Cats"], []], "articles": [[], ["Dog"]], "items": [["Q146"], []]}
    ).to_parquet(tmp_path / "sample.parquet")
    for name in ("categories.csv", "articles.csv", "items.csv"):
        put(tmp_path / name)
    put(tmp_path / "folders.csv", b"folder,taxonomy,label\nx,v1.4,Animals\nx,v1.4,Pets\ny,ores-64,Biology\n")
    source = open_source("sample")
    assert source.read("B.png", 3) == b"two"
    with pytest.raises(TooLarge):
        source.read("B.png", 2)
    assert source.files()["categories"].tolist() == [["Cats"], []]
    assert source.files()["items"].tolist() == [["Q146"], []] and source.items() == tmp_path / "items.csv"
    assert source.human("v1.4").to_dict("list") == {"title": ["A.png"], "labels": [["Animals", "Pets"]]}
    before = source.fingerprint()
    shutil.copy(tmp_path / "categories.csv", tmp_path / "articles.csv")
    assert source.fingerprint() == before
    put(tmp_path / "folders.csv", b"folder,taxonomy,label\n")
    assert source.fingerprint() != before


@pytest.mark.parametrize(
    "options",
    [
        {"source": "folder", "image_root": "~/p"},
        {"source": "table", "table": "~/p/t.csv", "image_root": "~/p"},
        {"source": "table", "table": "~/p/t.csv"},
    ],
)
def test_a_tilde_is_the_home_folder_in_every_path(root, monkeypatch, options):
    monkeypatch.setenv("HOME", str(root / "home"))
    put(root / "home" / "p" / "a.jpg")
    put(root / "home" / "p" / "t.csv", b"path\na.jpg\n")
    source = open_source(**options)
    assert source.files()["path"].tolist() == ["a.jpg"]
    assert source.read("a.jpg", 10) == b"picture"


def test_a_tilde_is_the_home_folder_of_downloaded_pictures_too(root, monkeypatch):
    monkeypatch.setenv("HOME", str(root / "home"))
    put(root / "home" / "p" / stored_path("A.jpg"))
    kinds = (
        {"source": "wit", "wit": "w"},
        {"source": "commons_dump", "dump": "d"},
        {"source": "commons_api"},
    )
    for source in kinds:
        assert open_source(**source, image_root="~/p").read("A.jpg", 10) == b"picture"


def test_the_home_of_nobody_is_one_sentence(root):
    with pytest.raises(UserError, match="must be the home of somebody known here"):
        open_source("folder", image_root="~no such person/p").files()


def test_paths_of_a_table_start_at_its_own_folder_as_in_inputs_of_06(root):
    put(root / "set" / "a.jpg")
    table = put(root / "set" / "t.csv", b"path\na.jpg\n")
    assert open_source("table", table="set/t.csv").read("a.jpg", 10) == b"picture"
    assert paths_of([located_input("set/t.csv")]) == [str(table.parent / "a.jpg")]


@pytest.mark.parametrize("written, there", [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_name_is_found_however_its_letters_are_composed(root, written, there):
    name = "Ünë/Ca\u0301fe\u0301.jpg"
    put(root / unicodedata.normalize(there, name))
    typed = unicodedata.normalize(written, name)
    assert len(paths_of([str(root / typed)])) == 1
    assert Path(paths_of([located_input(typed)])[0]).read_bytes() == b"picture"
    assert len(open_source("folder", image_root=os.path.dirname(typed)).files()) == 1
