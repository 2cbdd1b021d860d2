"""The image set as a whole: from label runs and a folder to arrays and tables that miss no file."""

import hashlib
import json
import os
import time

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hostile import hostile_files, picture, saved
from wikitopics import paths
from wikitopics.artefacts import read_array, write_json, write_table
from wikitopics.errors import UserError
from wikitopics.images import report
from wikitopics.images.decode import Recipe
from wikitopics.images.duplicates import groups_of, near_duplicates
from wikitopics.images.image_set import IMAGE_COLUMNS, decode_files, growing_array, select_files
from wikitopics.images.reasons import REASONS
from wikitopics.images.split import stratified_split
from wikitopics.runs.record import finish_run
from wikitopics.show import image_figures
from wikitopics.show.figures import funnel
from wikitopics.sources import describe, open_source

RECIPE = Recipe(store_size=32, max_bytes=8_000_000)
SHARES = {"train": 0.5, "validation": 0.25, "test": 0.25}


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    (tmp_path / "set").mkdir()
    return tmp_path


def mosaic(seed: int) -> Image.Image:
    """Coloured fields, unlike those of any other seed."""
    fields = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    return Image.fromarray(fields).resize((90, 60), Image.Resampling.BICUBIC)


def put(root, name: str, data: bytes) -> None:
    (root / "set" / name).write_bytes(data)


def label_run(name: str, source, labels: dict[str, list[str]], label_names: list[str]) -> None:
    """The part of a 01_labels run that 02 reads."""
    folder, files = paths.run_folder("01_labels", name), source.files()
    table = pd.DataFrame({"title": files["title"], "labels": [labels.get(t, []) for t in files["title"]]})
    write_table(folder / "files.parquet", files)
    write_table(folder / "labels.parquet", table.assign(scores=[[1.0] * len(row) for row in table["labels"]]))
    write_json(folder / "label_names.json", {"taxonomy": "t", "label_names": label_names, "parents": {}})
    write_json(folder / "source.json", describe(source))
    finish_run(folder, {}, time.time())


@pytest.fixture
def chosen(root):
    """Twenty good pictures, two copies, a scaled one, three bad files; one good picture has no label."""
    for number in range(20):
        put(root, f"good {number:02d}.png", saved(mosaic(number), "PNG"))
    good = mosaic(0)
    put(root, "z copy.bmp", saved(good, "BMP"))
    put(root, "z copy.png", saved(good, "PNG", compress_level=1))
    put(root, "z scaled.jpg", saved(good.resize((60, 40)), "JPEG", quality=90))
    put(root, "bad cut.jpg", saved(good, "JPEG")[:300])
    put(root, "bad page.jpg", b"<!DOCTYPE html>")
    put(root, "gone.png", b"")
    source = open_source("folder", image_root="set")
    titles = source.files()["title"].tolist()
    labels = {title: [["Cats"], ["Dogs"], ["Cats", "Dogs"]][n % 3] for n, title in enumerate(titles)}
    label_run("commons", source, labels, ["Cats", "Dogs", "Never"])
    label_run("ores", source, {t: ["Biology"] for t in titles if t != "Good 07.png"}, ["Biology"])
    os.remove(root / "set" / "gone.png")
    return select_files(["commons", "ores"], "all")


# --- selection -----------------------------------------------------------------------------------------


def test_selection_keeps_what_all_runs_labelled_and_counts_the_rest(chosen):
    assert chosen.label_names == ["commons: Cats", "commons: Dogs", "commons: Never", "ores: Biology"]
    assert [step["files"] for step in chosen.funnel] == [26, 26, 25, 25]
    assert "Good 07.png" not in set(chosen.files["title"])
    assert "Good 07.png" in set(select_files(["commons", "ores"], "any").files["title"])
    assert [step["files"] for step in select_files(["ores"], "all").funnel] == [26, 25]


def test_matrix_of_follows_the_titles_asked_for(chosen):
    titles = chosen.files["title"].iloc[[5, 2, 9]]
    assert np.array_equal(chosen.matrix_of(titles), chosen.label_matrix[[5, 2, 9]])


