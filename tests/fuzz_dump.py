"""Fuzzing the reader of SQL dumps against a slow one that cannot be wrong: python tests/fuzz_dump.py SECONDS

Guided by coverage (atheris). Whatever the slow reader takes as rows, ours must return the same; whatever ours
returns, the slow one must have taken. Needs `pip install atheris`; what it finds becomes a test in
test_dump_rows.py.
"""

import re
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["wikitopics"]):
    from wikitopics.errors import UserError
    from wikitopics.sources.dumps import sql

COLUMNS = {"id": "int(10)", "title": "varbinary(255)", "score": "double"}
HEAD = b"CREATE TABLE `t` (\n  `id` int(10),\n  `title` varbinary(255),\n  `score` double\n) ENGINE=InnoDB;\n"
INSERT, END = b"INSERT INTO `t` VALUES", b"\n-- Dump completed\n"
TEXT = rb"(NULL|'(?:[^'\\\n]|\\[^\n])*')"
ROW = re.compile(rb"(\s*)\(([^',()\s]+)," + TEXT + rb",([^',()\s]+)\)([,;])", re.DOTALL)
OTHER = (  # lines between statements
    rb"(?:(?i:--|/\*|lock|unlock|commit|set|drop table|create table)[^\n]*|  [`A-Z][^\n]*"
    rb"|\) ENGINE=[^\n]*|[^\S\n]*)"
)
ESCAPES = {b"0": b"\0", b"n": b"\n", b"r": b"\r", b"Z": b"\x1a", b"t": b"\t", b"b": b"\b"}
SEEDS = [
    b"\x40 (1,'a',0.5),(2,NULL,NULL);",
    b"\x01\n(1,'\\'),(\\'',1),\n(-2,'\\\\',2e-7);",
    b"\x10 (NULL,'',0);",
    b"\x08 (1,'a',0);\nINSERT INTO `t` VALUES (2,'b;',1);",
    b"\x05 (1,'it''s',0);",
    b"\x05 (1,'a\n',0);",
]


def slow(text: bytes, blanks: tuple[bytes, ...] = ()) -> list[bytes | None] | None:
    """The titles of all rows, None where the text is no rows; `blanks`: what may stand before one."""
    titles, at, text = [], 0, joined(text)
    while True:
        found = ROW.match(text, at)
        if not found or (blanks and found[1] not in blanks):
            return None
        titles.append(None if found[3] == b"NULL" else unescaped(found[3][1:-1]))
        at = found.end()
        if found[5] == b";":
            return titles if at == len(text) else None


def joined(text: bytes) -> bytes:
    """All rows as if they were in one statement."""
    text = re.sub(rb"\);(?:\n" + OTHER + rb")*\n" + INSERT, b"),\n", text)
    return re.sub(rb"\);(?:\n" + OTHER + rb")*\Z", b");", text)


def unescaped(value: bytes) -> bytes:
    """One value, an escape at a time."""
    return re.sub(rb"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), value, flags=re.DOTALL)


def numbers_are_numbers(text: bytes) -> bool:
    """Whether all numbers are written as mysqldump writes them; others Arrow may take or refuse."""
    whole, real = rb"NULL|-?\d{1,18}", rb"NULL|-?\d{1,18}(\.\d{1,18})?(e-?\d{1,2})?"
    return all(
        re.fullmatch(whole, row[2]) and re.fullmatch(real, row[4]) for row in ROW.finditer(joined(text))
    )


def ours(text: bytes, block: int, path: Path) -> list[bytes | None] | None:
    """The same by the library, the file cut into blocks of this many bytes."""
    path.write_bytes(HEAD + INSERT + text + END)
    sql.BLOCK = block
    try:
        batches = list(sql.SqlDump(path, "t", COLUMNS).batches(["id", "title", "score"]))
    except UserError:
        return None
    return [title for batch in batches for title in batch["title"].to_pylist()]


def check(data: bytes, path: Path) -> None:
    """Compare the two; the first byte says how the file is cut."""
    text = data[1:]
    got = ours(text, data[0] * 4 + 16 if data else 16, path)
    expected = slow(text, (b"", b" ", b"\n", b"\n ", b"\n\n") if got is None else ())
    if got is not None or (expected is not None and numbers_are_numbers(text)):
        assert got == expected, (data, expected, got)


def main(seconds: int, *more: str) -> None:
    """Fuzz for so long, or as libFuzzer's options say; what fails is written to crash-*."""
    folder = Path(tempfile.mkdtemp())
    seeds = folder / "seeds"
    seeds.mkdir()
    for number, seed in enumerate(SEEDS):
        (seeds / str(number)).write_bytes(seed)
    sql.report = lambda *_: None
    options = [f"-max_total_time={seconds}", "-max_len=400", "-rss_limit_mb=0"]  # see fuzz_images.py
    options += [f"-artifact_prefix={folder}/", *more, str(seeds)]
    atheris.Setup([sys.argv[0], *options], lambda data: check(data, folder / "t.sql"))
    atheris.Fuzz()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60, *sys.argv[2:])
