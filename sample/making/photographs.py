"""Photographs with a licence of their own: gcompris-qt-data, lomiri-wallpapers, scikit-learn's two."""

import re
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote

from PIL import Image

from making import words
from making.qt_resource import read_files
from making.svg_metadata import Refused
from making.tables import read_rows
from making.thumbnails import look_the_same, open_bounded, reduced, signature

LICENCES = {
    "public domain": "Public domain",
    "cc0-1.0": "CC0-1.0",
    "cc-by 2.0": "CC-BY-2.0",
    "cc-by-2.0": "CC-BY-2.0",
    "cc-by-3.0": "CC-BY-3.0",
    "cc-by-4.0": "CC-BY-4.0",
    "cc-by-sa 4.0": "CC-BY-SA-4.0",
    "cc-by-sa-4.0": "CC-BY-SA-4.0",
    "cc-by-sa-3.0": "CC-BY-SA-3.0",
}


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
    image: Image.Image


def read_photographs(root: Path, dropped: Counter) -> list[Photograph]:
    """The photographs of curated/photographs.csv whose licence the package states file by file."""
    credits, contents = _gcompris(root)
    credits |= _debian_credits(root, "lomiri-wallpapers-16.04") | _debian_credits(root, "lomiri-wallpapers-20.04")
    credits |= _scikit_learn()
    kept, signs = [], []
    for row in read_rows("photographs"):
        try:
            photograph = _photograph(row, credits, contents, root)
            sign = signature(photograph.image)
            if any(look_the_same(sign, other) for other in signs):
                raise Refused("photograph that looks like another")
        except Refused as reason:
            dropped[str(reason)] += 1
            continue
        kept.append(photograph)
        signs.append(sign)
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
    return Photograph(words.clean_title(name), extension, creator, LICENCES[licence.lower()],
                      row["package"], row["folder"], words.tokens(row["words"]), image)


def _title(source: str, file: str) -> str:
    """The file's title on its site of origin, else its name in the package."""
    for mark in ("/wiki/File:", "picture="):
        if mark in source:
            return unquote(source.partition(mark)[2]).replace("_", " ").replace("-", " ").strip()
    return Path(file).name.replace("_", " ")


def _path(package: str, file: str, root: Path) -> Path:
    if package == "scikit-learn":
        return Path(str(files("sklearn.datasets.images") / file))
    return root / "usr/share/backgrounds" / file


def _gcompris(root: Path) -> tuple[dict[str, tuple[str, str, str]], dict[str, bytes]]:
    """(file -> (licence, creator, source), file -> bytes), from the README beside the pictures."""
    credits, contents = {}, {}
    for path in sorted((root / "usr/share/gcompris-qt/rcc").glob("*.rcc")):
        inside = dict(read_files(path))
        for name, data in inside.items():
            if name.endswith("/README"):
                folder = name.rpartition("/")[0]
                for stanza in _stanzas(data.decode("utf-8", "replace")):
                    for file in stanza.get("Files", "").split():
                        credits[f"{folder}/{file}"] = _credit(stanza)
        contents |= {name: data for name, data in inside.items() if name.endswith((".webp", ".png", ".jpg"))}
    return credits, contents


def _stanzas(text: str) -> list[dict[str, str]]:
    """Paragraphs of "Key: value" lines with continuation lines, as Debian's copyright files have them."""
    stanzas = []
    for paragraph in re.split(r"\n\s*\n", text):
        fields, key = {}, ""
        for line in paragraph.splitlines():
            match = re.match(r"([A-Z][a-z]+):\s*(.*)", line)
            if match:
                key = match[1]
                fields[key] = match[2]
            elif key:
                fields[key] += f" {line.strip()}"
        stanzas.append(fields)
    return stanzas


def _credit(stanza: dict[str, str]) -> tuple[str, str, str]:
    """(licence, creator, source)."""
    source = re.search(r"https?://\S+", stanza.get("Source", "") or stanza.get("Comment", ""))
    creator = re.sub(r"^\s*(\(c\)|©)?\s*\d{4}([-,]\s*\d{4})*[,.]?\s*", "", stanza.get("Copyright", "").strip())
    creator = re.sub(r",?\s*\b(19|20)\d\d\b", "", re.sub(r"Copyright (\d{4},? ?)+", "; ", creator)).strip(" ;,.\"")
    return stanza.get("License", "").split("\n")[0].strip(), creator, source[0] if source else ""


def _debian_credits(root: Path, package: str) -> dict[str, tuple[str, str, str]]:
    """file name -> (licence, creator, source) from a Debian copyright file."""
    text = (root / "usr/share/doc" / package / "copyright").read_text(encoding="utf-8")
    named = [s for s in _stanzas(text) if s.get("Files", "").strip().endswith(".jpg")]
    return {Path(s["Files"].strip()).name: _credit(s) for s in named}


def _scikit_learn() -> dict[str, tuple[str, str, str]]:
    """The two sample photographs, as their README.txt credits them."""
    return {
        "china.jpg": ("CC-BY-2.0", "danielbuechele", ""),
        "flower.jpg": ("CC-BY-2.0", "vultilion", ""),
    }