def test_runs_of_two_sources_are_refused_in_one_sentence(chosen, root):
    (root / "other").mkdir()
    (root / "other" / "a.png").write_bytes(saved(picture(), "PNG"))
    other = open_source("folder", image_root="other")
    label_run("elsewhere", other, {"A.png": ["Cats"]}, ["Cats"])
    with pytest.raises(UserError, match="must label one source, but 'commons' and 'elsewhere' do not"):
        select_files(["commons", "elsewhere"], "all")
    with pytest.raises(UserError, match="none is labelled by all of nothing"):
        label_run("nothing", other, {}, ["Cats"])
        select_files(["nothing"], "all")


def test_a_source_that_changed_between_label_runs_is_noticed(chosen, root):
    put(root, "new.png", saved(picture(), "PNG"))
    label_run("later", open_source("folder", image_root="set"), {"New.png": ["Cats"]}, ["Cats"])
    with pytest.raises(UserError, match="must know the same files, but 'later' has 1 others"):
        select_files(["commons", "later"], "any")


# --- decoding, store and tables ------------------------------------------------------------------------


def test_every_file_is_accounted_for(chosen, tmp_path):
    decoded = decode_files(chosen.files, chosen.source, RECIPE, tmp_path / "images.npy", jobs=1)
    images, rejected, exact = decoded.images, decoded.rejected, decoded.exact
    assert sorted([*images["title"], *rejected["title"], *exact["title"]]) == sorted(chosen.files["title"])
    assert dict(zip(rejected["title"], rejected["reason"], strict=True)) == {
        "Bad cut.jpg": "truncated",
        "Bad page.jpg": "not_an_image",
        "Gone.png": "missing",
    }
    assert exact["title"].tolist() == ["Z copy.bmp", "Z copy.png"] and set(exact["duplicate_of"]) == {
        "Good 00.png"
    }
    assert set(exact["kind"]) == {"exact"} and set(exact["likeness"]) == {1}
    assert list(images.columns) == ["row", *IMAGE_COLUMNS]
    assert images["row"].tolist() == list(range(len(images)))
    for file in images.itertuples():
        data = chosen.source.read(file.path, RECIPE.max_bytes)
        assert file.file_sha1 == hashlib.sha1(data).hexdigest() != file.sha1
    pixels = read_array(tmp_path / "images.npy")
    assert pixels.shape == (len(images), 32, 32, 3) and pixels.dtype == np.uint8
    assert report.funnel_after([], 25, 3, 2)[-1]["files"] == len(images)
    assert set(report.reasons_table(rejected)["meaning"]) <= set(REASONS.values())


def test_many_processes_give_the_same_as_one(chosen, tmp_path, monkeypatch):
    monkeypatch.setattr("wikitopics.images.parallel.FILES", 4)
    one = decode_files(chosen.files, chosen.source, RECIPE, tmp_path / "one.npy", jobs=1)
    two = decode_files(chosen.files, chosen.source, RECIPE, tmp_path / "two.npy", jobs=2)
    assert (tmp_path / "one.npy").read_bytes() == (tmp_path / "two.npy").read_bytes()
    for table in ("images", "rejected", "exact"):
        pd.testing.assert_frame_equal(getattr(one, table), getattr(two, table))


def test_duplicates_stay_on_one_side_and_have_a_table(chosen, tmp_path):
    decoded = decode_files(chosen.files, chosen.source, RECIPE, tmp_path / "images.npy", jobs=1)
    images, pixels = decoded.images, read_array(tmp_path / "images.npy")
    pairs = near_duplicates(pixels, images[["width", "height"]].to_numpy())
    images["group"] = groups_of(len(images), pairs)
    parts = tuple(SHARES.values())
    images["split"] = stratified_split(chosen.matrix_of(images["title"]), images["group"], parts, 0)
    duplicates = report.duplicates_table(images, decoded.exact, pairs)
    near = duplicates[duplicates["kind"] == "near"]
    assert near[["title", "duplicate_of"]].values.tolist() == [["Z scaled.jpg", "Good 00.png"]]
    assert report.leaks(images) == {"groups on two sides": 0, "pictures on two sides": 0}
    shown, captions = report.examples_of_near_duplicates(images, pixels, duplicates, 5)
    assert shown[0].shape == (32, 64 + report.GAP, 3) and captions[0].startswith("Z scaled.jpg\nlike Good 00")
    assert len(report.examples_of_the_set(images, pixels, 99, 0)[0]) == len(images)
    check_figures(chosen, images, decoded.rejected)


