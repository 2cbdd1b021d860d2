"""Texts as numbers of word pieces, as the uncased BERT models split them (Devlin et al. 2019)."""

import unicodedata
from collections.abc import Iterable

UNKNOWN, FIRST, DIVIDER = "[UNK]", "[CLS]", "[SEP]"
LONGEST = 100  # characters of a word; a longer one is unknown
REMEMBERED = 1 << 20  # words whose pieces are kept
IDEOGRAPHS = (
    *((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F)),
    *((0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)),
)  # each is a word of its own


class WordPieces:
    """Numbers of the pieces of texts, by a vocabulary in which a piece inside a word begins with ##.

    >>> pieces = WordPieces(["[UNK]", "[CLS]", "[SEP]", "cat", "##s", "a"])
    >>> pieces.numbers("A Cats, ñ")
    [5, 3, 4, 0, 0]
    """

    def __init__(self, vocabulary: Iterable[str]):
        self.number = {piece: number for number, piece in enumerate(vocabulary)}
        self.unknown, self.first, self.divider = (self.number[p] for p in (UNKNOWN, FIRST, DIVIDER))
        self._known: dict[str, tuple[int, ...]] = {}

    def numbers(self, text: str) -> list[int]:
        """The pieces of a text, in order; empty for a text without words."""
        found: list[int] = []
        for word in text.split():
            pieces = self._known.get(word)
            if pieces is None:
                pieces = tuple(n for part in parts_of(word) for n in self._pieces(part))
                if len(self._known) >= REMEMBERED:
                    self._known.clear()
                self._known[word] = pieces
            found.extend(pieces)
        return found

    def _pieces(self, word: str) -> list[int]:
        """The longest known beginning, then the longest known part after it, and so on."""
        found: list[int] = []
        start = 0
        if len(word) > LONGEST:
            return [self.unknown]
        while start < len(word):
            prefix = "##" if start else ""
            for end in range(len(word), start, -1):
                number = self.number.get(prefix + word[start:end])
                if number is not None:
                    break
            else:
                return [self.unknown]
            found.append(number)
            start = end
        return found


def parts_of(word: str) -> list[str]:
    """A word in lower case without accents, cut at punctuation; control characters are left out.

    >>> parts_of("L'École-2")
    ['l', "'", 'ecole', '-', '2']
    """
    if word.isascii() and word.isalnum():
        return [word.lower()]
    spread = "".join(
        f" {letter} " if _is_ideograph(letter) else letter for letter in word if _is_kept(letter)
    )
    plain = unicodedata.normalize("NFD", spread.lower())
    letters = [letter for letter in plain if unicodedata.category(letter) != "Mn"]
    return "".join(f" {letter} " if _is_punctuation(letter) else letter for letter in letters).split()


def _is_kept(letter: str) -> bool:
    return letter != "\ufffd" and (letter in "\t\n\r" or unicodedata.category(letter)[0] != "C")


def _is_ideograph(letter: str) -> bool:
    return any(first <= ord(letter) <= last for first, last in IDEOGRAPHS)


def _is_punctuation(letter: str) -> bool:
    if letter.isascii():
        return letter.isprintable() and not letter.isalnum() and letter != " "
    return unicodedata.category(letter).startswith("P")
