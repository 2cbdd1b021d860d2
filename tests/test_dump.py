"""Commons from its dumps: one planted wiki gives the same files and categories in every age and form."""

import pandas as pd
import pytest

from dump_planted import FILES, PAGES, PARENTS, plant
from wikitopics.errors import UserError
from wikitopics.labels.category_graph import open_graph
from wikitopics.sources import describe, open_source
from wikitopics.sources.dumps import commons_graph
from wikitopics.sources.dumps.commons_graph import counts_of, made_from, soft_target
from wikitopics.sources.reading import stored_path


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    return tmp_path


def parents(folder) -> dict[str, list[str]]:
    table = pd.read_parquet(folder / "categories.parquet")
    return dict(zip(table["title"], table["parents"].map(list), strict=True))


def listed(files: pd.DataFrame) -> dict[str, list[str]]:
    return dict(zip(files["title"], files["categories"], strict=True))


@pytest.mark.parametrize(
    "age, form", [("old", "line"), ("mixed", "rows"), ("new", "rows"), ("new", "single")]
)
def test_every_age_and_form_gives_the_planted_files_and_categories(root, age, form):
    plant(root / "dump", age, form)
    source = open_source("commons_dump", dump="dump")
    files = source.files()
    assert listed(files) == FILES
    assert list(listed(files)) == list(FILES)  # in the order of their pages
    assert list(parents(source.graph())) == list(PARENTS)
    assert parents(source.graph()) == PARENTS
    assert files.attrs["notes"] == {
        "days between the newest category link and the dump": 1,
        "file redirects left out": 1,
        "files left out that are no pictures": 1,
        "category redirects followed": 1,
        "soft category redirects followed": 1,
        "category redirects in a circle, left as they are": 2,
        "links that give a file or category its categories": 16,
        "links on pages left out": 2,  # of the sound and of the category that is a redirect
    }


def test_every_row_of_the_dump_is_accounted_for(root):
    plant(root / "dump")
    counts = counts_of(made_from("dump"))
    assert counts["rows of page"] == len(PAGES) and counts["rows of page kept"] == len(PAGES) - 1
    assert counts["rows of categorylinks"] == 19 and counts["rows of categorylinks kept"] == 18
    assert counts["soft category redirects followed"] == 1


def test_the_graph_of_the_dump_is_one_that_labels_climb(root):
    plant(root / "dump")
    graph = open_graph(open_source("commons_dump", dump="dump").graph())
    cats, zero = graph.find(["Cats", "CC-Zero"])
    assert graph.depth[cats] == 4 and graph.hidden[zero] and graph.hidden.sum() == 1


def test_without_xml_a_soft_redirect_stays_and_with_image_only_its_pictures_count(root):
    plant(root / "dump", xml=False, image=True)
    files = listed(open_source("commons_dump", dump="dump").files())
    assert "Felines" in files["Tom's cat.jpg"]
    assert list(files) == [title for title in FILES if title != "Gone.jpg"]


@pytest.mark.parametrize("age", ["old", "new"])
def test_a_root_without_a_page_is_still_the_root(root, monkeypatch, age):
    monkeypatch.setattr("dump_planted.PAGES", [page for page in PAGES if page[2] != "CommonsRoot"])
    plant(root / "dump", age)
    graph = open_graph(open_source("commons_dump", dump="dump").graph())
    assert graph.depth[graph.find(["CommonsRoot", "Cats"])].tolist() == [1, 4]
    assert counts_of(made_from("dump"))["roots added, which have no page"] == 1


def test_windows_of_pages_give_what_one_window_gives(root, monkeypatch):
    monkeypatch.setattr(commons_graph, "WINDOW", 2)
    plant(root / "dump")
    source = open_source("commons_dump", dump="dump")
    assert listed(source.files()) == FILES and parents(source.graph()) == PARENTS


