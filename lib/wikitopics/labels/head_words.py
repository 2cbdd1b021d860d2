"""Lexical heads word by word: "Train stations" -> "Stations", every form with a number of its own."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from wikitopics.labels.lookup import Texts, positions

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


def head_words(heads: Texts, titles: pa.Array) -> HeadWords:
    """Number the heads of all categories and their shorter forms; `heads` and `titles` are parallel.

    >>> h = head_words(pa.array(["Train stations", "Stations", None]), pa.array(["A", "Stations", "B"]))
    >>> h.forms.to_pylist(), h.of.tolist(), h.shorter.tolist(), h.category.tolist()
    (['Train stations', 'Stations'], [0, 1, -1], [1, -1], [-1, 1])
    """
    of, forms = head_forms(heads)
    return described(of, forms, positions(forms, titles))


def head_forms(heads: Texts) -> tuple[np.ndarray, pa.Array]:
    """`HeadWords.of` and `HeadWords.forms` of the heads."""
    encoded = pc.dictionary_encode(heads).combine_chunks() if isinstance(heads, pa.ChunkedArray) else heads
    encoded = pc.dictionary_encode(encoded) if not pa.types.is_dictionary(encoded.type) else encoded
    return pc.fill_null(encoded.indices, -1).to_numpy(), _all_forms(encoded.dictionary)


def described(of: np.ndarray, forms: pa.Array, category: np.ndarray) -> HeadWords:
    """The forms with all that is known of them; `category` as in HeadWords."""
    shorter = positions(_without_first_word(forms), forms)
    words, last = _count_words(forms), _followed(shorter)
    return HeadWords(forms, of, words, shorter, last, category, _is_null(forms))


def _all_forms(heads: pa.Array) -> pa.Array:
    """The heads first, in their order (so that numbers of heads are numbers of forms), then shorter ones."""
    found, rest = heads, heads
    while len(rest):
        rest = pc.unique(_without_first_word(rest).drop_null())
        rest = rest.filter(pc.invert(pc.is_in(rest, value_set=found)))
        found = pa.concat_arrays([found, rest])
    return found


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
