"""The learned labeller's deep form: word pieces, what is read, the forward pass, a planted tiny model."""

import os
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from wikitopics.artefacts import file_digest, read_json, write_json
from wikitopics.cli import main as run
from wikitopics.errors import UserError
from wikitopics.labels import learned, taxonomy
from wikitopics.labels.category_graph import from_table
from wikitopics.labels.deep import labeller
from wikitopics.labels.deep.encoder import graph_weights, quantised
from wikitopics.labels.deep.encoder_input import CATEGORIES, LENGTH, TITLE, Rows, read_names
from wikitopics.labels.deep.wordpieces import WordPieces, parts_of
from wikitopics.labels.label_sources import label_from
from wikitopics.labels.learned import FACTS
from wikitopics.paths import PROJECT

V14 = taxonomy.load("v1.4")
FOLDER = Path(labeller.__file__).parents[1] / "learned_model"
PIECES = ["[UNK]", "[CLS]", "[SEP]", "oak", "football", "club", "##s", "sport", "top", "##ic", "in", "a"]
WIDTH = 24


@pytest.fixture(scope="module")
def graph():
    rows = {
        "CommonsRoot": [],
        "Topics": ["CommonsRoot"],
        "Sports": ["Topics"],
        "Football clubs": ["Sports", "Photographs by Ann"],
        "Photographs by Ann": ["Topics"],
    }
    return from_table(pd.DataFrame({"title": list(rows), "parents": list(rows.values())}))


def files_of(*rows):
    return pd.DataFrame(rows, columns=["title", "categories"])


def words_read(rows: Rows, row: int) -> str:
    return " ".join(PIECES[number] for number in rows.numbers[row])


# --- Word pieces


def test_words_are_cut_at_punctuation_in_lower_case_without_accents():
    assert parts_of("École-Art's") == ["ecole", "-", "art", "'", "s"]
    assert parts_of("猫cat") == ["猫", "cat"]
    assert parts_of(unicodedata.normalize("NFD", "é") + "\x00\u200b") == ["e"]


def test_the_longest_piece_comes_first_and_a_word_without_pieces_is_unknown():
    pieces = WordPieces([*PIECES, "foot", "##ball", "##l"])
    assert pieces.numbers("Footballs footballls") == [4, 6, 4, 14, 6]
    assert pieces.numbers("Topics, x" + "a" * 101) == [8, 9, 6, 0, 0]
    assert pieces.numbers("") == []


# --- What is read of a file


def test_title_categories_and_their_parents_are_read_in_this_order_without_upkeep(graph):
    files = files_of(("A_Oak-20190501.JPG", ["Football clubs"]), ("Oak.svg", []))
    rows = read_names(graph, files, WordPieces(PIECES))
    assert words_read(rows, 0) == "[CLS] a oak [UNK] [SEP] football club ##s [SEP] sport ##s [SEP]"
    assert rows.kinds[0] == [0] * 5 + [1] * 4 + [2] * 3
    assert words_read(rows, 1) == "[CLS] oak [SEP]"


def test_upkeep_comes_last_and_a_category_without_a_page_is_read_too(graph):
    files = files_of(("Oak.svg", ["Photographs by Ann", "Oaks in a club"]))
    assert words_read(read_names(graph, files, WordPieces(PIECES)), 0).startswith(
        "[CLS] oak [SEP] oak ##s in a club [SEP] [UNK]"
    )


def test_nothing_is_read_beyond_the_length(graph):
    files = files_of(("oak " * 500 + ".jpg", ["club " * 500, "oak", "in " * 30]))
    rows = read_names(graph, files, WordPieces(PIECES))
    numbers, kinds = rows.numbers[0], rows.kinds[0]
    assert len(numbers) == len(kinds) == CATEGORIES < LENGTH
    assert numbers[TITLE - 1] == 2 and kinds[:TITLE] == [0] * TITLE and kinds[TITLE] == 1


# --- The forward pass


def rounded(x: np.ndarray) -> np.ndarray:
    """x as a dense layer reads it: in 255 steps between its least and its greatest number, 0 among them."""
    low, high = min(x.min(), 0), max(x.max(), 0)
    step = (high - low) / 255
    zero = np.rint(-low / step)
    return (np.clip(np.rint(x / step) + zero, 0, 255) - zero) * step


