"""Data sets for others: what is passed on, what `datasets` and `mlcroissant` open, and the way back in."""

import hashlib
import io
import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from PIL import Image

import datasets_planted
import planted
from datasets_planted import NASTY
from wikitopics import cli
from wikitopics.artefacts import read_array, read_json, read_table, write_json, write_table
from wikitopics.errors import UserError
from wikitopics.export import dataset_files
from wikitopics.export.dataset import read_chosen
from wikitopics.export.licences import (
    NO_CHANGE,
    NO_TRADE,
    NOT_FREE,
    OTHER,
    UNKNOWN,
    UNNAMED,
    left_out,
    licence_of,
)
from wikitopics.export.publish import export_dataset
from wikitopics.paths import PROJECT
from wikitopics.sources import open_source

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}  # before `datasets` is imported
try:
    import datasets
    import mlcroissant
except ImportError:
    datasets = mlcroissant = None
with_datasets = pytest.mark.skipif(datasets is None, reason="needs the extra huggingface")
FREE = {"CC BY-SA 4.0", "Public domain", "CC0", "CC BY 2.0"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A root with finished runs, which is the laboratory's root while this file runs."""
    root = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WIKITOPICS_ROOT", str(root))
        yield root


@pytest.fixture(scope="module")
def known(root):
    return datasets_planted.write_runs(root)


@pytest.fixture(scope="module")
def free(known):
    """What must be passed on."""
    named = known["creator"].ne("") | known["licence"].isin(["Public domain", "CC0"])
    return known[known["licence"].isin(FREE) & named]


@pytest.fixture(scope="module")
def shards(known, tmp_path_factory):
    out = tmp_path_factory.mktemp("shards") / "out"
    export_dataset("sample", out)
    return out


@pytest.fixture(scope="module")
def folders(known, tmp_path_factory):
    out = tmp_path_factory.mktemp("folders") / "out"
    export_dataset("sample", out, form="imagefolder")
    return out


def front_of(card: Path) -> dict:
    text = card.read_text("utf-8")
    assert text.startswith("---\n")
    return yaml.safe_load(text.split("---\n")[1])


# --- Licences


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("CC BY-SA 4.0", "CC BY-SA 4.0"),
        ("cc-by-sa-3.0-de", "CC BY-SA 3.0 DE"),
        ("CC BY-SA 3.0-2.5-2.0-1.0", "CC BY-SA 3.0"),
        ("Creative Commons Attribution-Share Alike 2.5", "CC BY-SA 2.5"),
        ("CC-BY-2.0", "CC BY 2.0"),
        ("CC0-1.0", "CC0 1.0"),
        ("Public domain", "Public domain"),
        ("PD-self", "Public domain"),
        ("No restrictions", "Public domain"),
        ("FAL", "Free Art License"),
        ("OGL 3", "Open Government Licence 3.0"),
    ],
)
def test_licences_that_allow_it_are_known_in_the_spellings_of_commons(said, name):
    assert licence_of(said).name == name and licence_of(said).address.startswith("https://")
    assert left_out(said, "Eve") == ""


@pytest.mark.parametrize(
    ("said", "creator", "why"),
    [
        ("CC BY-NC 2.0", "Eve", NO_TRADE),
        ("CC BY-NC-ND 4.0", "Eve", NO_TRADE),
        ("CC BY 4.0 NC", "Eve", NO_TRADE),
        ("CC-BY-SA-3.0-NC", "Eve", NO_TRADE),
        ("CC BY-SA 4.0 - 3.0, nc", "Eve", NO_TRADE),
        ("CC BY 2.0 ND", "Eve", NO_CHANGE),
        ("CC BY 2.0 SA", "Eve", OTHER),
        ("CC BY 3.0 or", "Eve", OTHER),
        ("CC BY 4.0 de", "Eve", OTHER),
        ("Creative Commons Attribution-NonCommercial 4.0", "Eve", NO_TRADE),
        ("CC BY-ND 2.0", "Eve", NO_CHANGE),
        ("Fair use", "Eve", NOT_FREE),
        ("All rights reserved", "Eve", NOT_FREE),
        ("", "Eve", UNKNOWN),
        ("unknown", "Eve", UNKNOWN),
        ("N/A", "Eve", UNKNOWN),
        ("GFDL", "Eve", OTHER),
        ("CC BY", "Eve", OTHER),
        ("CC BY 9.9", "Eve", OTHER),
        ("Not CC0", "Eve", OTHER),
        ("CC BY 4.0", "", UNNAMED),
        ("CC BY-SA 4.0", "unknown", UNNAMED),
        ("CC BY-SA 4.0", "Unknown authorUnknown author", UNNAMED),  # as Commons' API writes it
        ("CC BY 3.0", "AnonymousUnknown author", UNNAMED),
    ],
)
def test_what_does_not_clearly_allow_it_is_left_out_with_its_reason(said, creator, why):
    assert left_out(said, creator) == why


