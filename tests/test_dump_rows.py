"""The reader of SQL dumps: any rows come back as they are, and what is not understood is refused."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import awkward_rows
import mariadb
from sql_text import FORMS, sql_text, write_sql
from wikitopics.errors import UserError
from wikitopics.sources.dumps import sql
from wikitopics.sources.dumps.sql import open_dump

COLUMNS = {"id": "int(10) unsigned", "title": "varbinary(255)", "score": "double", "kind": "enum('a','b')"}
NAMES = list(COLUMNS)


def read(path: Path, names: list[str] = NAMES) -> list[tuple]:
    return [
        tuple(row[name] for name in names) for b in open_dump(path).batches(names) for row in b.to_pylist()
    ]


awkward = st.sampled_from([*awkward_rows.AWKWARD, b"),\n(", b"');\nINSERT INTO `t` VALUES (", b"\\", b"''"])
value = st.one_of(awkward, st.binary(max_size=12), st.text(alphabet="'\\(),;\nN", max_size=8).map(str.encode))
whole = st.integers(-(2**62), 2**62)
rows = st.lists(
    st.tuples(whole, st.none() | value, st.none() | st.floats(allow_nan=False, allow_infinity=False), value)
)


@settings(max_examples=150, deadline=None)
@given(rows=rows, form=st.sampled_from(FORMS), per=st.integers(1, 4), block=st.integers(1, 300))
def test_any_rows_come_back_from_any_form_however_the_blocks_are_cut(rows, form, per, block):
    whole_block, sql.BLOCK = sql.BLOCK, block
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "t.sql")
            path.write_bytes(sql_text("t", COLUMNS, rows, form, per))
            sql.BLOCK = 4096  # the table's head must be in the first block
            dump = open_dump(path)
            sql.BLOCK = block
            got = [row for batch in dump.batches(NAMES[::-1]) for row in batch.to_pylist()]
    finally:
        sql.BLOCK = whole_block
    assert [tuple(row[name] for name in NAMES) for row in got] == rows


@pytest.mark.parametrize("form", FORMS)
def test_columns_are_found_by_name_and_packed_files_are_read(tmp_path, form):
    path = write_sql(
        tmp_path / "wiki-2026-t.sql.gz", COLUMNS, [(1, b"'),('", 0.5, b"a"), (2, None, None, b"b")], form
    )
    assert read(path, ["kind", "title"]) == [(b"a", b"'),('"), (b"b", None)]
    with pytest.raises(UserError, match="must have the column cl_to, but its table t has only id, title"):
        read(path, ["cl_to"])


def damaged(text: bytes) -> dict[str, bytes]:
    middle = text.index(b"(2,")
    return {
        "cut in a row": text[: middle + 5],
        "cut behind a row": text[:middle],
        "cut before its mark": text[: text.index(b"-- Dump completed")],
        "a field too few": text.replace(b"(2,", b"("),
        "a field too many": text.replace(b"(2,", b"(2,7,"),
        "doubled quotes": text.replace(b"'two'", b"'it''s'"),
        "a text without quotes": text.replace(b"'two'", b"0x54FF"),
        "a text with a word before": text.replace(b"'two'", b"_binary 'two'"),
        "a number that is none": text.replace(b"(2,", b"(x2,"),
        "columns named in the INSERT": text.replace(b"INTO `t` VALUES", b"INTO `t` (`id`) VALUES"),
        "rows of another table": text.replace(b"INTO `t` VALUES", b"INTO `u` VALUES"),
        "a parenthesis within a row": text.replace(b"'two'", b"'two')('x'"),
        "an escape outside of texts": text.replace(b"'two'", b"'two')\\'(\\'"),
        "a word like NULL": text.replace(b"'two'", b"NuLL"),
        "an INSERT without rows": text.replace(b"INSERT", b"INSERT INTO `t` VALUES;\nINSERT", 1),
        "a damaged INSERT": text.replace(b"INSERT INTO", b"INSERT''INTO"),
        "quotes lost at the end of a line": text.replace(b"'b'),", b"'b),").replace(b"(3,'", b"(3,"),
        "an open text": text.replace(b"'two'", b"'two"),
    }


ROWS = [(1, b"one", 0.1, b"a"), (2, b"two", 0.2, b"b"), (3, b"three", 0.3, b"a"), (4, b"four", 0.4, b"b")]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("how", damaged(sql_text("t", COLUMNS, ROWS)))
def test_a_damaged_dump_is_one_sentence_and_never_fewer_rows(tmp_path, form, how):
    path = tmp_path / "t.sql"
    path.write_bytes(damaged(sql_text("t", COLUMNS, ROWS, form))[how])
    with pytest.raises(
        UserError, match=r"t\.sql must be a whole dump as mysqldump writes it, but .*; download"
    ):
        read(path)


def test_a_comma_without_a_row_is_refused_wherever_the_blocks_are_cut(tmp_path):
    text = sql_text("t", COLUMNS, ROWS).replace(b"VALUES\n", b"VALUES\n,\n", 1)
    (tmp_path / "t.sql").write_bytes(text)
    dump = open_dump(tmp_path / "t.sql")
    for block in range(1, len(text)):
        with pytest.MonkeyPatch.context() as patch, pytest.raises(UserError, match="a whole dump"):
            patch.setattr(sql, "BLOCK", block)
            list(dump.batches(NAMES))


def test_a_truncated_archive_and_a_file_that_is_no_dump_are_one_sentence(tmp_path):
    path = write_sql(tmp_path / "t.sql.gz", COLUMNS, ROWS * 30_000)
    path.write_bytes(path.read_bytes()[:-20_000])
    with pytest.raises(UserError, match="must be a whole dump .* but it cannot be unpacked"):
        read(path)
    (tmp_path / "page.sql").write_bytes(b"<html>404</html>")
    with pytest.raises(UserError, match="must be an SQL dump with CREATE TABLE at its head"):
        read(tmp_path / "page.sql")
    (tmp_path / "page.sql.gz").write_bytes(b"<html>404</html>")
    with pytest.raises(UserError, match="must be an SQL dump, but it cannot be unpacked"):
        read(tmp_path / "page.sql.gz")


@pytest.mark.skipif(bool(mariadb.missing()), reason=mariadb.missing() or "there")
def test_what_the_real_mysqldump_writes_is_what_the_real_server_holds(tmp_path):
    """All three forms against the server's own count and digest of every value."""
    names = {"categorylinks": ["cl_from", "cl_sortkey", "cl_sortkey_prefix", "cl_type", "cl_target_id"],
             "page": ["page_id", "page_title", "page_content_model", "page_len"]}  # fmt: skip
    made = {"categorylinks": awkward_rows.category_rows(30_000), "page": awkward_rows.page_rows(30_000)}
    with mariadb.server(tmp_path / "server") as socket:
        mariadb.sql(socket, "CREATE DATABASE w")
        for table, columns in names.items():
            mariadb.load(socket, "w", table, made[table], tmp_path / "load.tsv")
            rows, line, single = (tmp_path / form / f"{table}.sql" for form in FORMS)
            mariadb.dump(socket, "w", table, rows)
            mariadb.dump(socket, "w", table, single, "--skip-extended-insert")
            mariadb.joined(rows, line)
            hexed = ", ".join(f"IFNULL(HEX({name}), 'NULL')" for name in columns)
            held = mariadb.sql(socket, f"SELECT {hexed} FROM {table} ORDER BY 1, {len(columns)}", "w")
            held = sorted(tuple(line.split("\t")) for line in held.decode().splitlines())
            for path in (rows, line, single):
                assert sorted(hexed_row(row) for row in read(path, columns)) == held


def hexed_row(row: tuple) -> tuple[str, ...]:
    """Values as MariaDB's HEX writes them."""
    return tuple("NULL" if v is None else v.hex().upper() if isinstance(v, bytes) else f"{v:X}" for v in row)
