"""Features of any pictures: the network that gives them, and the table that holds them."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from wikitopics import __version__
from wikitopics.artefacts import RECORD, file_digest, finished_run, read_array, replacing
from wikitopics.errors import UserError
from wikitopics.images.decode import Recipe
from wikitopics.paths import run_folder
from wikitopics.scoring.archive import bundle_path
from wikitopics.scoring.network import BATCH, read_network
from wikitopics.scoring.pictures import FILES, Reads, decoded
from wikitopics.scoring.results import readable, with_gaps
from wikitopics.scoring.shards import Result, key_of, write_result
from wikitopics.vectors.vector_files import opened, vectors_of

SHARD = 4096  # files; a stop costs at most this many

SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("features", pa.list_(pa.float32())),
        ("reason", pa.string()),
        ("detail", pa.string()),
    ]
)
ROWS = 4096  # read at once
ABOUT = b"wikitopics features"


@dataclass(frozen=True)
class About:
    """Where vectors come from. Two are comparable where backbone, weights, side and fit are the same.

    model: the run's name; backbone, weights: its network and the SHA-256 (hex) of that part's weights; side,
    fit: how its pictures are made, see images.decode.Recipe; width: numbers in a vector.
    """

    model: str
    backbone: str
    weights: str
    side: int
    fit: str
    width: int
    version: str = __version__

    def text(self) -> str:
        """As JSON, for a table's metadata."""
        return json.dumps(asdict(self))

    def comparable(self, other: "About") -> bool:
        """Whether vectors of both may stand in one index."""
        same = ("backbone", "weights", "side", "fit", "width")
        return all(getattr(self, name) == getattr(other, name) for name in same)


@dataclass(frozen=True)
class Embedder:
    """What turns pictures into features: (n, side, side, 3) uint8, n at most BATCH -> (n, width) float32."""

    about: About
    forward: Callable[[np.ndarray], np.ndarray]

    @property
    def recipe(self) -> Recipe:
        """How its pictures are made."""
        return Recipe(self.about.side, self.about.fit)


def model_path(model: str) -> Path:
    """The folder of the finished 03_train run `model`, or the bundle at that path."""
    return bundle_path(model, None) or finished_run("03_train", model)


def model_of(about: "About", given: str | None) -> Path:
    """The model that embeds queries beside features of `about`: the one `given`, else theirs.

    Raises UserError where theirs is no run here, as after features were made with a bundle.
    """
    if given:
        return model_path(given)
    if not (run_folder("03_train", about.model) / RECORD).exists():
        raise UserError(
            f"queries must be embedded by the model of the features, {about.model!r}, but there is no such "
            "run here; name it, or the bundle (a folder or zip of `wikitopics export`), with --model"
        )
    return model_path(about.model)


def load_embedder(model: Path) -> Embedder:
    """The part of a trained model (a run's folder, or a bundle) up to its features.

    Raises UserError as scoring.network.load_scorer, and where the model has no features to take.
    """
    from wikitopics.networks.backbones import weights_checksum
    from wikitopics.scoring.network import forward
    from wikitopics.train.model import FEATURES, backbone_of, features_of

    network, settings = read_network(model)
    if FEATURES not in [layer.name for layer in network.layers]:
        raise UserError(
            f"features are taken from a layer named {FEATURES!r}, but the model {settings.name!r} has none; "
            "name a run of 03_train"
        )
    features = features_of(network)
    about = About(
        model=settings.name,
        backbone=backbone_of(network).name,
        weights=weights_checksum(features),
        side=settings.side,
        fit=settings.fit,
        width=features.output.shape[-1],
    )
    return Embedder(about, forward(features))


def embed_files(
    model: Path, paths: list[str], out: Path, jobs: int = 0, shard: int = SHARD, source: Reads = FILES
) -> dict[str, int]:
    """Features of `paths` by the trained `model` (see load_embedder) into `out`; counts: files, embedded, and
    each reason.

    `out` ends in .parquet: SCHEMA, one row a path, in order; its metadata is an About. It
    appears only when it is whole; until then the shards lie beside it in OUT.parts, and the same call goes on
    with those that are there. Memory does not grow with the number of files, but for their names. jobs,
    source: see scoring.pictures.decoded. Raises UserError for another ending, for no path, where another
    process writes the same, and as load_embedder.
    """
    out = Path(out)
    if out.suffix != ".parquet":
        raise UserError(f"features must go to a file in .parquet, but out is {out}; rename it")
    if not paths:
        raise UserError("there must be at least one picture, but there is none; name files or folders")
    embedder = load_embedder(Path(model))
    key = _key(embedder, paths, shard, source)
    result = Result(out.absolute(), key, schema(embedder.about), "embedding", "embedded")
    return write_result(result, paths, shard, partial(_tables, embedder, jobs, source))


def _key(embedder: Embedder, paths: list[str], shard: int, source: Reads) -> str:
    return key_of(f"{embedder.about.text()} {shard} {source!r}", paths, source)


def _tables(embedder: Embedder, jobs: int, source: Reads, paths: list[str]) -> Iterator[pa.Table]:
    for some, pixels, rejected in decoded(paths, embedder.recipe, BATCH, jobs, source):
        yield rows(some, embedder.forward(pixels), rejected, embedder.about)


