"""Features that somebody else made: a Parquet file of one row a picture, read for the pictures of a set.

Any network that runs anywhere gives them (CLIP, SigLIP, DINO, a ResNet on a cluster); here a head learns from
them as from the features of a backbone.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from wikitopics.artefacts import file_digest, read_array, read_json, read_table, replacing, write_json
from wikitopics.errors import UserError
from wikitopics.titles import mediawiki_title
from wikitopics.train.examples import Examples, only
from wikitopics.vectors.vector_files import ROWS, opened, vectors_of


@dataclass(frozen=True)
class Given:
    """Features of the pictures of an images run, and what of the file was used.

    file: the array as it lies with the images run, (m, d) float32 by row, zeros where there are none. Counts:
    rows of the Parquet file; of these, strangers (of other pictures), repeated (the same once more), unusable
    (of zeros alone or not finite); pictures of the set with features.
    """

    file: Path
    rows: int
    strangers: int
    repeated: int
    unusable: int
    pictures: int

    @property
    def array(self) -> np.ndarray:
        """(m, d) float32, memory-mapped."""
        return read_array(self.file)

    @property
    def width(self) -> int:
        """Numbers in a row."""
        return self.array.shape[1]

    def known(self, rows: np.ndarray) -> np.ndarray:
        """Whether there are features of these rows of the images run: (n,) bool."""
        array, starts = self.array, range(0, len(rows), ROWS)
        parts = [array[rows[start : start + ROWS]].any(axis=1) for start in starts]
        return np.concatenate(parts) if parts else np.zeros(0, bool)

    def __str__(self) -> str:
        """What was understood, in one line."""
        odd = {
            "of other pictures": self.strangers,
            "repeated": self.repeated,
            "of zeros or not finite": self.unusable,
        }
        told = ", ".join(f"{count:,} {what}" for what, count in odd.items() if count)
        read = f"{self.rows:,} rows of {self.width:,} numbers" + (f" ({told})" if told else "")
        return f"{read}: features of {self.pictures:,} of {len(self.array):,} pictures"


def read_given(path: Path, images: Path) -> Given:
    """The features in the Parquet file `path` for the pictures of the finished images run in `images`.

    The file has one column of lists of numbers, all of one length, and one column that names the picture:
    sha1 (of the file, hex), title (of a file of Commons or of images.parquet), path (its end is the path in
    images.parquet) or image_url (of Commons). A row without numbers, of zeros or of numbers that are not
    finite counts as none, as does a picture without a row. They are kept with the images run, once a file.

    Raises UserError for another file, where a picture has two rows that differ or a name is of several
    pictures, and where no picture of the set has features.
    """
    table = read_table(images / "images.parquet", ["row", "title", "path", "sha1", "file_sha1"])
    known = table.to_json(orient="values")  # a picture may have another name, and so other features
    key = hashlib.sha256(f"{file_digest(path)}\n{known}".encode()).hexdigest()[:16]
    kept = images / "features" / f"given-{key}.npy"
    said = kept.with_suffix(".json")
    if not (kept.exists() and said.exists()):
        kept.parent.mkdir(parents=True, exist_ok=True)
        with replacing(kept) as part:
            counts = write_vectors(path, table, part)
        write_json(said, counts)
    return Given(kept, **read_json(said))


def only_known(examples: Examples, given: Given | None) -> Examples:
    """The examples of pictures that have features, all of them where none were given. Raises as `only`."""
    return examples if given is None else only(examples, given.known(examples.frame["row"].to_numpy()))


def write_vectors(path: Path, table: pd.DataFrame, target: Path) -> dict[str, int]:
    """Write the vectors of the Parquet file `path` as an .npy, (m, d) float32 by `row`; what Given counts.

    table: row, title, path and file_sha1 of pictures. Raises as `read_given`.
    """
    file, name, _ = opened(path)
    find, has = _finder(name, table), np.zeros(int(table["row"].max()) + 1, bool)
    counts = Counter({"rows": file.metadata.num_rows})
    array = np.empty((len(has), 0), np.float32)
    for keys, vectors, usable in vectors_of(path):
        counts["unusable"] += int((~usable).sum())
        if usable.any() and not array.size:
            shape = (len(has), vectors.shape[1])
            array = np.lib.format.open_memmap(target, mode="w+", dtype="<f4", shape=shape)
        for place in np.flatnonzero(usable):
            row = find(keys[place])
            if row is None:
                counts["strangers"] += 1
                continue
            counts["repeated"] += bool(has[row])
            if has[row] and not np.array_equal(array[row], vectors[place]):
                raise UserError(
                    f"a picture must have one row of features, but {keys[place]!r} has two in {path.name} "
                    "that differ; leave one of them out"
                )
            array[row], has[row] = vectors[place], True
    if not has.any():
        raise UserError(
            f"features must be of pictures of the set, but of {counts['rows']:,} rows in {path.name} none is "
            f"usable; its column {name!r} must name pictures as images.parquet does"
        )
    counts["pictures"] = int(has.sum())
    return {name: counts[name] for name in ("rows", "strangers", "repeated", "unusable", "pictures")}


def _finder(name: str, table: pd.DataFrame) -> Callable[[str], int | None]:
    """A function from what a file's column `name` says to the row of that picture, None for another one."""
    column = {"image_url": "title", "sha1": "file_sha1"}.get(name, name)
    rows = dict(zip(table[column], table["row"], strict=True))
    several = set(table[column][table[column].duplicated()])
    spelled = {"sha1": str.lower, "title": mediawiki_title, "image_url": mediawiki_title}

    def find(key: str) -> int | None:
        ways = _ends(key) if name == "path" else (key, spelled[name](key))
        found = next((way for way in ways if way in rows), None)
        if found in several:
            raise UserError(
                f"a row of features must be of one picture, but {key!r} is the {column} of several; name "
                "pictures by path or sha1"
            )
        return None if found is None else rows[found]

    return find


def _ends(path: str) -> Iterator[str]:
    """A path, and what is left of it without its first folders: whole, and shorter and shorter.

    >>> list(_ends("a/b/c.png"))
    ['a/b/c.png', 'b/c.png', 'c.png']
    """
    parts = path.split("/")
    return ("/".join(parts[start:]) for start in range(len(parts)))
