"""Photographs with a licence of their own: gcompris-qt-data, lomiri-wallpapers, scikit-learn's two."""

import re
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote

from PIL import Image

from making import words
from making.credits import LICENCES, SCIKIT_LEARN, Credit, credit, debian_credits, stanzas
from making.qt_resource import read_files
from making.svg_metadata import Refused
from making.tables import read_rows
from making.thumbnails import Seen, open_bounded, reduced, signature


@dataclass
class Photograph:
    """One photograph: its title on Commons where the package names it, author, licence, folder, words."""

    name: str
    extension: str
    creator: str
    licence: str
    package: str
    folder: str
    words: list[str]
    source: str
    image: Image.Image


def read_photographs(root: Path, dropped: Counter) -> list[Photograph]:
    """The photographs of curated/photographs.csv whose licence the package states file by file."""
    credits, contents = _gcompris(root)
    for release in ("16.04", "20.04"):
        credits |= debian_credits(root, f"lomiri-wallpapers-{release}")
    credits |= SCIKIT_LEARN
    kept, seen = [], Seen()
    for row in read_rows("photographs"):
        try:
            photograph = _photograph(row, credits, contents, root)
            sign = signature(photograph.image)
            if seen.alike(sign):
                raise Refused("photograph that looks like another")
        except Refused as reason:
            dropped[str(reason)] += 1
            continue
        kept.append(photograph)
        seen.add(sign)
    return kept


def _photograph(row: dict[str, str], credits: dict, contents: dict[str, bytes], root: Path) -> Photograph:
    file = row["file"]
    licence, creator, source = credits.get(file, ("", "", ""))
    if licence.lower() not in LICENCES:
        raise Refused("photograph without a free licence of its own")
    image = reduced(open_bounded(contents.get(file) or _path(row["package"], file, root)))
    title = _title(source, file)
    extension = "png" if title.lower().endswith(".png") else "jpg"
    name = re.sub(r"\.(jpe?g|png|webp)$", "", title, flags=re.I)
    return Photograph(
        words.clean_title(name),
        extension,
        creator,
        LICENCES[licence.lower()],
        row["package"],
        row["folder"],
        words.tokens(row["words"]),
        source,
        image,
    )


def _title(source: str, file: str) -> str:
    """The file's title on its site of origin, else its name in the package."""
    for mark in ("/wiki/File:", "picture="):
        if mark in source:
            name = unquote(source.partition(mark)[2]).replace("_", " ").strip()
            return name.replace("-", " ") if mark == "picture=" else name
    return Path(file).name.replace("_", " ")


def _path(package: str, file: str, root: Path) -> Path:
    if package == "scikit-learn":
        return Path(str(files("sklearn.datasets.images") / file))
    return root / "usr/share/backgrounds" / file


def _gcompris(root: Path) -> tuple[dict[str, Credit], dict[str, bytes]]:
    """(file -> (licence, creator, source), file -> bytes), from the README beside the pictures."""
    credits, contents = {}, {}
    for path in sorted((root / "usr/share/gcompris-qt/rcc").glob("*.rcc")):
        inside = dict(read_files(path))
        for name, data in inside.items():
            if name.endswith("/README"):
                folder = name.rpartition("/")[0]
                for stanza in stanzas(data.decode("utf-8", "replace")):
                    for file in stanza.get("Files", "").split():
                        credits[f"{folder}/{file}"] = credit(stanza)
        contents |= {name: data for name, data in inside.items() if name.endswith((".webp", ".png", ".jpg"))}
    return credits, contents
