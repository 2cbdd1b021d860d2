"""Made-up downloads for the params of wikipedia/: Commons' dumps, WIT, search indices, pictures, and people.

Each picture shows one or two subjects, in squares of their colours. A subject is a label of v1.4, the ORES
topic that means the same, and an item of Wikidata, so that all label sources, people and the networks speak
of one thing.
"""

from colorsys import hsv_to_rgb
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from depicts_planted import SITE, entity, item, write_mediainfo
from dump_planted import MADE, PAGE, PROPERTIES, REDIRECT, TARGET
from sql_text import write_sql
from test_cirrus import NEW, write_index
from test_wit import row, url, write_tsv
from wikitopics.judgements import append
from wikitopics.labels.taxonomy import bridge, load
from wikitopics.sources.reading import stored_path

SUBJECTS = [(label, topic) for label, topic, _ in bridge()]
V14 = load("v1.4")
TOWNS = ("Aville", "Beburg", "Cetown", "Dedorf")
WIKIS = ("en", "en", "de")  # of the articles, in turn
DAY, SIDE = "20260101", 64  # of the dumps; pixels of a picture
ITEM = 1000  # a subject's item of Wikidata is this and its number
BLOCKS, OWN, SEEN = 8, 28, 64  # squares a side, squares of a subject, pictures that the weights have seen
LINKS = {
    "cl_from": "int(8)",
    "cl_sortkey": "varbinary(230)",
    "cl_timestamp": "timestamp",
    "cl_type": "enum('page','subcat','file')",
    "cl_target_id": "bigint(20) unsigned",
}


@dataclass(frozen=True)
class File:
    """A file: its title, the numbers of its subjects, and its categories."""

    title: str
    subjects: list[int]
    categories: list[str]

    @property
    def article(self) -> str:
        """The one article that shows it."""
        return f"Article on {self.title[:-4]}"


def anchor(subject: int) -> str:
    """The category that a subject's label stands for."""
    return V14.anchors[SUBJECTS[subject][0]][0]


def draw_files(n: int, rng: np.random.Generator) -> list[File]:
    """Files whose titles and categories tell their subjects; every fourth has a category that misleads."""
    files = []
    for number in range(n):
        subjects = [int(one) for one in rng.choice(len(SUBJECTS), rng.integers(1, 3), replace=False)]
        names = [f"{anchor(one)} in {TOWNS[rng.integers(len(TOWNS))]}" for one in subjects]
        astray = f"Photographs by {TOWNS[number % len(TOWNS)]} {anchor(int(rng.integers(len(SUBJECTS))))}"
        title = f"{' and '.join(anchor(one) for one in subjects)} {number:04}.png"
        files.append(File(title, subjects, names + [astray] * (number % 4 == 0)))
    return files


def plant(root: Path, n: int, judged: int, seed: int = 0) -> None:
    """All downloads that wikipedia/params asks for, in `root`, and what two people said of `judged` files."""
    rng = np.random.default_rng(seed)
    files = draw_files(n, rng)
    plant_commons(root / "downloads" / "commonswiki", files)
    plant_articles(root / "downloads", files)
    for file in files:
        place = root / "downloads" / "pictures" / stored_path(file.title)
        place.parent.mkdir(parents=True, exist_ok=True)
        picture(file, rng).save(place)
    plant_weights(root / "weights", root / "downloads" / "pictures")
    spoil(root / "downloads" / "pictures", files)
    plant_people(root / "judgements" / "01_labels", files, judged, rng)


def plant_commons(folder: Path, files: list[File]) -> None:
    """The dumps of a Commons of these files, whose categories lie below the anchors of v1.4."""
    anchors = sorted({name for names in V14.anchors.values() for name in names})
    below = sorted({name for file in files for name in file.categories})
    parents = {"CommonsRoot": [], "Topics": ["CommonsRoot"]} | {name: ["Topics"] for name in anchors}
    parents |= {name: [next(one for one in anchors if one in name)] for name in below}
    number = {name: place for place, name in enumerate(parents, 1)}
    pages = [(i, 14, name.replace(" ", "_").encode(), 0) for name, i in number.items()]
    links = [(number[name], b"subcat", above) for name, names in parents.items() for above in names]
    for i, file in enumerate(files, len(number) + 1):
        pages.append((i, 6, file.title.replace(" ", "_").encode(), 0))
        links += [(i, b"file", name) for name in file.categories]
    tables = {
        "page": ({**PAGE, "page_is_redirect": "tinyint(3)"}, pages),
        "categorylinks": (LINKS, [(i, b"", MADE, kind, number[name]) for i, kind, name in links]),
        "linktarget": (TARGET, [(i, 14, name.replace(" ", "_").encode()) for name, i in number.items()]),
        "page_props": (PROPERTIES, [(1, b"defaultsort", b"x")]),
        "redirect": (REDIRECT, [(0, 14, b"Topics")]),
    }
    for name, (columns, rows) in tables.items():
        write_sql(folder / f"commonswiki-{DAY}-{name}.sql.gz", columns, rows, per=500)
    plant_statements(folder, dict(enumerate(files, len(number) + 1)))


