"""All quick benchmarks, one after the other, as one table: figure, wanted, met or missed (`make bench`).

python benchmarks/bench.py [--only WORD [--dry] | --dry | --write]

Each benchmark is a process of its own, which may take what its line in RUNS allows; one that fails or takes
longer says so in its rows, and the others run. After 25 minutes those that are left are not begun. --write:
the table, which is of all of them, also goes between the two comments of benchmarks/README.md. --only:
benchmarks with this word in their command. Seconds, where they are judged, are of CPU, which other work on
the machine moves least. Ends with 1 where something could not be measured.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import explain  # noqa: F401

from wikitopics.artefacts import replacing

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- from make bench: begin -->", "<!-- from make bench: end -->"
LONGEST = 25 * 60  # seconds, for all

Told = dict[str, Any]  # the last line of a benchmark


class Figure(NamedTuple):
    """A row: what it is, how it is found in what a benchmark told, its unit, and its limit.

    most: it must not be more; least: not less.
    """

    what: str
    found: Callable[[Told], float]
    unit: str = ""
    most: float | None = None
    least: float | None = None

    @property
    def wanted(self) -> str:
        """The limit in words."""
        sign, limit = ("at most", self.most) if self.most is not None else ("at least", self.least)
        return f"{sign} {limit:g}{self.unit}"

    def met(self, value: float) -> bool:
        """Whether a value is within the limit."""
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)


class Run(NamedTuple):
    """A benchmark with its arguments, the seconds it may take, and the figures it gives."""

    command: str
    seconds: int
    figures: list[Figure]


def exponents(told: Told) -> float:
    """The largest exponent of growth.py's parts, memory among them."""
    return max(told["exponents"].values())


