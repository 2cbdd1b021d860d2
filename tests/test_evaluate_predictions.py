"""The gate before the test set: what the prior work got wrong is refused here."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from evaluate_planted import NAMES, write_train_run
from wikitopics.artefacts import write_table
from wikitopics.errors import UserError
from wikitopics.evaluate import predictions
from wikitopics.evaluate.predictions import Frozen, freeze_thresholds, read_test, read_validation

RUN = "commons-10-lite0"
HALF = np.full(len(NAMES), 0.5)


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    return tmp_path


@pytest.fixture
def train(root):
    return write_train_run(root, RUN)


@pytest.fixture
def opened(monkeypatch):
    """Names of the Parquet files that are opened, in order."""
    names = []
    for reader in ("read_table", "read_arrow"):
        real = getattr(predictions, reader)
        seen = lambda path, real=real: (names.append(Path(path).name), real(path))[1]  # noqa: E731
        monkeypatch.setattr(predictions, reader, seen)
    return names


def test_reads_matrices_in_label_order(train):
    validation = read_validation(RUN)
    table = pd.read_parquet(train / "predictions_validation.parquet")
    assert validation.label_names == NAMES
    assert validation.truth.dtype == np.uint8 and validation.scores.dtype == np.float32
    assert np.array_equal(validation.scores[7], table["scores"][7])
    assert validation.frame.columns.tolist() == ["title", "row", "group", "split"]


@pytest.mark.parametrize("frozen", [None, HALF, {"thresholds": HALF}])
def test_test_set_stays_shut_without_frozen_thresholds(train, opened, frozen):
    with pytest.raises(UserError, match="only after thresholds are frozen"):
        read_test(RUN, frozen)
    assert opened == []


def test_forged_proof_does_not_open_it(train, tmp_path, opened):
    with pytest.raises(UserError, match="must hold the thresholds that were frozen"):
        read_test(RUN, Frozen(tmp_path, NAMES, HALF))
    assert opened == []


def test_thresholds_changed_after_freezing_do_not_open_it(train, tmp_path, opened):
    frozen = freeze_thresholds(tmp_path, NAMES, HALF)
    write_table(tmp_path / "thresholds.parquet", pd.DataFrame({"label": NAMES, "threshold": HALF + 0.1}))
    with pytest.raises(UserError, match="must hold the thresholds that were frozen"):
        read_test(RUN, frozen)
    assert opened == ["thresholds.parquet"]


def test_thresholds_are_on_disk_before_the_test_file_is_opened(train, tmp_path, opened):
    frozen = freeze_thresholds(tmp_path, NAMES, HALF)
    assert (tmp_path / "thresholds.parquet").exists() and opened == []
    assert len(read_test(RUN, frozen).truth) == 250
    assert opened[:2] == ["thresholds.parquet", "predictions_test.parquet"]


def test_planted_leak_is_caught(train, tmp_path):
    """The prior work wrote its validation file from the test set (prior work, section 0, item 7)."""
    shutil.copy(train / "predictions_test.parquet", train / "predictions_validation.parquet")
    frozen = freeze_thresholds(tmp_path, NAMES, HALF)
    with pytest.raises(UserError, match="must share no title, but 250 are in both"):
        read_test(RUN, frozen)


def test_duplicates_on_both_sides_are_caught(train, tmp_path):
    table = pd.read_parquet(train / "predictions_validation.parquet")
    table.loc[0, "group"] = pd.read_parquet(train / "predictions_test.parquet").loc[3, "group"]
    write_table(train / "predictions_validation.parquet", table)
    with pytest.raises(UserError, match="must share no group, but 1 are in both"):
        read_test(RUN, freeze_thresholds(tmp_path, NAMES, HALF))


def test_thresholds_of_other_labels_are_refused(train, tmp_path):
    with pytest.raises(UserError, match="must be frozen for the labels of"):
        read_test(RUN, freeze_thresholds(tmp_path, NAMES[::-1], HALF))


@pytest.mark.parametrize("thresholds", [HALF[:2], HALF * np.nan])
def test_every_label_needs_one_finite_threshold(tmp_path, thresholds):
    with pytest.raises(UserError, match="one finite threshold for each"):
        freeze_thresholds(tmp_path, NAMES, thresholds)


@pytest.mark.parametrize("bad", [np.nan, 1.5, -0.1])
def test_scores_that_are_no_probabilities_are_refused(train, bad):
    table = pd.read_parquet(train / "predictions_validation.parquet")
    table.at[2, "scores"] = np.array([bad] + [0.5] * (len(NAMES) - 1), dtype=np.float32)
    write_table(train / "predictions_validation.parquet", table)
    with pytest.raises(UserError, match=r"scores must be in \[0, 1\]"):
        read_validation(RUN)


def test_ragged_rows_are_refused(train):
    table = pd.read_parquet(train / "predictions_validation.parquet")
    table.at[2, "scores"] = table.at[2, "scores"][:3]
    table.at[3, "scores"] = np.append(table.at[3, "scores"], [0.1] * 3).astype(np.float32)
    write_table(train / "predictions_validation.parquet", table)
    with pytest.raises(UserError, match="must have 6 values"):
        read_validation(RUN)


def test_a_run_that_is_not_finished_is_told_how_to_make(root):
    with pytest.raises(UserError, match="wikitopics run 03_train/nothing"):
        read_validation("nothing")
