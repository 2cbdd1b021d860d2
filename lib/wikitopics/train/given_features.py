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
import pyarrow as pa
import pyarrow.parquet as pq

from wikitopics.artefacts import file_digest, read_array, read_json, read_table, replacing, write_json
from wikitopics.errors import UserError
from wikitopics.titles import mediawiki_title
from wikitopics.train.examples import Examples, only

ROWS = 4096  # read at once
WIDEST = 1 << 16  # numbers a row
KEYS = ("sha1", "title", "path", "image_url")  # what names a picture, the surest first


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
    table = read_table(images / "images.parquet", ["row", "title", "path", "sha1"])
    key = hashlib.sha256("\n".join([file_digest(path), *table["sha1"]]).encode()).hexdigest()[:16]
    kept = images / "features" / f"given-{key}.npy"
    said = kept.with_suffix(".json")
    if not (kept.exists() and said.exists()):
        kept.parent.mkdir(parents=True, exist_ok=True)
        with replacing(kept) as part:
            counts = _copy(path, table, part)
        write_json(said, counts)
    return Given(kept, **read_json(said))


def only_known(examples: Examples, given: Given | None) -> Examples:
    """The examples of pictures that have features, all of them where none were given. Raises as `only`."""
    return examples if given is None else only(examples, given.known(examples.frame["row"].to_numpy()))


def opened(path: Path) -> tuple[pq.ParquetFile, str, str]:
    """The file, the name of its column that names pictures, and that of its numbers; raises UserError."""
    try:
        file = pq.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        reason = (str(error).splitlines() or [""])[0][:120]
        raise UserError(
            f"features must be a Parquet file, but {path.name} cannot be read as one ({reason}); name another"
        ) from None
    schema = file.schema_arrow
    names = [name for name in KEYS if name in schema.names]
    numbers = [field.name for field in schema if _is_vector(field.type)]
    if not names or len(numbers) != 1:
        raise UserError(
            f"features must have one column of lists of numbers and one of {', '.join(KEYS)}, but "
            f"{path.name} has {', '.join(map(repr, schema.names)) or 'no column'}; rename columns"
        )
    return file, names[0], numbers[0]


def _is_vector(kind: pa.DataType) -> bool:
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(one(kind) for one in lists) and pa.types.is_floating(kind.value_type)


def _copy(path: Path, table: pd.DataFrame, target: Path) -> dict[str, int]:
    """Write the array of the file's vectors by row of `table`; what of the file was used, counted."""
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


def vectors_of(path: Path) -> Iterator[tuple[list[str], np.ndarray, np.ndarray]]:
    """A file's names of pictures, vectors (n, d) float32 and which of them are usable (n,), some at a time.

    Raises UserError as `read_given`.
    """
    file, name, numbers = opened(path)
    width = 0
    for batch in file.iter_batches(ROWS, columns=[name, numbers]):
        column = batch[numbers].cast(pa.large_list(pa.float32()))
        lengths = np.asarray(column.value_lengths().fill_null(0))
        width = width or int(lengths.max(initial=0))
        others = lengths[(lengths != width) & (lengths > 0)]
        if len(others) or width > WIDEST:
            raise UserError(
                f"features must be lists of one length, at most {WIDEST:,}, but {path.name} has some of "
                f"{width:,}{f' and of {others[0]:,}' if len(others) else ''} numbers; make them anew"
            )
        vectors = np.zeros((len(batch), width), np.float32)
        flat = column.drop_null().flatten()  # rows that are null have no numbers in it
        vectors[lengths > 0] = np.asarray(flat.fill_null(np.nan)).reshape((lengths > 0).sum(), width)
        names = batch[name].cast(pa.string()).fill_null("").to_pylist()
        usable = np.logical_and(np.isfinite(vectors).all(axis=1), vectors.any(axis=1))
        yield names, vectors, np.asarray(usable)


def _finder(name: str, table: pd.DataFrame) -> Callable[[str], int | None]:
    """A function from what a file's column `name` says to the row of that picture, None for another one."""
    column = {"image_url": "title"}.get(name, name)
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