def plain_meaning(arrays: dict, numbers: list[int], kinds: list[int], as_read=rounded) -> np.ndarray:
    """The meaning of one row by the definition, head by head, in double precision."""

    def dense(name, x):
        weight = np.rint(arrays[f"{name}.weight"] / 2) * 2.0 * arrays[f"{name}.scale"][:, None]
        return as_read(x) @ weight.T + arrays[f"{name}.bias"]

    def norm(name, x):
        x = x - x.mean(1, keepdims=True)
        return x / np.sqrt((x**2).mean(1, keepdims=True)) * arrays[f"{name}.weight"] + arrays[f"{name}.bias"]

    def gelu(x):
        return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))

    table = arrays["pieces.weight"].astype(float) * arrays["pieces.scale"][:, None]
    x = norm("norm", table[numbers] + arrays["places"][: len(numbers)] + arrays["kinds"][kinds])
    for at in (f"layers.{layer}" for layer in range(6)):
        seen = []
        for asked, keys, values in zip(
            *np.split(dense(f"{at}.read", x).T.reshape(36, 32, -1), 3), strict=True
        ):
            share = np.exp(asked.T @ keys / np.sqrt(32))
            seen.append(share / share.sum(1, keepdims=True) @ values.T)
        x = norm(f"{at}.first_norm", x + dense(f"{at}.attended", np.hstack(seen)))
        x = norm(f"{at}.second_norm", x + dense(f"{at}.narrow", gelu(dense(f"{at}.wide", x))))
    return x.mean(0)


@pytest.fixture(scope="module")
def shipped_arrays():
    with np.load(FOLDER / "deep.npz", allow_pickle=False) as file:
        return dict(file)


def some_rows(n_pieces: int, lengths: list[int]) -> Rows:
    rng = np.random.default_rng(0)
    numbers = [rng.integers(0, n_pieces, n).tolist() for n in lengths]
    return Rows(numbers, [sorted(rng.integers(0, 3, n).tolist()) for n in lengths])


def test_the_forward_pass_is_that_of_the_definition(shipped_arrays):
    rows = some_rows(len(shipped_arrays["pieces.weight"]), [1, 1, 2, 5, 17, 30, 50, LENGTH])
    found = labeller.load_model().encoder.meanings(rows)
    pairs = list(zip(rows.numbers, rows.kinds, strict=True))
    away = [
        np.abs(plain_meaning(shipped_arrays, *row) - one).max() for row, one in zip(pairs, found, strict=True)
    ]
    # Where a number lies between two steps either may be taken, which costs what rounding costs.
    assert sum(far < 1e-5 for far in away) >= 2 and max(away) < 0.1
    exact = [plain_meaning(shipped_arrays, *row, as_read=lambda x: x) for row in pairs]
    assert np.abs(found - exact).mean() < np.std(exact) / 10


def test_rows_do_not_depend_on_each_other(shipped_arrays):
    encoder = labeller.load_model().encoder
    rows = some_rows(len(shipped_arrays["pieces.weight"]), [3, LENGTH, 40, 7] * 4)
    together = encoder.meanings(rows)
    for i, row in enumerate(zip(rows.numbers, rows.kinds, strict=True)):
        assert (encoder.meanings(Rows(*([part] for part in row)))[0] == together[i]).all()
    assert encoder.meanings(Rows([], [])).shape == (0, 384)


def test_the_shipped_graph_is_what_training_builds(shipped_arrays, monkeypatch):
    onnx = pytest.importorskip("onnx", reason="needs the extra export")
    monkeypatch.syspath_prepend(PROJECT / "training")
    from encoder_graph import encoder_graph

    shipped = onnx.load_from_string((FOLDER / "encoder.onnx").read_bytes())
    assert shipped == encoder_graph(graph_weights(shipped_arrays))


def test_no_two_products_overflow_16_bits(shipped_arrays):
    matrices = {
        name: value for name, value in graph_weights(shipped_arrays).items() if value.dtype == np.int8
    }
    assert len(matrices) == 6 * 4 + 1
    for name, numbers in matrices.items():
        assert name == "pieces.weight" or 2 * 255 * np.abs(numbers.astype(int)).max() < 1 << 15


