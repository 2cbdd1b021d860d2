"""SQL text as mysqldump writes it, for tests: rows to bytes in the three physical forms."""

import gzip
from pathlib import Path

ESCAPES = {0: b"\\0", 10: b"\\n", 13: b"\\r", 92: b"\\\\", 39: b"\\'", 34: b'\\"', 26: b"\\Z"}
FORMS = ("rows", "line", "single")


def literal(value: bytes | int | float | None) -> bytes:
    """A value as mysqldump writes it."""
    if value is None:
        return b"NULL"
    if isinstance(value, bytes):
        return b"'" + b"".join(ESCAPES.get(byte, bytes([byte])) for byte in value) + b"'"
    return repr(value).encode()


def sql_text(
    table: str, columns: dict[str, str], rows: list[tuple], form: str = "rows", per: int = 3
) -> bytes:
    """A whole dump of one table; `per` rows an INSERT."""
    declared = b",\n".join(f"  `{name}` {kind} NOT NULL".encode() for name, kind in columns.items())
    name, per = table.encode(), 1 if form == "single" else per
    head = b"/*M!999999\\- enable the sandbox mode */ \n-- a dump;\nDROP TABLE IF EXISTS `%b`;\n" % name
    text = [head, b"CREATE TABLE `%b` (\n%b,\n  PRIMARY KEY (`x`)\n) ENGINE=InnoDB;\n" % (name, declared)]
    text.append(b"/*!40000 ALTER TABLE `%b` DISABLE KEYS */;\n" % name)
    after, between = (b"\n", b",\n") if form == "rows" else (b" ", b",")
    for start in range(0, len(rows), per):
        tuples = [b"(" + b",".join(map(literal, row)) + b")" for row in rows[start : start + per]]
        text.append(b"INSERT INTO `%b` VALUES" % name + after + between.join(tuples) + b";\n")
    return b"".join([*text, b"/*!40000 ALTER TABLE `x` ENABLE KEYS */;\n\n-- Dump completed on 2026-01-01\n"])


def write_sql(
    path: Path, columns: dict[str, str], rows: list[tuple], form: str = "rows", per: int = 3
) -> Path:
    """Write such a dump, packed if the name says so; the table is named as the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = path.name.split(".")[0].rsplit("-", 1)[-1]
    text = sql_text(table, columns, rows, form, per)
    path.write_bytes(gzip.compress(text, 1) if path.suffix == ".gz" else text)
    return path
