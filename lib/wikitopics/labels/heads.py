"""Lexical heads of category names by rule: "Train stations opened in 1846" -> "Train stations".

The head is the noun that says what the things in a category are, with the nouns before it. The rules stand
for the head rules of a constituency parser (Collins 1999, appendix A), on names, which are short and alike.
"""

import re

import pyarrow as pa

from wikitopics.labels.head_lexicon import (
    ADJECTIVES,
    ALSO_NOUNS,
    CUT,
    IRREGULAR,
    LISTING,
    PLURAL,
    PREFIXES,
    ROMAN,
)

ADJECTIVE = re.compile(r"[a-z](?:al|ic|ous|ive|ful|less|ish|able|ible|ese|ian|ean|ican|ed|ary|like|ing)$")
NUMBER = re.compile(r"[\W\d]*\d[\W\d]*$")
ASIDE = re.compile(r"(?<=.)\s*[(\[]|(?<=\w) [-–—] |(?<=\w)[;:] ")


def find_heads(names: pa.Array) -> pa.Array:
    """The head of each category name (texts); see `find_head`."""
    return pa.array(map(find_head, names.to_pylist()), pa.string())


def find_head(name: str) -> str:
    """The head of one name: first letter upper, the rest lower; "" where the name has none, as a date.

    >>> [find_head(n) for n in ("Tall buildings in Oslo", "Women's sports", "Maps and flags", "2019-10-30")]
    ['Buildings', 'Sports', 'Flags', '']
    """
    every = ASIDE.split(name, maxsplit=1)[0].split()
    words = _last_listed(every[: _end_of_phrase(every)])
    while len(words) > 1 and _is_appended(words[-1]):
        words.pop()
    if not words or (len(words) == 1 and _says_nothing(words[0].lower(), alone=len(every) == 1)):
        return ""
    first = len(words) - 1
    while first > 0 and _belongs(words[first - 1], words[first]):
        first -= 1
    return " ".join([*words[first:-1], _after_hyphen(words[-1])]).strip().capitalize()


def _end_of_phrase(words: list[str]) -> int:
    """Index of the first word that belongs to a qualification: "of ...", ", Texas", "opened in ..."."""
    for i, word in enumerate(words):
        if i and (word in CUT or (_is_participle(word) and _is_plural(words[i - 1]))):
            return i
        if word[-1] == "," and not _is_list(words[i + 1 :]):
            return i + 1
    return len(words)


def _is_list(rest: list[str]) -> bool:
    """Whether the comma before `rest` lists things ("Orders, decorations and medals of Spain")."""
    if not rest or not all(word.islower() for word in rest[:2]) or _is_participle(rest[0]):
        return False
    return _is_plural(rest[-1]) or not (LISTING | CUT).isdisjoint(rest)


def _last_listed(words: list[str]) -> list[str]:
    for i in range(len(words) - 2, -1, -1):
        if words[i] in LISTING or words[i][-1] == ",":
            words = words[i + 1 :]
            break
    return [word.rstrip(",;") for word in words if word not in LISTING and word != "the"]


def _is_appended(word: str) -> bool:
    """A number or a participle at the end: "Halloween 2014", "World War II", "Trees planted"."""
    return (
        bool(NUMBER.match(word))
        or word in ROMAN
        or word in IRREGULAR
        or (word[-2:] == "ed" and word.islower())
    )


def _says_nothing(word: str, alone: bool) -> bool:
    """A date, or a participle that something follows: "2019-10-30", "Built in Oslo"; not "Frederiksted"."""
    if "-" in word and NUMBER.match(word):
        return "/" not in word
    participle = (word in IRREGULAR and word not in ALSO_NOUNS) or (word[-2:] == "ed" and word[-4:] != "shed")
    return participle and not alone


def _is_plural(word: str) -> bool:
    if word[-2:] in ("ss", "us", "is", "'s", "s'", "’s") or word[0].isdigit():
        return False
    return word[-1] == "s" or word.lower() in PLURAL


def _is_participle(word: str) -> bool:
    if not word.islower():
        return False
    return (
        word in IRREGULAR or (word[-2:] == "ed" and len(word) > 4) or (word[-3:] == "ing" and len(word) > 5)
    )


def _belongs(word: str, after: str) -> bool:
    """Whether a word is a noun of the head: no adjective (before a common noun), number or possessive."""
    if word[-2:] in ("'s", "s'", "’s") or NUMBER.match(word):
        return False
    return not (after.islower() and (word.lower() in ADJECTIVES or ADJECTIVE.search(word)))


def _after_hyphen(word: str) -> str:
    """The last part of a hyphenated word, if it can stand alone: "High-rises" -> "rises"; not "Anti-war"."""
    if "-" not in word:
        return word
    parts = [part for part in word.split("-") if part and not NUMBER.match(part)]
    whole = len(parts) < 2 or len(parts[-1]) < 3 or parts[0].lower() in PREFIXES
    return (
        word
        if whole and not NUMBER.match(word.rsplit("-", 1)[-1])
        else "-".join(parts[:1] if whole else parts[-1:])
    )
