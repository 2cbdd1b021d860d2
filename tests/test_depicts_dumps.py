"""Commons' structured data and Wikidata's pages of items, from their dumps: planted truths of every kind."""

import io
import json
from collections import Counter

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mariadb
from awkward_rows import AWKWARD, escaped
from depicts_planted import PAGES, entity, item, none, text, write_mediainfo, write_merged, write_pages
from dump_planted import plant
from sql_text import FORMS
from wikitopics.errors import UserError
from wikitopics.labels.depicts import read_items
from wikitopics.labels.label_sources import graph_for, items_for, label_from
from wikitopics.sources import open_source
from wikitopics.sources.dumps import mediainfo
from wikitopics.sources.dumps.mediainfo import (
    depicted,
    depicted_from,
    depicted_items,
    entities,
    write_depicted,
)
from wikitopics.sources.dumps.wikidata_items import items_from

CAPTION = {"en": {"language": "en", "value": 'says "P180" and {"type":"mediainfo"}, [\n] é 😀'}}
ENTITIES = [
    entity(20, "File:Tom's cat.jpg", [item(146), item(99), item(146)]),
    entity(22, "File:Map_'),('1.png", [item(4006, "preferred"), item(146), item(1, "deprecated")]),
    entity(23, "File:Talk.ogg", []),
    entity(24, "File:Nothing.jpg", {}),
    entity(26, "File:Gone.jpg", [none("somevalue"), none("novalue")]),
    entity(27, "File:Drawing.svg", [item(42, "deprecated")]),
    {**entity(28, "File:Caption.jpg", {}), "labels": CAPTION},
    {**entity(29, "File:Old.jpg", {}), "statements": {}, "claims": {"P180": [item(5)]}},
]
FOUND = {"Tom's cat.jpg": ["Q146", "Q99"], "Map '),('1.png": ["Q4006"], "Old.jpg": ["Q5"]}
COUNTS = {
    "files with structured data": 8,
    "files without a depicts statement": 3,
    "files whose depicts statements give no item": 2,
    "depicts statements": 10,
    "depicts statements that are deprecated": 2,
    "depicts statements that are less prominent than another": 1,
    "depicts statements of something unknown, or of nothing": 2,
}


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    return tmp_path


def read(data: bytes) -> tuple[dict[str, list[str]], dict[str, int]]:
    counts: Counter[str] = Counter()
    found = dict(depicted(entities(io.BytesIO(data)), counts))
    return found, {what: count for what, count in counts.items() if count}


# --- The dump of structured data


@pytest.mark.parametrize("suffix", [".json", ".json.gz", ".json.bz2"])
def test_every_kind_of_entity_is_read_or_counted(root, suffix):
    dump = write_mediainfo(root / f"commons-20260105-mediainfo{suffix}", ENTITIES)
    table, counts = depicted_from(dump)
    found = pd.read_parquet(table)
    assert dict(zip(found["title"], found["items"].map(list), strict=True)) == FOUND
    assert counts == COUNTS


ODD = [
    (b"{not json}", "lines that are no JSON object"),
    (b'["P180"]', "lines that are no JSON object"),
    (b'{"type":"mediainfo","id":"M1", cut off', "lines that are no JSON object"),
    (b'{"type":"mediainfo","title":"\xff","P180":1}', "lines that are no JSON object"),
    (b'{"a":' * 100_000, "lines that are no JSON object"),
    (b'{"type":"item","id":"Q146","title":"Q146"}', "entities that are no file's"),
    (b'{"type":"item","id":"M146","statements":{"P180":[]}}', "entities that are no file's"),
    (b'{"id":146}', "entities that are no file's"),
    (b'{"id":"M1\xd9\xa3"}', "entities that are no file's"),
    (b'{"entity":"M1","redirect":"M2"}', "entities that are redirects"),
]


@pytest.mark.parametrize("line, why", ODD)
def test_a_line_that_is_no_file_is_counted_and_taken_for_nothing_else(line, why):
    found, counts = read(text([line, ENTITIES[0]]))
    assert found == {"Tom's cat.jpg": ["Q146", "Q99"]}
    assert counts.pop(why) == 1
    assert counts == {"files with structured data": 1, "depicts statements": 3}


