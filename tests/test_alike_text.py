"""Pictures found by words: the planted one comes first; what cannot be searched is one sentence."""

import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wikitopics import cli
from wikitopics.alike import by_text
from wikitopics.alike.features import ABOUT, About, rows
from wikitopics.artefacts import write_json
from wikitopics.vectors import text_side, vector_files

NONE = pd.DataFrame(columns=["reason", "detail"])


def file(folder, name, keys, vectors, column):
    lists = pa.array([None if v is None else np.array(v, "float32") for v in vectors])
    pq.write_table(pa.table({column: keys, "numbers": lists}), folder / name)
    return folder / name


@pytest.fixture
def asked(tmp_path):
    """Four pictures around the compass, one without numbers, and what a fox and an owl are."""
    keys = ["east.png", "north.png", "northeast.png", "west.png", "none.png"]
    file(tmp_path, "features.parquet", keys, [[2, 0], [0, 1], [9, 9], [-1, 0], None], "title")
    file(tmp_path, "texts.parquet", ["a red fox", "an owl", "bad"], [[5, 0], [0, 1], [np.nan, 0]], "text")
    return tmp_path


def alike(folder, *more, features="features.parquet"):
    named = [str(folder / one) if one.endswith(".parquet") else one for one in more]
    return cli.main(["alike", str(folder / features), *named, "--out", str(folder / "out.parquet")])


def test_pictures_come_in_the_order_of_the_angle_to_the_text(asked, capsys):
    words = ("--text", "a red fox", "an owl", "--texts", "texts.parquet", "--count", "3")
    assert alike(asked, *words) == 0
    table = pd.read_parquet(asked / "out.parquet")
    assert table.columns.tolist() == ["query", "rank", "path", "similarity", "reason"]
    assert table["query"].tolist() == ["a red fox"] * 3 + ["an owl"] * 3
    assert table["rank"].tolist() == [1, 2, 3] * 2 and (table["reason"] == "").all()
    fox, owl = table["path"].tolist()[:3], table["path"].tolist()[3:]
    assert fox == ["east.png", "northeast.png", "north.png"]
    assert owl == ["north.png", "northeast.png", "east.png"]  # of equal ones the first in the file
    assert np.allclose(table["similarity"], [1, 0.5**0.5, 0, 1, 0.5**0.5, 0], atol=1e-6)
    assert "6 rows written" in capsys.readouterr().out


def test_a_file_of_embed_is_searched_and_of_many_rows_the_nearest_is_found(asked, monkeypatch):
    monkeypatch.setattr(vector_files, "ROWS", 7)
    vectors = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    about = About("m", "EfficientNetLite0", "w", 32, "pad", 2)
    table = rows([f"{n}.png" for n in range(50)], vectors, NONE, about)
    pq.write_table(table, asked / "embedded.parquet")
    words = ("--text", "a red fox", "--texts", "texts.parquet", "--count", "50")
    assert alike(asked, *words, features="embedded.parquet") == 0
    found = pd.read_parquet(asked / "out.parquet")
    cosine = vectors[:, 0] / np.linalg.norm(vectors, axis=1)
    assert found["path"].tolist() == [f"{n}.png" for n in np.argsort(-cosine)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--text", "a whale", "--texts", "texts.parquet"], "'a whale' has none in texts.parquet"),
        (["--text", "bad", "--texts", "texts.parquet"], "'bad' has one of zeros or not finite"),
        (
            ["--text", "a red fox", "--texts", "wide.parquet"],
            "2 numbers each, but those of wide.parquet have 3",
        ),
        (["--text", "a red fox"], "'features.parquet' names none that reads; give a file of"),
        (["--text", "a red fox", "--model", "commons"], "'commons' names none that reads"),
        (["--text", "a red fox", "--texts", "features.parquet"], "and one of text, label"),
    ],
)
def test_what_cannot_be_searched_is_one_sentence(asked, capsys, arguments, words):
    file(asked, "wide.parquet", ["a red fox"], [[1, 0, 0]], "text")
    assert alike(asked, *arguments) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1 and not (asked / "out.parquet").exists()


def test_features_of_one_preset_are_not_asked_by_another(asked, capsys, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(asked))
    for run, backbone, made in (
        ("clip", "keras_hub:clip_a", ""),
        ("lite", "EfficientNetLite0", "texts.parquet"),
    ):
        parameters = {"backbone": backbone, "texts": made}
        write_json(asked / "data/03_train" / run / "run.json", {"parameters": parameters})
        about = About(run, "x", "w", 32, "pad", 2)
        pq.write_table(rows(["a.png"], np.ones((1, 2), np.float32), NONE, about), asked / f"{run}.parquet")
    assert by_text.side_of(asked / "clip.parquet", None, None).name == "clip_a"
    assert by_text.side_of(asked / "lite.parquet", None, None).name == "texts.parquet"
    assert by_text.side_of(asked / "features.parquet", None, "clip").name == "clip_a"
    assert alike(asked, "--text", "an owl", features="lite.parquet") == 0
    assert alike(asked, "--text", "x", "--model", "keras_hub:clip_b", features="clip.parquet") == 2
    assert "the features, 'clip_a', but --model has 'clip_b'; leave it out" in capsys.readouterr().err


def test_words_mean_the_very_text_wherever_it_stands_and_however_letters_are_written(tmp_path):
    texts = [*(f"a fox {number}" for number in range(text_side.MOST + 5)), "Fox", "Caf\u00e9"]
    vectors = np.random.default_rng(0).normal(size=(len(texts), 2))
    side = text_side.TextFile(file(tmp_path, "many.parquet", texts, vectors, "text"))
    assert side.find("fox")[0] == ["Fox"], "also behind the many that are found by its words"
    assert side.find("cafe\u0301")[0] == ["Caf\u00e9"]
    assert side.find(" ")[0] == []
    assert len(side.find("a fox")[0]) == text_side.MOST


def test_a_preset_is_loaded_once_for_all_words_that_are_asked(monkeypatch):
    loaded = []

    def reader(preset):
        loaded.append(preset)
        return lambda texts: np.ones((len(texts), 2), np.float32)

    monkeypatch.setitem(sys.modules, "wikitopics.networks.hub_text", SimpleNamespace(reader=reader))
    side = text_side.text_side("", "keras_hub:mine")
    for words in ("a red", "a red fox"):
        assert text_side.likeness(side, words, [np.ones((3, 2))]).texts == [words]
    assert loaded == ["mine"]


def test_a_file_whose_note_on_itself_is_none_is_told(asked, capsys):
    table = pq.read_table(asked / "features.parquet").replace_schema_metadata({ABOUT: b"{"})
    pq.write_table(table, asked / "features.parquet")
    assert alike(asked, "--text", "a red fox") == 2
    assert "say of itself in JSON where it comes from, but features.parquet" in capsys.readouterr().err
