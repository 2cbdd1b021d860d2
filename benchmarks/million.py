"""A million small pictures, each different, from their files through 01 to 06.

    python benchmarks/million.py FOLDER [--quick] [--pictures 1000000] [--dask PART]

Draws pictures of 64 to 96 pixels whose labels can be seen (shapes, colours, grain) into FOLDER, runs the
notebooks 01 to 06 on them there, and prints what each step took: clock, CPU, its largest process, disk. What
is done is not done again, so a run that was stopped goes on. With `--dask PART` the first PART pictures are
decoded and scored once more, by one process and by two Dask workers, and the files' SHA-256 are compared.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import explain  # noqa: F401
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from PIL import Image, ImageDraw
from stopwatch import cpu_seconds

from wikitopics.artefacts import read_json, replacing, write_json

FULL, QUICK, AT_ONCE = 1_000_000, 20_000, 1000
SIDE, SEEN = 64, 32  # pixels of a side that are kept, and that the network sees
SHAPES, GRAIN = ("disc", "box", "spike", "stripes"), "grain"
INKS = {"red": (200, 30, 40), "green": (30, 150, 60), "blue": (40, 60, 200)}
PARAMS = {
    "01_labels": "source: table\nlabel_source: given\ntable: files.csv\nimage_root: pictures",
    "02_images": f"labels: [million]\nlabelled_by: any\nstore_size: {SIDE}\nstore: jpeg\njobs: 2",
    "03_train": "images: million\nlabels: million\nlabels_top: 0\nbackbone: EfficientNetLite0\n"
    f"image_size: {SEEN}\nseeds: 2\nepochs: 5",
    "04_evaluate": "model: million",
    "05_compare": "evaluations: [million]",
    "06_score": "evaluation: million\ninputs: [pictures]\ngroup_by: folder",
}
MADE = re.compile(r"made in (.+?) \(processor (.+?), ([\d,]+) MB\)")


# --- Pictures: shapes in one of three inks on a field of soft colours, grainy or not


def picture(number: int, seed: int = 0) -> tuple[Image.Image, list[str]]:
    """The picture of this number and its labels; no two numbers have the same."""
    rng = np.random.default_rng([seed, number])
    width, height = (int(side) for side in rng.integers(64, 97, 2))
    soft = rng.integers(90, 256, (6, 6, 3), np.uint8)
    image = Image.fromarray(soft).resize((width, height), Image.Resampling.BICUBIC)
    ink = str(rng.choice(list(INKS)))
    shapes = [name for name in SHAPES if rng.random() < 0.35]
    draw = ImageDraw.Draw(image)
    for name in shapes:
        _draw(draw, name, rng, (width, height), INKS[ink])
    grainy = rng.random() < 0.3
    if grainy:
        grain = rng.normal(0, 12, (height, width, 1))
        image = Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))
    return image, [*shapes, *([ink] if shapes else []), *([GRAIN] if grainy else [])]


def _draw(draw: ImageDraw.ImageDraw, name: str, rng: np.random.Generator, size, ink) -> None:
    side = int(rng.integers(18, 40))
    x, y = int(rng.integers(0, size[0] - side)), int(rng.integers(0, size[1] - side))
    box = (x, y, x + side, y + side)
    if name == "disc":
        draw.ellipse(box, ink)
    elif name == "box":
        draw.rectangle(box, ink)
    elif name == "spike":
        draw.polygon([(x, y + side), (x + side, y + side), (x + side // 2, y)], ink)
    else:
        for line in range(x, x + side, 6):
            draw.rectangle((line, y, line + 2, y + side), ink)


def make_some(folder: Path, start: int) -> None:
    """Write AT_ONCE pictures and, last, the table of their labels; nothing if that is there."""
    table = folder / "tables" / f"{start:08}.csv"
    if table.exists():
        return
    place = folder / "pictures" / f"{start:08}"
    place.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(start, start + AT_ONCE):
        image, labels = picture(number)
        name = f"{start:08}/{number:08}.jpg"
        image.save(folder / "pictures" / name, quality=80)
        rows.append((name, "|".join(labels)))
    with replacing(table) as part:
        pd.DataFrame(rows, columns=["path", "labels"]).to_csv(part, index=False)


def make(folder: Path, count: int) -> None:
    """All pictures, and files.csv that names them."""
    starts = range(0, count, AT_ONCE)
    Parallel(2)(delayed(make_some)(folder, start) for start in starts)
    tables = [pd.read_csv(folder / "tables" / f"{start:08}.csv") for start in starts]
    pd.concat(tables).to_csv(folder / "files.csv", index=False)


# --- The road, a step at a time


def walk(folder: Path, count: int) -> dict[str, dict]:
    """What each step took, by its name; steps that were made before are as they were told then."""
    known = folder / "steps.json"
    steps = read_json(known) if known.exists() else {}
    if steps.get("make", {}).get("pictures") != count:
        wall, cpu = time.perf_counter(), cpu_seconds()
        make(folder, count)
        used = {"clock": round(time.perf_counter() - wall), "CPU": round(cpu_seconds() - cpu)}
        steps["make"] = {"pictures": count} | used | {"disk": disk(folder / "pictures")}
        write_json(known, steps)
    for stage, text in PARAMS.items():
        params = folder / "params" / stage / "million.yaml"
        params.parent.mkdir(parents=True, exist_ok=True)
        params.write_text(f"run: million\n{text}\n", "utf-8")
    for stage in PARAMS:
        taken = step(folder, stage)
        if taken:
            steps[stage] = taken
            write_json(known, steps)
    return steps


def step(folder: Path, stage: str) -> dict[str, str | int] | None:
    """What making the run of a stage took; None where it was made already.

    clock, CPU: of the notebook; planning: CPU of the command before it, which reads what changed; MB: the
    largest process; disk: MB that came to FOLDER/data.
    """
    before, planned = disk(folder / "data"), sum(os.times()[2:4])
    command = [sys.executable, "-m", "wikitopics", "run", "--root", str(folder), f"{stage}/million"]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    print(said, flush=True)
    if not (found := MADE.search(said)):
        return None
    taken = dict(zip(("clock", "CPU", "MB"), found.groups(), strict=True))
    planned = round(sum(os.times()[2:4]) - planned, 1)
    return taken | {"planning": f"{planned} s", "disk": disk(folder / "data") - before}


def disk(folder: Path) -> int:
    """Megabytes that the files of a folder take on the disk."""
    return sum(path.stat().st_blocks for path in folder.rglob("*") if path.is_file()) // 2048


# --- The same by one process and by two Dask workers


def by_dask(folder: Path, count: int) -> dict[str, str]:
    """SHA-256 of what one process and two workers make of the first `count` pictures: name -> digest."""
    from distributed import LocalCluster

    digests = {}
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        for name, address in {"one process": "", "two workers": cluster.scheduler_address}.items():
            place = folder / name.replace(" ", "_")
            command = [sys.executable, __file__, str(folder), "--part", str(count), "--to", str(place)]
            subprocess.run([*command, "--scheduler", address], check=True)
            files = sorted(path for path in place.rglob("*") if path.suffix in (".arrow", ".parquet"))
            digest = hashlib.sha256(b"".join(hashlib.sha256(one.read_bytes()).digest() for one in files))
            digests[name] = f"{len(files)} files, {digest.hexdigest()}"
    return digests


def decode_and_score(folder: Path, count: int, place: Path, scheduler: str) -> None:
    """The first `count` pictures as squares and as topics, by one process or the cluster there."""
    os.environ["WIKITOPICS_ROOT"] = str(folder)
    from wikitopics.images.decode import Recipe
    from wikitopics.images.image_set import decode_files
    from wikitopics.images.parallel import forget
    from wikitopics.scoring.api import runs_of
    from wikitopics.scoring.shards import score_files
    from wikitopics.sources import open_source

    source = open_source("table", table="files.csv", image_root="pictures")
    files = source.files()[:count]
    decode_files(files, source, Recipe(SIDE), place / "squares", 1, scheduler)
    forget(place)
    model, evaluation = runs_of("million")
    paths = [str(folder / "pictures" / path) for path in files["path"]]
    score_files(model, paths, place / "topics.parquet", evaluation, jobs=1, shard=1024, dask=scheduler)


def main(options: argparse.Namespace) -> None:
    folder = options.folder.absolute()
    if options.part:
        return decode_and_score(folder, options.part, options.to, options.scheduler)
    wanted = options.pictures or (QUICK if options.quick else FULL)
    count = -(-wanted // AT_ONCE) * AT_ONCE
    steps = walk(folder, count)
    print(pd.DataFrame(steps).T.fillna("").to_string())
    overall = read_json(folder / "data/04_evaluate/million/metrics.json")["overall"]
    found = {row["metric"]: row["value"] for row in overall if row["metric"] in ("macro roc_auc", "micro f1")}
    if options.dask:
        found["dask"] = digests = by_dask(folder, options.dask)
        print(digests, "the same" if len({*digests.values()}) == 1 else "NOT the same")
    print(json.dumps({"pictures": count, "steps": steps} | found))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} pictures")
    parser.add_argument("--pictures", type=int, default=0, help=f"how many (default: {FULL:,})")
    parser.add_argument("--dask", type=int, default=0, metavar="PART")
    for hidden, kind in {"--part": int, "--to": Path, "--scheduler": str}.items():  # of a process of its own
        parser.add_argument(hidden, type=kind, help=argparse.SUPPRESS)
    main(parser.parse_args())