def test_eight_bits_are_within_half_a_step():
    weight = np.random.default_rng(1).normal(size=(5, 40))
    numbers, scales = quantised(weight)
    assert numbers.dtype == np.int8 and np.abs(numbers).max() == 127
    assert (np.abs(numbers * scales[:, None] - weight) <= scales[:, None] / 2 + 1e-6).all()


# --- A planted model


@pytest.fixture()
def folder(tmp_path, shipped_arrays):
    """A model that gives what is walked to, Music to a title with the word opera, Plants to everything."""
    facts = np.zeros((28, len(FACTS)), dtype=np.float32)
    facts[:, FACTS.index("walked to")] = 8
    arrays = shipped_arrays | {
        "meaning": np.zeros((384, 28), dtype=np.float32),
        "words": np.zeros((3, len(learned.load_model().lexicon.vocabulary), 28), dtype=np.float16),
        "facts": facts,
        "constant": np.full(28, -4, dtype=np.float32),
        "threshold": np.array(0.4),
    }
    arrays["constant"][V14.label_names.index("Plants")] = 1
    opera = learned.load_model().lexicon.vocabulary["opera"]
    arrays["words"][0, opera, V14.label_names.index("Music")] = 9
    shutil.copy(FOLDER / "encoder.onnx", tmp_path)
    write(tmp_path, arrays)
    return tmp_path


def write(folder: Path, arrays: dict) -> None:
    np.savez(folder / "deep.npz", **arrays)
    digests = {name: file_digest(folder / name) for name in ("deep.npz", "encoder.onnx")}
    write_json(folder / "deep.json", {"sha256": digests})


def test_a_planted_model_labels_by_its_facts_and_closes_upward(folder, graph, monkeypatch):
    model = labeller.read_model(folder)
    monkeypatch.setattr(labeller, "load_model", lambda: model)
    monkeypatch.setattr(labeller, "BLOCK", 2)
    files = files_of(("Oak.jpg", ["Football clubs"]), ("Opera.jpg", []), ("猫\n.svg", ["Nowhere"]))
    table = labeller.label_files(graph, V14, files)
    assert table["title"].tolist() == files["title"].tolist()
    assert table["evidence"].tolist() == [1, 0, 1]
    assert set(table["labels"][0]) == set(V14.close(["Sports", "Plants"]))
    assert set(table["labels"][1]) == set(V14.close(["Music", "Plants"]))
    assert set(table["labels"][2]) == set(V14.close(["Plants"]))
    np.testing.assert_allclose(table["scores"][2], 1 / (1 + np.exp(-1)), rtol=1e-5)
    assert len(labeller.label_files(graph, V14, files_of())) == 0


def test_another_taxonomy_is_refused(folder, graph, monkeypatch):
    model = labeller.read_model(folder)
    monkeypatch.setattr(labeller, "load_model", lambda: model)
    with pytest.raises(UserError, match="commons-learned-deep knows the taxonomy v1.4 only, but it is v1.3"):
        labeller.label_files(graph, taxonomy.load("v1.3"), files_of())


@pytest.mark.parametrize("name", ["deep.npz", "encoder.onnx"])
def test_a_file_that_is_missing_or_damaged_is_refused(folder, name):
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(UserError, match=f"{name} must have the SHA-256 .* it is damaged or another; install"):
        labeller.read_model(folder)
    (folder / name).unlink()
    with pytest.raises(UserError, match=f"must have its weights, but .*{name} is not there; install"):
        labeller.read_model(folder)


def test_without_its_engine_it_says_what_to_install():
    program = (
        "import sys; sys.modules['onnxruntime'] = None\n"
        "from wikitopics.labels.deep.forms import learned_labels\n"
        "learned_labels('commons-learned-deep', None, None, None)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    sentence = (
        "commons-learned-deep needs onnxruntime, which is not installed; run: pip install 'wikitopics[deep]'"
    )
    assert done.returncode == 1 and sentence in done.stderr


