"""Article topics from search index dumps: every spelling, every prefix, and the way to an image's labels."""

import bz2
import gzip
import json
from pathlib import Path

import pandas as pd
import pytest

from dump_planted import plant
from test_wit import ROWS, write_tsv
from wikitopics.errors import UserError
from wikitopics.labels.label_sources import graph_for, label_from, topics_for
from wikitopics.labels.taxonomy import load
from wikitopics.sources import open_source
from wikitopics.sources.article_topics import spellings, tagged_topics, topic_name, topics_from_dumps, wiki_of

NEW, OLD = "classification.prediction.articletopic/", "classification.ores.articletopic/"
ENGLISH = [
    {"title": "Tom (cat)", "namespace": 0, "text": "a cat",
     "weighted_tags": [NEW + "STEM.Biology|939", NEW + "STEM.STEM*|1000", OLD + "STEM.Biology|700",
                       "recommendation.link/exists|1"]},
    {"title": "Nothing", "namespace": 0, "weighted_tags": []},
    {"title": 'Quoting "articletopic/"', "namespace": 0, "text": f'"weighted_tags":["{NEW}STEM.Physics|9"]'},
    {"title": "Talk", "namespace": 1, "weighted_tags": [NEW + "STEM.Physics|900"]},
    {"title": "Odd", "namespace": 0,
     "weighted_tags": [NEW + "STEM.Astrology|900", NEW + "Culture.Food_and_drink|501"]},
]  # fmt: skip
HEBREW = [{"title": "חתול", "namespace": 0, "weighted_tags": [OLD + "Culture.Visual arts.Architecture|600"]}]


def write_index(path, pages) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(part) for i, page in enumerate(pages) for part in ({"index": {"_id": i}}, page)]
    pack = {".bz2": bz2.compress, ".gz": gzip.compress}.get(path.suffix, bytes)
    path.write_bytes(pack(("\n".join(lines) + "\n").encode()))


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    write_index(
        tmp_path / "topics" / "index_name=enwiki_content" / "enwiki_content-2026-00000.json.bz2", ENGLISH
    )
    write_index(tmp_path / "topics" / "hewiki-2026-cirrussearch-content.json.gz", HEBREW)
    return tmp_path


def test_every_topic_is_known_in_three_spellings_that_mean_one():
    names = load("ores-64").label_names
    assert len(names) == 64 and len({word for word in spellings() if word.islower()}) == 64
    for spelled, name in {
        "Culture.Visual_arts.Comics_and_Anime": "Culture.Visual arts.Comics and Anime",
        "STEM.Libraries_&_Information": "STEM.Libraries & Information",
        "libraries-and-information": "STEM.Libraries & Information",
        "visual-arts": "Culture.Visual arts.Visual arts*",
        "stem": "STEM.STEM*",
    }.items():
        assert topic_name(spelled) == name
    assert topic_name("astrology") is None


def test_the_higher_score_counts_and_none_is_above_one():
    tags = [NEW + "STEM.Biology|1001", OLD + "STEM.Biology|3", NEW + "STEM.Biology|x"]
    assert tagged_topics(tags) == ({"STEM.Biology": 1.0}, 1)


def test_topics_come_from_all_dumps_below_a_folder_for_the_articles_asked_for(root):
    asked = ["en:Tom (cat)", "he:חתול", "en:Talk", 'en:Quoting "articletopic/"', "en:Absent"]
    topics = topics_from_dumps(root / "topics", asked, jobs=1)
    found = {(row.article, row.topic): round(float(row.score), 3) for row in topics.itertuples()}
    assert found == {
        ("en:Tom (cat)", "STEM.Biology"): 0.939,
        ("en:Tom (cat)", "STEM.STEM*"): 1.0,
        ("he:חתול", "Culture.Visual arts.Architecture"): 0.6,
    }
    assert topics.attrs["notes"] == {
        "pages": 6,
        "articles with topics": 3,
        "pages that are no articles": 1,
        "topics of another taxonomy": 1,
    }


def test_plain_titles_are_found_where_all_dumps_are_of_one_wiki(root):
    one = topics_from_dumps(next(root.rglob("*.bz2")), ["Tom (cat)", "cat)"], jobs=1)
    assert set(one["article"]) == {"Tom (cat)"} and len(one) == 2
    assert topics_from_dumps(root / "topics", ["Tom (cat)"], jobs=1).empty


def test_a_dump_is_read_once(root):
    topics_from_dumps(root / "topics", [], jobs=1)
    made = {path: path.stat().st_mtime_ns for path in (root / "data" / "sources").rglob("topics.parquet")}
    topics_from_dumps(root / "topics", ["en:Odd"], jobs=1)
    assert len(made) == 2
    assert made == {
        path: path.stat().st_mtime_ns for path in (root / "data" / "sources").rglob("topics.parquet")
    }


