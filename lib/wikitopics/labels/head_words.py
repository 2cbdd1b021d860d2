"""Lexical heads word by word: "Train stations" -> "Stations", every form with a number of its own."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wikitopics.labels.lookup import Texts

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
NULL_HEADS = frozenset({*MONTHS, "Century", "Category", "Categories"})  # they say nothing about the topic


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