class Features(NamedTuple):
    """The features of some pictures, as a file of `wikitopics embed` holds them.

    paths (n) and their vectors (n, d) float32, memory-mapped; about: where they come from; unreadable: rows
    of the file that have no vector, as path, reason, detail.
    """

    paths: list[str]
    vectors: np.ndarray
    about: About
    unreadable: pd.DataFrame


def schema(about: About) -> pa.Schema:
    """SCHEMA with what is known of the network."""
    return SCHEMA.with_metadata({ABOUT: about.text()})


def rows(paths: list[str], features: np.ndarray, rejected: pd.DataFrame, about: About) -> pa.Table:
    """One row for each of `paths`, in order; those at the places that `rejected` (index: place; reason,
    detail) has, see scoring.pictures.decoded, have no features."""
    bad = np.isin(np.arange(len(paths)), rejected.index)
    columns = {
        "path": [readable(path) for path in paths],
        "features": pa.array(with_gaps(bad, features, []), SCHEMA.field("features").type),
    }
    for name in ("reason", "detail"):
        columns[name] = rejected[name].reindex(range(len(paths)), fill_value="").tolist()
    return pa.table(columns, schema=schema(about))


def read_features(path: Path, folder: Path) -> Features:
    """The pictures of a file of features that have some; vectors go to a file in `folder`.

    Any file that 03_train takes is one, see vectors.vector_files. Raises UserError for a file of something
    else, for vectors of another width and, in one of `wikitopics embed`, for numbers that are not finite.
    """
    if ABOUT not in (opened(path)[0].schema_arrow.metadata or {}):
        return _made_elsewhere(path, folder)
    about, file = read_about(path)
    reasons = file.read(["reason"])["reason"].to_pylist()
    good = np.array([not reason for reason in reasons], bool)
    paths, bad, done = [], [SCHEMA.empty_table().select([0, 2, 3])], 0
    shape = (int(good.sum()), about.width)
    with replacing(folder / "features.npy") as temporary, open(temporary, "wb") as vectors:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(vectors, header)
        for batch in file.iter_batches(ROWS):
            table, some = pa.Table.from_batches([batch]), good[done : done + len(batch)]
            vectors.write(_matrix(table["features"].filter(some), about.width, path).tobytes())
            paths += table["path"].filter(some).to_pylist()
            bad.append(table.filter(~some).select(bad[0].column_names))
            done += len(batch)
    unreadable = pa.concat_tables([table.replace_schema_metadata() for table in bad]).to_pandas()
    return Features(paths, read_array(folder / "features.npy"), about, unreadable)


def _made_elsewhere(path: Path, folder: Path) -> Features:
    """The same of a file that somebody else made: paths are what names its pictures."""
    total, kept = opened(path)[0].metadata.num_rows, None
    paths: list[str] = []
    bad: list[str] = []
    for names, vectors, usable in vectors_of(path):
        if kept is None and usable.any():
            shape = (total, vectors.shape[1])
            kept = np.lib.format.open_memmap(folder / "features.npy", "w+", "<f4", shape)
        if kept is not None:
            kept[len(paths) : len(paths) + usable.sum()] = vectors[usable]
        paths += [name for name, good in zip(names, usable, strict=True) if good]
        bad += [name for name, good in zip(names, usable, strict=True) if not good]
    found = np.empty((0, 1), np.float32) if kept is None else kept[: len(paths)]
    about = About("", "features", file_digest(path), 0, "", found.shape[1])
    told = {"path": bad, "reason": "no_features", "detail": "none, zeros or not finite"}
    return Features(paths, found, about, pd.DataFrame(told, columns=["path", "reason", "detail"]))


def read_about(path: Path) -> tuple[About, pq.ParquetFile]:
    """What a file of `wikitopics embed` says of itself, and the file, opened; UserError for another file."""
    try:
        file = pq.ParquetFile(path)
        about = About(**json.loads(file.schema_arrow.metadata[ABOUT]))
        if file.schema_arrow.names != SCHEMA.names or file.schema_arrow.types != SCHEMA.types:
            raise TypeError("its columns are others")
        if not isinstance(about.width, int) or not 1 <= about.width <= 1 << 16:
            raise ValueError(f"width {about.width!r}")
    except (OSError, pa.ArrowInvalid, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"features must be a Parquet file of `wikitopics embed`, but {Path(path).name} is none "
            f"({(str(error).splitlines() or [''])[0][:120]}); name such a file"
        ) from None
    return about, file


def _matrix(column: pa.ChunkedArray, width: int, path: Path) -> np.ndarray:
    lists = column.combine_chunks()
    lengths = np.diff(np.asarray(lists.offsets))
    flat = np.asarray(lists.flatten())
    wrong = lengths != width
    if wrong.any() or len(flat) != len(lists) * width:
        found = int(lengths[wrong][0]) if wrong.any() else 0
        raise UserError(
            f"features must be {width} numbers for each picture, but in {Path(path).name} one has {found}; "
            "compute them again"
        )
    if not np.isfinite(flat).all():
        raise UserError(
            f"features must be finite numbers, but some in {Path(path).name} are not; compute them again"
        )
    return flat.reshape(len(lists), width).astype("<f4", copy=False)
