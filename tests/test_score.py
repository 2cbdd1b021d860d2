"""Scoring files: the model's own scores, bad files told, a stopped run goes on, mistakes in one sentence."""

import json
import os
import shutil
from concurrent.futures import Future

import keras
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from PIL import Image

from score_planted import NAMES, SIDE, THRESHOLDS, Planted
from wikitopics import cli
from wikitopics.errors import UserError
from wikitopics.evaluate.calibration import apply_platt, fit_platt
from wikitopics.evaluate.predictions import freeze_thresholds
from wikitopics.scoring import pictures as scoring_pictures
from wikitopics.scoring import shards
from wikitopics.scoring.choose import named_files
from wikitopics.scoring.network import load_scorer
from wikitopics.scoring.pictures import decoded
from wikitopics.scoring.shards import parts_of, score_files
from wikitopics.sources.inputs import check_out, paths_of
from wikitopics.train.record import file_digest


def expected(folder, paths):
    pixels = np.stack([np.asarray(Image.open(path)) for path in paths])
    return keras.saving.load_model(folder / "model.keras").predict(pixels, verbose=0)


def test_scores_are_the_models_own_and_labels_reach_their_thresholds(folders, pictures, tmp_path):
    paths = paths_of([str(pictures)])
    counts = score_files(folders[0], paths, tmp_path / "out.parquet", folders[1], abstain=0)
    table = pq.read_table(tmp_path / "out.parquet")
    frame, scores = table.to_pandas(), expected(folders[0], paths)
    assert counts == {"files": 12, "scored": 12}
    assert frame.path.tolist() == paths
    assert np.allclose(np.stack(frame.scores), scores, atol=1e-5)
    reached = [dict(zip(NAMES, row >= THRESHOLDS, strict=True)) for row in scores]
    assert [list(own) for own in frame.labels] == [
        [name for name in NAMES if own[name] or (name == "Shape" and any(own.values()))] for own in reached
    ]
    assert {len(own) for own in frame.labels} != {0}
    validation = pd.read_parquet(folders[0] / "predictions_validation.parquet")
    platt = fit_platt(np.stack(validation.truth), np.stack(validation.scores))
    assert np.allclose(np.stack(frame.probabilities), apply_platt(scores, platt), atol=1e-4)
    about = json.loads(table.schema.metadata[b"wikitopics"])
    assert about["label_names"] == NAMES and about["key"] == file_digest(folders[0] / "model.keras")


def test_what_cannot_be_used_is_a_row_with_its_reason_in_its_place(folders, pictures, tmp_path):
    (tmp_path / "page.jpg").write_bytes(b"<html><body>Error 404</body></html>")
    (tmp_path / "short.png").write_bytes((pictures / "00.png").read_bytes()[:300])
    bad = [str(tmp_path / name) for name in ("page.jpg", "short.png", "nowhere.png")]
    paths = [str(pictures / "03.png"), bad[0], str(pictures / "01.png"), *bad[1:], bad[0]]
    counts = score_files(folders[0], paths, tmp_path / "out.parquet", folders[1], abstain=0)
    frame = pd.read_parquet(tmp_path / "out.parquet")
    reasons = ["", "not_an_image", "", "truncated", "missing", "not_an_image"]
    assert frame.reason.tolist() == reasons and frame.path.tolist() == paths
    assert [len(row) for row in frame.scores] == [0 if reason else 3 for reason in reasons]
    right = [path for path, reason in zip(paths, reasons, strict=True) if not reason]
    assert np.allclose(np.stack(frame.scores[frame.reason == ""]), expected(folders[0], right), atol=1e-5)
    assert counts == {"files": 6, "scored": 2, "not_an_image": 2, "truncated": 1, "missing": 1}


def test_a_name_that_is_no_text_is_scored_too(folders, pictures, tmp_path):
    odd = os.fsencode(tmp_path) + b"/caf\xe9.png"
    with open(odd, "wb") as file:
        file.write((pictures / "00.png").read_bytes())
    score_files(folders[0], paths_of([str(tmp_path)]), tmp_path.parent / "odd.jsonl", folders[1])
    line = json.loads((tmp_path.parent / "odd.jsonl").read_text("utf-8"))
    assert line["prediction"]["image"].endswith("caf\ufffd.png") and "error" not in line


