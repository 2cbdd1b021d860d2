"""Train the label source commons-learned-deep, and say by nested cross-validation how good it is.

    python training/commons_learned_deep.py rows      # with torch: what the encoder reads
    python training/commons_learned_deep.py held-out  # with torch: the recipe, judged on silver left out
    python training/commons_learned_deep.py train     # with torch: the encoder, from silver labels alone
    python training/commons_learned_deep.py numbers   # with torch: what its forward pass gives, for the tests
    python training/commons_learned_deep.py graph     # with onnx: the forward pass that the library runs
    python training/commons_learned_deep.py figures   # how good it is with people's labels on top
    python training/commons_learned_deep.py write     # the figures and the weights
    python training/commons_learned_deep.py rate      # files that it labels in a second of one core

rows, figures, write and rate read the category graph and people's labels from the folder
WIKITOPICS_COMMONS_GRAPH; figures and write also need --words, from word_vectors.py. What the steps hand on
lies in the folder --work. --seed is a number, or `mean`, which several_seeds.py makes of several.
All need the extra deep; deep_encoder.py says what torch's steps need beside it, encoder_graph.py what
`graph` does. deep.npz, encoder.onnx and their checksums are put beside MODEL.md in the library; the figures
here, in deep_scores.json, since no run is out of date when they change.
"""

import argparse
import os
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from commons_learned import Data, read_silver
from fitting import Fitted, fit
from given import commons_graph, word_vectors
from people_on_top import Change, fit_change
from validation import (
    Predict,
    choose_threshold,
    f1,
    figures,
    folds,
    groups_of,
    out_of_fold,
    written,
)

from wikitopics.artefacts import file_digest, read_json, replacing, write_json
from wikitopics.labels import taxonomy as taxonomies
from wikitopics.labels.category_graph import open_graph
from wikitopics.labels.deep.encoder import encoder_of, graph_weights, quantised
from wikitopics.labels.deep.encoder_input import LENGTH, Rows, read_names
from wikitopics.labels.deep.labeller import GRAPH, WEIGHTS, label_files
from wikitopics.labels.deep.wordpieces import DIVIDER, FIRST, UNKNOWN, WordPieces
from wikitopics.labels.learned import FACTS, coherent, file_name, gather, load_model, walks

HERE = Path(__file__).parent
MODEL = HERE.parent / "lib" / "wikitopics" / "labels" / "learned_model"
Fit = Callable[[np.ndarray], Predict]
Weights = dict[str, np.ndarray]
NUMBERS = HERE.parent / "tests" / "learned_deep_torch.json"
UNIFORM = "v1.2_42_1000"  # the run whose files were drawn evenly; all others were balanced by label
NOT_ENGLISH = re.compile(
    r"[^\W\d_a-z]|\b(de|del|der|des|di|della|du|da|das|dem|den|die|do|dos|e|el|en|et|het|i|il|im|la|las|le|les|los"
    r"|na|och|op|und|van|von|vom|w|y|z|zu|zum|zur)\b"
)  # a letter that English has not, or a small word of another language, in lower case
DEEP = 2 / 3  # weight of the encoder's log odds beside the linear model's; chosen by silver left out
HELD_OUT, WHOLE = (
    "held_out",
    "encoder",
)  # files of weights: trained without a part of the silver files, or with all
HELD = 4  # a part in so many of the silver files is left out, to choose the recipe by


# --- What is read: word pieces and facts, people's files first, then silver, then all logged ones


def kept_pieces(vocabulary: list[str], names: list[str]) -> list[int]:
    """Numbers of the pieces that some name has, and of all single letters; the others are not shipped."""
    every = WordPieces(vocabulary)
    seen = {number for name in names for number in every.numbers(name)}
    letters = {n for n, piece in enumerate(vocabulary) if len(piece.removeprefix("##")) == 1}
    return sorted(seen | letters | {every.number[p] for p in (UNKNOWN, FIRST, DIVIDER)})


def not_english(title: str, categories: Iterable[str]) -> bool:
    """Whether the title or a category has a letter or a small word that English has not."""
    return any(NOT_ENGLISH.search(name.lower()) for name in [file_name(title), *categories])


