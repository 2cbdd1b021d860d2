"""Words of a file, and chance that depends on the title alone (so a rebuild gives the same tables)."""

import hashlib
import html
import re
import unicodedata
from collections.abc import Iterable

FORBIDDEN = re.compile(r"[#<>\[\]|{}_/:\\]+")  # MediaWiki allows none of these in a file title
LONGEST_PHRASE = 3


def tokens(text: str) -> list[str]:
    """Lower-case letter runs without accents.

    >>> tokens("Hot_dog2 Crème-brûlée")
    ['hot', 'dog', 'creme', 'brulee']
    """
    plain = unicodedata.normalize("NFKD", text.lower())
    return re.findall(r"[^\W\d_]+", "".join(c for c in plain if not unicodedata.combining(c)))


def without_creator(stem: str, creator: str) -> list[str]:
    """Tokens of a file name without its uploader's name, which the package appends, cut short.

    >>> without_creator("pencil_benji_pa_01", "Benji Park")
    ['pencil']
    """
    names = tokens(creator)
    return [t for t in tokens(stem) if not any(len(t) > 1 and name.startswith(t) for name in names)]


def phrases(words: list[str], known: set[str]) -> list[str]:
    """The known phrases in a list of words, longest first, each word used once.

    >>> phrases(["hot", "dog", "bun"], {"hot dog", "dog", "bun"})
    ['hot dog', 'bun']
    """
    found, at = [], 0
    while at < len(words):
        for length in range(LONGEST_PHRASE, 0, -1):
            phrase = " ".join(words[at : at + length])
            if len(words[at : at + length]) == length and phrase in known:
                found.append(phrase)
                at += length
                break
        else:
            at += 1
    return list(dict.fromkeys(found))


def clean_title(text: str) -> str:
    """A title as MediaWiki stores it: no forbidden characters, single spaces, first letter large.

    >>> clean_title("a  cat #1 [draft]")
    'A cat 1 draft'
    """
    words = " ".join(FORBIDDEN.sub(" ", html.unescape(text)).split()).strip(" .-")[:90]
    return words[:1].upper() + words[1:]


def chance(*key: str) -> float:
    """A number in [0, 1) that depends on the key only."""
    return int.from_bytes(hashlib.sha1("\x1f".join(key).encode()).digest()[:6]) / 2**48


def plain(choice: str) -> str:
    """The name of a choice without its chance.

    >>> plain("Pets:0.3"), plain("Dogs")
    ('Pets', 'Dogs')
    """
    return re.sub(r":[\d.]+$", "", choice)


def drawn(choices: Iterable[str], *key: str) -> list[str]:
    """Names of "Name" and "Name:0.3" choices, the latter kept with that chance.

    >>> drawn(["Dogs", "Pets:0"], "A title")
    ['Dogs']
    """
    kept = []
    for choice in choices:
        name, colon, share = choice.rpartition(":")
        if not colon or not re.fullmatch(r"[\d.]+", share):
            kept.append(choice)
        elif chance(*key, name) < float(share):
            kept.append(name)
    return kept
