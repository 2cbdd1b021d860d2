"""Labelling tables of files too large for memory: Parquet in, Parquet out, in portions."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wikitopics.artefacts import replacing
from wikitopics.labels.category_graph import CategoryGraph, pair_numbers
from wikitopics.labels.file_labels import bits, mean_by_row
from wikitopics.labels.heuristics import CategoryLabels, Hops, Ladder, label_categories
from wikitopics.labels.lookup import Texts, positions, release
from wikitopics.labels.taxonomy import Taxonomy
from wikitopics.progress import report
from wikitopics.sources.files import need_columns
from wikitopics.sources.table_cells import as_list, as_text, check_divided
from wikitopics.sources.tables import (
    check_written,
    is_list,
    is_plain,
    lists_of,
    read_table,
    schema_of,
    suffix_of,
    table_writer,
    texts_of,
)
from wikitopics.titles import item_key

MARKS = {
    "categories": {"never": "", "perhaps": ";"},
    "items": {"never": ";,", "perhaps": ""},
}  # names have commas
WALKED = pa.schema({"title": pa.string(), "categories": pa.list_(pa.string())})
PORTION = 500_000  # files
LOOKED_UP = 4_000_000  # files whose categories are looked up at once
TOGETHER = 8  # labels whose shares are carried at once
LEAST = np.float16(2.0**-14)  # so that a label's score is never rounded to 0


def label_parquet(
    graph: CategoryGraph, taxonomy: Taxonomy, heuristics: str, files: Path, out: Path
) -> dict[str, int]:
    """Label the table `files` (title, categories) into the table `out` (title, labels, scores), in its order.

    The same labels and, up to the precision of float16, the same scores as `file_labels.label_files`.
    Returns counts: files, files with a label, labels given, categories of files that the graph does not have.
    """
    suffix = check_written(out)
    check_files(files)
    counts = Counter({"files": 0, "files with a label": 0, "labels": 0})
    total = pq.read_metadata(files).num_rows
    with ThreadPoolExecutor(1) as pool:
        looked_up = look_up_ahead(graph, files, pool)  # the first files, while the categories are labelled
        place, share = compact_shares(label_categories(graph, taxonomy, heuristics))
        with replacing(out) as temporary, table_writer(temporary, suffix, schema()) as write:
            for titles, row, category in portions(looked_up):
                at = np.append(place, -1)[category]
                scores = mean_by_row(share[at[at >= 0]].astype(np.float32), row[at >= 0], len(titles))
                write(labels_table(titles, scores, taxonomy.label_names))
                counts.update(_counted(scores, category))
                report("labelling files", counts["files"], total)
    return dict(counts)


def _counted(scores: np.ndarray, category: np.ndarray) -> dict[str, int]:
    return {
        "files": len(scores),
        "files with a label": int((scores > 0).any(axis=1).sum()),
        "labels": int((scores > 0).sum()),
        "categories of files that have no page": int((category < 0).sum()),
    }


def check_files(files: Path, column: str = "categories") -> None:
    """UserError unless the Parquet file has title and that column."""
    need_columns("files", schema_of(files, "--files").names, ["title", column])


@contextmanager
def as_parquet(files: Path, column: str = "categories") -> Iterator[tuple[Path, str]]:
    """The table `files` as Parquet with texts as titles and lists of texts as `column`; how it was read.

    column: categories or items. Itself where it is that; else read by `tables.read_table` and written to a
    temporary file.
    """
    if suffix_of(files) == ".parquet" and _is_ready(schema_of(files, "--files"), column):
        yield files, "Parquet"
        return
    frame = read_table(files, "--files", ["title", column])
    titles = [as_text("title", cell) for cell in frame["title"]]
    check_divided(column, frame[column], **MARKS[column])
    lists = [as_list(cell) for cell in frame[column]]
    with TemporaryDirectory() as folder:
        kinds = [pa.array(titles, pa.string()), pa.array(lists, pa.list_(pa.string()))]
        pq.write_table(pa.table(kinds, ["title", column]), Path(folder) / "files.parquet")
        yield Path(folder) / "files.parquet", frame.attrs["form"]


def _is_ready(schema: pa.Schema, column: str) -> bool:
    kinds = {field.name: field.type for field in schema}
    titles, lists = kinds.get("title", pa.null()), kinds.get(column, pa.null())
    return is_plain(titles) and is_list(lists) and is_plain(lists.value_type)


# --- Files with items of Wikidata


def items_named(files: Path) -> dict[str, str]:
    """The Q-id of every different text in the column `items` of a Parquet file; NoTitle where one is none."""
    check_files(files, "items")
    found: set[str] = set()
    for batch in pq.ParquetFile(files).iter_batches(columns=["items"]):
        column = pa.chunked_array([batch["items"]])
        found.update(pc.unique(pc.list_flatten(lists_of(column, "items"))).to_pylist())
    return {name: item_key(name) for name in found if name is not None}


def write_walked(files: Path, named: dict[str, str], category: dict[str, str], out: Path) -> dict[str, int]:
    """Write title, categories of a Parquet table of title, items: its items' categories; returns counts.

    named: see `items_named`; category: of Q-ids that have one, see `depicts.categories_of`. An item without a
    category is left out; two items of one category stay two, each with its vote; an item that a file names
    twice, in whatever way, is one.
    """
    led = [name for name, item in named.items() if item in category]
    item = np.unique([named[name] for name in led], return_inverse=True)[1]
    known, leads = pa.array(led, pa.string()), pa.array([category[named[name]] for name in led], pa.string())
    counts = Counter({"files with a depicted item": 0, "files with an item that has a category": 0})
    with replacing(out) as temporary, pq.ParquetWriter(temporary, WALKED, compression="zstd") as writer:
        for batch in pq.ParquetFile(files).iter_batches(PORTION, columns=["title", "items"]):
            table = pa.Table.from_batches([batch])
            lists = lists_of(table["items"], "items").combine_chunks()
            categories = _led(lists, known, leads, item)
            writer.write_table(
                pa.table([texts_of(table["title"], "title"), categories], WALKED.names).cast(WALKED)
            )
            for what, column in zip(counts, (lists, categories), strict=True):
                length = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
                counts[what] += int((length > 0).sum())
    return dict(counts)


def _led(lists: pa.ListArray, known: pa.Array, leads: pa.Array, item: np.ndarray) -> pa.ListArray:
    """Lists with what stands in `leads` where `known` has their texts, in place of these; others go.

    item: (k,) which item each of `known` means; of one item a list keeps the first.
    """
    place = positions(pc.list_flatten(lists), known)
    row, place = pc.list_parent_indices(lists).to_numpy()[place >= 0], place[place >= 0]
    first = np.sort(np.unique(pair_numbers(row, item[place]), return_index=True)[1])
    row, place = row[first], place[first]
    ends = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(lists)))]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), leads.take(pa.array(place)))


def compact_shares(found: CategoryLabels) -> tuple[np.ndarray, np.ndarray]:
    """(n,) int32 row of each category that has labels (-1: none), and those rows: (k, n_labels) float16.

    A row holds the shares of `file_labels.shares`; they are carried a few labels at a time.
    """
    kept = np.flatnonzero(found.masks)
    place = np.full(len(found.masks), -1, dtype=np.int32)
    place[kept] = np.arange(len(kept), dtype=np.int32)
    n_labels, masks = len(found.taxonomy.label_names), found.masks[kept]
    release()
    share = np.empty((len(kept), n_labels), dtype=np.float16)
    ladder = Ladder(Hops(*(place[ends] for ends in found.hops)), found.graph.depth[kept])

    def carry(first: int) -> None:
        has = bits(masks, first, min(first + TOGETHER, n_labels))
        values = ladder.average(has.astype(np.float32))
        np.maximum(values, LEAST, out=values)
        share[:, first : first + TOGETHER] = np.multiply(values, has, out=values)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(carry, range(0, n_labels, TOGETHER)))
    return place, share


LookedUp = tuple[Texts, np.ndarray, np.ndarray]  # titles, number of categories of each, all categories


def look_up_ahead(graph: CategoryGraph, files: Path, pool: Executor) -> Iterator[LookedUp]:
    """Files with their categories' indices, many at a time; the next are looked up while these are used.

    The first are begun at once, before anybody asks.
    """
    metadata = pq.read_metadata(files)
    groups = _together([metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)])
    begun = [pool.submit(_look_up, graph, files, group) for group in groups[:1]]

    def results() -> Iterator[LookedUp]:
        for group in [*groups[1:], None]:
            if not begun:
                return
            found = begun.pop().result()
            begun.extend([pool.submit(_look_up, graph, files, group)] if group else [])
            yield found

    return results()


def portions(looked_up: Iterator[LookedUp]) -> Iterator[tuple[Texts, np.ndarray, np.ndarray]]:
    """(titles, row, category) of a portion of files: every category of every file, -1 for a red link."""
    for titles, length, category in looked_up:
        ends = np.concatenate([[0], np.cumsum(length)])
        for start in range(0, len(titles), PORTION):
            part = length[start : start + PORTION]
            row = np.repeat(np.arange(len(part), dtype=np.int32), part)
            yield titles[start : start + PORTION], row, category[ends[start] : ends[start] + len(row)]


def _together(sizes: list[int]) -> list[list[int]]:
    """Row groups that are looked up at once: to index the graph's titles pays for millions of files."""
    groups: list[list[int]] = []
    rows = 0
    for i, size in enumerate(sizes):
        if not groups or rows + size > LOOKED_UP:
            groups, rows = [*groups, []], 0
        groups[-1].append(i)
        rows += size
    return groups


def _look_up(
    graph: CategoryGraph, files: Path, groups: list[int]
) -> tuple[pa.ChunkedArray, np.ndarray, np.ndarray]:
    table = pq.ParquetFile(files).read_row_groups(groups, ["title", "categories"])
    titles, lists = texts_of(table["title"], "title"), lists_of(table["categories"], "categories")
    length = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
    return titles, length, graph.find(pc.list_flatten(lists))


def schema() -> pa.Schema:
    """Columns of the labelled table."""
    return pa.schema(
        {"title": pa.string(), "labels": pa.list_(pa.string()), "scores": pa.list_(pa.float32())}
    )


def labels_table(titles: Texts, scores: np.ndarray, label_names: tuple[str, ...]) -> pa.Table:
    """The labelled table, one row per file: title, labels (score above 0, in label_names order), scores."""
    row, column = np.nonzero(scores)
    ends = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(scores)))]).astype(np.int32)
    names = pa.array(label_names).take(pa.array(column))
    labels = pa.ListArray.from_arrays(pa.array(ends), names)
    values = pa.ListArray.from_arrays(pa.array(ends), pa.array(scores[row, column]))
    return pa.table({"title": titles, "labels": labels, "scores": values}).cast(schema())