def test_weights_for_other_facts_are_refused(folder):
    with np.load(folder / "deep.npz") as file:
        arrays = dict(file)
    write(folder, arrays | {"fact_names": arrays["fact_names"][1:]})
    with pytest.raises(UserError, match="must have the 13 facts of this version"):
        labeller.read_model(folder)


# --- What is shipped


def test_the_shipped_weights_are_small_whole_and_of_this_taxonomy():
    model = labeller.load_model()
    assert model.label_names == V14.label_names
    assert (FOLDER / "deep.npz").stat().st_size == read_json(FOLDER / "deep.json")["bytes"] <= 20e6


def test_only_what_is_read_at_run_time_lies_beside_the_card():
    """Any other file there would put every run out of date that reaches labels, whenever it changes."""
    told = {path.name for path in FOLDER.iterdir()}
    assert told == {"MODEL.md", "model.npz", "deep.npz", "deep.json", "encoder.onnx"}


def test_the_shipped_forward_pass_gives_the_numbers_that_torch_gave():
    stored = read_json(Path(__file__).parent / "learned_deep_torch.json")
    rows = Rows(stored["numbers"], stored["kinds"])
    found = labeller.load_model().encoder.meanings(rows)[:, : len(stored["meanings"][0])]
    exact = np.array(stored["meanings"])
    assert np.sqrt(((found - exact) ** 2).mean()) < exact.std() / 8  # what 8 bits cost


@pytest.mark.parametrize("categories", [[], ["A red link"]])
def test_labels_have_a_reason_where_no_walk_gives_any(graph, categories):
    files = files_of(("A red fox in the snow.jpg", categories))
    found = label_from("commons-learned-deep", files, V14, graph=graph)
    assert found.labels["labels"][0] and found.why["label"].tolist() == found.labels["labels"][0]
    assert found.why["start"].eq("").all() and found.why["rules"].tolist() == [["learned"]] * len(found.why)


def test_the_command_labels_by_the_deep_form(tmp_path):
    graph = {"title": ["CommonsRoot", "Sports"], "parents": [[], ["CommonsRoot"]]}
    pd.DataFrame(graph).to_parquet(tmp_path / "categories.parquet")
    files = files_of(("A football match.jpg", ["Association football in Turin"]), ("x.jpg", []))
    files.to_parquet(tmp_path / "files.parquet")
    places = ["--graph", str(tmp_path), "--files", str(tmp_path / "files.parquet")]
    out = tmp_path / "out.parquet"
    assert run(["label", *places, "--source", "commons-learned-deep", "--out", str(out)]) == 0
    table = pd.read_parquet(out)
    assert table["title"].tolist() == files["title"].tolist()
    assert "Sports" in table["labels"][0] and V14.close(table["labels"][0]) == list(table["labels"][0])


def told(value: float) -> str:
    return f"{value:.3f}".replace("0.", ".", 1)


def pair(values: dict) -> str:
    return f"{told(values['micro'])} / {told(values['macro'])}"


def test_the_model_card_tells_the_deep_form_s_figures():
    scores = read_json(PROJECT / "training" / "deep_scores.json")
    card = (FOLDER / "MODEL.md").read_text("utf-8").partition("# The deep form")[2]
    text = " ".join(card.split())
    for name, row in (
        ("shipped", "**commons-learned-deep**"),
        ("silver labels alone", "the same without people's labels"),
        ("deep alone", "its deep part alone, people's labels on top"),
    ):
        averages = [
            f"{told(scores[name][of])} ({told(scores[name]['low'][of])}-{told(scores[name]['high'][of])})"
            for of in ("micro", "macro")
        ]
        assert f"| {row} | {' | '.join(averages)} |" in card
    brought = [scores["shipped"][of] - scores["silver labels alone"][of] for of in ("micro", "macro")]
    assert f"on top bring {told(brought[0])} / {told(brought[1])}." in text
    silver = scores["on silver labels"]
    wide, deep, both = (silver[part] for part in ("wide alone", "deep alone", "both"))
    pairs = [f"{told(part['micro'])} / {told(part['macro'])}" for part in (wide, deep, both)]
    assert f"wide part {pairs[0]}, deep part {pairs[1]}, both {pairs[2]}." in text
    assert f"On {silver['files']:,} silver files" in text
    assert f"category: {silver['files with other names']} of these files" in text
    foreign, english = (
        [told(part[f"micro, {of} names"]) for part in (wide, both)] for of in ("other", "English")
    )
    assert f"micro F1 {foreign[0]} by the wide part, {foreign[1]} by both" in text
    assert f"English names {english[0]} and {english[1]}." in text
    even, balanced = (scores["labels a file"][drawn] for drawn in ("uniform", "balanced"))
    assert f"On {even['files']} silver files left out" in text and f"other {balanced['files']}," in text
    for way in ("by scores", "by silver labels", "by scores without people's labels"):
        assert f"{even[way]:.2f}" in text and f"{balanced[way]:.2f}" in text
    assert f"**Speed.** {scores['files a second']} files a second of one core" in text
    pieces, size = labeller.load_model().pieces, (FOLDER / "deep.npz").stat().st_size
    assert f"cut to {len(pieces.number):,} word pieces" in text and f"{size / 1e6:.1f} MB" in text


