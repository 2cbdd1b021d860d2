"""Training the encoder: first the last layer on what the published weights say, then all of it, gently."""

from dataclasses import dataclass

import numpy as np
import torch
from deep_encoder import Encoder, Weights
from fitting import fit
from torch.nn import functional

from wikitopics.labels.deep.encoder_input import LENGTH, Rows

TOGETHER = 32


@dataclass(frozen=True)
class Examples:
    """numbers, kinds: (n, LENGTH) int64, -1 where a row has ended; facts (n, L, F); soft truth (n, L)."""

    numbers: torch.Tensor
    kinds: torch.Tensor
    facts: torch.Tensor
    soft: torch.Tensor

    def take(self, rows) -> "Examples":
        return Examples(self.numbers[rows], self.kinds[rows], self.facts[rows], self.soft[rows])

    def trimmed(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        longest = int((self.numbers >= 0).sum(1).max())
        return self.numbers[:, :longest], self.kinds[:, :longest], self.facts


def examples(rows: Rows, facts: np.ndarray, soft: np.ndarray) -> Examples:
    numbers = np.full((len(rows.numbers), LENGTH), -1)
    kinds = np.zeros_like(numbers)
    for i, (row, kind) in enumerate(zip(rows.numbers, rows.kinds, strict=True)):
        numbers[i, : len(row)], kinds[i, : len(kind)] = row, kind
    floats = (torch.tensor(np.asarray(part, dtype=np.float32)) for part in (facts, soft))
    return Examples(torch.tensor(numbers), torch.tensor(kinds), *floats)


@dataclass(frozen=True)
class Recipe:
    """How long and how fast. Chosen by silver files left out, never by people's."""

    epochs: int = 2
    rate: float = 1e-4  # of the encoder
    head_rate: float = 1e-3
    decay: float = 0.01
    warm: float = 0.1  # share of the steps in which the rate rises
    dropout: float = 0.1
    averaged: float = 0.99  # of the running mean of the weights that is kept at each step


def batches(data: Examples, rng: np.random.Generator) -> list[np.ndarray]:
    """Rows in batches of about equal length, in random order."""
    length = (data.numbers >= 0).sum(1).numpy()
    order = np.argsort(length + rng.uniform(0, 8, len(length)))
    parts = [order[i : i + TOGETHER] for i in range(0, len(order), TOGETHER)]
    return [parts[i] for i in rng.permutation(len(parts))]


@torch.inference_mode()
def meanings(model: Encoder, data: Examples) -> np.ndarray:
    """(n, width) float64."""
    model.eval()
    found = np.zeros((len(data.numbers), model.words.in_features))
    order = torch.argsort((data.numbers >= 0).sum(1))
    for some in order.split(64):
        numbers, kinds, _ = data.take(some).trimmed()
        found[some.numpy()] = model.meaning(numbers, kinds).numpy()
    return found


@torch.inference_mode()
def logits(model: Encoder, data: Examples) -> np.ndarray:
    """(n, L) float64."""
    words = meanings(model, data) @ model.words.weight.T.double().numpy() + model.words.bias.double().numpy()
    return words + (data.facts * model.facts).sum(-1).double().numpy()


def begin(start: Weights, recipe: Recipe, data: Examples) -> Encoder:
    """The published encoder with a last layer that is fitted to what it says as it is."""
    n_labels, n_facts = data.facts.shape[1:]
    model = Encoder(start, LENGTH, n_labels, n_facts, recipe.dropout)
    x = meanings(model, data)
    mean, spread = x.mean(0), np.sqrt(x.var(0).mean())
    facts, soft = data.facts.double().numpy(), data.soft.double().numpy()
    found = fit((x - mean) / spread / 8, facts, soft, np.ones(len(x)))
    words = found.words / spread / 8
    with torch.no_grad():
        model.words.weight.copy_(torch.tensor(words.T))
        model.words.bias.copy_(torch.tensor(found.constant - mean @ words))
        model.facts.copy_(torch.tensor(found.facts))
    return model


def tune(model: Encoder, recipe: Recipe, data: Examples, seed: int, weight=None, say=print) -> Encoder:
    """The model after recipe.epochs over the examples; its weights are a running mean of those it had."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    last = [*model.words.parameters(), model.facts]
    body = [p for p in model.parameters() if all(p is not other for other in last)]
    groups = [
        {"params": body, "lr": recipe.rate, "weight_decay": recipe.decay},
        {"params": last, "lr": recipe.head_rate, "weight_decay": recipe.decay},
    ]
    steps = recipe.epochs * -(-len(data.numbers) // TOGETHER)
    optimizer = torch.optim.AdamW(groups, fused=True)
    warm = max(int(recipe.warm * steps), 1)
    plan = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, (steps - step) / max(steps - warm, 1))
    )
    mean = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(recipe.averaged)
    )
    weight = torch.ones(len(data.numbers)) if weight is None else torch.tensor(weight, dtype=torch.float32)
    for epoch in range(recipe.epochs):
        model.train()
        total = 0.0
        for some in batches(data, rng):
            part = data.take(some)
            loss = functional.binary_cross_entropy_with_logits(
                model(*part.trimmed()), part.soft, reduction="none"
            ).sum(1)
            loss = (loss * weight[some]).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
            plan.step()
            mean.update_parameters(model)
            total += loss.item() * len(some)
        say(f"epoch {epoch}: loss {total / len(data.numbers):.3f}")
    return mean.module.eval()