@pytest.mark.parametrize("title", ["", "Category:Cats", "File:\ud800.jpg", None, 7])
def test_a_file_whose_title_is_none_is_counted(title):
    line = json.dumps({**entity(1, "x", [item(1)]), "title": title}, separators=(",", ":")).encode()
    found, counts = read(text([line]))
    assert not found and counts["files with structured data but without a title"] == 1


@pytest.mark.parametrize(
    "statement",
    [None, 7, {}, {"mainsnak": 7}, {**item(1), "rank": "best"}, {**item(1), "rank": 7}, none("else"),
     none("value"), item(1, id="P31"), item(1, id="Q0"), item(1, id="Q1\n"),
     item(1, id=["Q1"], **{"numeric-id": -1}),
     item(1, id="", **{"entity-type": "lexeme"})],
)  # fmt: skip
def test_a_statement_that_makes_no_sense_is_counted_and_spoils_no_other(statement):
    counts: Counter[str] = Counter()
    assert depicted_items({"statements": {"P180": [statement, item(146)]}}, counts) == ["Q146"]
    assert +counts == {"depicts statements": 2, "depicts statements that make no sense": 1}


def test_an_item_is_known_by_its_number_alone_as_in_old_dumps():
    assert depicted_items({"statements": {"P180": [item(146, id="")]}}, Counter()) == ["Q146"]


@pytest.mark.parametrize(
    "statements", [[], {}, None, 7, {"P180": {"a": 1}}, {"P180": None}, {"P31": [item(1)]}]
)
def test_a_file_may_have_no_statements_in_any_form(statements):
    counts: Counter[str] = Counter()
    assert depicted_items({"statements": statements}, counts) == []
    assert +counts == {"files without a depicts statement": 1}


ranks = st.sampled_from(["preferred", "normal", "deprecated"])
statement = st.one_of(
    st.builds(item, st.integers(1, 5), ranks),
    st.builds(none, st.sampled_from(["somevalue", "novalue"]), ranks),
)


@settings(max_examples=100, deadline=None)
@given(said=st.lists(statement, min_size=1, max_size=6))
def test_every_statement_is_taken_or_counted_once(said):
    counts: Counter[str] = Counter()
    items = depicted_items({"statements": {"P180": said}}, counts)
    best = next((r for r in ("preferred", "normal") if any(s["rank"] == r for s in said)), "")
    taken = [s["mainsnak"]["datavalue"]["value"]["id"] for s in said
             if s["rank"] == best and s["mainsnak"]["snaktype"] == "value"]  # fmt: skip
    assert items == list(dict.fromkeys(taken))
    reasons = sum(count for what, count in counts.items() if what.startswith("depicts statements "))
    assert counts["depicts statements"] == len(said) == len(taken) + reasons


class Pieces(io.RawIOBase):
    """A stream that gives its bytes in pieces of these sizes, over and over."""

    def __init__(self, data: bytes, sizes: list[int]):
        self.data, self.sizes, self.turn = data, sizes, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        size = min(self.sizes[self.turn % len(self.sizes)], len(buffer))
        piece, self.data, self.turn = self.data[:size], self.data[size:], self.turn + 1
        buffer[: len(piece)] = piece
        return len(piece)


@settings(max_examples=60, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 200), min_size=1, max_size=5),
    buffer=st.integers(1, 300),
    order=st.permutations(range(len(ENTITIES))),
    end=st.sampled_from([b"\n", b"\r\n"]),
)
def test_what_is_read_does_not_depend_on_how_the_stream_is_cut(sizes, buffer, order, end):
    data = text([ENTITIES[i] for i in order]).replace(b"\n", end)
    whole, mediainfo.BUFFER = mediainfo.BUFFER, buffer
    try:
        counts: Counter[str] = Counter()
        found = dict(depicted(entities(Pieces(data, sizes)), counts))
    finally:
        mediainfo.BUFFER = whole
    assert found == FOUND and +counts == COUNTS