def plant_statements(folder: Path, files: dict[int, File]) -> None:
    """What people said the files (by page) depict, of every third file nothing; and the items' pages."""
    said = {
        page: [item(ITEM + one) for one in file.subjects] if page % 3 else [] for page, file in files.items()
    }
    write_mediainfo(
        folder / f"commons-{DAY}-mediainfo.json.gz",
        [entity(page, f"File:{files[page].title}", statements) for page, statements in said.items()],
    )
    pages = [
        (2 * one + side, ITEM + one, wiki, name.encode())
        for one in range(len(SUBJECTS))
        for side, wiki, name in (
            (0, b"commonswiki", f"Category:{anchor(one)}"),
            (1, b"enwiki", SUBJECTS[one][0]),
        )
    ]
    write_sql(folder / f"wikidatawiki-{DAY}-wb_items_per_site.sql.gz", SITE, pages)


def plant_articles(downloads: Path, files: list[File]) -> None:
    """WIT's shard, which says what article shows which file, and the wikis' search indices with topics."""
    wikis = dict(zip([file.title for file in files], WIKIS * len(files), strict=False))
    pages = {
        file.title: f"https://{wikis[file.title]}.wikipedia.org/wiki/{file.article.replace(' ', '_')}"
        for file in files
    }
    shard = downloads / "wit" / "wit_v1.train.all-00000-of-00010.tsv.gz"
    shard.parent.mkdir(parents=True)
    write_tsv(shard, [row(pages[file.title], url(file.title), "true") for file in files])
    for wiki in sorted(set(WIKIS)):
        articles = [
            {"title": file.article, "namespace": 0, "weighted_tags": tags(file)}
            for file in files
            if wikis[file.title] == wiki
        ]
        write_index(downloads / "search_index" / f"{wiki}wiki_content-{DAY}-00000.json.bz2", articles)


def tags(file: File) -> list[str]:
    """The topics of a file's article as a search index has them."""
    return [f"{NEW}{SUBJECTS[one][1].replace(' ', '_')}|900" for one in file.subjects]


def picture(file: File, rng: np.random.Generator) -> Image.Image:
    """Light squares that no other picture has, and many in the colour of each subject."""
    squares = np.repeat(rng.integers(200, 256, (BLOCKS * BLOCKS, 1)), 3, axis=1)
    places = rng.permutation(len(squares))
    for number, subject in enumerate(file.subjects):
        squares[places[number * OWN : (number + 1) * OWN]] = colour(subject)
    small = Image.fromarray(squares.reshape(BLOCKS, BLOCKS, 3).astype(np.uint8))
    return small.resize((SIDE, SIDE), Image.Resampling.NEAREST)


def colour(subject: int) -> np.ndarray:
    """One of eight hues, light, darker or dark: (3,), 0 to 255."""
    return 255 * np.array(hsv_to_rgb(subject % 8 / 8, 1, (1, 0.6, 0.3)[subject // 8]))


def plant_weights(folder: Path, pictures: Path) -> None:
    """Weights of B0 and B2: random, and normalised by some of the pictures.

    Random ones alone (`weights: none`) let next to nothing through: features of 1e-6 teach no head.
    """
    import keras

    from wikitopics.networks.backbones import build_backbone

    some = sorted(pictures.rglob("*.png"))[: 2 * SEEN : 2]
    seen = np.stack([np.asarray(Image.open(path)) for path in some]).astype("float32")
    folder.mkdir()
    for name in ("EfficientNetB0", "EfficientNetB2"):
        keras.utils.set_random_seed(0)
        network = build_backbone(name, SIDE, "none")
        for layer in network.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.momentum = 0.0  # what is seen now is what is normalised by
        network(seen, training=True)
        network.save_weights(folder / f"{name}.weights.h5")


def spoil(folder: Path, files: list[File]) -> None:
    """One picture is missing, one cut off, one is there twice: what a download of 200,000 brings."""
    missing, short, copied, original = (folder / stored_path(file.title) for file in files[:4])
    missing.unlink()
    short.write_bytes(short.read_bytes()[:100])
    copied.write_bytes(original.read_bytes())


def plant_people(folder: Path, files: list[File], judged: int, rng: np.random.Generator) -> None:
    """Journals in both vocabularies: Ann sees every subject, Ben half of the files, and misses a tenth."""
    drawn = [files[place] for place in sorted(rng.choice(len(files), judged, replace=False))]
    for side, run in enumerate(("commons", "ores")):
        seen = [
            {"title": file.title, "labels": [SUBJECTS[one][side] for one in file.subjects]} for file in drawn
        ]
        append(folder / run, "Ann", seen)
        missed = [
            said | {"labels": [label for label in said["labels"] if rng.random() > 0.1]} for said in seen[::2]
        ]
        append(folder / run, "Ben", missed)
