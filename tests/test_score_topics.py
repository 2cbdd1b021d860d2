"""What a row says: labels closed upwards, silence where the model is unsure, probabilities all the same."""

import inspect
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import wikitopics
from wikitopics import cli
from wikitopics.errors import UserError
from wikitopics.scoring import api
from wikitopics.scoring.results import liftwing, rows
from wikitopics.scoring.settings import ABSTAIN, Settings, least_sure, topics
from wikitopics.scoring.shards import score_files
from wikitopics.sources.inputs import paths_of

TREE = {"STEM": None, "Nature": "STEM", "Plants": "Nature", "Animals": "Nature", "Places": None}
shares = st.floats(0, 1, width=32)


def settings(parents=TREE, thresholds=(0.5,) * 5, coherent=False) -> Settings:
    """A model whose calibration is the identity's neighbour, and whose validation images are evenly sure."""
    count = len(parents)
    platt, sure = np.tile([1.0, 0.0], (count, 1)), np.linspace(0.5, 1, 101)
    names = list(parents)
    return Settings("m", "k", names, parents, np.array(thresholds), platt, coherent, 32, "pad", sure)


NONE = pd.DataFrame([], columns=["path", "reason", "detail"])


@given(
    arrays.arrays(np.float32, (6, 5), elements=shares),
    st.lists(shares, min_size=5, max_size=5),
    st.lists(st.integers(-1, 3), min_size=5, max_size=5),
    shares,
    st.booleans(),
)
def test_the_labels_of_a_row_are_always_closed_upwards(scores, thresholds, above, cut, coherent):
    names = [f"L{number}" for number in range(5)]
    parents = {name: names[a] if -1 < a < n else None for n, (name, a) in enumerate(zip(names, above))}  # noqa: B905
    model = settings(parents, thresholds, coherent)
    table = rows([f"{number}.png" for number in range(6)], scores, NONE, model, cut=cut).to_pylist()
    for row, own in zip(table, scores, strict=True):
        said = set(row["labels"])
        assert all(parents[name] in said for name in said if parents[name])
        if not row["abstained"]:
            assert said >= {name for name, s, t in zip(names, own, thresholds, strict=True) if s >= t}
        assert (
            row["abstained"] == (np.float32(row["sureness"]) < np.float32(cut))
            or abs(row["sureness"] - cut) < 1e-6
        )
        assert len(row["probabilities"]) == 5 and not (row["abstained"] and said)


def test_a_label_brings_what_lies_above_it_and_nothing_else():
    scores = np.array([[0.1, 0.2, 0.9, 0.1, 0.1], [0.9, 0.1, 0.1, 0.1, 0.6], [0.1] * 5], np.float32)
    assert topics(scores, settings()) == [["STEM", "Nature", "Plants"], ["STEM", "Places"], []]


def test_who_is_less_sure_than_the_share_of_validation_is_left_to_a_person():
    model = settings()
    assert [least_sure(model, share) for share in (0, 0.1, 1)] == [0, 0.55, 1]
    for wrong in (-0.1, 1.5, float("nan")):
        with pytest.raises(UserError, match="--abstain must be a share from 0 to 1"):
            least_sure(model, wrong)


def test_silence_is_told_in_both_forms(folders, pictures, tmp_path):
    paths, rows_ = paths_of([str(pictures)]), {}
    for share in (0, 1):
        counts = score_files(folders[0], paths, tmp_path / f"{share}.parquet", folders[1], abstain=share)
        assert counts.get("abstained", 0) == (12 if share else 0)
        rows_[share] = pq.read_table(tmp_path / f"{share}.parquet")
    assert not any(rows_[0]["abstained"].to_pylist()) and all(rows_[1]["abstained"].to_pylist())
    assert rows_[0]["probabilities"].equals(rows_[1]["probabilities"]) and not any(
        rows_[1]["labels"].to_pylist()
    )
    line = json.loads(next(liftwing(rows_[1], ["Shape", "Round", "Square"])))
    assert line["abstained"] is True and line["prediction"]["results"] == []
    assert (
        set(line["probabilities"]) == {"Shape", "Round", "Square"}
        and line["version"] == wikitopics.__version__
    )


# --- wikitopics.score ------------------------------------------------------------------------------------


def test_in_python_it_gives_the_rows_or_writes_them(root, pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(root))
    frame = wikitopics.score(pictures, model="tiny", abstain=0)
    counts = wikitopics.score([pictures], "tiny", tmp_path / "out.parquet", abstain=0)
    assert counts == {"files": 12, "scored": 12}
    names = frame.attrs["label_names"]
    written = pd.read_parquet(tmp_path / "out.parquet")
    pd.testing.assert_frame_equal(frame[written.columns.tolist()], written)
    assert np.allclose(frame[names].to_numpy(), np.stack(written["probabilities"]))  # a column a label, too
    monkeypatch.setattr(api, "IN_MEMORY", 11)
    with pytest.raises(UserError, match="without out at most 11 pictures are scored, but there are 12"):
        wikitopics.score(pictures, "tiny")


def test_names_and_defaults_are_the_commands():
    command = cli.parser("score").parse_args(["score", "x", "--model", "m", "--out", "o"])
    own = inspect.signature(wikitopics.score).parameters
    assert set(own) == set(vars(command)) - {"command", "call", "root"}
    given_ = {"inputs", "model", "out"}
    defaults = {name: parameter.default for name, parameter in own.items() if name not in given_}
    assert defaults == {name: getattr(command, name) for name in defaults} and defaults["abstain"] == ABSTAIN


def test_importing_stays_light():
    code = "import sys, wikitopics; print(sorted({'pandas', 'keras'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"
    code = (
        "import sys, wikitopics; wikitopics.score; print(sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"[]\n"
    with pytest.raises(AttributeError, match="no attribute 'scores'"):
        _ = wikitopics.scores
