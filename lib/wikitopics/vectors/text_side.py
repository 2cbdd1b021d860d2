"""The text side of a network: vectors of texts in the space of its features of pictures.

They come from a Parquet file that somebody made with the same network, or from a preset that has a text side.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from wikitopics.errors import UserError
from wikitopics.paths import located
from wikitopics.rules import PRESET, is_preset
from wikitopics.vectors.prompts import Prompts
from wikitopics.vectors.vector_files import TEXTS, opened, units, vectors_of

MOST = 1000  # texts of a file that are found by some words at once


def plain(text: str) -> str:
    """A text as texts are compared: letters with marks composed, blanks single.

    >>> plain("  a  photo of\\nmaps ")
    'a photo of maps'
    """
    return " ".join(unicodedata.normalize("NFC", text).split())


class TextSide:
    """What gives vectors of texts. name: of the file or preset, for people."""

    name: str

    def vectors(self, texts: Sequence[str]) -> np.ndarray:
        """(n, d) float32 of these texts, in order; UserError where one has none."""
        raise NotImplementedError

    def of_labels(self, prompts: Prompts) -> np.ndarray:
        """A unit vector for each label, (L, d) float32: the mean of the unit vectors of its texts, at length
        1 again (Radford et al. 2021, section 3.1.4). Raises UserError as `vectors`."""
        every = list(dict.fromkeys(text for texts in prompts.values() for text in texts))
        place = {text: number for number, text in enumerate(every)}
        known = units(self.vectors(every))
        return units(
            np.stack([known[[place[text] for text in texts]].mean(axis=0) for texts in prompts.values()])
        )

    def find(self, words: str) -> tuple[list[str], np.ndarray]:
        """The texts that somebody means who writes these words, and their vectors; perhaps none."""
        raise NotImplementedError


@dataclass(frozen=True)
class TextFile(TextSide):
    """A Parquet file with a column `text` or `label` and a column of lists of numbers, read when asked."""

    path: Path

    @property
    def name(self) -> str:  # type: ignore[override]
        """Of the file."""
        return self.path.name

    @property
    def by_label(self) -> bool:
        """Whether its rows are of labels, and nothing is asked but their names."""
        return opened(self.path, TEXTS, "texts")[1] == "label"

    def vectors(self, texts: Sequence[str]) -> np.ndarray:
        """As TextSide.vectors. Raises UserError for a text without a row, with a row that is not usable, and
        with two that differ."""
        asked = {plain(text) for text in texts}
        found, unusable = self._rows(asked.__contains__)
        missing = next((text for text in texts if plain(text) not in found), None)
        if missing is not None:
            has = "has one of zeros or not finite" if plain(missing) in unusable else "has none"
            raise UserError(
                f"texts must have a row of numbers for each text that is asked, but {missing!r} {has} in "
                f"{self.name}; embed it with the network of the features"
            )
        return np.stack([found[plain(text)] for text in texts])

    def of_labels(self, prompts: Prompts) -> np.ndarray:
        """As TextSide.of_labels; a file by label is asked for the labels' names, whatever their prompts."""
        return super().of_labels({label: (label,) for label in prompts} if self.by_label else prompts)

    def find(self, words: str) -> tuple[list[str], np.ndarray]:
        """The texts of the file that have all these words, capital or small, at most MOST; the very text
        alone where it is there."""
        very = plain(words).casefold()
        found, _ = self._rows(lambda text: text.casefold() == very)
        wanted = very.split()
        if not found and wanted:
            found, _ = self._rows(lambda text: all(word in text.casefold() for word in wanted), MOST)
        return list(found), np.stack([*found.values()]) if found else np.empty((0, 0), np.float32)

    def _rows(
        self, wanted: Callable[[str], bool], most: int | None = None
    ) -> tuple[dict[str, np.ndarray], set[str]]:
        """The vectors of the texts that are `wanted`, at most so many, and those whose row is not usable."""
        found: dict[str, np.ndarray] = {}
        unusable: set[str] = set()
        for names, vectors, usable in vectors_of(self.path, TEXTS, "texts"):
            for row, text in enumerate(map(plain, names)):
                if not wanted(text):
                    continue
                if not usable[row]:
                    unusable.add(text)
                elif text in found and not np.array_equal(found[text], vectors[row]):
                    raise UserError(
                        f"a text must have one row, but {text!r} has two in {self.name} that differ; leave "
                        "one of them out"
                    )
                elif most is None or len(found) < most:
                    found[text] = vectors[row]
        return found, unusable


def check_width(name: str, given: int, width: int) -> None:
    """Raises UserError where vectors of texts are not as wide as features of pictures."""
    if given != width:
        raise UserError(
            f"texts must be embedded by the network of the features, {width:,} numbers each, but those of "
            f"{name} have {given:,}; take both from one network"
        )


@dataclass(frozen=True)
class Asked:
    """Words asked of pictures: `texts` that were found for them, and each picture's likeness (m,)."""

    texts: list[str]
    likeness: np.ndarray


def likeness(side: TextSide, words: str, features: Iterable[np.ndarray]) -> Asked:
    """How near pictures are to what the words mean: cosine, in [-1, 1], with the mean of their unit vectors.

    features: (m, d) of the pictures, as parts. Raises UserError where no text is found, and for texts of
    another width.
    """
    texts, vectors = side.find(words)
    if not texts:
        raise UserError(
            f"words asked of pictures must be in a text that has a vector, but no text of {side.name} has "
            f"all of {words!r}; take fewer words, or embed more texts"
        )
    meant = units(units(vectors).mean(axis=0, keepdims=True))[0]
    parts = []
    for part in features:
        check_width(side.name, len(meant), part.shape[1])
        parts.append(units(part) @ meant)
    return Asked(texts, np.concatenate(parts) if parts else np.empty(0, np.float32))


def text_side(file: str, backbone: str) -> TextSide | None:
    """What gives vectors of texts to a run of 03_train: its file of texts, else the text side of its preset;
    None where it has neither."""
    if file:
        return TextFile(located(file))
    return Preset(backbone.removeprefix(PRESET)) if is_preset(backbone) else None


@dataclass(frozen=True)
class Preset(TextSide):
    """The text side of a KerasHub preset, which is loaded when it is first asked, and then kept."""

    name: str

    def vectors(self, texts: Sequence[str]) -> np.ndarray:
        """As TextSide.vectors. Raises UserError where the preset has no text side, or cannot be had."""
        return self._reader(list(texts))

    @cached_property
    def _reader(self) -> Callable[[list[str]], np.ndarray]:
        from wikitopics.networks.hub_text import reader

        return reader(self.name)

    def find(self, words: str) -> tuple[list[str], np.ndarray]:
        """The words themselves."""
        return [plain(words)], self.vectors([plain(words)])
