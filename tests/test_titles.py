"""One name for every spelling: titles of files, categories and articles as people and programs write them."""

import unicodedata
from urllib.parse import quote

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wikitopics.labels.category_graph import from_edges, from_table
from wikitopics.sources.files import article_key, article_of_url
from wikitopics.sources.reading import stored_path
from wikitopics.titles import (
    NoTitle,
    category_key,
    category_name,
    category_title,
    file_title,
    mediawiki_title,
    names_a_file,
    normal,
    title_of_url,
)

UPLOADED = "https://upload.wikimedia.org/wikipedia/commons"


def uploaded(title: str, thumbnail: bool = False) -> str:
    folders, name = stored_path(title).rsplit("/", 1)
    start = f"{UPLOADED}/thumb" if thumbnail else UPLOADED
    return f"{start}/{folders}/{quote(name)}" + (f"/330px-{quote(name)}" if thumbnail else "")


FORMS = [
    "Red fox.jpg",
    "red_fox.jpg",
    "  Red   fox.jpg ",
    "File:Red_fox.jpg",
    "file : red fox.jpg",
    "Image:Red fox.jpg",
    "Datei:Red fox.jpg",
    "Fichier:red fox.jpg",
    "Файл:Red_fox.jpg",
    "ファイル:Red fox.jpg",
    "Archivo:Red%20fox.jpg",
    "Media:Red fox.jpg",
    ":File:Red fox.jpg",
    "commons:File:Red fox.jpg",
    ":c:File:Red fox.jpg",
    "[[File:Red fox.jpg|thumb|left|A [red] fox]]",
    "[[:Datei:Red fox.jpg]]",
    "File:Red&nbsp;fox.jpg",
    "File:Red fox.jpg\u200e",
    "https://commons.wikimedia.org/wiki/File:Red_fox.jpg",
    "http://commons.m.wikimedia.org/wiki/File:Red_fox.jpg?uselang=de#filelinks",
    "//commons.wikimedia.org/wiki/File:Red_fox.jpg",
    "commons.wikimedia.org/wiki/File:Red_fox.jpg",
    "https://de.wikipedia.org/wiki/Datei:Red_fox.jpg",
    "https://en.wikipedia.org/wiki/Fox#/media/File:Red_fox.jpg",
    "https://commons.wikimedia.org/wiki/Special:FilePath/Red%20fox.jpg?width=300",
    "https://commons.wikimedia.org/wiki/Special:FilePath/File:Red%20fox.jpg",
    "https://de.wikipedia.org/wiki/Spezial:FilePath/Red%20fox.jpg",
    "https://commons.wikimedia.org/wiki/Special:Redirect/file/Red_fox.jpg",
    "https://commons.wikimedia.org/w/index.php?title=File:Red_fox.jpg&action=edit",
    "https://commons.wikimedia.org/w/index.php/File:Red_fox.jpg",
    "https://commons.wikimedia.org/w/thumb.php?f=Red_fox.jpg&w=300",
    "https://commons.wikimedia.org/wiki/File%3ARed%2520fox.jpg",
    "<http://commons.wikimedia.org/wiki/Special:FilePath/Red%20fox.jpg>",
    uploaded("Red fox.jpg"),
    uploaded("Red fox.jpg", thumbnail=True),
    uploaded("Red fox.jpg") + "?download",
    "/".join([UPLOADED, "archive", stored_path("Red fox.jpg")[:4], "20200102030405!Red_fox.jpg"]),
]


@pytest.mark.parametrize("form", FORMS)
def test_every_way_to_name_a_file_is_one_title(form):
    assert file_title(form) == "Red fox.jpg"


@pytest.mark.parametrize(
    "text, why",
    [
        ("", "is empty"),
        ("File:", "is empty"),
        (" _ ", "is empty"),
        ("Category:Foxes", "namespace 'Category'"),
        ("User:Ann/fox.jpg", "namespace 'User'"),
        ("Kategorie:Füchse", "namespace 'Kategorie'"),
        ("de:Datei:Fuchs.jpg", "other wiki 'de'"),
        ("w:File:Fox.jpg", "other wiki 'w'"),
        ("Fox.jpg#top", "place within a page"),
        ("B|C.png", "'|'"),
        ("a[1].png", r"'\['"),
        ("{{Fox}}", "'{'"),
        ("https://example.org/wiki/File:Fox.jpg", "no wiki of Wikimedia"),
        ("https://commons.wikimedia.org/", "no address that can be read"),
        ("https://[bad/wiki/File:Fox.jpg", "no address that can be read"),
        ("https://en.wikipedia.org/wiki/Red_fox", "shows the page 'Red_fox'"),
        ("[[Red fox]]", "shows the page 'Red fox'"),
        ("https://de.wikipedia.org/wiki/Spezial:Dateipfad/Red_fox.jpg", "shows the page 'Spezial:Dateipfad"),
        ("https://en.wikipedia.org/wiki/Zelda:_Link.jpg", "shows the page 'Zelda:_Link.jpg'"),
        ("* File:Red fox.jpg", r"has '\* ' before its namespace"),
        ('"File:Red fox.jpg"', "has '\"' before its namespace"),
        ("12. Datei:Red fox.jpg", "has '12. ' before its namespace"),
        ("https://fr.wikipedia.org/wiki/Fichier:Caf%E9.jpg", "no address that can be read"),
        (uploaded("Red fox.jpg").replace("/commons/", "/en/"), "no address of a picture of Commons"),
        (uploaded("Red fox.jpg").replace("fox", "dog"), "no address of a picture of Commons"),
        ("a" * 300 + ".jpg", "too long"),
    ],
)
def test_what_names_no_file_is_told(text, why):
    with pytest.raises(NoTitle, match=why):
        file_title(text)


