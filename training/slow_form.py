"""What the shipped, fast form of commons-learned loses against reading whole names with the sentence model.

    pip install -e '.[embeddings]'
    python training/slow_form.py --words words.npz [--seeds 3]

The slow form takes the sentence model's embedding of each name, where the fast one takes a mean of word
vectors; facts, fitting and folds are the same. Writes slow_form.json beside scores.json.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from commons_learned import HERE, Data, on_silver, report
from given import commons_graph, word_vectors
from learned_names import means_over_names
from validation import written

from wikitopics.artefacts import write_json
from wikitopics.labels.embeddings import minilm
from wikitopics.labels.learned import Evidence, file_name


class SlowData(Data):
    """As Data, but what a name means is the sentence model's word."""

    def meanings(self, evidence: Evidence) -> list[np.ndarray]:
        """Embeddings of the title, and weighted means of those of own categories and of parents."""
        started = time.perf_counter()
        titles = minilm([file_name(title) for title in self.files["title"]])
        own, parents = means_over_names(self.graph, self.files["categories"], minilm)
        self.seconds_a_file = (time.perf_counter() - started) / len(self.files)
        return [_scaled(view) for view in (titles, own, parents)]


def _scaled(view: np.ndarray) -> np.ndarray:
    """Centred, of mean length 1, as the word vectors are."""
    view = view - view.mean(0)
    return view / np.sqrt((view**2).sum(1).mean())


def main() -> None:
    """Report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    data = SlowData(commons_graph(parser), word_vectors(parser, options.words))
    scores = report(data, options.seeds, curve=False)
    scores["on silver labels"] = written(on_silver(data))
    scores["files a second"] = round(1 / data.seconds_a_file)
    write_json(HERE / "slow_form.json", scores)


if __name__ == "__main__":
    main()