@given(st.text(max_size=40))
def test_any_words_are_a_licence_of_the_list_or_a_reason(said):
    assert (licence_of(said) is None) == bool(left_out(said, "Eve"))


# --- What is written


def test_shards_hold_the_free_pictures_their_labels_in_the_frozen_order_and_whose_they_are(
    shards, free, root
):
    pixels = read_array(root / "data" / "02_images" / "sample" / "images.npy")
    found = []
    for split in ("train", "validation", "test"):
        table = pq.read_table(shards / "data" / f"{split}-00000-of-00001.parquet")
        said = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
        assert said["labels"]["feature"] == {"names": planted.NAMES, "_type": "ClassLabel"}
        own = free[free["split"] == split]
        rows = table.to_pylist()
        assert [row["title"] for row in rows] == own["title"].tolist()
        for row, number in zip(rows, own["number"], strict=True):
            data = row["image"]["bytes"]
            assert [planted.NAMES[place] for place in row["labels"]] == planted.planted_labels(number)
            assert row["as_found"] == (number % 2 == 0) and row["sha1"] == hashlib.sha1(data).hexdigest()
            if row["as_found"]:
                assert data == (root / "pictures" / f"{number}.png").read_bytes()
            assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), pixels[number])
        found += rows
    assert len(found) == len(free) and {row["licence"] for row in found} == FREE
    by = {row["licence"]: row["licence_url"] for row in found}
    assert by["CC BY-SA 4.0"] == "https://creativecommons.org/licenses/by-sa/4.0/"
    assert not any(row["creator"] == "" and row["licence"].startswith("CC BY") for row in found)


def test_what_is_left_out_is_counted_by_reason_and_told(shards, known, free, root, capsys, tmp_path):
    chosen = read_chosen("sample")
    assert len(chosen.given) == len(free) and sum(chosen.reasons().values()) == len(known) - len(free)
    counts = known["licence"].value_counts()
    assert chosen.reasons()[NOT_FREE] == counts["Fair use"] and chosen.reasons()[UNKNOWN] == counts[""]
    assert cli.main(["export", "--dataset", "sample", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert f"left out: {counts['CC BY-NC 2.0']}, {NO_TRADE}" in said
    assert f"| {NO_TRADE} | {counts['CC BY-NC 2.0']} |" in (shards / "README.md").read_text("utf-8")


@pytest.mark.parametrize("same_length", [False, True])
def test_a_file_that_changed_since_is_not_passed_on_as_found(known, root, tmp_path, monkeypatch, same_length):
    shutil.copytree(root, tmp_path / "root")
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path / "root"))
    file = tmp_path / "root" / "pictures" / "0.png"
    size = file.stat().st_size
    file.write_bytes(b"something else".ljust(size if same_length else 0))
    chosen = read_chosen("sample")
    row = next(chosen.given.itertuples())
    found = dataset_files.Pictures(chosen).of(row)
    assert row.title == "Picture 0.png" and not found.as_found and found.data.startswith(b"\x89PNG")


def test_a_train_run_names_its_labels_and_their_number(known, root, tmp_path, monkeypatch):
    shutil.copytree(root, tmp_path / "root")
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path / "root"))
    trained = tmp_path / "root" / "data" / "03_train" / "tiny"
    write_json(trained / "label_names.json", {"label_names": ["Red", "Shape"]})
    write_json(trained / "run.json", {"parameters": {"images": "sample", "labels": "commons"}})
    chosen = read_chosen("tiny")
    assert chosen.label_names == ["Red", "Shape"]
    assert chosen.table["labels"][4] == [n for n in planted.planted_labels(4) if n in ("Red", "Shape")]
    with pytest.raises(
        UserError, match="--labels must be 'commons', from which 'tiny' learned, but is 'ores'"
    ):
        read_chosen("tiny", "ores")
    write_json(trained / "made_from.json", {"inputs": {"01_labels/commons": "old"}})
    write_json(tmp_path / "root" / "data" / "01_labels" / "commons" / "made_from.json", {"content": "new"})
    with pytest.raises(UserError, match="of one making, but 01_labels/commons was made again"):
        read_chosen("tiny")


