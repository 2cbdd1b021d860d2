"""WIT: the articles that show an image, whatever the shard's form; odd rows are counted."""

import gzip
from collections import Counter
from urllib.parse import quote

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dump_planted import plant
from wikitopics.errors import UserError
from wikitopics.sources import open_source
from wikitopics.sources.dumps import wit_images
from wikitopics.sources.dumps.wit_images import images_of, pairs, title_of_url, wit_counts
from wikitopics.sources.files import article_name, article_of_url
from wikitopics.sources.reading import TooLarge, stored_path

COLUMNS = [
    "language",
    "page_url",
    "image_url",
    "page_title",
    "section_title",
    "hierarchical_section_title",
    "caption_reference_description",
    "caption_attribution_description",
    "caption_alt_text_description",
    "mime_type",
    "original_height",
    "original_width",
    "is_main_image",
    "attribution_passes_lang_id",
    "page_changed_recently",
    "context_page_description",
    "context_section_description",
]
UPLOAD = "https://upload.wikimedia.org/wikipedia"


def url(title: str) -> str:
    return f"{UPLOAD}/commons/{quote(stored_path(title))}"


def row(page: str, image: str, main: str = "false", text: str = "") -> str:
    values = dict.fromkeys(COLUMNS, "") | {"language": "iw", "page_url": page, "image_url": image}
    values |= {"is_main_image": main, "context_page_description": text, "original_height": "600"}
    quoted = [v if not set(v) & set('"\n\t') else '"' + v.replace('"', '""') + '"' for v in values.values()]
    return "\t".join(quoted)


ROWS = [
    row(
        "https://en.wikipedia.org/wiki/Tom_%28cat%29",
        url("Tom's cat.jpg"),
        "true",
        'a "quoted"\nline\tand tab',
    ),
    row("https://en.wikipedia.org/wiki/Tom_(cat)", url("Tom's cat.jpg")),  # the same article: another section
    row("https://he.wikipedia.org/wiki/%D7%97%D7%AA%D7%95%D7%9C", url("Tom's cat.jpg")),
    row("https://zh-min-nan.wikipedia.org/wiki/Niau", url("Drawing.svg"), "true", 'ends in "'),
    row("https://en.wikipedia.org/wiki/Logo", f"{UPLOAD}/en/a/ab/Logo.png"),
    row("https://en.wikipedia.org/wiki/Logo", f"{UPLOAD}/commons/0/00/Wrong_place.png"),
    row("https://en.wikipedia.org/w/index.php?title=Fox", url("Drawing.svg")),
]
FOUND = {
    "Drawing.svg": ["zh-min-nan:Niau"],
    "Tom's cat.jpg": ["en:Tom (cat)", "he:חתול"],
}


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    (tmp_path / "wit").mkdir()
    return tmp_path


def write_tsv(path, rows) -> None:
    text = "\n".join(["\t".join(COLUMNS), *rows]) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


def write_parquet(path) -> None:
    """As wit_base: one row an image, its articles as lists side by side."""
    cat, drawing = "https://en.wikipedia.org/wiki/Tom_(cat)", "https://zh-min-nan.wikipedia.org/wiki/Niau"
    features = [
        {"page_url": [cat, "https://he.wikipedia.org/wiki/חתול"], "is_main_image": [None, False]},
        {"page_url": [drawing], "is_main_image": [True]},
        {"page_url": [], "is_main_image": []},
    ]
    images = [{"bytes": b"a cat", "path": None}, {"bytes": b"a drawing", "path": None}, None]
    urls = [url("Tom's cat.jpg"), url("Drawing.svg"), url("Nothing.jpg")]
    table = pa.table({"image": images, "image_url": urls, "embedding": [[0.5]] * 3, "wit_features": features})
    pq.write_table(table, path, row_group_size=2)


def articles(files: pd.DataFrame) -> dict[str, list[str]]:
    return dict(zip(files["title"], files["articles"], strict=True))


def test_rows_of_several_shards_are_grouped_by_image(root):
    write_tsv(root / "wit" / "wit_v1.train.all-00000-of-00002.tsv.gz", ROWS[:2])
    write_tsv(root / "wit" / "wit_v1.train.all-00001-of-00002.tsv", ROWS[2:])
    files = open_source("wit", wit="wit").files()
    assert articles(files) == FOUND and files["path"].tolist() == list(FOUND)
    assert files.attrs["notes"] == {
        "image and article pairs": 4,
        "images that are not on Commons": 2,
        "pages that are no articles": 1,
        "images": 2,
    }
    made = pd.read_parquet(images_of("wit")).set_index("title")
    assert made["main"].to_dict() == {"Drawing.svg": True, "Tom's cat.jpg": True}