def test_a_stopped_run_goes_on_with_the_shards_it_has(folders, pictures, tmp_path, monkeypatch):
    paths, whole, out = paths_of([str(pictures)]), tmp_path / "whole.parquet", tmp_path / "out.parquet"
    score_files(folders[0], paths, whole, folders[1], shard=5)
    begun = []

    def stops(some, *rest):
        begun.append(some)
        if len(begun) == 2:
            raise KeyboardInterrupt
        return decoded(some, *rest)

    monkeypatch.setattr(shards, "decoded", stops)
    with pytest.raises(KeyboardInterrupt):
        score_files(folders[0], paths, out, folders[1], shard=5)
    assert not out.exists() and len(list((tmp_path / "out.parquet.parts").glob("0*.parquet"))) == 1
    begun.append([])
    score_files(folders[0], paths, out, folders[1], shard=5)
    assert begun[3:] == [paths[5:10], paths[10:]]
    assert pq.read_table(out).equals(pq.read_table(whole), check_metadata=True)
    assert not (tmp_path / "out.parquet.parts").exists()


def test_shards_of_other_thresholds_are_not_taken(folders, pictures, tmp_path):
    paths, out = paths_of([str(pictures)]), tmp_path / "out.parquet"
    with pytest.raises(ZeroDivisionError), parts_of(out, "0.5") as parts:
        (parts / f"000000-{'05' * 8}.parquet").write_bytes(b"of thresholds 0.5")
        _ = 1 / 0
    score_files(folders[0], paths, out, folders[1], shard=4)  # would fail on the foreign shard
    assert len(pd.read_parquet(out)) == 12


def test_decoding_waits_for_whoever_takes_the_pictures(folders, pictures):
    paths = paths_of([str(pictures)]) * 3
    chunks = list(decoded(paths, load_scorer(folders[0]).recipe, 5, jobs=1))
    assert [path for some, _, _ in chunks for path in some] == paths
    assert sum(len(pixels) for _, pixels, _ in chunks) == len(paths)


def test_memory_does_not_depend_on_how_slowly_pictures_are_taken(folders, pictures, monkeypatch):
    begun = []

    class Workers:
        def submit(self, work, some, *rest):
            begun.append(some)
            done = Future()
            done.set_result(work(some, *rest))
            return done

    monkeypatch.setattr(scoring_pictures, "_workers", lambda jobs: Workers())
    taken = decoded(paths_of([str(pictures)]) * 5, load_scorer(folders[0]).recipe, 2, jobs=1)
    next(taken)
    next(taken)
    assert len(begun) <= 2 + scoring_pictures.AHEAD


def test_the_command_writes_lines_that_a_reader_of_liftwing_can_read(root, pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(root))
    out = tmp_path / "out.jsonl"
    command = ["score", str(pictures), "--model", "tiny", "--out", str(out), "--abstain", "0"]
    assert cli.main(command) == 0
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert len(lines) == 12
    prediction = next(line["prediction"] for line in lines if len(line["prediction"]["results"]) > 1)
    assert prediction["image"].endswith(".png")
    found = [topic["score"] for topic in prediction["results"]]
    assert found == sorted(found, reverse=True) and {t["topic"] for t in prediction["results"]} <= set(NAMES)
    assert set(lines[0]["probabilities"]) == set(NAMES) and lines[0]["model"] == "tiny"


def test_mistakes_are_one_sentence(folders, pictures, tmp_path):
    paths = paths_of([str(pictures)])
    with pytest.raises(UserError, match=r"\.parquet or \.jsonl"):
        score_files(folders[0], paths, tmp_path / "out.txt")
    with pytest.raises(UserError, match="at least one file"):
        score_files(folders[0], paths_of([str(tmp_path)]), tmp_path / "out.parquet")
    with pytest.raises(UserError, match="is not there"):
        paths_of([str(tmp_path / "nothing")])
    with pytest.raises(UserError, match="must not lie in a folder that is scored"):
        check_out([str(pictures)], pictures / "out.parquet", [])
    freeze_thresholds(tmp_path, ["Shape", "Round", "Other"], THRESHOLDS)
    with pytest.raises(UserError, match="for the model's labels"):
        load_scorer(folders[0], tmp_path)