def test_shards_end_when_they_are_full_and_are_numbered(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset_files, "SHARD_BYTES", 200)
    monkeypatch.setattr(dataset_files, "ROWS", 2)
    counts = dataset_files.write_shards(tmp_path, (record(f"{n}", n) for n in range(11)), "train", ["a", "b"])
    files = sorted(file.name for file in (tmp_path / "data").iterdir())
    assert files == [f"train-{n:05}-of-00003.parquet" for n in range(3)] and counts["pictures"] == 11
    titles = [
        title for file in files for title in pq.read_table(tmp_path / "data" / file)["title"].to_pylist()
    ]
    assert titles == [str(n) for n in range(11)]


def test_a_group_of_large_pictures_is_short(tmp_path, monkeypatch):
    """Else 100 pictures of 50 MB would be in memory at once, and our own reader would refuse the shard."""
    monkeypatch.setattr(dataset_files, "GROUP_BYTES", 124, raising=False)
    dataset_files.write_shards(tmp_path, (record(f"{n}", n) for n in range(5)), "train", ["a", "b"])
    about = pq.read_metadata(tmp_path / "data" / "train-00000-of-00001.parquet")
    assert [about.row_group(group).num_rows for group in range(about.num_row_groups)] == [2, 2, 1]


def record(title: str, number: int = 0, creator: str = "Eve") -> dict:
    texts = {
        "title": title,
        "creator": creator,
        "licence": "CC0",
        "licence_url": "",
        "source_page": "",
        "sha1": "0",
    }
    image = {"bytes": bytes([number]) * 62, "path": f"{number:07}.png"}
    return {"image": image, "labels": [number % 2], **texts, "as_found": True}


@settings(max_examples=60)
@given(titles=st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5))
@example(titles=["=1+1", "+x", "-x", "@x", NASTY])
def test_hostile_titles_stay_in_their_cell(titles, tmp_path_factory):
    """As rows of both forms, read again by others' readers; no spreadsheet computes one."""
    folder = tmp_path_factory.mktemp("hostile")
    rows = [record(title, number, title) for number, title in enumerate(titles)]
    dataset_files.write_shards(folder, rows, "train", ["a", "b"])
    assert pq.read_table(folder / "data")["title"].to_pylist() == titles
    dataset_files.write_folder(folder, rows, "train", ["a", "b"])
    told = pd.read_csv(
        folder / "train" / "metadata.csv", dtype=str, keep_default_na=False, lineterminator="\n"
    )
    assert len(told) == len(titles) and sorted(told["file_name"]) == [
        f"{n:07}.png" for n in range(len(titles))
    ]
    assert not told["title"].str.startswith(("=", "+", "-", "@")).any()
    plain = [title for title in titles if title.isprintable() and not title.startswith(("=", "+", "-", "@"))]
    assert set(plain) <= set(told["title"])


