"""How fast dumps are read, against other ways, in one run, on what a real mysqldump wrote.

python benchmarks/dump_parse.py           2.6 million rows of categorylinks and page (10 minutes, 2 GB disk)
python benchmarks/dump_parse.py --quick   a tenth of it
python benchmarks/dump_parse.py --json    only the JSON of structured data, made up (1 minute, 1 GB disk)

Each way runs in a process of its own, whose peak memory is the system's count, and says how many rows it
found and what processor time that took, imports apart. `plain` cuts rows at "),(" and reads each with the
csv module, as mwsql does: it needs the old form, and loses "),(" from values. DuckDB's CSV reader needs the
new form. SQL needs mariadb-server. The last line is one JSON object.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import explain  # noqa: F401
from dump_ways import WANTED, WAYS, WAYS_OF_JSON
from structured_like import write

ROWS = 2_600_000
FILES = 240_000  # of structured data
COMMONS_GB = 80  # categorylinks of Commons, unpacked
MAKE = Path(__file__).resolve().parents[1] / "tests" / "mariadb.py"


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

    import wikitopics.sources.dumps.mediainfo
    import wikitopics.sources.dumps.sql  # noqa: F401

    started, out = time.process_time(), sys.stdout
    sys.stdout = sys.stderr
    rows = (WAYS | WAYS_OF_JSON)[way](path)
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


def compare_json(folder: Path, files: int) -> dict[str, dict]:
    """All ways on the JSON of structured data, and ours on a quarter."""
    results = {}
    for count, ways in ((files // 4, ["structured"]), (files, WAYS_OF_JSON)):
        path = folder / f"{count}-mediainfo.json"
        write(path, count)
        subprocess.run(["gzip", "-6", "-k", path], check=True)
        for way in ways:
            name = f"json {way}{', a quarter' if count < files else ''}"
            results[name] = measured(way, path)
            print(f"{name:45}", results[name], flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--way", choices=WAYS | WAYS_OF_JSON)
    parser.add_argument("--file", type=Path)
    options = parser.parse_args()
    if options.way:
        one(options.way, options.file)
        return
    part = 10 if options.quick else 1
    with tempfile.TemporaryDirectory() as folder:
        results = compare_json(Path(folder), FILES // part)
    if options.json:
        print(json.dumps(results))
        return
    if not shutil.which("mariadbd"):
        sys.exit("the dumps to read are made by MariaDB, which is not there; install mariadb-server")
    with tempfile.TemporaryDirectory() as folder:
        results |= compare(Path(folder), ROWS // part)
    slowest = min(results[f"categorylinks {form} ours"]["mb_per_cpu_s"] for form in ("rows", "line"))
    hours = COMMONS_GB * 1e3 / slowest / 3600
    print(
        f"Commons' categorylinks, {COMMONS_GB} GB unpacked: {hours:.2f} hours of one processor core to read"
    )
    print(json.dumps(results))


if __name__ == "__main__":
    main()
