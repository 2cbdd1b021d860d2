"""Lexical heads of category names by rule: "Train stations opened in 1846" -> "Train stations".

The head is the noun that says what the things in a category are, with the nouns before it. The rules stand
for the head rules of a constituency parser (Collins 1999, appendix A), on names, which are short and alike.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wikitopics.labels.lookup import Texts

ADJECTIVE = re.compile(r"[a-z](?:al|ic|ous|ive|ful|less|ish|able|ible|ese|ian|ean|ican|ed|ary|like|ing)$")
NUMBER = re.compile(r"[\W\d]*\d[\W\d]*$")
ASIDE = re.compile(r"(?<=.)\s*[(\[]|(?<=\w) [-–—] |(?<=\w)[;:] ")

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
NULL_HEADS = frozenset({*MONTHS, "Century", "Category", "Categories"})  # they say nothing about the topic


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


# --- The words that the head rules know: closed classes, and the few open ones that names repeat


def word_set(text: str) -> frozenset[str]:
    """The words of a text as a set."""
    return frozenset(text.split())


# Words that begin what only qualifies the head.
CUT = word_set(
    """
    of in by at on from with for to during about between against after under over before near through
    without within into along among as per like towards toward above below behind beside inside outside
    off upon across around since until via than versus vs vs. who that which whose is are being not due
    using showing involving including featuring containing depicting wearing playing holding à par
    """
)


IRREGULAR = word_set(
    """
    built set made shot taken held written known drawn born seen found lost sunk cut begun won run sold
    kept worn left sung hung spoken put broken fallen given shown sent told grown thrown cast struck hit
    laid led driven ridden spun woven blown
    """
)


PLURAL = word_set(
    """
    people women men children fish deer sheep aircraft spacecraft media data police personnel
    """
)


ADJECTIVES = word_set(
    """
    old new tall dead famous former big large small little long short high low open young great good
    other early late modern ancient unidentified wild free full round square flat hot cold dry wet rare
    main major minor mixed real blind deaf holy extinct hidden upper lower inner outer same different
    single double several many all some more most first second third partially black white red green
    blue yellow brown pink purple orange grey gray golden silver dark light female male nude various
    northern southern eastern western north south east west central roman german greek dutch swiss czech
    danish polish welsh french irish scots thai military
    """
)


ROMAN = word_set("I II III IV V VI VII VIII IX X XI XII")


LISTING = word_set("and & or")


ALSO_NOUNS = word_set("set cut cast shot run lead")


PREFIXES = word_set("anti co cross ex mid neo non post pre re sub tri")


# --- Lexical heads word by word: "Train stations" -> "Stations", every form with a number of its own


@dataclass(frozen=True)
class HeadWords:
    """Head forms 0..k-1: every recorded head and what remains of it as words are cut from the left.

    forms: k texts, first letter upper, the rest lower. of: (n,) int32, the form that is the category's head,
    -1 unknown. words: (k,) int16, 0 for an empty head. shorter: (k,) int32, the form without its first word,
    -1 for one word. last: (k,) int32, the form of the last word alone. category: (k,) int32, the category
    named like the form, -1 none. null: (k,) bool, numbers and NULL_HEADS.
    """

    forms: pa.Array
    of: np.ndarray
    words: np.ndarray
    shorter: np.ndarray
    last: np.ndarray
    category: np.ndarray
    null: np.ndarray


class Forms(NamedTuple):
    """`texts`, `of` and `shorter` of HeadWords."""

    texts: pa.Array
    of: np.ndarray
    shorter: np.ndarray


def head_forms(heads: Texts) -> Forms:
    """The heads and their shorter forms, heads first: their numbers are those of the dictionary.

    >>> forms = head_forms(pa.array(["Train stations", "Stations", None]))
    >>> forms.texts.to_pylist(), forms.of.tolist(), forms.shorter.tolist()
    (['Train stations', 'Stations'], [0, 1, -1], [1, -1])
    """
    encoded = pc.dictionary_encode(heads)
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    of = pc.fill_null(encoded.indices, -1).to_numpy()
    texts, shorter, level = encoded.dictionary, [np.empty(0, dtype=np.int32)], encoded.dictionary
    while len(level):
        rest = pc.dictionary_encode(_without_first_word(level))
        place = _places_of(rest.dictionary, texts)
        new = np.flatnonzero(place < 0)
        place[new] = len(texts) + np.arange(len(new))
        shorter.append(np.append(place, np.int32(-1))[pc.fill_null(rest.indices, -1).to_numpy()])
        level = rest.dictionary.take(pa.array(new))
        texts = pa.concat_arrays([texts, level])
    return Forms(texts, of, np.concatenate(shorter))


def _places_of(few: pa.Array, many: pa.Array) -> np.ndarray:
    """Where each of a few different texts stands among many, -1 where not; only the few are indexed."""
    found = pc.fill_null(pc.index_in(many, value_set=few), -1).to_numpy()
    place = np.full(len(few), -1, dtype=np.int32)
    place[found[found >= 0]] = np.flatnonzero(found >= 0)
    return place


def described(forms: Forms, category: np.ndarray) -> HeadWords:
    """The forms with all that is known of them; `category` as in HeadWords."""
    texts, of, shorter = forms
    return HeadWords(texts, of, _count_words(texts), shorter, _followed(shorter), category, _is_null(texts))


def forms_of(heads: HeadWords, categories: np.ndarray) -> np.ndarray:
    """Numbers of the forms of some categories' heads and of all their shorter forms, sorted: (k,)."""
    form, found = np.unique(heads.of[categories]), []
    while len(form := form[form >= 0]):
        found.append(form)
        form = heads.shorter[form]
    return np.unique(np.concatenate([np.empty(0, np.int32), *found]))


def part_of_heads(heads: HeadWords, kept: np.ndarray, number: np.ndarray) -> HeadWords:
    """The heads of the categories that are `kept` (n,) bool; `number` (n,): the new one of each, or -1."""
    used = forms_of(heads, np.flatnonzero(kept))
    place = np.full(len(heads.words) + 1, -1, dtype=np.int32)  # the last for -1, which is no form
    place[used] = np.arange(len(used))
    category = np.where(heads.category[used] >= 0, number[heads.category[used]], -1)
    return HeadWords(
        heads.forms.take(pa.array(used)),
        place[heads.of[kept]],
        heads.words[used],
        place[heads.shorter[used]],
        place[heads.last[used]],
        category.astype(heads.category.dtype),
        heads.null[used],
    )


def _without_first_word(forms: pa.Array) -> pa.Array:
    """Null where there is one word; the rest of a form is lower case already, but for its first letter."""
    words = pc.split_pattern(forms, pattern=" ", max_splits=1)
    several = pc.equal(pc.list_value_length(words), 2)
    rest = pc.utf8_capitalize(pc.list_element(words.filter(several), 1))
    return pc.replace_with_mask(pa.nulls(len(forms), rest.type), several, rest)


def _followed(shorter: np.ndarray) -> np.ndarray:
    last = np.arange(len(shorter), dtype=np.int32)
    while (more := shorter[last] >= 0).any():
        last[more] = shorter[last[more]]
    return last


def _count_words(forms: pa.Array) -> np.ndarray:
    spaces = pc.count_substring(forms, " ").to_numpy()
    return (spaces + (pc.utf8_length(forms).to_numpy() > 0)).astype(np.int16)


def _is_null(forms: pa.Array) -> np.ndarray:
    named = pc.is_in(forms, value_set=pa.array(sorted(NULL_HEADS), forms.type))
    return pc.or_(named, pc.utf8_is_numeric(forms)).to_numpy(zero_copy_only=False)