def test_a_table_names_files_beside_itself(pictures, tmp_path):
    (tmp_path / "list.csv").write_text("path,who\na.png,me\nb/c.png,you\n")
    assert paths_of([str(tmp_path / "list.csv")]) == [str(tmp_path / "a.png"), str(tmp_path / "b/c.png")]
    (tmp_path / "words.csv").write_text("path,human\n007,\nNA,Cats|Pets\n1.0,\n", "utf-8-sig")
    assert paths_of([str(tmp_path / "words.csv")]) == [str(tmp_path / name) for name in ("007", "NA", "1.0")]
    assert named_files([str(tmp_path / "words.csv")], "")[1].human.tolist() == [None, ["Cats", "Pets"], None]
    (tmp_path / "other.csv").write_text("file\na.png\n")
    with pytest.raises(UserError, match="column path or title"):
        paths_of([str(tmp_path / "other.csv")])


@pytest.mark.parametrize("column", ["path", "title"])
def test_a_row_that_names_nothing_is_told(column, tmp_path):
    (tmp_path / "list.csv").write_text(f'{column},who\na.png,me\n"",you\n ,she\n,he\n')
    for kind, names in (("txt", ["a"]), ("none", ["a", None]), ("numbers", [1.0, float("nan")])):
        pd.DataFrame({column: names}).to_parquet(tmp_path / f"{kind}.parquet")
    assert len(paths_of([str(tmp_path / "txt.parquet")])) == 1
    for table, none in (("list.csv", "3 of 4"), ("none.parquet", "1 of 2"), ("numbers.parquet", "1 of 2")):
        with pytest.raises(UserError, match=f"every row of {table} must have a {column}, but {none} rows"):
            paths_of([str(tmp_path / table)])


def test_without_its_images_run_a_model_is_not_guessed_at(root, tmp_path):
    alone = tmp_path / "data" / "03_train" / "tiny"
    shutil.copytree(root / "data" / "03_train" / "tiny", alone)
    with pytest.raises(UserError, match="must lie beside the images run .* 02_images/set/run.json"):
        load_scorer(alone)


def test_pictures_come_from_any_source_and_rows_say_which(folders, tmp_path):
    out = tmp_path / "out.parquet"
    counts = score_files(folders[0], ["here", "gone"], out, folders[1], source=Planted(SIDE), abstain=0)
    assert counts == {"files": 2, "scored": 1, "missing": 1}
    assert set(pd.read_parquet(out).source) == {"planted"}


def test_joblib_works_beside_it(folders, pictures, tmp_path):
    """Its reusable workers fail in a process where somebody else asked loky for them (joblib 1.5)."""
    from joblib import Parallel, delayed

    score_files(folders[0], paths_of([str(pictures)]), tmp_path / "out.parquet")
    assert Parallel(n_jobs=2)(delayed(len)(text) for text in ("a", "bc", "")) == [1, 2, 0]


def test_csv_and_python_have_a_column_a_label(root, pictures, tmp_path, monkeypatch):
    """A list of numbers without names is no answer, and spreadsheets read neither Parquet nor lists."""
    import wikitopics

    monkeypatch.setenv("WIKITOPICS_ROOT", str(root))
    inputs = [str(pictures / "00.png"), str(tmp_path / "é, no picture.png"), str(pictures / "01.png")]
    (tmp_path / "é, no picture.png").write_text("x")
    rows = wikitopics.score(inputs, "tiny", jobs=1)
    assert "score" in dir(wikitopics) and rows.attrs["label_names"] == NAMES
    for place, name in enumerate(NAMES):
        wanted = [row[place] if len(row) else np.nan for row in rows["probabilities"]]
        np.testing.assert_array_equal(rows[name], np.array(wanted, np.float32))
    wikitopics.score(inputs, "tiny", tmp_path / "out.csv", jobs=1)
    table = pd.read_csv(tmp_path / "out.csv", encoding="utf-8-sig")
    assert list(table)[:7] == ["path", "labels", "sureness", "abstained", *NAMES]
    assert table["path"].tolist() == inputs and table["reason"].isna().tolist() == [True, False, True]
    np.testing.assert_allclose(table[NAMES], rows[NAMES], atol=1e-4)
