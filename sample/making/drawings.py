"""The drawings of Debian's openclipart-svg and openclipart-png: licence, words, choice, thumbnail."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from making import words
from making.svg_metadata import Metadata, Refused, read_metadata
from making.tables import read_lists, read_rows
from making.thumbnails import Seen, drawn_share, open_bounded, pixel_sha1, reduced, signature

LEAST_DRAWN = 0.03  # of the page that the drawing's bounding box covers
LINKED = re.compile(rb'<(?:\w+:)?image\b[^>]*?href\s*=\s*["\'](?!data:)')
SHARED = 3  # a dc:title that this many files carry names a collection, not a picture


@dataclass
class Drawing:
    """One picture and everything the package says about it; `folders` are all that hold the same pixels."""

    stem: str
    folders: list[str]
    metadata: Metadata
    image: Image.Image
    name: str = ""
    words: list[str] = field(default_factory=list)

    @property
    def folder(self) -> str:
        return " + ".join(self.folders)


def read_drawings(root: Path, dropped: Counter) -> list[Drawing]:
    """Every drawing that is public domain, chosen and decodable; what is not is counted by reason."""
    choice, kept = Choice(), {}
    base = root / "usr/share/openclipart"
    titles = Counter()
    for path in sorted((base / "svg").rglob("*.svg")):
        folder = path.parent.relative_to(base / "svg").as_posix()
        try:
            metadata = _licensed(path)
            titles[metadata.title] += 1
            choice.check(folder, path.stem)
            image = reduced(open_bounded(base / "png" / folder / f"{path.stem}.png"))
        except Refused as reason:
            dropped[str(reason)] += 1
            continue
        key = pixel_sha1(image)
        if key in kept:
            dropped["same picture in another folder"] += 1
            kept[key].folders.append(folder)
        else:
            kept[key] = Drawing(path.stem, [folder], metadata, image)
    drawings = _distinct(list(kept.values()), dropped)
    for drawing in drawings:
        drawing.folders = choice.telling(drawing.folders)
        _give_words(drawing, titles)
    return choice.limited(drawings, dropped)


def _licensed(path: Path) -> Metadata:
    data = path.read_bytes()
    metadata = read_metadata(data)
    if not metadata.public_domain:
        raise Refused("licence element does not say PublicDomain")
    if LINKED.search(data):
        raise Refused("shows a picture that it does not carry")
    return metadata


def _give_words(drawing: Drawing, titles: Counter) -> None:
    """The name for the title, and the words of title and file name."""
    title, creator = drawing.metadata.title, drawing.metadata.creator
    stem = words.without_creator(drawing.stem, creator)
    own = bool(title) and titles[title] < SHARED and words.tokens(title) != words.tokens(creator)
    plain = " ".join(stem) or drawing.stem
    collection = title.partition(" - ")[0]
    drawing.name = words.clean_title(title if own else f"{plain} ({collection or 'Open Clip Art'})")
    drawing.words = list(dict.fromkeys(stem + (words.tokens(title) if own else [])))


def _distinct(drawings: list[Drawing], dropped: Counter) -> list[Drawing]:
    """Without drawings that look like an earlier one, and without empty ones."""
    kept, seen = [], Seen()
    for drawing in drawings:
        sign = signature(drawing.image)
        if drawn_share(drawing.image) < LEAST_DRAWN:
            dropped["next to nothing on the page"] += 1
        elif seen.alike(sign):
            dropped["looks like another drawing"] += 1
        else:
            kept.append(drawing)
            seen.add(sign)
    return kept


class Choice:
    """Which folders and files are about something, and how many of a folder are kept (curated/choice.csv)."""

    def __init__(self) -> None:
        rows = read_rows("choice")
        self.limits = {row["name"]: int(row["limit"]) for row in rows if row["what"] == "folder"}
        self.files = {row["name"]: int(row["limit"]) for row in rows if row["what"] == "file"}
        self.words = set(read_lists("concept_articles"))
        self.labelled = {row["folder"] for row in read_rows("folder_labels") if row["v1.4"] or row["ores-64"]}

    def limit(self, folder: str) -> int:
        """The limit of the nearest folder above that has one."""
        parts = folder.split("/")
        names = ["/".join(parts[:n]) for n in range(len(parts), 0, -1)]
        return next((self.limits[name] for name in names if name in self.limits), 10_000)

    def check(self, folder: str, stem: str) -> None:
        """Raise `Refused` for a folder or file that is left out."""
        if self.limit(folder) == 0:
            raise Refused("folder without a topic (icons, buttons, shapes ...)")
        if self.files.get(stem) == 0 or self.files.get(f"{folder}/{stem}") == 0:
            raise Refused("left out by hand")
        if folder.startswith("signs_and_symbols/flags") and stem not in self.files:
            raise Refused("flag beyond the chosen ones")

    def nameless(self, drawing: Drawing) -> bool:
        """True where neither title nor file name has a word of the curated tables."""
        flag = "flags" in drawing.folder or drawing.folder.startswith("geography")
        return not flag and not words.phrases(drawing.words, self.words)

    def telling(self, folders: list[str]) -> list[str]:
        """Only the deepest folders, and those that say a topic where any does."""
        deep = [f for f in set(folders) if not any(g.startswith(f"{f}/") for g in folders)]
        return sorted([f for f in deep if f in self.labelled] or deep)

    def limited(self, drawings: list[Drawing], dropped: Counter) -> list[Drawing]:
        """At most `limit` drawings of each folder: first those with known words, then by a hash."""
        kept, counts = [], Counter()
        for drawing in sorted(
            drawings, key=lambda d: (self.nameless(d), words.chance("choice", d.stem, d.folder))
        ):
            counts[drawing.folder] += 1
            if counts[drawing.folder] <= min(self.limit(f) for f in drawing.folders):
                kept.append(drawing)
            else:
                dropped["folder has enough"] += 1
        return sorted(kept, key=lambda d: (d.folder, d.stem))
