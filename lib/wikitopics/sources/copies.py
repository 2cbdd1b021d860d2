"""The same picture in several places, as people say several labels of it: one file with all of them."""

import os
from collections import defaultdict
from pathlib import Path

from wikitopics.sources.reading import hash_inside, inside

Lists = dict[str, list[list[str]]]


def joined_copies(top: Path, paths: list[str], lists: Lists, split: list[str] | None) -> list[int]:
    """Rows to keep: of files with equal bytes but other lists the first, its lists joined in place.

    paths: below `top`. Only files of equal size are read. Copies that say the same or nothing stay (02
    leaves them out and tells of them), and so do copies in different parts of a `split`.
    """
    dropped: set[int] = set()
    for rows in _equal(top, paths):
        for part in {split[row] if split else "" for row in rows}:
            same = [row for row in rows if not split or split[row] == part]
            same = [row for row in same if any(cells[row] for cells in lists.values())]
            if all(cells[row] == cells[same[0]] for cells in lists.values() for row in same):
                continue
            for cells in lists.values():
                cells[same[0]] = list(dict.fromkeys(item for row in same for item in cells[row]))
            dropped.update(same[1:])
    return [row for row in range(len(paths)) if row not in dropped]


def _equal(top: Path, paths: list[str]) -> list[list[int]]:
    """Rows of files with equal bytes, at least two together; what cannot be read equals nothing."""
    by_size, by_content = defaultdict(list), defaultdict(list)
    for row, path in enumerate(paths):
        try:
            by_size[os.stat(inside(top, path)).st_size].append(row)
        except OSError:
            continue
    for size, rows in by_size.items():
        for row in rows if size and len(rows) > 1 else ():
            by_content[hash_inside(top, paths[row])].append(row)
    return [rows for rows in by_content.values() if len(rows) > 1]
