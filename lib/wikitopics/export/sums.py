"""Checksums: SHA256SUMS names every other file of a bundle. They tell damage, not who made it."""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from wikitopics.export.listing import Listing, listing, refuse
from wikitopics.export.named import SUMS

BLOCK = 1 << 20
_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9._/-]+)")


def sums_text(digests: dict[str, str]) -> str:
    """SHA-256 (hex) by name as `sha256sum --check` reads them, in the order of the names."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))


@contextmanager
def verified(path: Path, names: tuple[str, ...]) -> Iterator[Path]:
    """A temporary folder with the files `names` of the bundle at `path`, all of which was found unchanged.

    What is checked is what is copied: nobody can exchange it in between. Raises UserError where the bundle
    is damaged or is none.
    """
    with listing(path) as found, TemporaryDirectory(prefix="wikitopics-") as folder:
        wanted = listed(found)
        _same_names(found, wanted, names)
        for name in sorted(wanted):
            if _copied(found, name, Path(folder) / name if name in names else None) != wanted[name]:
                refuse(found.where, f"has another {name} than {SUMS} says")
        yield Path(folder)


def listed(found: Listing) -> dict[str, str]:
    """What SHA256SUMS says, name by name. Raises UserError where there is none."""
    if found.sizes.get(SUMS, BLOCK) >= BLOCK:
        refuse(found.where, f"has no {SUMS}")
    with found.open(SUMS) as file:
        lines = file.read(BLOCK).decode("utf-8", "replace").splitlines()
    matches = [_LINE.fullmatch(line) for line in lines]
    if None in matches:
        refuse(found.where, f"has a {SUMS} that is none")
    return {match[2]: match[1] for match in matches}


def _same_names(found: Listing, wanted: dict[str, str], names: tuple[str, ...]) -> None:
    there = set(found.sizes) - {SUMS}
    odd = sorted(there ^ set(wanted)) + [name for name in names if name not in wanted]
    if odd:
        refuse(found.where, f"has no {odd[0]}" if odd[0] not in there else f"has one file more, {odd[0]}")


def _copied(found: Listing, name: str, to: Path | None) -> str:
    """SHA-256 of a file, written to `to` meanwhile."""
    digest, left = hashlib.sha256(), found.sizes[name]
    if to:
        to.parent.mkdir(parents=True, exist_ok=True)
    with found.open(name) as file, open(to or os.devnull, "wb") as copy:
        while block := file.read(min(BLOCK, left + 1)):
            left -= len(block)
            if left < 0:
                refuse(found.where, f"has a {name} that is longer than it says")
            digest.update(block)
            copy.write(block)
    return digest.hexdigest()
