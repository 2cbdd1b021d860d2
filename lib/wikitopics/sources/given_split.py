"""Parts of a split that people bring along: a column `split`, or folders named train, val and test."""

from collections.abc import Iterable
from typing import Any

from wikitopics.errors import UserError
from wikitopics.sources.table_cells import text_of

NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval"),
}
PART_OF = {spelled: part for part, names in NAMES.items() for spelled in names}


def split_names(cells: Iterable[Any], table: str) -> list[str]:
    """The part of each row: train, validation or test. UserError for another word, and for a row without.

    >>> split_names(["Train", "val", "test"], "t.csv")
    ['train', 'validation', 'test']
    """
    words = [text_of(cell) for cell in cells]
    wrong = next((word for word in words if word.lower() not in PART_OF), None)
    if wrong is not None:
        raise UserError(
            f"the column split of {table} must say train, validation or test in every row, but one says "
            f"{wrong[:60]!r}; correct it, or rename the column"
        )
    return [PART_OF[word.lower()] for word in words]


def folder_split(paths: list[str]) -> list[str] | None:
    """The part of each path by its first folder, where all of them are parts and train is one; else None.

    >>> folder_split(["train/cats/1.jpg", "val/cats/2.jpg"]), folder_split(["train/1.jpg", "cats/2.jpg"])
    (['train', 'validation'], None)
    """
    first = [path.partition("/")[0].lower() if "/" in path else "" for path in paths]
    parts = {PART_OF.get(name) for name in first}
    if None in parts or "train" not in parts or len(parts) < 2:
        return None
    return [PART_OF[name] for name in first]


def parts_as_categories(folders: Iterable[Iterable[str]]) -> int:
    """How many names of folders are those of parts of a split, train and another one among them; else 0.

    folders: of each file, those that are its categories. It may be that they were meant as parts.

    >>> parts_as_categories([["train", "cats"], ["test", "cats"]]), parts_as_categories([["train"], ["car"]])
    (2, 0)
    """
    names = {name for of_file in folders for name in of_file if name.lower() in PART_OF}
    parts = {PART_OF[name.lower()] for name in names}
    return len(names) if "train" in parts and len(parts) > 1 else 0