RUNS = [
    Run(
        "grid.py --quick",
        360,
        [
            Figure(
                "the recipe of June 2022 against ours, eight cells, CPU",
                lambda t: t["recipe_to_ours"][1],
                "×",
                least=60,
            ),
            Figure("the same by the clock", lambda t: t["recipe_to_ours"][0], "×", least=60),
            Figure("ours against the least, CPU", lambda t: t["ours_to_least"][1], "×", most=1.5),
        ],
    ),
    Run(
        "seeds.py",
        240,
        [
            Figure("five seeds against one, 03 and 04 of a cell, CPU", lambda t: t["cell"], "×", most=1.3),
            Figure("five seeds against one, 03 alone, CPU", lambda t: t["train"], "×", most=1.3),
        ],
    ),
    Run(
        "finetune_input.py --quick",
        150,
        [
            Figure(
                "fine-tuning from the store against synthetic data, steps for each second of CPU",
                lambda t: t["real_to_synthetic_cpu"],
                "×",
                least=0.95,
            ),
        ],
    ),
    Run(
        "score.py --quick",
        240,
        [
            Figure(
                "scoring files against `predict` alone, 224 px, CPU",
                lambda t: t["ratio_16"][1],
                "×",
                least=0.95,
            ),
            Figure(
                "memory of scoring 2,000 files beyond that of 500",
                lambda t: t["peak_grows_by_mb"],
                " MB",
                most=30,
            ),
        ],
    ),
    Run(
        "growth.py --quick",
        150,
        [
            Figure(
                "growth of time and memory from 60 to 960 pictures, largest exponent", exponents, most=1.0
            ),
        ],
    ),
    Run(
        "images.py --quick",
        90,
        [
            Figure(
                "decoding, checked, against scaled Pillow, JPEG of 500 px",
                lambda t: t["ours_of_pillow_scaled_500px"],
                "×",
                least=1.0,
            ),
            Figure("the same, JPEG of 1024 px", lambda t: t["ours_of_pillow_scaled_1024px"], "×", least=1.0),
        ],
    ),
    Run(
        "duplicates.py --quick",
        120,
        [
            Figure(
                "near duplicates, 50,000 to 200,000 pictures, exponent",
                lambda t: t["growth"][-1]["exponent"],
                most=1.1,
            ),
            Figure(
                "near duplicates among planted drawings, precision",
                lambda t: t["drawings"]["precision"],
                least=0.95,
            ),
        ],
    ),
    Run(
        "metrics.py --quick",
        120,
        [
            Figure(
                "bootstrap against scikit-learn in a loop, 20,000 × 31, CPU",
                lambda t: t["ratio_cpu"],
                "×",
                least=50,
            ),
            Figure("largest difference between the two", lambda t: t["largest_difference"], most=1e-9),
        ],
    ),
    Run(
        "metrics.py --large",
        150,
        [
            Figure(
                "bootstrap, 100 rounds, 800,000 × 31, peak memory",
                lambda t: t["peak_mb"] / 1000,
                " GB",
                most=2,
            ),
        ],
    ),
    Run(
        "scale.py slices",
        90,
        [
            Figure("parts of 04, 800,000 images, CPU", lambda t: t["seconds"], " s", most=10),
        ],
    ),
    Run(
        "scale.py folds",
        90,
        [
            Figure(
                "scores out of fold, 100,000 images × 20 labels, CPU", lambda t: t["seconds"], " s", most=10
            ),
        ],
    ),
    Run(
        "scale.py browser",
        120,
        [
            Figure(
                "a filter of the browser among mistakes, 800,000 images, CPU",
                lambda t: t["seconds"],
                " s",
                most=0.2,
            ),
            Figure(
                "the same among all 24.8 million predictions", lambda t: t["all_predictions"], " s", most=0.2
            ),
        ],
    ),
    Run(
        "scale.py verdict",
        120,
        [
            Figure(
                "one verdict beside 80,000, in its journal, CPU", lambda t: t["journal_ms"], " ms", most=10
            ),
            Figure(
                "one verdict beside 80,000, in the browser of 800,000 images, CPU",
                lambda t: t["browser_ms"],
                " ms",
                most=10,
            ),
        ],
    ),
    Run(
        "scale.py folder --quick",
        150,
        [
            Figure(
                "fingerprint of a million known files, ten times that of 100,000, CPU",
                lambda t: t["seconds_of_all"],
                " s",
                most=1,
            ),
        ],
    ),
    Run(
        "alike.py --quick",
        150,
        [
            Figure(
                "approximate neighbours among 10,000 vectors, recall@10",
                lambda t: t[-1]["recall@10"],
                least=0.95,
            ),
        ],
    ),
    Run(
        "labels_scale.py --quick",
        180,
        [
            Figure(
                "labels by categories, a 64th to a 16th of Commons, exponent of CPU",
                lambda t: t["growth_exponent_cpu"],
                most=1.15,
            ),
            Figure(
                "labels of 243,750 files on a 16th of Commons, peak memory",
                lambda t: t["sizes"][-1]["peak_gb"],
                " GB",
                most=4,
            ),
        ],
    ),
]


