"""Digests that are remembered: no file is read twice, and no change is missed."""

import os
import sqlite3

import pytest

from dump_planted import plant
from test_wit import row, url, write_tsv
from wikitopics import known_digests
from wikitopics.artefacts import write_table
from wikitopics.runs import fingerprint
from wikitopics.sources import open_source, reading
from wikitopics.sources.reading import hash_inside, stored_path


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    return tmp_path


@pytest.fixture
def settled(monkeypatch):
    """Files count as old at once, as they are a moment later; what was read is listed."""
    monkeypatch.setattr(known_digests, "SETTLED", -10.0)
    read, whole = [], reading._of_the_beginning
    monkeypatch.setattr(reading, "_of_the_beginning", lambda real: (read.append(real), whole(real))[1])
    return read


def afresh() -> None:
    """As the next process: nothing but what is on the disk is known."""
    known_digests.remember()
    known_digests._MEMORIES.clear()


def put(path, content: bytes = b"picture"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_file_is_read_once_by_all_that_come_after(root, settled):
    put(root / "a.jpg")
    first = hash_inside(root, "a.jpg")
    afresh()
    assert hash_inside(root, "a.jpg") == first and len(settled) == 1


@pytest.mark.parametrize("way", ["written", "replaced", "times put back", "moved here"])
def test_every_change_is_seen(root, settled, way):
    file = put(root / "a.jpg", b"before")
    first, times = hash_inside(root, "a.jpg"), file.stat()
    afresh()
    if way in ("written", "times put back"):
        with open(file, "r+b") as stream:
            stream.write(b"after!")
    else:
        put(root / "b.jpg", b"after!")
        os.replace(root / "b.jpg", file)
    if way != "written":
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert file.stat().st_size == 6
    assert hash_inside(root, "a.jpg") != first


def test_what_was_written_a_moment_ago_is_not_remembered(root):
    put(root / "a.jpg")
    hash_inside(root, "a.jpg")
    known_digests.remember()
    assert not (root / "data" / known_digests.NAME).exists()


@pytest.mark.parametrize("damage", ["no database", "cut", "another table", "a folder"])
def test_a_damaged_memory_is_only_forgotten(root, settled, damage):
    put(root / "a.jpg")
    first, file = hash_inside(root, "a.jpg"), root / "data" / known_digests.NAME
    afresh()
    if damage == "no database":
        file.write_bytes(b"x" * 5000)
    elif damage == "cut":
        os.truncate(file, 5000)
    elif damage == "another table":
        file.unlink()
        sqlite3.connect(file).executescript("CREATE TABLE digests (a)")
    else:
        file.unlink()
        file.mkdir()
    assert hash_inside(root, "a.jpg") == first
    afresh()
    assert hash_inside(root, "a.jpg") == first


def test_files_of_any_age_size_and_name_are_remembered(root, settled):
    name = os.fsdecode(b"caf\xe9\n.jpg")
    os.utime(put(root / name), ns=(0, -(10**18)))
    first = hash_inside(root, name)
    afresh()
    assert hash_inside(root, name) == first and len(settled) == 1


def _finds_small(find):
    return lambda path, *more, **named: find(str(path).replace("A.jpg", "a.jpg"), *more, **named)


@pytest.mark.parametrize("others", [[], ["b.jpg"]])
def test_a_file_that_its_folder_lists_under_another_name_is_looked_at_each_time(
    root, settled, monkeypatch, others
):
    """As on a Mac, or a share of Windows: a name is found in any case and composition."""
    put(root / "set" / "a.jpg", b"before")
    put(root / "set" / "b.jpg")
    for module, name in ((os.path, "lexists"), (os, "stat"), (os, "open")):
        monkeypatch.setattr(module, name, _finds_small(getattr(module, name)))
    reading.named_digest(root / "set", others)
    first = reading.named_digest(root / "set", ["A.jpg", *others])
    assert reading.named_digest(root / "set", ["A.jpg", *others]) == first
    afresh()
    put(root / "set" / "a.jpg", b"after!!")
    assert reading.named_digest(root / "set", ["A.jpg", *others]) != first


@pytest.mark.parametrize("way", ["written", "replaced", "times put back", "renamed", "new", "gone", "linked"])
def test_a_folder_known_as_a_whole_is_not_read_again_and_no_change_in_it_is_missed(root, settled, way):
    for name in ("a.jpg", "b.jpg", "in/a.jpg", "in/b.jpg", "in/deep/c.jpg"):
        put(root / "set" / name, name.encode())
    put(root / "other.jpg", b"other.")
    put(root / "set" / ".hidden" / "l.jpg", b"l.jpg")  # listed by its link alone
    (root / "set" / "in" / "link.jpg").symlink_to(root / "set" / ".hidden" / "l.jpg")
    source, file = open_source("folder", image_root="set"), root / "set" / "in" / "b.jpg"
    first, times = source.fingerprint(), file.stat()
    afresh()
    read = len(settled)
    assert source.fingerprint() == first and len(settled) == read > 0
    if way in ("written", "times put back"):
        file.write_bytes(b"in/X.jpg")
    elif way == "replaced":
        os.replace(put(root / "new.jpg", b"in/X.jpg"), file)
    elif way == "renamed":
        os.rename(file, file.with_name("z.jpg"))
    elif way == "new":
        put(file.with_name("z.jpg"))
    elif way == "gone":
        file.unlink()
    else:  # a link's own size and times stay
        put(root / "set" / ".hidden" / "l.jpg", b"L.jpg")
    if way == "times put back":
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    changed = source.fingerprint()
    afresh()
    assert source.fingerprint() == changed != first
    names = {"gone": set(), "renamed": {"z.jpg"}, "new": {"z.jpg"}, "linked": {"l.jpg"}}.get(way, {"b.jpg"})
    assert {os.path.basename(place) for place in settled[read:]} == names


def test_what_cannot_be_read_now_is_tried_again(root, settled, monkeypatch):
    put(root / "set" / "a.jpg"), put(root / "set" / "b.jpg")
    source, whole = open_source("folder", image_root="set"), reading._of_the_beginning

    def refused(real):
        if os.path.basename(real) == "a.jpg":
            raise PermissionError(13, "not yours", real)
        return whole(real)

    with monkeypatch.context() as another:
        another.setattr(reading, "_of_the_beginning", refused)
        without = source.fingerprint()
        afresh()
    assert source.fingerprint() != without


def test_a_folder_that_was_changed_a_moment_ago_is_not_remembered(root):
    put(root / "set" / "a.jpg")
    open_source("folder", image_root="set").fingerprint()
    known_digests.remember()
    assert not (root / "data" / known_digests.NAME).exists()


def test_names_that_are_no_text_are_known_too(root, settled):
    put(root / "set" / os.fsdecode(b"caf\xe9\n.jpg"))
    source = open_source("folder", image_root="set")
    first = source.fingerprint()
    afresh()
    assert source.fingerprint() == first and len(settled) == 1


def sources(root):
    """A dump, WIT and a folder of `download`, with one picture each."""
    plant(root / "dump")
    write_tsv(
        root / "wit" / "wit_v1.train.all-00000-of-00010.tsv.gz",
        [row("https://en.wikipedia.org/wiki/Cat", url("A.jpg"))],
    )
    put(root / "pictures" / stored_path("A.jpg"))
    put(root / "api" / "pictures" / "a.jpg")
    write_table(root / "api" / "manifest.parquet", manifest("A.jpg", "a.jpg"))
    put(root / "api" / "files.parquet", b"")
    return {
        "pictures/" + stored_path("A.jpg"): [
            open_source("commons_dump", dump="dump", image_root="pictures"),
            open_source("wit", wit="wit", image_root="pictures"),
        ],
        "api/pictures/a.jpg": [
            open_source("commons_api", image_root="api"),
            open_source("commons_dump", dump="dump", image_root="api"),
        ],
    }


def manifest(title: str, path: str):
    import pandas as pd

    return pd.DataFrame({"title": [title], "path": [path]})


def test_new_and_replaced_pictures_are_seen_in_every_source(root):
    (root / "wit").mkdir()
    for place, opened in sources(root).items():
        before = [source.fingerprint() for source in opened]
        assert [source.fingerprint() for source in opened] == before
        put(root / place, b"another")
        replaced = [source.fingerprint() for source in opened]
        put(root / place).with_name("new.jpg").write_bytes(b"new")
        come = [source.fingerprint() for source in opened]
        for three in zip(before, replaced, come, strict=True):
            assert len(set(three)) == 3


def test_what_reads_labels_depends_on_the_pictures_of_their_source():
    """01 comes out the same when a picture is replaced; 02 must not be spared."""
    from wikitopics.runs.record import Origin, _content

    one, other = (Origin({"data": {"source": digest}}, {}) for digest in ("1", "2"))
    assert fingerprint.key(_content(one, {}, {})) != fingerprint.key(_content(other, {}, {}))


def test_what_reads_labels_depends_on_the_words_of_their_own_taxonomy():
    """01 comes out the same when a prompt is changed; 03, whose head may be these words, must not be."""
    from wikitopics.runs.record import Origin, _content

    one, other = (Origin({"data": {"source": "1", "taxonomy": digest}}, {}) for digest in ("1", "2"))
    assert fingerprint.key(_content(one, {}, {})) != fingerprint.key(_content(other, {}, {}))
    shipped = Origin({"data": {"source": "1"}}, {})
    assert _content(shipped, {}, {}).keys() == {"parameters", "files", "source"}, "as records have it"