@given(st.text(max_size=60))
def test_any_text_is_a_title_or_is_told(text):
    for read in (file_title, category_title):
        try:
            title = read(text)
        except NoTitle:
            continue
        assert title and title == normal(title) and "#" not in title
    assert mediawiki_title(text) == mediawiki_title(mediawiki_title(text))
    names_a_file(text), category_name(text), category_key(text), article_key(text), article_of_url(text)
    title_of_url(text)


@given(st.text("abcÀéßǆა :/%#[]_.", max_size=12).map(lambda t: f"https://en.wikipedia.org/{t}"))
def test_any_address_is_read_or_told(address):
    for read in (file_title, category_title):
        try:
            read(address)
        except NoTitle as told:
            assert "must be named by" in str(told)


def test_first_letters_are_those_of_wikimedias_wikis():
    """Title case of one letter; ß, ligatures and Georgian stay."""
    pairs = {"თბილისი": "თბილისი", "ßumme": "ßumme", "ǆip": "ǅip", "éclair": "Éclair", "ﬁsh": "ﬁsh", "ŉ": "ŉ"}
    assert {name: normal(name) for name in pairs} == pairs
    assert normal("istanbul", "tr") == "İstanbul" and normal("istanbul", "en") == "Istanbul"


def test_files_of_ones_own_keep_what_no_wiki_allows():
    kept = "Photo #1 [new], 50%20off {x}.jpg"
    assert mediawiki_title(kept) == kept
    assert mediawiki_title("https://commons.wikimedia.org/wiki/File:Red_fox.jpg") == "Red fox.jpg"


def test_categories_of_ones_own_stay_as_labels():
    assert [category_name(name) for name in (" red_fox ", "C#", "50% off", "a: b", "iPhone")] == [
        "red_fox", "C#", "50% off", "a: b", "iPhone",
    ]  # fmt: skip
    assert category_name("Category:red_foxes") == "Red foxes"


SPELLINGS = [
    "Category:Red_cafés",
    "red cafés",
    "Kategorie:Red cafés",
    "[[:Category:Red cafés|x]]",
    unicodedata.normalize("NFD", "Red cafés"),
    "https://commons.wikimedia.org/wiki/Category:Red_caf%C3%A9s",
    "  Red  cafés ",
]


@pytest.mark.parametrize("written", SPELLINGS)
def test_a_graph_finds_a_category_however_it_and_the_graph_write_it(written):
    parents = [[], ["CommonsRoot"], ["Red cafés"]]
    from_lists = from_table(pd.DataFrame({"title": ["CommonsRoot", written, "Below"], "parents": parents}))
    edges = from_edges(pd.DataFrame({"title": ["Red cafés", "Below"], "parent": ["CommonsRoot", written]}))
    for graph in (from_lists, edges):
        assert [graph.title(i) for i in graph.find([*SPELLINGS, "Below"])] == ["Red cafés"] * 7 + ["Below"]
        below = graph.find(["Below"])[0]
        assert graph.title(graph.parents[graph.indptr[below]]) == "Red cafés"
    assert from_lists.find(["Category:Dogs", "Template:X", "", "de:Red cafés"]).tolist() == [-1] * 4


def test_articles_have_one_name():
    cafe = ["en:café_noir", "en:Cafe\u0301 noir", "https://en.m.wikipedia.org/wiki/Caf%C3%A9_noir#x"]
    cafe += ["en:Caf%C3%A9_noir", "[[:en:Café noir|a bar]]", "en.wikipedia.org/wiki/Café_noir"]
    cafe += ["https://en.wikipedia.org/w/index.php?title=Caf%C3%A9_noir&oldid=3", "en:Caf&eacute; noir"]
    assert {article_key(name) for name in cafe} == {"en:Café noir"}
    assert article_key("re:Zero: a start") == "re:Zero: a start" and article_key("Re:_x") == "Re: x"
    assert article_of_url("https://[en.wikipedia.org/wiki/Fox") is None
    assert article_of_url("https://commons.wikimedia.org/") is None
