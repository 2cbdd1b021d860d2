"""Squares kept as JPEG: what reads pixels reads them, and the whole road gives what it gives of pixels."""

import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import feather

from planted import picture, write_images
from wikitopics.artefacts import read_array, read_table
from wikitopics.errors import UserError
from wikitopics.evaluate.slices import image_slices
from wikitopics.images import squares
from wikitopics.images.decode import Recipe
from wikitopics.images.duplicates import near_duplicates
from wikitopics.images.image_set import decode_files
from wikitopics.images.squares import Jpegs, growing_shards, jpeg, place, read_squares
from wikitopics.sources import open_source


def some_pictures(count: int, side: int = 32) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.stack([picture(number, side, rng) for number in range(count)])


def shards(folder, pictures: np.ndarray, at_once: int = 3) -> Jpegs:
    with growing_shards(folder) as append:
        for start in range(0, len(pictures), at_once):
            append(pa.array([jpeg(one) for one in pictures[start : start + at_once]], pa.binary()))
    return Jpegs(folder)


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr(squares, "SHARD", 4)


@pytest.mark.parametrize("at_once", [1, 3, 8, 10])
def test_squares_are_indexed_as_an_array_is(tmp_path, small_shards, at_once):
    pictures = some_pictures(10)
    kept = shards(tmp_path / "squares", pictures, at_once)
    assert sorted(path.name for path in (tmp_path / "squares").iterdir()) == [
        "000000.arrow", "000001.arrow", "000002.arrow"
    ]  # fmt: skip
    whole = np.stack([kept[row] for row in range(10)])
    assert kept.shape == whole.shape == (10, 32, 32, 3) and len(kept) == 10 and whole.dtype == np.uint8
    for rows in (
        slice(None),
        slice(2, 9, 3),
        slice(-2, None),
        [7, 0, 7],
        np.array([9, 4]),
        np.arange(0),
        np.arange(10) % 4 == 1,
    ):
        assert np.array_equal(kept[rows], whole[rows])
    assert np.array_equal(kept[-1], whole[-1]) and np.array_equal(kept[np.int64(5)], whole[5])
    with pytest.raises(IndexError):
        kept[10]


def test_jpeg_is_close_to_the_pixels(tmp_path):
    pictures = some_pictures(6)
    apart = np.abs(shards(tmp_path / "squares", pictures)[:].astype(int) - pictures)
    assert 0 < apart.mean() < 6  # of 255: noise of 12 levels in each colour is what JPEG keeps least


def test_a_damaged_or_missing_shard_is_told(tmp_path, small_shards):
    folder = tmp_path / "02_images" / "small" / "squares"
    shards(folder, some_pictures(9))
    (folder / "000001.arrow").unlink()
    shards(tmp_path / "other", some_pictures(3))
    os.replace(tmp_path / "other" / "000000.arrow", folder / "000000.arrow")
    with pytest.raises(UserError, match="damaged.*--again 02_images/small"):
        len(Jpegs(folder))
    with growing_shards(folder) as append:
        good = jpeg(some_pictures(1)[0])
        size = good.index(b"\xff\xc0") + 5  # in its header
        giant = good[:size] + b"\xff" * 4 + good[size + 4 :]
        append(pa.array([good, b"no picture", jpeg(some_pictures(1, 16)[0]), giant]))
    assert Jpegs(folder)[0].shape == (32, 32, 3)
    for row in (1, 2, 3):
        with pytest.raises(UserError, match="damaged"):
            Jpegs(folder)[row]


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_no_square_takes_the_row_of_one_whose_shard_is_lost(tmp_path, small_shards, lost):
    kept = shards(tmp_path / "squares", some_pictures(14))
    (kept.folder / f"00000{lost}.arrow").unlink()
    with pytest.raises(UserError, match="a shard is missing"):
        Jpegs(kept.folder)[8]


def test_a_last_shard_that_is_lost_is_missed_by_a_finished_run(tmp_path, small_shards):
    run = tmp_path / "02_images" / "small"
    shards(run / "squares", some_pictures(9))
    (run / "squares" / "000002.arrow").unlink()
    pd.DataFrame({"row": range(9)}).to_parquet(run / "images.parquet")
    assert len(read_squares(run)) == 8  # whoever is still writing has not yet counted
    (run / "run.json").write_text("{}")
    with pytest.raises(UserError, match="8 squares of 9 pictures.*--again 02_images/small"):
        read_squares(run)
    np.save(place(run, "pixels"), some_pictures(8))
    with pytest.raises(UserError, match="images.npy is damaged .8 squares of 9 pictures"):
        read_squares(run)


@pytest.mark.parametrize(
    "other", [pa.table({"png": [b""] * 4}), pa.table({"jpeg": pa.array([], pa.binary())})]
)
def test_a_shard_of_something_else_is_told(tmp_path, small_shards, other):
    kept = shards(tmp_path / "squares", some_pictures(9))
    feather.write_feather(other, str(kept.folder / "000002.arrow"), compression="uncompressed")
    with pytest.raises(UserError, match="holds no squares"):
        len(Jpegs(kept.folder))