def test_cards_carry_yaml_and_no_marks_of_strangers(known, root, tmp_path, monkeypatch):
    shutil.copytree(root, tmp_path / "root")
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path / "root"))
    labels = tmp_path / "root" / "data" / "01_labels" / "commons"
    renamed = {**{name: name for name in planted.NAMES}, "Red": NASTY}
    said = read_table(labels / "labels.parquet")
    own = said["labels"].map(lambda names: [renamed[name] for name in names])
    write_table(labels / "labels.parquet", said.assign(labels=own))
    write_json(labels / "label_names.json", {"label_names": list(renamed.values())})
    export_dataset("sample", tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text("utf-8")
    shown = MarkdownIt("commonmark").enable("table").render(card)
    assert "<script" not in shown and "&lt;script&gt;alert(1)&lt;/script&gt; | *Eve*" in shown
    front = front_of(tmp_path / "out" / "README.md")
    assert front["license"] == "other" and front["size_categories"] == ["n<1K"]
    assert front["configs"][0]["data_files"][0] == {"split": "train", "path": "data/train-*"}
    assert "script" not in card.split("---\n")[1]
    names = json.loads(pq.read_schema(next((tmp_path / "out" / "data").iterdir())).metadata[b"huggingface"])
    assert NASTY in names["info"]["features"]["labels"]["feature"]["names"]


# --- Refused in one sentence


def test_what_cannot_be_is_one_sentence(known, root, tmp_path, monkeypatch, capsys):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    for out in (tmp_path / "full", tmp_path / "full" / "notes.txt", tmp_path / "a.zip"):
        with pytest.raises(UserError, match="--out of a data set must be a new folder, but is"):
            export_dataset("sample", out)
    assert (tmp_path / "full" / "notes.txt").read_text() == "mine"
    with pytest.raises(UserError, match="must be parquet or imagefolder, but is 'arrow'"):
        export_dataset("sample", tmp_path / "new", form="arrow")
    for more, words in (
        (["--dataset", "--formats", "keras"], "--formats must stand without --dataset"),
        (["--labels", "commons"], "--labels must stand beside --dataset"),
    ):
        assert cli.main(["export", "sample", "--out", str(tmp_path / "new"), *more]) == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    shutil.copytree(root, tmp_path / "root")
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path / "root"))
    images = tmp_path / "root" / "data" / "02_images" / "sample"
    write_json(images / "run.json", {"parameters": {"labels": ["commons", "ores"]}})
    with pytest.raises(UserError, match="was made from commons, ores; choose one with --labels"):
        export_dataset("sample", tmp_path / "new")
    assert len(read_chosen("sample", "commons").table) == 90
    labels = tmp_path / "root" / "data" / "01_labels" / "commons"
    files = read_table(labels / "files.parquet")
    write_table(labels / "files.parquet", files.assign(licence=""))
    with pytest.raises(UserError, match=r"none of the 90 of 'sample' has \(no licence is known: 90\); bring"):
        export_dataset("sample", tmp_path / "new", "commons")
    write_table(labels / "labels.parquet", read_table(labels / "labels.parquet").iloc[1:])
    with pytest.raises(
        UserError, match="every picture must have a row in the labels run 'commons', but 1 of 90"
    ):
        export_dataset("sample", tmp_path / "new", "commons")
    assert not (tmp_path / "new").exists()


# --- What others open


@with_datasets
def test_datasets_opens_shards_with_pictures_and_names(shards, free, root, tmp_path):
    found = datasets.load_dataset(str(shards), cache_dir=str(tmp_path))
    pixels = read_array(root / "data" / "02_images" / "sample" / "images.npy")
    assert set(found) == {"train", "validation", "test"}
    for split, rows in found.items():
        own = free[free["split"] == split]
        names = rows.features["labels"].feature.names
        assert names == planted.NAMES and rows["title"][:] == own["title"].tolist()
        for row, number in zip(rows, own["number"], strict=True):
            assert [names[place] for place in row["labels"]] == planted.planted_labels(number)
            assert np.array_equal(np.asarray(row["image"]), pixels[number])


@with_datasets
def test_datasets_opens_folders_with_their_metadata(folders, free, root, tmp_path):
    found = datasets.load_dataset(str(folders), cache_dir=str(tmp_path))
    pixels = read_array(root / "data" / "02_images" / "sample" / "images.npy")
    numbers = dict(zip(free["title"], free["number"], strict=True))
    for split, rows in found.items():
        assert len(rows) == (free["split"] == split).sum()
        for row in rows:
            title = row["title"] or "NA"  # which pandas, and so `datasets`, takes for nothing in a CSV
            number = numbers[title.removeprefix("'") if title.startswith("'=") else title]
            assert json.loads(row["labels"]) == planted.planted_labels(number)
            assert np.array_equal(np.asarray(row["image"]), pixels[number])


@with_datasets
def test_a_part_without_any_creator_does_not_close_the_folder(tmp_path):
    (tmp_path / "out").mkdir()
    for split, creator in (("train", ""), ("test", "Eve")):
        rows = [record("a.png", 0, creator) | {"image": {"bytes": png(0), "path": "0000000.png"}}]
        dataset_files.write_folder(tmp_path / "out", rows, split, ["a", "b"])
    found = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert found["train"][0]["creator"] == "unknown" and found["test"][0]["creator"] == "Eve"


@with_datasets
@pytest.mark.parametrize("form", ["shards", "folders"])
def test_croissant_is_valid_and_reads_the_rows(form, request, free):
    folder = request.getfixturevalue(form)
    page = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    assert not page.metadata.issues.errors and not page.metadata.issues.warnings
    read = 0
    for records in page.metadata.record_sets:
        rows = list(page.records(records.id))
        read += len(rows) if records.id != "label_names" else 0
        if form == "shards" and records.id != "label_names":
            assert all(isinstance(row[f"{records.id}/image"], Image.Image) for row in rows)
    assert read == len(free)
    names = [row["label_names/name"] for row in page.records("label_names")]
    assert [name.decode() if isinstance(name, bytes) else name for name in names] == planted.NAMES