def write_rows(folder: Path, work: Path) -> None:
    from deep_encoder import vocabulary_of

    taxonomy, graph = taxonomies.load("v1.4"), open_graph(folder)
    human = pd.read_parquet(folder / "human_validation.parquet")
    silver, soft = read_silver(folder, taxonomy)
    logged = pd.read_parquet(folder / "files.parquet").drop_duplicates("id")
    told = ["title", "categories"]
    files = pd.concat([human[told], silver, logged[told]], ignore_index=True)
    vocabulary = vocabulary_of()
    kept = kept_pieces(vocabulary, [*graph.titles.to_pylist(), *map(file_name, files["title"])])
    pieces = [vocabulary[number] for number in kept]
    rows = read_names(graph, files, WordPieces(pieces))
    uniform = set(pd.read_parquet(folder / "files.parquet").query("source_run == @UNIFORM")["title"])
    evidence = gather(graph, walks(graph, taxonomy), files, load_model().lexicon)
    truth = np.array([[name in set(labels) for name in taxonomy.label_names] for labels in human["labels"]])
    np.savez(
        work / "rows.npz",
        facts=evidence.facts.transpose(1, 2, 0),
        truth=truth,
        soft=soft,
        group=groups_of(human),
        kept=kept,
        uniform=silver["title"].isin(uniform),
        not_english=[not_english(row.title, row.categories) for row in silver.itertuples()],
    )
    write_json(work / "rows.json", {"pieces": pieces, **asdict(rows)})
    print(f"{len(files):,} files, {len(kept):,} word pieces")


class Known:
    """What write_rows wrote. n: people's files; silver: rows of the silver files."""

    def __init__(self, work: Path):
        told = read_json(work / "rows.json")
        self.pieces, self.rows = told["pieces"], Rows(told["numbers"], told["kinds"])
        with np.load(work / "rows.npz", allow_pickle=False) as file:
            self.facts, self.truth, self.group = file["facts"], file["truth"], file["group"]
            self.kept, soft = file["kept"], file["soft"]
            self.uniform, self.not_english = file["uniform"], file["not_english"]
        self.taxonomy = taxonomies.load("v1.4")
        self.n = len(self.truth)
        self.silver = np.arange(self.n, self.n + len(soft))
        self.soft = np.zeros((len(self.facts), soft.shape[1]))
        self.soft[self.silver] = soft
        self.held = np.random.default_rng(0).integers(0, HELD, len(soft)) == 0

    def chances(self, logits: np.ndarray) -> np.ndarray:
        return coherent(1 / (1 + np.exp(-logits)), self.taxonomy)


# --- torch's steps, and the graph of the forward pass


def weights_of(work: Path, stage: str, seed: str) -> Path:
    return work / f"{stage}_{seed}.npz"


def train(work: Path, seed: str, held: bool) -> None:
    """Train on all silver files, or on three in four, to choose by the others; write the weights."""
    from deep_encoder import published
    from deep_training import Recipe, begin, examples, tune

    recipe, known = Recipe(), Known(work)
    every = examples(known.rows, known.facts, known.soft)
    part = every.take(known.silver[~known.held] if held else known.silver)
    model = tune(begin(published(known.kept), recipe, part), recipe, part, int(seed))
    arrays = {name: value.numpy() for name, value in model.state_dict().items()}
    np.savez(weights_of(work, HELD_OUT if held else WHOLE, seed), **arrays)


def write_numbers(work: Path, seed: str, n: int = 6, width: int = 24) -> None:
    """A few files' rows of word pieces and the first numbers of their meanings by torch, in 8 bits."""
    import torch
    from deep_encoder import Encoder, published
    from deep_training import examples, meanings

    known, state = Known(work), read_arrays(weights_of(work, WHOLE, seed))
    model = Encoder(published(known.kept), LENGTH, *state["facts"].shape)
    kept = shipped_arrays(state)
    for name in [name for name in kept if name.endswith(".scale")]:
        weight = name.replace(".scale", ".weight")
        state[weight] = kept[weight] * kept[name][:, None]
    model.load_state_dict({name: torch.tensor(value) for name, value in state.items()})
    some = known.silver[:n]
    found = meanings(model, examples(known.rows, known.facts, known.soft).take(some))[:, :width]
    rows = {"numbers": [known.rows.numbers[i] for i in some], "kinds": [known.rows.kinds[i] for i in some]}
    write_json(NUMBERS, rows | {"meanings": found.round(5).tolist()})


def write_graph(work: Path, seed: str) -> None:
    from encoder_graph import encoder_graph

    weights = graph_weights(shipped_arrays(read_arrays(weights_of(work, WHOLE, seed))))
    with replacing(MODEL / GRAPH) as temporary:
        temporary.write_bytes(encoder_graph(weights).SerializeToString())
    write_checksums()


