"""Labels of files by commons-learned-deep: what the encoder reads, and the facts of the walks beside it.

A label's log odds are a constant, plus a weight for each number of the names' meaning, for each of their
words and for each fact of `learned.FACTS`: a deep and a wide part side by side (Cheng et al. 2016). See
learned_model/MODEL.md for what it was fitted to and how good it is.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file
from importlib.resources import files as resources
from pathlib import Path

import numpy as np
import pandas as pd

from wikitopics.artefacts import file_digest, read_json
from wikitopics.errors import UserError
from wikitopics.labels import learned
from wikitopics.labels.category_graph import CategoryGraph
from wikitopics.labels.deep.encoder import Encoder, encoder_of
from wikitopics.labels.deep.encoder_input import read_names
from wikitopics.labels.deep.wordpieces import WordPieces
from wikitopics.labels.file_labels import labels_table
from wikitopics.labels.taxonomy import Taxonomy
from wikitopics.progress import report

WEIGHTS, GRAPH = "deep.npz", "encoder.onnx"
BLOCK = 1 << 11  # files looked at together: some seconds of one core


@dataclass(frozen=True)
class DeepModel:
    """The fitted weights.

    label_names: frozen order. meaning: (width, n_labels); words: (3, n_words, n_labels) for title,
    categories, parents, by the fast form's vocabulary; facts: (n_labels, len(FACTS)); constant: (n_labels,);
    all float32 log odds. threshold: common to all labels.
    """

    label_names: tuple[str, ...]
    pieces: WordPieces
    encoder: Encoder
    meaning: np.ndarray
    words: np.ndarray
    facts: np.ndarray
    constant: np.ndarray
    threshold: float

    def scores(
        self, graph: CategoryGraph, taxonomy: Taxonomy, walked: list[np.ndarray], files: pd.DataFrame
    ) -> np.ndarray:
        """Chances of every label, coherent: (n_files, n_labels) float32; walked: as from `learned.walks`."""
        evidence = learned.gather(graph, walked, files, learned.load_model().lexicon)
        spoken = sum(bag @ table for bag, table in zip(evidence.words, self.words, strict=True))
        known = sum(fact * weight for fact, weight in zip(evidence.facts, self.facts.T, strict=True))
        meanings = self.encoder.meanings(read_names(graph, files, self.pieces))
        logits = self.constant + meanings @ self.meaning + spoken + known
        return learned.coherent(1 / (1 + np.exp(-logits)), taxonomy)


@cache
def load_model() -> DeepModel:
    """The model that comes with the library (no pickle in it). Raises UserError as `read_model`."""
    with as_file(resources("wikitopics.labels") / "learned_model") as folder:
        return read_model(folder)


def read_model(folder: Path) -> DeepModel:
    """The model of a folder: weights deep.npz, the encoder's graph encoder.onnx.

    Raises UserError where one is not there, or not what deep.json says.
    """
    for name in ("deep.json", WEIGHTS, GRAPH):
        if not (folder / name).is_file():
            raise UserError(
                f"commons-learned-deep must have its weights, but {folder / name} is not there; "
                "install the library again"
            )
    for name in (WEIGHTS, GRAPH):
        asked, found = read_json(folder / "deep.json")["sha256"][name], file_digest(folder / name)
        if asked != found:
            raise UserError(
                f"{folder / name} must have the SHA-256 {asked}, but has {found}: it is damaged or another; "
                "install the library again"
            )
    path = folder / WEIGHTS
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    if tuple(arrays["fact_names"].tolist()) != learned.FACTS:
        raise UserError(
            f"{path} must have the {len(learned.FACTS)} facts of this version, but has others; train it again"
        )
    return DeepModel(
        tuple(arrays["label_names"].tolist()),
        WordPieces(arrays["vocabulary"].tobytes().decode().split("\n")),
        encoder_of(arrays, (folder / GRAPH).read_bytes()),
        arrays["meaning"],
        arrays["words"].astype(np.float32),
        arrays["facts"],
        arrays["constant"],
        float(arrays["threshold"]),
    )


def label_files(graph: CategoryGraph, taxonomy: Taxonomy, files: pd.DataFrame) -> pd.DataFrame:
    """The labels table of `files` (title, categories): title, labels, scores, evidence; one row per file.

    As `learned.label_files`, by the deep model. Raises UserError for a taxonomy that it was not fitted to.
    """
    model = load_model()
    if taxonomy.label_names != model.label_names:
        raise UserError(
            f"commons-learned-deep knows the taxonomy v1.4 only, but it is {taxonomy.name}; choose v1.4"
        )
    walked = learned.walks(graph, taxonomy)
    kept = np.zeros((len(files), len(model.label_names)), dtype=np.float32)
    for start in range(0, len(files), BLOCK):
        scores = model.scores(graph, taxonomy, walked, files.iloc[start : start + BLOCK])
        kept[start : start + BLOCK] = np.where(scores >= model.threshold, scores, 0)
        report("labelling files", min(start + BLOCK, len(files)), len(files))
    table = labels_table(files["title"], kept, model.label_names)
    return table.assign(evidence=files["categories"].map(len).to_numpy(np.int32))
