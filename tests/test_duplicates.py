"""Duplicates: planted copies are found, different drawings on white are not, in no quadratic time."""

import io
import time

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from hostile import picture, saved
from wikitopics.images.decode import Recipe, decode
from wikitopics.images.duplicates import (
    close_pairs,
    closest,
    groups_of,
    near_duplicates,
    perceptual_hash,
    thumbnails,
)


def all_pairs(hashes: np.ndarray, distance: int) -> set[tuple[int, int]]:
    bits = np.bitwise_count(hashes[:, None] ^ hashes[None, :])
    return {(int(i), int(j)) for i, j in zip(*np.where(np.triu(bits <= distance, 1)), strict=True)}


@given(
    st.sets(st.integers(0, 2**64 - 1), max_size=12),
    st.lists(st.sets(st.integers(0, 63), max_size=10), max_size=12),
    st.integers(0, 12),
)
def test_the_search_finds_exactly_the_close_pairs(seeds, flips, distance):
    near = {seed ^ sum(1 << bit for bit in bits) for seed in seeds for bits in flips}
    hashes = np.array(sorted(seeds | near), dtype=np.uint64)
    pairs, bits = close_pairs(hashes, distance)
    assert {(int(i), int(j)) for i, j in pairs} == all_pairs(hashes, distance)
    assert [int(b) for b in bits] == [int(hashes[i] ^ hashes[j]).bit_count() for i, j in pairs]


def test_the_search_in_portions_finds_the_same(monkeypatch):
    rng = np.random.default_rng(0)
    hashes = np.unique(rng.integers(0, 2**12, 600, dtype=np.uint64) << np.uint64(20))
    whole = close_pairs(hashes, 3)[0]
    monkeypatch.setattr("wikitopics.images.duplicates.PAIRS_AT_A_TIME", 7)
    assert np.array_equal(close_pairs(hashes, 3)[0], whole)
    assert len(whole) == len(all_pairs(hashes, 3))


def test_the_search_does_not_compare_all_with_all():
    hashes = np.unique(np.random.default_rng(0).integers(0, 2**64, 100_000, dtype=np.uint64))
    started = time.process_time()
    close_pairs(hashes, 6)
    assert time.process_time() - started < 10  # five billion comparisons take minutes


def drawing(seed: int) -> Image.Image:
    """A few thin strokes on white paper."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (128, 128), "white")
    for _ in range(6):
        ImageDraw.Draw(image).line(
            [tuple(map(int, rng.integers(8, 120, 2))) for _ in range(3)], fill="black", width=3
        )
    return image


def decoded(*files: bytes) -> tuple[np.ndarray, np.ndarray]:
    pictures = [decode(data, Recipe(128)) for data in files]
    return np.array([p.phash for p in pictures], dtype=np.uint64), np.stack([p.pixels for p in pictures])


def test_copies_are_found_and_other_drawings_are_not():
    originals = [drawing(seed) for seed in range(20)] + [
        picture(seed=seed).resize((300, 200)) for seed in range(3)
    ]
    copies = [saved(image, "JPEG", quality=60) for image in originals]
    smaller = [saved(image.resize((90, 90 * image.height // image.width)), "PNG") for image in originals]
    hashes, images = decoded(*[saved(image, "PNG") for image in originals], *copies, *smaller)
    pairs = near_duplicates(hashes, images, 6)
    groups = groups_of(len(hashes), pairs)
    own = groups[: len(originals)]
    assert np.array_equal(groups[len(originals) : 2 * len(originals)], own)
    assert np.array_equal(groups[2 * len(originals) :], own)
    assert len(set(own[:20])) == 20


def test_equal_hashes_of_different_pictures_are_told_apart():
    blank, grey, red = (Image.new("RGB", (9, 9), colour) for colour in ("white", (128, 128, 128), "red"))
    halves = Image.new("RGB", (9, 9), (76, 76, 76))
    halves.paste((0, 129, 0), (0, 0, 5, 9))  # as bright as the grey beside it, and about as dark as red
    hashes, images = decoded(*(saved(image, "PNG") for image in (blank, grey, red, blank, red, halves)))
    assert set(hashes) == {0}
    assert groups_of(6, near_duplicates(hashes, images, 0)).tolist() == [0, 1, 2, 0, 2, 3]


def test_thousands_of_equal_pictures_take_no_quadratic_time():
    images = np.full((6000, 16, 16, 3), 200, np.uint8)
    images[::3] = 90
    started = time.process_time()
    groups = groups_of(6000, near_duplicates(np.zeros(6000, np.uint64), images, 6))
    assert time.process_time() - started < 5
    assert len(set(groups)) == 2


def test_chains_of_pairs_are_one_group_and_everyone_but_the_first_names_the_closest():
    pairs = pd.DataFrame({"first": [1, 2, 5], "second": [3, 3, 6], "distance": [4, 1, 2]})
    groups = groups_of(7, pairs)
    assert groups.tolist() == [0, 1, 1, 1, 2, 3, 3]
    assert closest(pairs, groups).values.tolist() == [[2, 3, 1], [3, 2, 1], [6, 5, 2]]


def test_nothing_is_fine():
    none = near_duplicates(np.array([7], dtype=np.uint64), np.zeros((1, 16, 16, 3), np.uint8), 6)
    assert none.empty and list(none.columns) == ["first", "second", "distance"]
    assert groups_of(1, none).tolist() == [0]


def test_hash_ignores_the_noise_of_compression_on_paper():
    image = drawing(3)
    noisy = Image.open(io.BytesIO(saved(image, "JPEG", quality=40)))
    assert (perceptual_hash(image) ^ perceptual_hash(noisy)).bit_count() <= 3


@given(st.integers(16, 90))
def test_thumbnails_average_any_size(size):
    image = np.full((1, size, size, 3), 77, np.uint8)
    assert set(thumbnails(image, np.array([0])).ravel()) == {77}