def test_the_word_false_is_not_true(root):
    write_tsv(root / "wit" / "a.tsv", [row("https://en.wikipedia.org/wiki/A", url("A.jpg"), "false")])
    assert pd.read_parquet(images_of("wit"))["main"].tolist() == [False]


def test_parts_give_what_the_whole_gives(root, monkeypatch):
    monkeypatch.setattr(wit_images, "PART", 1)
    write_tsv(root / "wit" / "a.tsv", ROWS)
    assert articles(open_source("wit", wit="wit").files()) == FOUND


def test_parquet_holds_the_images_too(root):
    write_parquet(root / "wit" / "part-0.parquet")
    source = open_source("wit", wit="wit")
    files = source.files().set_index("title")
    assert files["articles"].to_dict() == FOUND
    assert source.read(files["path"]["Tom's cat.jpg"], 100) == b"a cat"
    assert source.read(files["path"]["Drawing.svg"], 100) == b"a drawing"
    with pytest.raises(TooLarge):
        source.read(files["path"]["Drawing.svg"], 5)
    with pytest.raises(FileNotFoundError):
        source.read("wit:part-0.parquet#2", 100)
    (root / "outside.parquet").write_bytes(b"")
    with pytest.raises(OSError, match="out of the root"):
        source.read("wit:../outside.parquet#0", 100)


def test_a_row_with_another_number_of_columns_is_counted(root):
    write_tsv(root / "wit" / "a.tsv", [*ROWS, "only\tthree\tcolumns"])
    assert articles(open_source("wit", wit="wit").files()) == FOUND
    assert wit_counts("wit")["rows with another number of columns"] == 1


def test_shards_of_another_kind_or_none_are_one_sentence(root):
    with pytest.raises(UserError, match="wit must be a folder of WIT's shards"):
        open_source("wit", wit="wit").files()
    (root / "wit" / "a.tsv").write_text("image\tcaption\nx\ty\n")
    with pytest.raises(UserError, match="wit must hold shards with the columns image_url.* but a.tsv"):
        open_source("wit", wit="wit").files()
    (root / "wit" / "a.tsv").rename(root / "wit" / "a.tsv.gz")
    with pytest.raises(UserError, match="but a.tsv.gz cannot be read"):
        open_source("wit", wit="wit").files()


def test_a_commons_dump_takes_its_articles_from_wit_and_only_its_images(root):
    plant(root / "dump")
    write_tsv(root / "wit" / "a.tsv", [*ROWS, row("https://en.wikipedia.org/wiki/B", url("Gone since.jpg"))])
    files = open_source("commons_dump", dump="dump", wit="wit").files()
    assert articles(files) == FOUND
    assert files.set_index("title")["categories"]["Tom's cat.jpg"] == ["A red link", "CC-Zero", "Cats"]


def test_names_of_articles_and_files():
    assert (
        article_name("be_x_oldwiki", "A_b")
        == article_name("be-tarask.wikipedia.org", "A b")
        == "be-tarask:A b"
    )
    assert article_of_url("https://en.m.wikipedia.org/wiki/AC/DC") == "en:AC/DC"
    assert article_of_url("https://example.org/x") is None
    thumb = f"{UPLOAD}/commons/thumb/{stored_path('A b.tif')}/lossy-page1-330px-A_b.tif.jpg"
    assert title_of_url(thumb) == "A b.tif" and title_of_url("") is None and title_of_url(None) is None


def test_bytes_that_are_no_text_cost_their_row_and_not_the_shard(tmp_path):
    head = b"image_url\tpage_url\tis_main_image\n"
    image, page = (
        b"https://upload.wikimedia.org/wikipedia/commons/8/89/A_fox.jpg",
        b"https://en.wikipedia.org/wiki/Fox",
    )
    rows = [
        image + b"\t" + page + b"\ttrue\n",
        b"\xb6\xff\n",
        image.replace(b"fox", b"f\xf6x") + b"\t" + page + b"\ttrue\n",
    ]
    (tmp_path / "wit.tsv").write_bytes(head + b"".join(rows))
    left_out = Counter()
    assert sum(len(batch) for batch in pairs(tmp_path / "wit.tsv", left_out)) == 1
    assert left_out["rows with another number of columns"] == 1
    assert left_out["images that are not on Commons"] == 1