def write_checksums() -> None:
    """What `labeller.read_model` holds the files against."""
    size, digests = (
        (MODEL / WEIGHTS).stat().st_size,
        {name: file_digest(MODEL / name) for name in (WEIGHTS, GRAPH)},
    )
    write_json(MODEL / "deep.json", {"sha256": digests, "bytes": size})
    print(f"{size / 1e6:.1f} MB")


# --- The encoder's log odds and the linear model's, both from silver labels alone, and their weighted mean


def mixed(deep: np.ndarray, wide: np.ndarray) -> np.ndarray:
    return DEEP * deep + (1 - DEEP) * wide


def encoder_logits(state: Weights, known: Known, rows: np.ndarray) -> np.ndarray:
    """Log odds (n, L) by the forward pass that is shipped, in 8 bits."""
    encoder = encoder_of(shipped_arrays(state), (MODEL / GRAPH).read_bytes())
    some = Rows([known.rows.numbers[i] for i in rows], [known.rows.kinds[i] for i in rows])
    words = encoder.meanings(some) @ state["words.weight"].T + state["words.bias"]
    return words + (known.facts[rows] * state["facts"]).sum(-1)


def wide_fitted(data: Data, rows: np.ndarray) -> Fitted:
    """The linear model of the fast form, fitted to some silver files."""
    return fit(data.x[rows], data.facts[rows], data.soft[rows], np.ones(len(rows)))


def shipped_arrays(state: Weights) -> dict[str, np.ndarray]:
    """The encoder's weights as the library reads them: matrices in 8 bits with a scale for each output."""
    arrays = {}
    for name, value in state.items():
        if name in ("words.weight", "words.bias", "facts"):
            continue
        if value.ndim == 2 and name not in ("places", "kinds"):
            arrays[name], arrays[name.replace(".weight", ".scale")] = quantised(value)
        else:
            arrays[name] = value.astype(np.float32)
    return arrays


# --- How good it is: on silver files left out, and on people's, nested


def held_parts(known: Known, data: Data, state: Weights) -> dict[str, np.ndarray]:
    """Log odds of the silver files left out, by each part and their mean, fitted to the other ones."""
    train, test = known.silver[~known.held], known.silver[known.held]
    wide = wide_fitted(data, train).logits(data.x[test], data.facts[test])
    deep = encoder_logits(state, known, test)
    return {"wide alone": wide, "deep alone": deep, "both": mixed(deep, wide)}


def on_silver(known: Known, parts: dict[str, np.ndarray]) -> dict:
    """Agreement with silver labels of files left out: F1s, loss; micro F1 by the language of the names."""
    soft, scores = known.soft[known.silver[known.held]], {}
    truth, foreign = soft == 1, known.not_english[known.held]
    for name, z in parts.items():
        chances = known.chances(z)
        given = chances >= choose_threshold(chances, truth)
        scores[name] = written(f1(truth, given)) | {
            "loss": round(float((np.logaddexp(0, z) - soft * z).sum(1).mean()), 3),
            "micro, English names": round(f1(truth[~foreign], given[~foreign])[0], 4),
            "micro, other names": round(f1(truth[foreign], given[foreign])[0], 4),
        }
    return scores | {"files": len(truth), "files with other names": int(foreign.sum())}


def labels_a_file(known: Known, both: np.ndarray, change: Change) -> dict:
    """Labels by scores and by silver of files left out, drawn evenly or balanced by label.

    Doubtful silver labels count half. What is calibrated has as many labels by scores as there are.
    """
    rows, found = known.silver[known.held], {}
    ways = {"by scores": change(both, known.facts[rows]), "by scores without people's labels": both}
    for name, some in (("uniform", known.uniform[known.held]), ("balanced", ~known.uniform[known.held])):
        sums = {way: known.chances(z)[some].sum() for way, z in ways.items()}
        sums["by silver labels"] = known.soft[rows][some].sum()
        told = {way: round(float(total) / some.sum(), 2) for way, total in sums.items()}
        found[name] = {"files": int(some.sum())} | told
    return found


def on_top(known: Known, logits: np.ndarray) -> Fit:
    """From people's files to a function from files to scores: their labels on top of the log odds."""

    def fitted(rows: np.ndarray) -> Predict:
        change = fit_change(logits[rows], known.facts[rows], known.truth[rows])
        return lambda others: known.chances(change(logits[others], known.facts[others]))

    return fitted