def test_a_shard_may_have_more_bytes_than_two_gigabytes(tmp_path):
    kept = shards(tmp_path / "squares", some_pictures(5))
    table = feather.read_table(kept.folder / "000000.arrow")
    assert table.schema.field("jpeg").type == pa.large_binary()  # whose offsets have 64 bits


def test_what_a_killed_process_of_our_own_number_left_is_no_obstacle(tmp_path):
    (tmp_path / f".squares.{os.getpid()}.part" / "half").mkdir(parents=True)
    assert len(shards(tmp_path / "squares", some_pictures(3))) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["squares"]
    assert [path.name for path in (tmp_path / "squares").iterdir()] == ["000000.arrow"]


def test_squares_that_lie_elsewhere_behind_a_link_are_let_go_and_stay_there(tmp_path):
    shards(tmp_path / "disk", some_pictures(2))
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "squares").symlink_to(tmp_path / "disk")
    np.save(place(tmp_path / "run", "pixels"), some_pictures(5))
    assert len(read_squares(tmp_path / "run")) == 5 and len(Jpegs(tmp_path / "disk")) == 2


def test_what_an_unfinished_run_kept_otherwise_is_not_taken_for_this_ones(tmp_path):
    shards(place(tmp_path, "jpeg"), some_pictures(3))
    assert isinstance(read_squares(tmp_path), Jpegs)
    np.save(place(tmp_path, "pixels"), some_pictures(5))
    assert len(read_squares(tmp_path)) == 5 and not (tmp_path / "squares").exists()
    with pytest.raises(KeyError):
        place(tmp_path, "JPEG")  # and takes nothing away
    assert len(read_squares(tmp_path)) == 5
    place(tmp_path, "jpeg")
    assert not (tmp_path / "images.npy").exists()


@pytest.fixture
def folder_of_pictures(tmp_path):
    """Thirty-one files of mosaics: two equal, two alike, one that is no picture."""
    folder = tmp_path / "set"
    folder.mkdir()
    rng = np.random.default_rng(1)
    for number in range(28):
        soft = Image.fromarray(rng.integers(0, 256, (5, 5, 3), np.uint8))
        soft.resize((60, 40), Image.Resampling.BICUBIC).save(folder / f"{number:02}.png")
    (folder / "28 copy.png").write_bytes((folder / "03.png").read_bytes())
    with Image.open(folder / "05.png") as image:
        image.resize((48, 32)).save(folder / "29 smaller.png")
    (folder / "30.png").write_bytes(b"no picture")
    return open_source("folder", image_root=str(folder))


def test_a_set_of_jpegs_is_the_set_of_pixels(tmp_path, folder_of_pictures, monkeypatch, small_shards):
    source, recipe = folder_of_pictures, Recipe(store_size=32)
    monkeypatch.setattr("wikitopics.images.parallel.FILES", 4)
    exact = decode_files(source.files(), source, recipe, place(tmp_path / "a", "pixels"), jobs=1)
    close = decode_files(source.files(), source, recipe, place(tmp_path / "b", "jpeg"), jobs=1)
    for one, other in zip((exact.images, exact.rejected, exact.exact), vars(close).values(), strict=True):
        pd.testing.assert_frame_equal(one, other)
    pixels, kept = read_squares(tmp_path / "a"), read_squares(tmp_path / "b")
    assert len(exact.exact) == len(exact.rejected) == 1 and kept.shape == pixels.shape == (29, 32, 32, 3)
    assert np.abs(kept[:].astype(int) - pixels).mean(axis=(1, 2, 3)).max() < 6
    sizes = exact.images[["width", "height"]].to_numpy()
    pairs = [near_duplicates(store, sizes)[["first", "second"]].values.tolist() for store in (pixels, kept)]
    assert pairs[0] == pairs[1] == [[5, 28]]
    chunks = list((tmp_path / "b" / "chunks").iterdir())
    assert len(chunks) == 8 and sum(path.stat().st_size for path in chunks) < 31 * 32 * 32 * 3


def test_parts_of_a_test_set_are_those_of_its_pixels(tmp_path):
    root = write_images(tmp_path, n=30, size=64)
    table, pixels = read_table(root / "images.parquet"), read_array(root / "images.npy")
    kept = shards(tmp_path / "squares", pixels)
    decoded = kept[:]
    rows = table.iloc[5:25]
    of_jpegs, of_array = image_slices(rows, kept), image_slices(rows, decoded)
    assert of_array.keys() == of_jpegs.keys()
    assert all(np.array_equal(of_jpegs[name], of_array[name]) for name in of_array)
    assert of_array["flat ground"].sum() > 0