def test_a_page_that_makes_no_sense_is_counted_and_the_others_are_read(root):
    path = root / "x" / "enwiki_content-1.json"
    write_index(path, ENGLISH)
    tag = '"classification.ores.articletopic/STEM.Biology|'
    odd = [
        f'{{"weighted_tags": [{tag}900"',
        f'{{"title": 5, "weighted_tags": [{tag}900"]}}',
        f'{{"title": null, "x": {tag}900"}}',
        f'{{"title": "A", "weighted_tags": null, "x": {tag}900"}}',
        f'{{"title": "B", "weighted_tags": [null, {tag}²", {tag}900"]}}',
        f'{{"title": "\\ud800", "weighted_tags": [{tag}900"]}}',
        f'[{tag}900"]',
        "[" * 100_000 + tag,
    ]
    with open(path, "a", encoding="utf-8") as file:
        file.writelines(f'{{"index": {{}}}}\n{line}\n' for line in odd)
    table = topics_from_dumps(path, ["en:B", "en:\ufffd"], jobs=1)
    assert set(table["article"]) == {"en:B", "en:\ufffd"}
    assert table.attrs["notes"]["pages that make no sense"] == 5


@pytest.mark.parametrize(
    "damage",
    [lambda text: text[:-40], lambda text: text[text.index(b"\n") + 1 :], lambda text: b'{"a": 1}\n' + text,
     lambda text: text.replace(b'"namespace": 0', b'"namespace" 0')],
)  # fmt: skip
def test_a_damaged_dump_is_one_sentence(root, damage):
    path = root / "x" / "enwiki_content-1.json"
    write_index(path, ENGLISH)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match="enwiki_content-1.json must be a whole dump of a search index"):
        topics_from_dumps(path, [], jobs=1)


def test_a_truncated_archive_a_nameless_one_and_an_empty_folder_are_one_sentence(root):
    path = next(root.rglob("*.bz2"))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="must be a whole dump"):
        topics_from_dumps(path, [], jobs=1)
    with pytest.raises(UserError, match="must be named by its wiki"):
        wiki_of(Path("x/pages.json"))
    with pytest.raises(UserError, match="topics must be a table or hold dumps"):
        topics_from_dumps(root / "data", [])


def test_images_of_a_dump_get_the_topics_of_the_articles_that_show_them(root):
    """Tom's cat is shown by an English and a Hebrew article: the union of their topics, scores kept."""
    plant(root / "dump")
    (root / "wit").mkdir()
    write_tsv(root / "wit" / "a.tsv", ROWS)
    source = open_source("commons_dump", dump="dump", wit="wit")
    files = source.files()
    topics = topics_for("ores", "topics", files)
    labelled = label_from("ores", files, taxonomy="ores-64", topic_threshold=0.6, topics=topics)
    labels = labelled.labels.set_index("title")
    names = [
        "Culture.Visual arts.Visual arts*",
        "Culture.Visual arts.Architecture",
        "STEM.STEM*",
        "STEM.Biology",
    ]
    assert sorted(labels.loc["Tom's cat.jpg", "labels"]) == sorted(names)
    scores = dict(zip(*labels.loc["Tom's cat.jpg", ["labels", "scores"]], strict=True))
    assert scores["STEM.Biology"] == pytest.approx(0.939)
    assert labels["evidence"].to_dict() == {"Tom's cat.jpg": 2, "Drawing.svg": 0}
    assert labels.loc["Drawing.svg", "labels"] == []
    above = label_from("ores", files, taxonomy="ores-64", topic_threshold=0.7, topics=topics).labels
    assert "Culture.Visual arts.Architecture" not in above.set_index("title").loc["Tom's cat.jpg", "labels"]


def test_the_same_images_get_labels_from_the_dumps_own_graph(root):
    plant(root / "dump")
    (root / "anchors.csv").write_text("label,parent,anchors\nNature,,Animals\nPlaces,,Cartography\n")
    source = open_source("commons_dump", dump="dump")
    files, graph = source.files(), graph_for("commons", "", source)
    labelled = label_from(
        "commons", files, taxonomy=str(root / "anchors.csv"), heuristics="depth", graph=graph
    )
    labels = labelled.labels.set_index("title")["labels"].to_dict()
    assert labels["Tom's cat.jpg"] == ["Nature"] and labels["Map '),('1.png"] == ["Places"]
    assert labels["Nothing.jpg"] == [] == labels["Drawing.svg"]
    assert labelled.notes["categories of files that have no page"] == 1


def test_the_samples_own_table_still_serves():
    files = pd.DataFrame({"title": ["a"], "articles": [[]]})
    assert {"article", "topic", "score"} <= set(topics_for("ores", "", files).columns)
