"""Which pictures belong to an image set, so that a model has learned from them or was judged on them."""

import os
from collections.abc import Iterable

import pandas as pd

from wikitopics.images.contents import read
from wikitopics.images.decode import Recipe
from wikitopics.images.expendable import decode_in_child
from wikitopics.images.reasons import Rejected
from wikitopics.scoring.decoding import FILES

AT_ONCE = 64  # files decoded in one child


def titles_in_set(paths: Iterable[str], images: pd.DataFrame, recipe: Recipe) -> dict[str, str]:
    """Of the files at `paths` those that are pictures of an image set, by its title for them.

    images: the set's images.parquet; recipe: how its pictures were made. Only a file of the same number of
    bytes as one of them is looked at; it is the same picture if its decoded pixels have the same sha1.
    """
    sizes = set(images["bytes"])
    alike = [path for path in paths if _size(path) in sizes]
    titles = dict(zip(images["sha1"], images["title"], strict=True))
    met = {}
    for start in range(0, len(alike), AT_ONCE):
        some = alike[start : start + AT_ONCE]
        found = {path: read(FILES, path, recipe.max_bytes) for path in some}
        whole = {path: data for path, data in found.items() if isinstance(data, bytes)}
        for path, picture in zip(whole, decode_in_child(list(whole.values()), recipe), strict=True):
            if not isinstance(picture, Rejected) and picture.sha1 in titles:
                met[path] = titles[picture.sha1]
    return met


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:  # told of its row when it is scored
        return -1


def recipe_of(images_run: dict) -> Recipe:
    """The recipe of a 02_images run, from the parameters in its record."""
    names = ("store_size", "fit", "max_bytes", "max_pixels", "max_seconds", "svg")
    return Recipe(**{name: images_run[name] for name in names if name in images_run})
