"""Duplicates: planted copies of every kind are found, different pictures are not, in no quadratic time."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from hostile import picture, saved
from wikitopics.images import duplicates
from wikitopics.images.decode import Recipe, decode
from wikitopics.images.duplicates import agreement, closest, groups_of, near_duplicates, rough_shapes
from wikitopics.images.likeness import SIDE, Views, inside_square, likeness, look


def drawing(seed: int) -> Image.Image:
    """A few thick strokes of any colour on white paper."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (160, 128), "white")
    for _ in range(6):
        points = [tuple(map(int, rng.integers(12, 116, 2))) for _ in range(3)]
        ImageDraw.Draw(image).line(points, fill=tuple(map(int, rng.integers(0, 160, 3))), width=6)
    return image


def photograph(seed: int) -> Image.Image:
    """Soft spots of light of all sizes, as in nature, of any colour."""
    rng = np.random.default_rng(seed)
    layers = [
        np.asarray(Image.fromarray(rng.integers(0, 256, (s, s, 3), np.uint8)).resize((180, 120)), float) / s
        for s in (3, 6, 12, 24)
    ]
    light = sum(layers)
    return Image.fromarray(((light - light.min()) / np.ptp(light) * 255).astype(np.uint8))


def captioned(image: Image.Image) -> Image.Image:
    copy = image.copy()
    top = int(copy.height * 0.9)
    ImageDraw.Draw(copy).rectangle([0, top, *copy.size], fill="black")
    ImageDraw.Draw(copy).text((6, top), "From the archive", fill="white")
    return copy


def below(image: Image.Image) -> Image.Image:
    page = Image.new("RGB", (image.width, int(image.height * 1.12)), "white")
    page.paste(image)
    ImageDraw.Draw(page).text((6, image.height + 1), "From the archive", fill="black")
    return page


def cropped(image: Image.Image) -> Image.Image:
    width, height = image.size
    return image.crop((int(width * 0.03), int(height * 0.04), int(width * 0.98), int(height * 0.99)))


