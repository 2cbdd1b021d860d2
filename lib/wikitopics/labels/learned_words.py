"""Names as bags of known words, for the learned labeller: rare words weigh more, upkeep less."""

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
RARE = 1e-3  # a word of this share of all words weighs half (Arora et al. 2017, smooth inverse frequency)
EXTENSION, LONG_NUMBER = re.compile(r"\.[A-Za-z]{3,4}$"), re.compile(r"\d{5,}")
CAMEL = re.compile(r"([a-z])([A-Z])")
UPKEEP = (  # categories for the upkeep of Commons: who made the file, how, when, how well
    r"photographs? taken on|taken with|^quality images|^featured pictures|^valued images|^photographs by"
    r"|images? (by|from|in need|uploaded)|^pictures by|^photos by|^files |uploaded|wikipedia|wikimedia"
    r"|wiki loves|^media (from|with|contributed)|^content donations|^pages with|^cc-|license|geograph|flickr"
    r"|^self-published|^images of|photographed in|panoramio|by user|^unidentified|^pd |^created with|^svg "
    r"|^png |^uploads|internet archive document|^author died|^artworks with|^check|^collections of|^time \d"
)
DATED = (  # categories of a time rather than of a topic
    r"^(january|february|march|april|may|june|july|august|september|october|november|december|spring|summer"
    r"|autumn|winter)?\s*\d{4}s?( |$)|\b(in|of) \d{4}$|\d{4}s? (photographs|births|deaths|in )"
    r"|^\d+(st|nd|rd|th)-century"
)


def words_of(name: str) -> list[str]:
    """The words of a name in lower case, without numbers.

    >>> words_of("Women's sports in Turin, 2006")
    ["women's", 'sports', 'in', 'turin']
    """
    return WORD.findall(name.lower())


def file_name(title: str) -> str:
    """A file's title as words: no extension, no long numbers, CamelCase taken apart.

    >>> file_name("RedCat_on_roof-20190501.JPG")
    'Red Cat on roof- '
    """
    name = EXTENSION.sub("", title).replace("_", " ")
    return LONG_NUMBER.sub(" ", CAMEL.sub(r"\1 \2", name))


def category_weights(names: Sequence[str]) -> np.ndarray:
    """How much each category says about the topic: 1, or less for upkeep and dates: (n,) float32.

    >>> category_weights(["Castles in Namur", "May 2013 in Turin"]).astype(str).tolist()
    ['1.0', '0.3']
    """
    texts = pa.array(names, pa.string())
    upkeep, dated = (pc.match_substring_regex(texts, p, ignore_case=True) for p in (UPKEEP, DATED))
    life = pc.match_substring_regex(texts, "births|deaths")
    cases = [column.to_numpy(zero_copy_only=False) for column in (upkeep, life, dated)]
    return np.select(cases, [0.15, 0.6, 0.3], 1.0).astype(np.float32)


def word_weights(counts: np.ndarray) -> np.ndarray:
    """Weight of each word by how often names have it: (n_words,) float32 in (0, 1]."""
    return (RARE / (RARE + counts / counts.sum())).astype(np.float32)


def bags(names: Sequence[str], vocabulary: dict[str, int], weights: np.ndarray) -> sp.csr_matrix:
    """Known words of each name with their weights, rows of length 1: (n_names, n_words) float32."""
    spoken = [words_of(name) for name in names]
    of = np.repeat(np.arange(len(spoken)), [len(words) for words in spoken])
    ids = np.array([vocabulary.get(word, -1) for words in spoken for word in words], dtype=np.int32)
    of, ids = of[ids >= 0], ids[ids >= 0]
    length = np.sqrt(np.bincount(of, weights[ids] ** 2, minlength=len(spoken)))
    bag = sp.csr_matrix((weights[ids] / length[of], (of, ids)), (len(spoken), len(weights)), dtype=np.float32)
    bag.sum_duplicates()
    return bag
