"""Whatever a params file, a journal of judgements or a shard of WIT holds: it is read, or told in words."""

import io
import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from wikitopics.errors import UserError
from wikitopics.judgements import annotations, read, verdicts
from wikitopics.params import read_params
from wikitopics.sources.dumps.wit_images import pairs

MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TOLD = 900  # characters of the longest sentence


def told_or(read_it):
    """What `read_it` gives, or None where it raised one sentence."""
    try:
        return read_it()
    except UserError as error:
        assert 20 < len(str(error)) < TOLD and "\n" not in str(error) and "Traceback" not in str(error)


NAMES = st.sampled_from(
    ["run", "images", "labels", "labels_top", "seed", "epochs", "flip", "asymmetric", "x", "1"]
)
ODD = """
0 010 1:30 1e9 -1 2**32 .inf .nan yes no null ~ '' x 2022-01-01 [1,2] [[],{}] {a:1} &a [*a] *b !!python/x
!!binary 0x1f 1_000 '1' true 99999999999999999999 "\\ud800" @x `x` %x | > - ? :
"""
VALUES = st.sampled_from(ODD.split())


@given(st.lists(st.tuples(NAMES, st.one_of(VALUES, st.text(max_size=12))), max_size=5), st.binary(max_size=8))
@example([("run", "x")], b"")
@MANY
def test_any_params_file_is_read_or_told(tmp_path, lines, rest):
    file = tmp_path / "params" / "03_train" / "x.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{name}: {value}\n" for name, value in lines)
    file.write_bytes(text.encode("utf-8", "surrogatepass") + rest)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WIKITOPICS_ROOT", str(tmp_path))
        found = told_or(lambda: read_params("03_train", "x"))
    assert found is None or found[1]["run"] == "x"


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["title", "label", "kind", "verdict", "corrected_labels", "labels", "person", "time", "x"]
)
GOOD = {"title": "A.png", "label": "Art", "kind": "missed", "person": "anna", "time": "2026-01-01T00:00:00Z"}


@given(st.lists(st.one_of(st.dictionaries(KEYS, JSON), st.binary(max_size=20)), max_size=5))
@MANY
def test_a_journal_that_others_wrote_into_keeps_what_is_whole(tmp_path, lines):
    journal = tmp_path / "anna.jsonl"
    whole = {**GOOD, "verdict": "label wrong", "labels": ["Art"]}
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    texts = [text.replace(b"\n", b"") for text in texts] + [json.dumps(whole).encode()]
    journal.write_bytes(b"\n".join(texts) + b"\n")
    assert read(tmp_path)[-1] == whole
    assert "A.png" in set(verdicts(tmp_path)["title"]) and "A.png" in set(annotations(tmp_path)["title"])


HEAD = "image_url\tpage_url\tis_main_image\n"
CELLS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            "https://upload.wikimedia.org/wikipedia/commons/8/89/A_fox.jpg",
            "https://en.wikipedia.org/wiki/Fox",
            "true",
            "http://[bad",
            "https://[::1",
            "%zz%",
            '"',
            "\x00",
        ]
    ),
)


@given(st.lists(st.lists(CELLS, max_size=4), max_size=5), st.binary(max_size=10))
@MANY
def test_any_shard_in_tabs_is_read_or_told(tmp_path, rows, rest):
    shard = tmp_path / "wit.tsv"
    text = HEAD + "".join("\t".join(row) + "\n" for row in rows)
    shard.write_bytes(text.encode("utf-8", "surrogatepass") + rest)
    told_or(lambda: list(pairs(shard, Counter())))


@given(st.integers(0, 3000), st.binary(min_size=1, max_size=8))
@MANY
def test_any_shard_of_parquet_is_read_or_told(tmp_path, place, planted):
    feature = {"page_url": ["https://en.wikipedia.org/wiki/Fox", None], "is_main_image": [True, None]}
    url = "https://upload.wikimedia.org/wikipedia/commons/8/89/A_fox.jpg"
    whole = io.BytesIO()
    pq.write_table(pa.table({"image_url": [url, None], "wit_features": [feature, None]}), whole)
    data = bytearray(whole.getvalue())
    data[place % len(data) : place % len(data) + len(planted)] = planted
    shard = tmp_path / "wit.parquet"
    shard.write_bytes(data)
    told_or(lambda: list(pairs(shard, Counter())))
