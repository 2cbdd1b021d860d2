"""The embedded sample is what its card says: small, licensed, free of chance duplicates, with four views."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps

from wikitopics.images.decode import Recipe, Rejected, decode
from wikitopics.images.duplicates import agreement
from wikitopics.images.likeness import LIKE, inside_square, look
from wikitopics.labels import taxonomy as taxonomies
from wikitopics.labels.category_graph import open_graph
from wikitopics.labels.depicts import read_items
from wikitopics.labels.label_sources import label_from

SAMPLE = Path(__file__).resolve().parent.parent / "sample"
LICENCES = {"Public domain", "CC0-1.0", "CC-BY-2.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0"}
TABLES = ("categories.csv", "articles.csv", "items.csv", "folders.csv")


@pytest.fixture(scope="module")
def files() -> pd.DataFrame:
    return pd.read_parquet(SAMPLE / "sample.parquet")


@pytest.fixture(scope="module")
def edges() -> pd.DataFrame:
    return pd.read_csv(SAMPLE / "categories.csv", keep_default_na=False)


@pytest.fixture(scope="module")
def decoded(files: pd.DataFrame) -> dict[str, object]:
    """Title -> Picture, or the reason why not."""
    return {title: _decoded(image) for title, image in zip(files["title"], files["image"], strict=True)}


def _decoded(image: bytes):
    try:
        return decode(image, Recipe())
    except Rejected as rejected:
        return rejected.reason


def test_size_and_number_are_as_promised(files):
    assert (SAMPLE / "sample.parquet").stat().st_size <= 8_000_000
    assert 1_500 <= len(files) <= 2_500
    assert files["title"].is_unique and (files["title"].str.len() > 0).all()


def test_every_file_has_a_free_licence_and_every_photograph_an_author(files):
    assert set(files["licence"]) <= LICENCES
    photographs = files[files["kind"] == "photograph"]
    assert len(photographs) >= 60 and (photographs["creator"].str.len() > 1).all()


def test_the_card_credits_every_photograph(files):
    card = (SAMPLE / "DATA.md").read_text(encoding="utf-8")
    photographs = files[files["kind"] == "photograph"]
    missing = [t for t, a in zip(photographs["title"], photographs["creator"], strict=True)
               if f"| {t} | {a} |" not in card.replace("&amp;", "&")]  # fmt: skip
    assert not missing
    assert f"{len(files):,} files" in card


def test_ordinary_files_decode_to_small_pictures_and_hostile_ones_mostly_do_not(files, decoded):
    ordinary = files.loc[files["kind"] != "hostile", "title"]
    assert [title for title in ordinary if isinstance(decoded[title], str)] == []
    assert max(max(decoded[title].width, decoded[title].height) for title in ordinary) <= 128
    reasons = {
        decoded[title]
        for title in files.loc[files["kind"] == "hostile", "title"]
        if isinstance(decoded[title], str)
    }
    assert {"empty", "not_an_image", "unsupported_kind", "too_many_pixels", "truncated"} <= reasons


@pytest.mark.parametrize(
    ("title", "form", "mode"),
    [
        ("Really a PNG file.jpg", "PNG", "RGB"),
        ("Really a JPEG file.png", "JPEG", "RGB"),
        ("Printed poster in CMYK.jpg", "JPEG", "CMYK"),
        ("Old scan in sixteen bits.png", "PNG", "I;16"),
        ("Palette with a transparent colour.png", "PNG", "P"),
        ("Blinking banner.gif", "GIF", "P"),
        ("Held sideways.jpg", "JPEG", "RGB"),
    ],
)
def test_odd_files_are_as_odd_as_their_titles_say(files, title, form, mode):
    image = Image.open(io.BytesIO(files.set_index("title").at[title, "image"]))
    assert (image.format, image.mode) == (form, mode)
    assert ("transparency" in image.info) == title.startswith("Palette")
    assert (getattr(image, "n_frames", 1) > 1) == (form == "GIF")
    assert (ImageOps.exif_transpose(image).size != image.size) == title.startswith("Held")


def test_bombs_claim_much_and_weigh_little(files):
    bombs = files[files["title"].isin(["Satellite mosaic, full resolution.png", "Endless scroll.png"])]
    assert (bombs["image"].str.len() < 10_000).all()
    claimed = [int.from_bytes(b[16:20]) * int.from_bytes(b[20:24]) for b in bombs["image"]]
    assert min(claimed) > 100_000_000


def test_no_picture_is_there_twice_but_the_copies_that_are_meant(files, decoded):
    meant = files.set_index("title")["copy_of"]
    pixels: dict[str, list[str]] = {}
    for title in files.loc[files["kind"] != "hostile", "title"]:
        pixels.setdefault(decoded[title].sha1, []).append(title)
    twice = [sorted(titles, key=lambda t: meant[t]) for titles in pixels.values() if len(titles) > 1]
    assert len(twice) >= 10
    assert all(len(titles) == 2 and meant[titles[1]] == titles[0] for titles in twice)


def test_near_copies_look_like_their_originals(files, decoded):
    copies = files[(files["copy_of"] != "") & files["title"].str.endswith(".jpg")]
    shown = [decoded[title] for column in ("title", "copy_of") for title in copies[column]]
    pixels, sizes = np.stack([one.pixels for one in shown]), np.array([(p.width, p.height) for p in shown])
    seen = look(pixels, inside_square(sizes, pixels.shape[1], "pad"), sizes)
    pairs = np.arange(len(shown)).reshape(2, -1).T
    assert len(copies) >= 15 and (agreement(seen, pairs) >= LIKE).mean() >= 0.9
    assert all(
        decoded[c].sha1 != decoded[o].sha1 for c, o in zip(copies["title"], copies["copy_of"], strict=True)
    )


def test_the_graph_has_a_root_a_cycle_hidden_unconnected_and_missing_categories(files, edges):
    parents = edges[edges["parent"] != ""].groupby("title")["parent"].agg(set)
    assert "CommonsRoot" in set(edges["parent"]) and "CommonsRoot" not in parents.index
    assert any(a in parents.get(b, ()) for a in parents.index for b in parents[a])
    assert (edges["hidden"] == "yes").sum() >= 5
    graph = open_graph(SAMPLE / "categories.csv")
    assert graph.depth[graph.find(["Uploads by Italian users"])[0]] < 0
    named = set(files["categories"].explode()) - set(edges["title"])
    assert 0 < len(named) < 5  # red links: files name them, no page has them
    assert set(edges["parent"]) - set(edges["title"]) - {"", "CommonsRoot"}


def test_topics_are_the_64_and_scores_are_scores(files):
    topics = pd.read_csv(SAMPLE / "articles.csv")
    assert set(topics["topic"]) <= set(taxonomies.load("ores-64").label_names)
    assert topics["score"].between(0, 1).all() and (topics["score"] < 0.5).any()
    assert not topics.duplicated(["article", "topic"]).any()
    assert set(files["articles"].explode().dropna()) == set(topics["article"])


def test_folders_are_known_to_both_taxonomies(files):
    mapped = pd.read_csv(SAMPLE / "folders.csv")
    assert set(mapped["folder"]) <= set(files["folder"])
    for name, rows in mapped.groupby("taxonomy"):
        taxonomy = taxonomies.load(name)
        for labels in rows.groupby("folder")["label"].agg(list):
            assert taxonomy.close(labels) == sorted(labels, key=taxonomy.label_names.index)
    assert set(mapped["taxonomy"]) == {"v1.4", "ores-64"}


def test_items_are_checked_ones_of_wikidata_and_each_has_a_category_of_the_graph(files, edges):
    items = pd.read_csv(SAMPLE / "items.csv", dtype=str)
    depicted = files["items"].explode().dropna()
    assert set(depicted) == set(items["item"]) and items["item"].str.fullmatch(r"Q[1-9]\d*").all()
    assert set(items["category"]) <= set(edges["title"])
    assert not items.duplicated("item").any() and not items.duplicated("category").any()
    curated = pd.read_csv(SAMPLE / "curated" / "depicted_items.csv", dtype=str).set_index("item")
    assert set(curated["checked"]) == {"label", "tables", "table"} and curated.index.is_unique
    assert items.set_index("item")[["name", "category"]].equals(
        curated.loc[items["item"], ["name", "category"]]
    )
    stated = files["items"].map(len)
    assert stated.max() == 2 and 0.8 < (stated > 0).mean() < 1  # what has no item says nothing


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("Belarus.webp", ["flag", "Belarus"]),
        ("Dog on Leash.webp", ["dog"]),
        ("Caterpillar.webp", ["insect"]),  # the nearest above that has one
    ],
)
def test_a_file_depicts_what_its_title_names(files, title, names):
    known = pd.read_csv(SAMPLE / "items.csv", dtype=str).set_index("item")["name"]
    assert [known[item] for item in files.set_index("title").at[title, "items"]] == names


@pytest.mark.parametrize(
    ("label_source", "taxonomy"), [("commons", "v1.4"), ("depicts", "v1.4"), ("ores", "ores-64")]
)
def test_twenty_labels_have_twenty_five_files_by_each_source(files, label_source, taxonomy):
    labelled = label_from(
        label_source,
        files,
        taxonomy,
        graph=open_graph(SAMPLE / "categories.csv"),
        topics=pd.read_csv(SAMPLE / "articles.csv"),
        items=read_items(SAMPLE / "items.csv", files["items"].explode().dropna()),
    )
    counts = labelled.labels["labels"].explode().value_counts()
    assert (counts >= 25).sum() >= 20


def test_the_views_agree_in_the_main_but_not_wholly(files):
    labelled = label_from("commons", files, "v1.4", graph=open_graph(SAMPLE / "categories.csv")).labels
    mapped = (
        pd.read_csv(SAMPLE / "folders.csv").query("taxonomy == 'v1.4'").groupby("folder")["label"].agg(set)
    )
    pairs = [(set(a), mapped.get(f, set())) for a, f in zip(labelled["labels"], files["folder"], strict=True)]
    both, either = sum(len(a & b) for a, b in pairs), sum(len(a | b) for a, b in pairs)
    assert 0.5 < both / either < 0.95


# --- how it was built ----------------------------------------------------------------------------------


def _run(code: str) -> str:
    """Standard output of Python code that runs as build.py does, with sample/ as its folder."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SAMPLE, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_an_svg_with_entities_or_too_large_is_refused():
    code = """
from making.svg_metadata import MAX_BYTES, Refused, read_metadata
bomb = b'<!DOCTYPE s [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg>&b;</svg>'
for data in (bomb, b"<svg" + b" " * MAX_BYTES, b"<svg><metadata>"):
    try:
        print(read_metadata(data))
    except Refused as reason:
        print(reason)
"""
    assert _run(code).splitlines() == ["declares XML entities", "drawing too large", "broken XML"]


