"""The curated tables, as written by hand."""

import csv
from pathlib import Path

CURATED = Path(__file__).resolve().parent.parent / "curated"


def read_rows(name: str) -> list[dict[str, str]]:
    """The rows of a curated table, in order."""
    with open(CURATED / f"{name}.csv", newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def read_lists(name: str) -> dict[str, list[str]]:
    """Each item of the first column's "; " list -> the second column's "; " list."""
    lists = {}
    for row in read_rows(name):
        keys, values = list(row.values())[:2]
        lists |= {key: [value for value in values.split("; ") if value] for key in keys.split("; ")}
    return lists


def write_rows(path: Path, header: list[str], rows: list[tuple]) -> None:
    """A CSV file with Unix line ends."""
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