def test_lines_without_an_array_are_read_too():
    lines = b"\n".join(json.dumps(e, separators=(",", ":")).encode() for e in ENTITIES)
    assert read(lines)[0] == FOUND


@pytest.mark.parametrize("cut", [1, 3, 200])
@pytest.mark.parametrize("suffix", [".json", ".json.gz", ".json.bz2"])
def test_a_dump_that_is_cut_off_is_refused(root, suffix, cut):
    dump = write_mediainfo(root / f"mediainfo{suffix}", ENTITIES)
    end = 3 if suffix == ".json" else 0  # of the array, else of what is packed
    dump.write_bytes(dump.read_bytes()[: -max(cut, end)])
    with pytest.raises(UserError, match="must be a whole JSON dump of structured data.*download it again"):
        write_depicted(dump, root / "out.parquet")
    assert not (root / "out.parquet").exists()


def test_a_line_without_end_is_refused_before_it_fills_the_memory(root, monkeypatch):
    monkeypatch.setattr(mediainfo, "LONGEST", 5000)
    dump = write_mediainfo(root / "mediainfo.json", [*ENTITIES, b"{" + b" " * 6000 + b"}"])
    with pytest.raises(UserError, match="a line has more than"):
        write_depicted(dump, root / "out.parquet")


def test_another_dump_is_refused(root):
    dump = write_mediainfo(root / "mediainfo.json", [{"type": "item", "id": "Q146", "claims": {}}])
    with pytest.raises(UserError, match="no line of it is a file with structured data"):
        write_depicted(dump, root / "out.parquet")


# --- Pages of items


@pytest.mark.parametrize("form", FORMS)
def test_items_get_their_category_and_their_article(root, form):
    dump = write_pages(root / "wikidatawiki-20260101-wb_items_per_site.sql.gz", form)
    table = pd.read_parquet(items_from(dump)).set_index("item")
    known = {
        item: tuple(None if pd.isna(cell) else cell for cell in row) for item, *row in table.itertuples()
    }
    assert list(known) == ["Q5", "Q42", "Q99", "Q146", "Q4006"]  # by number
    assert known == {
        "Q5": (None, "en:Star Wars: It's here"),
        "Q42": (None, "en:Douglas Adams"),
        "Q99": ("A red link", None),
        "Q146": ("Cats", "en:Cat"),
        "Q4006": ("Maps", None),
    }
    record = json.loads((items_from(dump).parent / "run.json").read_text())
    assert record["counts"] == {
        "pages of items": len(PAGES),
        "items with a category on Commons": 3,
        "items with a gallery on Commons": 1,
        "items": 5,
    }
    assert read_items(dump, ["Q146", "Q42", "Q1"]).values.tolist() == [
        ["Q42", "", "Douglas Adams", "en:Douglas Adams"],
        ["Q146", "Cats", "Cat", "en:Cat"],
    ]
    assert read_items(dump, []).empty


def test_an_item_that_was_merged_into_another_has_what_that_one_has(root):
    folder = root / "wikidatawiki"
    write_pages(folder / "wikidatawiki-20260101-wb_items_per_site.sql.gz")
    asked = ["Q1460", "Q1461", "Q42", "Q1462", "Q146"]
    alone = read_items(folder, asked).values.tolist()
    assert alone == [["Q42", "", "Douglas Adams", "en:Douglas Adams"], ["Q146", "Cats", "Cat", "en:Cat"]]
    write_merged(folder)
    assert read_items(folder, asked).values.tolist() == [
        *alone,  # Q42 has pages of its own
        ["Q1460", "Cats", "Cat", "en:Cat"],
        ["Q1462", "A red link", "", ""],
    ]


def test_a_folder_without_pages_of_items_is_told(root):
    write_merged(root / "wikidatawiki")
    with pytest.raises(UserError, match="items must be a table, or Wikidata's wb_items_per_site or a folder"):
        read_items(root / "wikidatawiki", ["Q1"])