def test_the_model_card_tells_what_a_title_that_says_nothing_gets(graph):
    found = labeller.label_files(graph, V14, files_of(("DSC 1234.jpg", []))).iloc[0]
    card = " ".join((FOLDER / "MODEL.md").read_text("utf-8").split())
    assert "*DSC 1234.jpg* is STEM and Nature." in card and found["evidence"] == 0
    assert {"STEM", "Nature"} <= set(found["labels"])  # Culture is close below: another processor may add it


def test_the_model_card_tells_what_the_seeds_have():
    card = (FOLDER / "MODEL.md").read_text("utf-8").partition("**Several seeds**")[2].partition("\n\n")[0]
    text, scores = " ".join(card.split()), read_json(PROJECT / "training" / "deep_scores.json")["seeds"]
    people, silver = scores["people"], scores["silver"]
    seeds, together = sorted(name for name in people if name.isdigit()), people["all seeds"]
    assert len(seeds) >= 3 and text.startswith(f"({', '.join(seeds)}; ")
    assert f"people's files they have {', '.join(pair(people[seed]) for seed in seeds)}; together" in text
    for of in ("micro", "macro"):
        assert f"{told(together[of])} ({told(together['low'][of])}-{told(together['high'][of])})" in text
    assert f"from seed to seed of {pair(together['spread'])}." in text
    assert f"mean of their log odds has {pair(people['mean of log odds'])}, and is {len(seeds)} times" in text
    assert f"as fast as one, {pair(people['mean'])}." in text
    assert f"seeds have {', '.join(pair(silver[seed]) for seed in seeds)}, the mean of log odds" in text
    ways = [pair(silver[way]) for way in ("mean of log odds", "mean")]
    assert f"the mean of log odds {ways[0]}, the mean of weights {ways[1]}: " in text
    gain = silver["gain of the mean of weights"]
    for of in ("micro", "macro"):
        figures = [
            f"{value:+.3f}".replace("0.", ".", 1) for value in (gain[of], gain["low"][of], gain["high"][of])
        ]
        assert f"{figures[0]} ({figures[1]} to {figures[2]})" in text


@pytest.mark.parametrize("words", ["no.npz", ""], ids=["no word vectors", "no graph"])
@pytest.mark.parametrize(
    "program",
    [
        ["commons_learned_deep.py", "write"],
        ["commons_learned.py"],
        ["slow_form.py"],
        ["several_seeds.py", "people"],
        ["teacher.py"],
    ],
    ids=lambda program: program[0],
)
def test_training_says_what_it_lacks(tmp_path, program, words):
    if words:
        (tmp_path / "human_validation.parquet").touch()
        sentence = f"--words must be what word_vectors.py wrote, but is {words}; run that first"
    else:
        sentence = "WIKITOPICS_COMMONS_GRAPH must be a folder with human_validation.parquet, but"
    environment = os.environ | {"WIKITOPICS_COMMONS_GRAPH": str(tmp_path)}
    call = [
        sys.executable,
        str(PROJECT / "training" / program[0]),
        *program[1:],
        "--words",
        words or "no.npz",
    ]
    done = subprocess.run(call, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 2 and sentence in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "data").exists()