COPIES = {
    "grey": lambda image: ImageOps.grayscale(image).convert("RGB"),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.8),
    "bordered": lambda image: ImageOps.expand(image, 8, "white"),
    "captioned": captioned,
    "captioned below": below,
    "cropped": cropped,
    "mirrored": ImageOps.mirror,
    "scaled": lambda image: image.resize((90, 90 * image.height // image.width)),
    "recompressed": lambda image: Image.open(io.BytesIO(saved(image, "JPEG", quality=50))),
}


def decoded(images: list[Image.Image], fit: str = "pad") -> tuple[np.ndarray, np.ndarray]:
    found = [decode(saved(image.convert("RGB"), "PNG"), Recipe(96, fit)) for image in images]
    return np.stack([one.pixels for one in found]), np.array([(one.width, one.height) for one in found])


@pytest.mark.parametrize("fit", ["pad", "stretch"])
@pytest.mark.parametrize("kind", [drawing, photograph])
def test_copies_of_every_kind_are_found_and_other_pictures_are_not(kind, fit):
    originals = [kind(seed) for seed in range(24)]
    number = np.arange(24)
    for name, change in COPIES.items():
        pixels, sizes = decoded(originals + [change(image) for image in originals], fit)
        pairs = near_duplicates(pixels, sizes, fit)[["first", "second"]].to_numpy()
        own = pairs[:, 0] + 24 == pairs[:, 1]
        assert np.isin(number, pairs[own, 0]).mean() >= 0.95, name
        assert own.mean() >= 0.97, name


def test_pictures_of_one_outline_are_told_apart():
    """Discs on white correlate by more than .97, whatever is on them; a limit of .5 would join them all."""
    discs, rng = [], np.random.default_rng(0)
    for _ in range(6):
        image = Image.new("RGB", (96, 96), "white")
        ImageDraw.Draw(image).ellipse([4, 4, 92, 92], fill=(110, 110, 110))
        spots = ImageDraw.Draw(image)
        for x, y in rng.integers(24, 64, (7, 2)).tolist():
            spots.ellipse([x, y, x + 12, y + 12], fill=(60, 60, 60))
        discs.append(image)
    pixels, sizes = decoded(discs)
    assert near_duplicates(pixels, sizes).empty
    assert len(near_duplicates(pixels, sizes, like=0.5)) >= 5


def test_flags_that_differ_in_colour_alone_are_told_apart_and_a_grey_copy_is_not():
    flags = []
    for left in ((0, 40, 150), (0, 120, 60)):
        image = Image.new("RGB", (90, 60), "white")
        image.paste(left, (0, 0, 30, 60))
        image.paste((220, 30, 40), (60, 0, 90, 60))
        flags.append(image)
    pixels, sizes = decoded([*flags, COPIES["grey"](flags[0])])
    found = near_duplicates(pixels, sizes)
    assert (0, 2) in set(zip(found["first"], found["second"], strict=True))
    assert (0, 1) not in set(zip(found["first"], found["second"], strict=True))


def test_blank_pictures_are_alike_only_in_one_colour():
    blank, grey, red = (Image.new("RGB", (9, 9), colour) for colour in ("white", (128, 128, 128), "red"))
    pixels, sizes = decoded([blank, grey, red, blank, red])
    assert groups_of(5, near_duplicates(pixels, sizes)).tolist() == [0, 1, 2, 0, 2]


def test_thousands_of_equal_pictures_are_one_group_with_few_pairs_and_counted():
    pixels = np.full((6000, 16, 16, 3), 200, np.uint8)
    pixels[::3] = 90
    pairs = near_duplicates(pixels, np.full((6000, 2), 16))
    assert len(set(groups_of(6000, pairs))) == 2
    most = duplicates.TABLES * len(duplicates.WAYS) * len(duplicates.PROBES) * (2 * duplicates.NEIGHBOURS + 1)
    assert len(pairs) <= 10 * 6000 < most * 6000  # of 9,997,000 possible ones
    assert pairs.attrs["crowded"] == 6000


def test_candidates_grow_with_the_pictures_not_with_their_square():
    """The work is what is looked up: counted, because a clock under load says nothing."""
    counts = []
    for n in (500, 4000):
        rng = np.random.default_rng(0)
        coarse = rng.integers(0, 256, (n, 3, 5, 5)).repeat(SIDE // 5, 2).repeat(SIDE // 5, 3)
        seen = Views(
            coarse.astype(np.uint8), np.zeros((n, 3, 2, 4, 4), np.int16), np.zeros((n, 3), np.float32)
        )
        shapes = rough_shapes(seen)
        looked = 0
        given = shapes[:, 0].mean(0), rng.normal(size=(35, n.bit_length() + 3)), np.zeros(n)
        table = duplicates._Table(shapes[:, 0], *given)
        for one, _ in table.near(*duplicates._hashed(shapes[:, 0], *given)):
            looked += len(one)
        counts.append(looked / n)
    assert counts[1] < 4 * counts[0]  # of eight times as many pictures a square would be eight times as much
    assert counts[1] <= len(duplicates.PROBES) * (2 * duplicates.NEIGHBOURS + 1)


def test_pairs_are_the_same_in_whatever_parts_they_are_looked_for(monkeypatch):
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 256, (60, 4, 4, 3)).repeat(4, 1).repeat(4, 2).astype(np.uint8)
    pixels[40:] = pixels[:20] // 2 + 60
    at_once = near_duplicates(pixels, np.full((60, 2), 16))
    monkeypatch.setattr(duplicates, "AT_A_TIME", 7)
    pd.testing.assert_frame_equal(near_duplicates(pixels, np.full((60, 2), 16)), at_once)
    assert len(at_once) >= 20


def test_chains_of_pairs_are_one_group_and_everyone_but_the_first_names_the_closest():
    pairs = pd.DataFrame(
        {"first": [1, 2, 5], "second": [3, 3, 6], "likeness": [0.9, 0.99, 0.95], "how": "whole"}
    )
    groups = groups_of(7, pairs)
    assert groups.tolist() == [0, 1, 1, 1, 2, 3, 3]
    assert closest(pairs, groups)[["row", "other", "likeness"]].values.tolist() == [
        [2, 3, 0.99],
        [3, 2, 0.99],
        [6, 5, 0.95],
    ]


def test_one_picture_is_no_pair():
    none = near_duplicates(np.zeros((1, 16, 16, 3), np.uint8), np.array([[16, 16]]))
    assert none.empty and list(none.columns) == ["first", "second", "likeness", "how"]
    assert groups_of(1, none).tolist() == [0]


def test_the_seed_decides_and_the_order_of_ends_does_not_matter():
    pixels, sizes = decoded([drawing(seed) for seed in range(8)] * 2)
    one, two = (near_duplicates(pixels, sizes, seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(one, two)
    seen = look(pixels, inside_square(sizes, 96, "pad"), sizes)
    pairs = np.array([[0, 8], [0, 1]])
    assert np.array_equal(agreement(seen, pairs), agreement(seen, pairs[:, ::-1]))


@given(st.integers(16, 90))
def test_views_average_any_size(size):
    pixels = np.full((1, size, size, 3), 77, np.uint8)
    sizes = np.array([[size, size]])
    assert set(look(pixels, inside_square(sizes, size, "pad"), sizes).grey.ravel()) == {77}


def test_the_outside_of_a_picture_on_white_is_not_looked_at():
    wide = picture(seed=1).resize((120, 40))
    padded, sizes = decoded([wide])
    stretched, _ = decoded([wide], "stretch")
    one = look(padded, inside_square(sizes, 96, "pad"), sizes)
    two = look(stretched, inside_square(sizes, 96, "stretch"), sizes)
    assert likeness(one.grey[:, 0], two.grey[:, 0])[0] > 0.95
    assert one.shape[0] == pytest.approx(two.shape[0], abs=0.1)