@pytest.mark.servers
@pytest.mark.skipif(bool(mariadb.missing()), reason=mariadb.missing() or "there")
def test_items_come_out_of_what_a_real_server_dumps(root):
    """Awkward names too; the server itself says which items have a category."""
    named = [(n, 100 + n, b"commonswiki", b"Category:" + name) for n, name in enumerate(AWKWARD, 20) if name]
    rows = (
        b"\t".join((b"%d" % n, b"%d" % i, site, escaped(name))) + b"\n"
        for n, i, site, name in [*PAGES, *named]
    )
    where = "FROM wb_items_per_site WHERE ips_site_id = 'commonswiki' AND ips_site_page LIKE 'Category:%'"
    with mariadb.server(root / "server") as socket:
        mariadb.sql(socket, "CREATE DATABASE wikidatawiki")
        mariadb.load(socket, "wikidatawiki", "wb_items_per_site", rows, root / "load.tsv")
        dump = root / "wikidatawiki-20260101-wb_items_per_site.sql"
        mariadb.dump(socket, "wikidatawiki", "wb_items_per_site", dump)
        said = mariadb.sql(
            socket, f"SELECT ips_item_id, HEX(SUBSTR(ips_site_page, 10)) {where}", "wikidatawiki"
        )
    table = pd.read_parquet(items_from(dump)).dropna(subset="category")
    held = dict(line.split("\t") for line in said.decode().splitlines())
    assert len(held) == 3 + len(named)
    found = zip(table["item"], table["category"], strict=True)
    assert dict(found) == {
        f"Q{item}": bytes.fromhex(name).decode().replace("_", " ") for item, name in held.items()
    }


# --- All of it: a dump of Commons, its structured data and Wikidata's pages beside it


def beside(folder) -> None:
    plant(folder)
    write_mediainfo(folder / "commons-20260105-mediainfo.json.gz", ENTITIES)
    write_pages(folder / "wikidatawiki-20260101-wb_items_per_site.sql.gz")


def test_a_folder_of_dumps_gives_labels_by_what_files_depict(root):
    beside(root / "dump")
    (root / "anchors.csv").write_text("label,parent,anchors\nNature,,Animals\nPlaces,,Cartography\n")
    source = open_source("commons_dump", dump="dump")
    files = source.files()
    assert dict(zip(files["title"], files["items"], strict=True)) == {
        "Tom's cat.jpg": ["Q146", "Q99"],
        "Map '),('1.png": ["Q4006"],
        "Nothing.jpg": [],
        "Gone.jpg": [],
        "Drawing.svg": [],
    }
    assert COUNTS.items() <= files.attrs["notes"].items()
    items, graph = items_for("depicts", "", source, files), graph_for("depicts", "", source)
    found = label_from("depicts", files, str(root / "anchors.csv"), "depth", graph=graph, items=items)
    assert found.labels["labels"].tolist() == [["Nature"], ["Places"], [], [], []]
    assert found.why["path"].tolist() == [
        ["depicts Cat (Q146)", "Cats", "Animals"],
        ["depicts Q4006", "Maps", "Cartography"],
    ]
    assert found.notes["categories of files that have no page"] == 1  # of Q99


def test_a_file_that_stands_twice_in_the_dump_stays_one_file(root):
    beside(root / "dump")
    write_mediainfo(root / "dump" / "commons-20260105-mediainfo.json.gz", [*ENTITIES, ENTITIES[0]])
    files = open_source("commons_dump", dump="dump").files()
    assert files["title"].is_unique and files["items"][0] == ["Q146", "Q99"]


def test_without_structured_data_a_dump_is_what_it_was_and_with_it_another(root):
    plant(root / "dump")
    source = open_source("commons_dump", dump="dump")
    files, before = source.files(), source.fingerprint()
    assert "items" not in files and source.items() is None
    with pytest.raises(UserError, match="lay the dump of structured data into the folder"):
        label_from("depicts", files, graph=graph_for("depicts", "", source))
    write_mediainfo(root / "dump" / "commons-20260105-mediainfo.json.gz", ENTITIES)
    assert source.fingerprint() != before
    write_mediainfo(root / "dump" / "latest-mediainfo.json", ENTITIES)
    with pytest.raises(UserError, match="must hold one file of mediainfo"):
        source.files()
