"""How fast SQL dumps are read, against other ways, in one run, on what a real mysqldump wrote.

python benchmarks/dump_parse.py           2.6 million rows of categorylinks and page (10 minutes, 2 GB disk)
python benchmarks/dump_parse.py --quick   a tenth of it

Each way runs in a process of its own, whose peak memory is the system's count, and says how many rows it
found and what processor time that took, imports apart. `plain` cuts rows at "),(" and reads each with the
csv module, as mwsql does: it needs the old form, and loses "),(" from values. DuckDB's CSV reader needs the
new form. Needs mariadb-server. The last line is one JSON object.
"""

import argparse
import csv
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROWS = 2_600_000
COMMONS_GB = 80  # categorylinks of Commons, unpacked
WANTED = {
    "categorylinks": ["cl_from", "cl_type", "cl_target_id"],
    "page": ["page_id", "page_namespace", "page_title", "page_is_redirect"],
}
MAKE = Path(__file__).resolve().parents[1] / "tests" / "mariadb.py"


def ours(path: Path) -> int:
    """This library: the columns that labels need, as Arrow."""
    from wikitopics.sources.sql_dump import open_dump

    table = open_dump(path)
    return sum(len(batch) for batch in table.batches(WANTED[table.table]))


def ours_all_columns(path: Path) -> int:
    """This library, every column."""
    from wikitopics.sources.sql_dump import open_dump

    table = open_dump(path)
    return sum(len(batch) for batch in table.batches(list(table.columns)))


def plain(path: Path) -> int:
    """Rows cut at "),(", each read by the csv module."""
    rows = 0
    with open(path, encoding="latin-1", newline="\n") as file:
        for line in file:
            if line.startswith("INSERT INTO"):
                values = line[line.index("(") + 1 : -3].split("),(")
                rows += sum(1 for _ in csv.reader(values, quotechar="'", escapechar="\\", doublequote=False))
    return rows


def pattern(path: Path) -> int:
    """A regular expression of the whole row, unrolled; lines or INSERTs at a time."""
    text, number = rb"'([^'\\]*(?:\\.[^'\\]*)*)'|NULL", rb"([^,)]*)"
    kinds = {"categorylinks": "nttttnn", "page": "nntnnnttnntt"}[path.stem]
    row = re.compile(
        rb"\(" + rb",".join(rb"(?:" + {"n": number, "t": text}[k] + rb")" for k in kinds) + rb"\)"
    )
    with open(path, "rb") as file:
        return sum(len(row.findall(line)) for line in file if line.startswith((b"(", b"INSERT INTO")))


def duckdb_csv(path: Path) -> int:
    """DuckDB's CSV reader."""
    import duckdb

    skip = next(i for i, line in enumerate(open(path, "rb")) if line.startswith(b"INSERT")) + 1  # noqa: SIM115
    columns = {f"c{i}": "VARCHAR" for i in range({"categorylinks": 8, "page": 13}[path.stem])}
    query = (
        f"SELECT count(c0), count(c2), count(c6) FROM read_csv('{path}', quote='''', escape='\\', delim=',', "
        f"header=false, skip={skip}, columns={columns}, strict_mode=false, null_padding=true, "
        "auto_detect=false, max_line_size=4000000, ignore_errors=true) WHERE c0 LIKE '(%'"
    )
    return duckdb.connect().execute(query).fetchall()[0][0]


def gunzip(path: Path) -> int:
    """Unpacking alone, with the standard library."""
    with gzip.open(f"{path}.gz") as file:
        while file.read(1 << 20):
            pass
    return 0


def ours_packed(path: Path) -> int:
    """This library from .gz."""
    return ours(Path(f"{path}.gz"))


WAYS = {
    way.__name__: way for way in (ours, ours_all_columns, ours_packed, plain, pattern, duckdb_csv, gunzip)
}


def measured(way: str, path: Path) -> dict[str, float | int | str]:
    """Rows, MB of SQL a processor second, seconds, peak memory; the best of two runs."""
    runs = []
    for _ in range(2):
        started = time.perf_counter()
        command = [sys.executable, __file__, "--way", way, "--file", str(path)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        out = child.stdout.read()
        _, status, used = os.wait4(child.pid, 0)
        runs.append(
            (used.ru_utime + used.ru_stime, time.perf_counter() - started, used.ru_maxrss, out, status)
        )
    cpu, wall, memory, out, status = min(runs)
    if status:
        return {"failed": True}
    rows, seconds = json.loads(out)
    megabytes = path.stat().st_size / 1e6
    return {"rows": rows, "mb_per_cpu_s": round(megabytes / seconds, 1), "cpu": round(cpu, 2),
            "wall": round(wall, 2), "peak_mb": memory // 1024}  # fmt: skip


def one(way: str, path: Path) -> None:
    """Run one way; print its rows and its processor time without the interpreter's start."""
    os.environ["WIKITOPICS_PROGRESS"] = os.devnull
    import duckdb  # noqa: F401
    import pyarrow.compute  # noqa: F401

    import wikitopics.sources.sql_dump  # noqa: F401

    started, out = time.process_time(), sys.stdout
    sys.stdout = sys.stderr
    rows = WAYS[way](path)
    print(json.dumps([rows, time.process_time() - started]), file=out)


def compare(folder: Path, rows: int) -> dict[str, dict]:
    """All ways on both forms and tables, and ours on a quarter."""
    for part in (rows // 4, rows):
        subprocess.run([sys.executable, MAKE, folder / str(part), str(part)], check=True)
    results = {}
    for table in WANTED:
        for form in ("rows", "line"):
            path = folder / str(rows) / form / f"{table}.sql"
            subprocess.run(["gzip", "-6", "-k", path], check=True)
            for way in WAYS:
                results[f"{table} {form} {way}"] = measured(way, path)
            quarter = folder / str(rows // 4) / form / f"{table}.sql"
            results[f"{table} {form} ours, a quarter"] = measured("ours", quarter)
            for name in [name for name in results if name.startswith(f"{table} {form}")]:
                print(f"{name:45}", results[name], flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--file", type=Path)
    options = parser.parse_args()
    if options.way:
        one(options.way, options.file)
        return
    with tempfile.TemporaryDirectory() as folder:
        results = compare(Path(folder), ROWS // 10 if options.quick else ROWS)
    slowest = min(results[f"categorylinks {form} ours"]["mb_per_cpu_s"] for form in ("rows", "line"))
    hours = COMMONS_GB * 1e3 / slowest / 3600
    print(
        f"Commons' categorylinks, {COMMONS_GB} GB unpacked: {hours:.2f} hours of one processor core to read"
    )
    print(json.dumps(results))


if __name__ == "__main__":
    main()