def on_people(known: Known, logits: dict[str, np.ndarray], seeds: int = 3) -> dict:
    """Figures of nested cross-validation, with and without people's labels on top."""
    both = logits["both"]
    fits = {
        "shipped": on_top(known, both),
        "silver labels alone": lambda rows: lambda o: known.chances(both[o]),
    }
    fits["deep alone"] = on_top(known, logits["deep alone"])
    return figures(fits, known.truth, known.group, seeds)


# --- What is shipped


def write_model(known: Known, data: Data, state: dict, wide: Fitted, logits: np.ndarray) -> None:
    """Fit the change to all of people's files, fold it into the weights; threshold chosen out of fold."""
    fold = folds(known.group, 10, np.random.default_rng(0))
    threshold = choose_threshold(out_of_fold(on_top(known, logits), np.arange(known.n), fold), known.truth)
    change = fit_change(logits, known.facts[: known.n], known.truth)
    tables, constant = data.by_word(wide)
    share, rest = DEEP * change.slope, (1 - DEEP) * change.slope
    arrays = shipped_arrays(state) | {
        "vocabulary": np.frombuffer("\n".join(known.pieces).encode(), dtype=np.uint8),
        "label_names": np.array(known.taxonomy.label_names),
        "fact_names": np.array(FACTS),
        "meaning": (state["words.weight"].T * share).astype(np.float32),
        "words": (tables * rest).astype(np.float16),
        "facts": (mixed(state["facts"], wide.facts) * change.slope[:, None] + change.facts).astype(
            np.float32
        ),
        "constant": (mixed(state["words.bias"], constant) * change.slope + change.shift).astype(np.float32),
        "threshold": np.array(threshold),
    }
    with replacing(MODEL / WEIGHTS) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)
    write_checksums()


def write(work: Path, data: Data, seed: str, weights: bool) -> None:
    """The figures, and the model that is shipped where `weights` are asked for."""
    known, state = Known(work), read_arrays(weights_of(work, WHOLE, seed))
    people = np.arange(known.n)
    deep, wide = encoder_logits(state, known, people), wide_fitted(data, known.silver)
    both = mixed(deep, wide.logits(data.x[people], data.facts[people]))
    scores = on_people(known, {"both": both, "deep alone": deep})
    parts = held_parts(known, data, read_arrays(weights_of(work, HELD_OUT, seed)))
    scores["on silver labels"] = on_silver(known, parts)
    change = fit_change(both, known.facts[: known.n], known.truth)
    scores["labels a file"] = labels_a_file(known, parts["both"], change)
    path = HERE / "deep_scores.json"
    write_json(path, read_json(path) | scores)
    if weights:
        write_model(known, data, state, wide, both)


def write_rate(folder: Path, n: int = 1000) -> None:
    """Time of one core for logged files, names and walks included; other programs are not counted."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    graph, taxonomy = open_graph(folder), taxonomies.load("v1.4")
    files = pd.read_parquet(folder / "files.parquet").drop_duplicates("id").sample(n, random_state=0)
    label_files(graph, taxonomy, files[:10])
    begun = time.process_time()
    label_files(graph, taxonomy, files)
    rate = n / (time.process_time() - begun)
    path = HERE / "deep_scores.json"
    write_json(path, read_json(path) | {"files a second": round(rate)})
    print(f"{rate:.0f} files a second of one core")


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return dict(file)


def main() -> None:
    """Do one step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "step", choices=("rows", "held-out", "train", "numbers", "graph", "figures", "write", "rate")
    )
    parser.add_argument("--seed", default="0")
    parser.add_argument("--words", type=Path, help="from word_vectors.py, for figures and write")
    parser.add_argument("--work", type=Path, default=Path("data/commons_learned_deep"))
    options = parser.parse_args()
    folder = commons_graph(parser) if options.step in ("rows", "figures", "write", "rate") else Path()
    if options.step in ("figures", "write"):
        word_vectors(parser, options.words)
    options.work.mkdir(parents=True, exist_ok=True)
    if options.step == "rows":
        write_rows(folder, options.work)
    elif options.step == "numbers":
        write_numbers(options.work, options.seed)
    elif options.step == "graph":
        write_graph(options.work, options.seed)
    elif options.step == "rate":
        write_rate(folder)
    elif options.step in ("figures", "write"):
        write(options.work, Data(folder, options.words), options.seed, weights=options.step == "write")
    else:
        train(options.work, options.seed, held=options.step == "held-out")


if __name__ == "__main__":
    main()
