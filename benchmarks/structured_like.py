"""A made-up dump of Commons' structured data: as many statements a file, and as long, as real ones have.

python benchmarks/structured_like.py OUT.json FILES

A file in five says what it depicts, in one to three statements; all have some of source, author, licence,
date and place, with qualifiers, and every other one a caption: 2 to 4 kB a line.
"""

import argparse
import json
from pathlib import Path

import numpy as np

OTHERS = ("P170", "P275", "P571", "P6216", "P7482", "P1259", "P2699")
DIGEST = "0123456789abcdef0123456789abcdef01234567"


def snak(property_: str, number: int) -> dict:
    """A value that is an item."""
    value = {"entity-type": "item", "numeric-id": number, "id": f"Q{number}"}
    value = {"value": value, "type": "wikibase-entityid"}
    return {"snaktype": "value", "property": property_, "hash": DIGEST, "datavalue": value}


def statement(page: int, property_: str, number: int, rank: str = "normal") -> dict:
    """A statement; those of depicts have no qualifier."""
    said = {"mainsnak": snak(property_, number), "type": "statement", "id": f"M{page}${DIGEST}", "rank": rank}
    if property_ != "P180":
        said |= {"qualifiers": {"P1001": [snak("P1001", 30)]}, "qualifiers-order": ["P1001"]}
    return said


def line(page: int, chance: np.ndarray) -> bytes:
    """One file; `chance`: five numbers from 0 to 1."""
    said = {
        name: [statement(page, name, 1000 + i)] for i, name in enumerate(OTHERS[: 3 + int(chance[0] * 5)])
    }
    if chance[1] < 0.2:
        items = (chance[2] ** 4 * 100_000_000 * np.arange(1, 2 + int(chance[3] * 3))).astype(int) + 1
        said["P180"] = [statement(page, "P180", int(item)) for item in items]
    caption = (
        {"en": {"language": "en", "value": f"A view of “place” number {page}"}} if chance[4] < 0.5 else {}
    )
    entity = {"pageid": page, "ns": 6, "title": f"File:A view of place number {page}.jpg", "lastrevid": page}
    entity |= {"modified": "2026-01-01T00:00:00Z", "type": "mediainfo", "id": f"M{page}", "labels": caption}
    entity |= {"descriptions": [], "statements": said}
    return json.dumps(entity, separators=(",", ":")).encode()


def write(out: Path, files: int) -> None:
    """Write the dump."""
    rng = np.random.default_rng(0)
    with open(out, "wb") as file:
        for page in range(1, files + 1):
            file.write((b"[\n" if page == 1 else b",\n") + line(page, rng.random(5)))
        file.write(b"\n]\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("files", type=int)
    write(**vars(parser.parse_args()))