def told_by(run: Run, left: float) -> tuple[Told | None, str]:
    """The last line of a benchmark, and how it went: its seconds, or why there is no such line."""
    program, *arguments = run.command.split()
    began, limit = time.monotonic(), min(run.seconds, left)
    process = subprocess.Popen(
        [sys.executable, str(HERE / program), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=limit)
    except BaseException as error:  # Ctrl-C does not reach a session of its own
        os.killpg(process.pid, signal.SIGKILL)  # and the processes that it started
        process.communicate()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        return None, f"not measured: it took more than {limit:.0f} s"
    if process.returncode:
        lines = [line for line in err.strip().splitlines() if line.strip()]
        return None, f"not measured: {lines[-1] if lines else f'it ended with {process.returncode}'}"
    try:
        return json.loads(out.strip().splitlines()[-1]), f"{time.monotonic() - began:.0f} s"
    except (ValueError, IndexError):
        return None, "not measured: its last line is no JSON"


def rows_of(run: Run, told: Told | None, how: str) -> list[tuple[str, str, str, str, str]]:
    """Figure, value, wanted, verdict and command of each row of a benchmark."""
    rows = []
    for figure in run.figures:
        value, verdict = "", how
        if told is not None:
            try:
                found = float(figure.found(told))
                value, verdict = f"{found:.3g}{figure.unit}", "met" if figure.met(found) else "**missed**"
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                verdict = f"not measured: {type(error).__name__} {error}"
        rows.append((figure.what, value, figure.wanted, verdict, f"`{run.command}`"))
    return rows


def as_table(rows: list[tuple[str, ...]], machine: str) -> str:
    """Markdown: the table, and below it the machine."""
    head = ("what", "figure", "wanted", "", "command")
    cells = [[cell.replace("|", "/").replace("\n", " ") for cell in row] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *cells]]
    return "\n".join(lines) + f"\n\n{machine}\n"


def machine() -> str:
    """The processor, its cores, the memory, the system and Python."""
    facts = {}
    for place in (Path("/proc/cpuinfo"), Path("/proc/meminfo")):
        if place.is_file():
            pairs = (line.partition(":") for line in place.read_text().splitlines())
            facts |= {name.strip(): value.strip() for name, _, value in pairs if value}
    processor = facts.get("model name") or platform.processor() or platform.machine()
    memory = f", {int(facts['MemTotal'].split()[0]) / 1e6:.0f} GB" if "MemTotal" in facts else ""
    cores = os.cpu_count()
    return f"{processor}, {cores} cores{memory}; {platform.system()}, Python {platform.python_version()}"


def with_table(readme: str, table: str) -> str:
    """The page with the table between its two comments; SystemExit where they are not there once each."""
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        raise SystemExit(f"benchmarks/README.md must hold {BEGIN!r} and {END!r} once each; put them back")
    before, _, rest = readme.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table.strip()}\n\n{END}{rest.partition(END)[2]}"


def measure(runs: list[Run], longest: float = LONGEST) -> list[tuple[str, ...]]:
    """The rows of all benchmarks, each told as soon as it is known."""
    rows, began = [], time.monotonic()
    for run in runs:
        left = longest - (time.monotonic() - began)
        told, how = (
            told_by(run, left) if left > 1 else (None, f"not measured: {longest / 60:.0f} minutes are over")
        )
        found = rows_of(run, told, how)
        for row in found:
            print(" | ".join(row), flush=True)
        rows += found
    return rows


def main(only: str, dry: bool, write: bool) -> int:
    runs = [run for run in RUNS if only in run.command]
    if not runs:
        raise SystemExit(f"--only must be in a benchmark's command, but {only!r} is in none; see --dry")
    if only and write:
        raise SystemExit(f"--write must be of all rows, but --only {only} leaves some out; leave one out")
    if dry:
        print(as_table([row for run in runs for row in rows_of(run, None, "not run")], machine()))
        return 0
    before, began = os.getloadavg()[0], time.monotonic()
    rows = measure(runs)
    minutes, day = (time.monotonic() - began) / 60, time.strftime("%d %B %Y")
    loads = f"load {before:.1f} before and {os.getloadavg()[0]:.1f} after"
    table = as_table(
        rows, f"{day}, {minutes:.0f} minutes: {machine()}; {loads} (the benchmarks' own included)."
    )
    print("\n" + table)
    if write:
        readme = HERE / "README.md"
        page = with_table(readme.read_text("utf-8"), table)
        with replacing(readme) as place:
            place.write_text(page, "utf-8")
    return int(any(row[3].startswith("not measured") for row in rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="WORD", help="benchmarks with this in their command")
    parser.add_argument("--dry", action="store_true", help="what would be measured, with what is wanted")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    sys.exit(main(**vars(parser.parse_args())))