def test_a_dump_is_made_once_and_again_only_when_it_changes(root):
    plant(root / "dump", "old")
    first = made_from("dump")
    before = (first / "files.parquet").stat().st_mtime_ns
    assert made_from("dump") == first and (first / "files.parquet").stat().st_mtime_ns == before
    (root / "dump" / "pages-articles.xml.bz2").unlink()
    assert made_from("dump") != first


def test_a_draw_of_files_is_the_same_each_time_and_in_page_order(root):
    plant(root / "dump")
    drawn = [
        open_source("commons_dump", dump="dump", max_files=3).files()["title"].tolist() for _ in range(2)
    ]
    assert drawn[0] == drawn[1] == [title for title in FILES if title in drawn[0]] and len(drawn[0]) == 3


def test_images_are_read_from_where_wikimedia_would_keep_them(root):
    plant(root / "dump")
    source = open_source("commons_dump", dump="dump", image_root="images")
    assert open_source(**{"source": "commons_dump", **describe(source)["options"]}) == source
    place = root / "images" / stored_path("Tom's cat.jpg")
    place.parent.mkdir(parents=True)
    place.write_bytes(b"picture")
    assert source.read("Tom's cat.jpg", 100) == b"picture"
    with pytest.raises(FileNotFoundError):
        source.read("Nothing.jpg", 100)
    with pytest.raises(FileNotFoundError):
        open_source("commons_dump", dump="dump").read("Tom's cat.jpg", 100)


@pytest.mark.parametrize("table", ["page", "redirect", "linktarget"])
def test_a_missing_table_is_one_sentence(root, table):
    plant(root / "dump")
    (root / "dump" / f"commonswiki-20260101-{table}.sql.gz").unlink()
    with pytest.raises(UserError, match=f"dump must hold the file.* of .*{table}"):
        open_source("commons_dump", dump="dump").files()


def test_a_truncated_table_leaves_nothing_that_is_taken_for_whole(root):
    plant(root / "dump")
    page = root / "dump" / "commonswiki-20260101-page.sql.gz"
    whole = page.read_bytes()
    page.write_bytes(whole[:-10])
    with pytest.raises(UserError, match="page.sql.gz must be a.* dump"):
        open_source("commons_dump", dump="dump").files()
    page.write_bytes(whole)
    assert listed(open_source("commons_dump", dump="dump").files()) == FILES


@pytest.mark.parametrize(
    "text, target",
    [
        ("{{Category redirect|Cats}}", "Cats"),
        ("{{category_redirect|1=category:red cats|reason=x}}", "Red cats"),
        ("{{Catredirect|:Category:A_B}}", "A B"),
        ("{{See cat|Cats}}", "Cats"),
        ("{{Cat|Cats}} {{Redirected}}", None),
    ],
)
def test_soft_redirects_in_their_spellings(text, target):
    assert soft_target(text) == target


def test_parts_of_the_xml_are_read_and_its_other_dumps_are_not(root):
    plant(root / "dump")
    whole = root / "dump" / "pages-articles.xml.bz2"
    whole.rename(root / "dump" / "commonswiki-20260101-pages-articles1.xml-p1p1500000.bz2")
    (root / "dump" / "commonswiki-20260101-pages-meta-current.xml.bz2").write_bytes(b"not asked for")
    assert listed(open_source("commons_dump", dump="dump").files()) == FILES


def test_images_are_read_from_a_folder_of_downloads_by_its_manifest(root):
    plant(root / "dump")
    source = open_source("commons_dump", dump="dump", image_root="got")
    picture = root / "got" / "pictures" / "ab" / "cd" / "abcd.jpg"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"picture")
    rows = {"title": ["Tom's cat.jpg", "Nothing.jpg"], "path": ["ab/cd/abcd.jpg", ""]}
    pd.DataFrame(rows).to_parquet(root / "got" / "manifest.parquet")
    assert source.read("Tom's cat.jpg", 100) == b"picture"
    for title in ("Nothing.jpg", "Unheard of.jpg"):
        with pytest.raises(FileNotFoundError, match="no picture of"):
            source.read(title, 100)