def check_figures(chosen, images: pd.DataFrame, rejected: pd.DataFrame) -> None:
    """Each figure says what its table says."""
    table = report.split_table(chosen.matrix_of(images["title"]), chosen.label_names, images["split"])
    assert (table[["train", "validation", "test"]].sum(axis=1) == table["images"]).all()
    assert len(image_figures.split_shares(table, SHARES).data[0].x) == 3  # the label nobody has is left out
    assert sum(sum(bar.y) for bar in image_figures.formats(images).data) == len(images)
    assert [sum(bar.y) for bar in image_figures.sizes(images).data] == [len(images)] * 2
    assert sum(image_figures.reasons(report.reasons_table(rejected)).data[0].x) == len(rejected)
    steps = [{"step": "<b>all</b>", "files": 3}, {"step": "some", "files": 1}]
    bars = funnel(steps, "Files left").data[0]
    assert list(bars.x) == [3, 1] and "<b>" not in bars.y[0]


def test_figures_of_an_empty_table_are_drawn():
    nothing = pd.DataFrame({"title": [], "path": [], "reason": [], "detail": []}, dtype=str)
    assert len(image_figures.reasons(report.reasons_table(nothing)).data[0].x) == 0


def test_hostile_files_in_a_folder_end_in_the_tables(root, tmp_path):
    small = [data for data, _ in hostile_files().values() if len(data) < 10**6]
    cases = {f"{number:03d}.jpg": data for number, data in enumerate(small)}
    for name, data in cases.items():
        put(root, name, data)
    os.mkfifo(root / "set" / "pipe.jpg")
    os.symlink("loop.jpg", root / "set" / "loop.jpg")
    os.symlink("/etc/hostname", root / "set" / "outside.jpg")
    with open(root / "set" / "sparse.jpg", "wb") as file:
        file.truncate(2 << 30)
    source = open_source("folder", image_root="set")
    decoded = decode_files(source.files(), source, RECIPE, tmp_path / "images.npy", jobs=1)
    rejected = decoded.rejected.set_index("path")["reason"]
    assert len(decoded.images) + len(decoded.rejected) + len(decoded.exact) == len(cases) + 4
    assert rejected["pipe.jpg"] == rejected["outside.jpg"] == "refused"
    assert rejected["sparse.jpg"] == "too_many_bytes" and rejected["loop.jpg"] == "unreadable"
    assert set(rejected) <= set(REASONS) and decoded.rejected["detail"].str.len().max() < 300
    write_table(tmp_path / "rejected.parquet", decoded.rejected)


def test_no_usable_image_is_one_sentence_and_leaves_no_array(root, tmp_path):
    put(root, "a.png", b"")
    source = open_source("folder", image_root="set")
    with pytest.raises(UserError, match=r"all 1 files were rejected \(empty: 1\)"):
        decode_files(source.files(), source, RECIPE, tmp_path / "images.npy", jobs=1)
    assert not list(tmp_path.glob("*images.npy*"))


def test_an_array_is_there_whole_or_not_at_all(tmp_path):
    with growing_array(tmp_path / "a.npy", (2, 3)) as append:
        for number in range(12):
            append(np.full((1, 2, 3), number))
    assert read_array(tmp_path / "a.npy")[:, 0, 0].tolist() == list(range(12))
    with pytest.raises(KeyboardInterrupt), growing_array(tmp_path / "b.npy", (2, 3)) as append:
        append(np.zeros((1, 2, 3)))
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.glob("*.npy*")] == ["a.npy"]


def test_funnel_can_be_written_as_json(chosen):
    json.dumps(report.funnel_after(chosen.funnel, 25, 3, 2))