@pytest.mark.parametrize("form", ["shards", "folders"])
def test_croissant_names_every_file_of_rows_with_its_sum(form, request):
    folder = request.getfixturevalue(form)
    listed = read_json(folder / "croissant.json")["distribution"]
    there = {str(file.relative_to(folder)) for end in ("*.parquet", "*.csv") for file in folder.rglob(end)}
    assert {one["contentUrl"] for one in listed} == there
    for one in listed:
        assert hashlib.sha256((folder / one["contentUrl"]).read_bytes()).hexdigest() == one["sha256"]


def test_croissant_of_the_sample_is_up_to_date():
    code = "import json, pathlib, making.croissant as c; print(json.dumps(c.described(pathlib.Path('.'))))"
    path = os.pathsep.join(filter(None, [str(PROJECT / "lib"), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT / "sample",
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == read_json(PROJECT / "sample" / "croissant.json")


@with_datasets
def test_croissant_of_the_sample_is_valid_and_read():
    page = mlcroissant.Dataset(jsonld=str(PROJECT / "sample" / "croissant.json"))
    assert not page.metadata.issues.errors and not page.metadata.issues.warnings
    assert {one.id for one in page.metadata.record_sets} >= {
        "pictures",
        "images",
    }
    assert len(list(page.records("pictures"))) == 2320
    assert len(list(page.records("categories"))) == 1806


# --- And back in


def png(number: int, size: int = 8) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((size, size, 3), number, np.uint8)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("form", ["shards", "folders"])
def test_what_was_written_is_read_in_with_the_same_labels_pixels_and_split(form, request, free, root):
    folder = request.getfixturevalue(form)
    source = open_source("table", table=str(folder))
    files = source.files()
    pixels = read_array(root / "data" / "02_images" / "sample" / "images.npy")
    order = {name: place for place, name in enumerate(planted.NAMES)}
    digests = {hashlib.sha1(pixels[n].tobytes()).hexdigest(): n for n in free["number"]}
    assert len(files) == len(free)
    for row in files.itertuples():
        shown = np.asarray(Image.open(io.BytesIO(source.read(row.path, 1 << 20))))
        number = digests[hashlib.sha1(shown.tobytes()).hexdigest()]
        assert sorted(row.labels, key=order.__getitem__) == planted.planted_labels(number)
        own = free[free["number"] == number].iloc[0]
        assert (row.split, row.licence) == (own["split"], own["licence"])
        assert row.creator.removeprefix("'") == own["creator"] or row.creator == "unknown"
    assert source.fingerprint() == open_source("table", table=str(folder)).fingerprint()
    with pytest.raises(OSError):
        source.read("data/../../x.parquet#0", 1 << 20)
    with pytest.raises(OSError):
        source.read(files["path"][0], 10)


def write_shard(
    folder: Path, columns: dict, name: str = "data/train-0.parquet", features: dict | None = None
):
    schema = pa.table(columns).schema
    if features:
        schema = schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns, schema), folder / name)
    return folder


IMAGES = pa.array([{"bytes": png(n), "path": f"{n}.png"} for n in range(3)], dataset_files.IMAGE)
CLASS = {"names": ["cat", "dog"], "_type": "ClassLabel"}
CARD = """---
dataset_info:
  features:
  - name: image
    dtype: image
  - name: {column}
    {kind}
---
# A card
"""
YAML = {
    "label": "dtype:\n      class_label:\n        names:\n          '0': cat\n          '1': dog",
    "labels": "sequence:\n      class_label:\n        names: [cat, dog]",
    "tags": "list:\n      class_label:\n        names:\n          '1': dog\n          '0': cat",
}


@pytest.mark.parametrize("by", ["schema", "card"])
@pytest.mark.parametrize("column", ["label", "labels", "tags"])
def test_numbers_of_labels_become_their_names(tmp_path, column, by):
    cells = [0, 1, -1] if column == "label" else [[0, 1], [1], None]
    feature = CLASS if column == "label" else {"feature": CLASS, "_type": "Sequence"}
    features = {"image": {"_type": "Image"}, column: feature} if by == "schema" else None
    write_shard(tmp_path, {"image": IMAGES, column: cells}, features=features)
    if by == "card":
        (tmp_path / "README.md").write_text(CARD.format(column=column, kind=YAML[column]))
    files = open_source("table", table=str(tmp_path)).files()
    wanted = [["cat"], ["dog"], []] if column == "label" else [["cat", "dog"], ["dog"], []]
    assert files["labels"].tolist() == wanted
    assert files["title"].tolist() == ["0.png", "1.png", "2.png"] and "split" not in files


@with_datasets
@pytest.mark.parametrize("kind", ["one", "list", "large", "texts"])
def test_what_datasets_writes_is_read_nothing_and_lists_without_items_too(tmp_path, kind):
    names = datasets.ClassLabel(names=["cat", "dog"])
    feature = {
        "one": names,
        "list": datasets.List(names),
        "large": datasets.LargeList(names),
        "texts": datasets.List(datasets.Value("string")),
    }[kind]
    cells = {"one": [1, None, -1, 0], "texts": [["dog"], None, [], ["cat", "dog"]]}
    rows = {"image": [Image.new("RGB", (4, 4), (n, 0, 0)) for n in range(4)]}
    rows["label" if kind == "one" else "labels"] = cells.get(kind, [[1], None, [], [0, 1]])
    features = datasets.Features({"image": datasets.Image(), list(rows)[1]: feature})
    made = datasets.Dataset.from_dict(rows, features=features)
    for split in ("train", "test"):
        (tmp_path / "data").mkdir(exist_ok=True)
        made.to_parquet(str(tmp_path / "data" / f"{split}-00000-of-00001.parquet"))
    source = open_source("table", table=str(tmp_path))
    files = source.files()
    last = ["cat"] if kind == "one" else ["cat", "dog"]
    assert files["labels"].tolist() == [["dog"], [], [], last] * 2
    assert files["split"].tolist() == ["test"] * 4 + ["train"] * 4
    assert Image.open(io.BytesIO(source.read(files["path"][2], 10_000))).getpixel((0, 0)) == (2, 0, 0)


@pytest.mark.parametrize("first", ["label", "labels"])
def test_of_label_and_labels_the_second_is_meant_with_its_own_names(tmp_path, first):
    """In whatever order they stand, in the schema and in the rows."""
    cells = {"label": [0, 1, 0], "labels": [[0], [1], [0, 1]]}
    classes = {"label": CLASS, "labels": {"feature": CLASS | {"names": ["fox", "owl"]}, "_type": "Sequence"}}
    order = sorted(cells, key=first.__ne__)
    columns = {"image": IMAGES, **{name: cells[name] for name in order}}
    write_shard(tmp_path, columns, features={name: classes[name] for name in reversed(order)})
    files = open_source("table", table=str(tmp_path)).files()
    assert files["labels"].tolist() == [["fox"], ["owl"], ["fox", "owl"]]


def test_vectors_beside_the_pictures_are_not_made_texts(tmp_path):
    """Each of their numbers would be a text of its own: 7 GB for 100,000 pictures with 768."""
    write_shard(tmp_path, {"image": IMAGES, "labels": [["x"]] * 3, "embedding": [[0.5, 1.5]] * 3})
    frame = open_source("table", table=str(tmp_path))._data_set().rows(["labels"])
    assert "embedding" not in frame and frame["labels"].tolist() == [["x"]] * 3


def test_configurations_and_patterns_of_the_card_are_kept(tmp_path):
    for name in ("a/one.parquet", "a/two.parquet", "b/three.parquet"):
        write_shard(tmp_path, {"image": IMAGES, "labels": [["x"]] * 3}, name)
    card = "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n    path: a/one*\n"
    card += "  - split: test\n    path: [a/two.parquet]\n- config_name: other\n  data_files: b/*\n---\n"
    (tmp_path / "README.md").write_text(card)
    files = open_source("table", table=str(tmp_path)).files()
    assert files["split"].tolist() == ["train"] * 3 + ["test"] * 3
    (tmp_path / "README.md").write_text(card.replace("default", "another"))
    with pytest.raises(UserError, match="one configuration, or one called default, but .* has several"):
        open_source("table", table=str(tmp_path)).files()


def test_plain_bytes_in_a_column_called_image_are_pictures(tmp_path):
    write_shard(
        tmp_path, {"image": [png(n) for n in range(3)], "title": ["a", "b", "c"], "labels": ["x", "y", ""]}
    )
    source = open_source("table", table=str(tmp_path))
    assert source.files()["labels"].tolist() == [["x"], ["y"], []]
    assert source.read(source.files()["path"][1], 10_000) == png(1)


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl"])
def test_files_and_metadata_at_the_top_or_a_folder(tmp_path, name):
    rows = [{"file_name": f"train/{n}.png", "labels": ["x"]} for n in range(2)]
    rows += [{"file_name": "test/9.png", "labels": ["y"]}]
    for row in rows:
        (tmp_path / row["file_name"]).parent.mkdir(exist_ok=True)
        (tmp_path / row["file_name"]).write_bytes(png(7))
    lines = "\n".join(json.dumps(row) for row in rows)
    table = "file_name,labels\n" + "\n".join(f"{row['file_name']},{row['labels'][0]}" for row in rows)
    (tmp_path / name).write_text(lines if name.endswith("l") else table)
    files = open_source("table", table=str(tmp_path)).files()
    assert files["split"].tolist() == ["train", "train", "test"]
    assert files["labels"].tolist() == [["x"], ["x"], ["y"]]
    (tmp_path / name).unlink()
    for split in ("train", "test"):
        own = [row for row in rows if row["file_name"].startswith(split)]
        (tmp_path / split / "metadata.jsonl").write_text(
            "\n".join(json.dumps(row | {"file_name": row["file_name"].partition("/")[2]}) for row in own)
        )
    again = open_source("table", table=str(tmp_path)).files()
    assert sorted(again["path"]) == sorted(row["file_name"] for row in rows)
    assert set(again["split"]) == {"train", "test"}


NO_BYTES = pa.array([{"bytes": None, "path": "gone.png"}], dataset_files.IMAGE)
REFUSED = {
    "numbers without names": (
        {"image": IMAGES, "label": [0, 1, 0]},
        "column labels of .* holds numbers and nothing",
    ),
    "numbers in lists": ({"image": IMAGES, "labels": [[0], [1], []]}, "holds numbers and nothing names them"),
    "paths alone": ({"image": NO_BYTES}, "a row of data/train-0.parquet has only the path 'gone.png'"),
    "addresses": (
        {"image": ["https://x/a.png"], "label": ["x"]},
        "the column image .* holds only paths or addresses",
    ),
    "no picture": ({"text": ["a"]}, "must have a column of pictures"),
    "two pictures": ({"one": IMAGES, "two": IMAGES}, "one column of pictures, but .* has one, two"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_understood_is_one_sentence(tmp_path, case):
    columns, words = REFUSED[case]
    write_shard(tmp_path, columns)
    with pytest.raises(UserError, match=words) as refused:
        open_source("table", table=str(tmp_path)).files()
    assert str(refused.value).count("; ") == 1 and "\n" not in str(refused.value)


def test_odd_cards_names_and_shards_are_one_sentence(tmp_path, monkeypatch):
    source = open_source("table", table=str(tmp_path))
    with pytest.raises(UserError, match="must hold an image data set .* use source: folder"):
        source.files()
    write_shard(tmp_path, {"image": IMAGES, "label": [0, 1, 7]}, features={"label": CLASS})
    with pytest.raises(UserError, match="must be 0 to 1, which have names, but one .* is 7"):
        source.files()
    write_shard(tmp_path, {"image": IMAGES, "a": [0] * 3, "b": [0] * 3}, features={"a": CLASS, "b": CLASS})
    with pytest.raises(UserError, match="one column of labels, or one called labels, but .* has a, b"):
        source.files()
    write_shard(tmp_path, {"image": IMAGES, "label": ["x"] * 3})
    grown = "a: &a {k: v}\n" + "\n".join(
        f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 9)}]}}"
        for before, name in itertools.pairwise("abcdefghijklm")
    )  # a thousand letters that would be 9^12 pairs
    odd = ("a: !!bool x", "a: !!timestamp x", grown)
    for head in ("a: [", "a: !!python/object:os.system x", "x: &a [*a]" + "[" * 5000, *odd):
        (tmp_path / "README.md").write_text(f"---\n{head}\n---\n")
        with pytest.raises(UserError, match="must be YAML, but"):
            source.files()
    (tmp_path / "README.md").write_text("no head")
    assert source.files()["labels"].tolist() == [["x"]] * 3
    with pytest.raises(UserError, match="image_root must be empty where table is the folder"):
        open_source("table", table=str(tmp_path), image_root=str(tmp_path)).files()
    write_shard(tmp_path, {"image": IMAGES, "other": ["x"] * 3}, "data/test-0.parquet")
    with pytest.raises(UserError, match="must have the same columns"):
        source.files()
    (tmp_path / "data" / "test-0.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(UserError, match="must be a whole Parquet file"):
        source.files()
    (tmp_path / "data" / "test-0.parquet").unlink()
    from wikitopics.sources.huggingface import parquet_pictures

    monkeypatch.setattr(parquet_pictures, "MAX_GROUP", 10)
    with pytest.raises(UserError, match="write it again with groups of 100 rows"):
        source.files()


def test_shards_that_are_links_out_of_the_folder_are_one_sentence(tmp_path):
    """As in the Hub's cache: rows would be read there, and every one of their pictures refused."""
    write_shard(tmp_path / "blobs", {"image": IMAGES, "labels": [["x"]] * 3}, "one")
    top = tmp_path / "snapshots" / "abc"
    top.mkdir(parents=True)
    (top / "train.parquet").symlink_to("../../blobs/one")
    with pytest.raises(UserError, match="must lie in its folder, but train.parquet is a link out of"):
        open_source("table", table=str(top)).files()


def test_a_row_without_a_picture_is_a_file_that_is_not_there(tmp_path):
    images = pa.array([{"bytes": png(0), "path": "0.png"}, None], dataset_files.IMAGE)
    write_shard(tmp_path, {"image": images, "labels": [["x"], ["x"]]})
    source = open_source("table", table=str(tmp_path))
    paths = source.files()["path"].tolist()
    assert source.read(paths[0], 10_000) == png(0)
    with pytest.raises(FileNotFoundError, match="row 1 of data/train-0.parquet has no picture"):
        source.read(paths[1], 10_000)
    for key in ("data/train-0.parquet#9", "../x.parquet#0", "data/none.parquet#0"):
        with pytest.raises(OSError):
            source.read(key, 10_000)


def test_another_content_is_another_fingerprint(tmp_path):
    write_shard(tmp_path, {"image": IMAGES, "label": ["x", "y", "z"]})
    before = open_source("table", table=str(tmp_path)).fingerprint()
    write_shard(tmp_path, {"image": IMAGES, "label": ["x", "y", "y"]})
    after = open_source("table", table=str(tmp_path)).fingerprint()
    (tmp_path / "README.md").write_text("---\nlicense: cc0-1.0\n---\n")
    assert len({before, after, open_source("table", table=str(tmp_path)).fingerprint()}) == 3


@pytest.mark.slow
def test_01_and_02_run_on_a_data_set_folder(shards, free, tmp_path):
    for name, text in {
        "01_labels/in": f"source: table\nlabel_source: given\ntable: {shards}",
        "02_images/in": "labels: [in]\nstore_size: 32\njobs: 1\nnear_duplicate_likeness: 1.0",
    }.items():
        (tmp_path / "params" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "params" / f"{name}.yaml").write_text(f"run: in\n{text}\n")
    command = [sys.executable, "-m", "wikitopics.cli", "run", "--root", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    images = read_table(tmp_path / "data/02_images/in/images.parquet")
    labels = read_table(tmp_path / "data/01_labels/in/labels.parquet").set_index("title")["labels"]
    splits = dict(zip(free["title"], free["split"], strict=True))
    ordinary = images[images["title"].str.startswith("Picture")]
    assert len(ordinary) > 20
    for title, split in zip(ordinary["title"], ordinary["split"], strict=True):
        number = int(title.removeprefix("Picture ").removesuffix(".png"))
        assert set(labels[title]) == set(planted.planted_labels(number)) and split == splits[title]


def test_damaged_shards_are_told(tmp_path):
    """Bytes changed or cut off: rows, or one sentence; a picture, or an OSError that 02 tells."""
    write_shard(
        tmp_path,
        {"image": IMAGES, "labels": [[0], [1], []], "title": ["a", "b", "c"]},
        features={"labels": CLASS},
    )
    file, rng = tmp_path / "data" / "train-0.parquet", np.random.default_rng(0)
    good, told, source = file.read_bytes(), 0, open_source("table", table=str(tmp_path))
    for _ in range(80):
        data = bytearray(good[: int(rng.integers(len(good)))] if rng.random() < 0.2 else good)
        for place in rng.integers(len(data), size=3) if data else ():
            data[place] = rng.integers(256)
        file.write_bytes(data)
        try:
            for path in source.files()["path"]:
                source.read(path, 10_000)
        except (UserError, OSError):
            told += 1
    assert told > 40