def test_only_an_svg_that_says_public_domain_passes():
    code = """
from making.svg_metadata import read_metadata
svg = '<svg xmlns:r="r" xmlns:d="d"><metadata><Work><d:title>Cat</d:title>{}</Work></metadata></svg>'
for licence in ('<license r:resource="http://x/PublicDomain"/>', '<license r:resource="http://x/by"/>', ''):
    found = read_metadata(svg.format(licence).encode())
    print(found.title, found.public_domain)
"""
    assert _run(code).splitlines() == ["Cat True", "Cat False", "Cat False"]


def test_small_functions_of_the_script_do_what_their_examples_say():
    assert _run("import doctest, making.words as w; print(doctest.testmod(w))").startswith(
        "TestResults(failed=0"
    )


def test_the_card_says_how_near_each_view_is_to_the_pictures():
    code = """
from pathlib import Path
from types import SimpleNamespace
import pyarrow.parquet as pq
from making.card import looked_at
rows = pq.read_table("sample.parquet").drop_columns(["image"]).to_pylist()
print(looked_at(Path("."), [SimpleNamespace(**row) for row in rows]))
"""
    table = _run(code)
    assert table.count("|") == 7 * 5 and table in (SAMPLE / "DATA.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_building_again_gives_the_same_tables(tmp_path):
    root = Path(os.environ.get("WIKITOPICS_SAMPLE_ROOT", "/"))
    if not (root / "usr/share/openclipart/svg").is_dir() or not (root / "usr/share/gcompris-qt/rcc").is_dir():
        pytest.skip(
            "needs Debian's openclipart and gcompris-qt-data, installed or under WIKITOPICS_SAMPLE_ROOT"
        )
    subprocess.run([sys.executable, "build.py", "--root", root, "--into", tmp_path], cwd=SAMPLE, check=True)
    for table in TABLES:
        assert (tmp_path / table).read_bytes() == (SAMPLE / table).read_bytes()
