"""`wikitopics export`: a model, what its scores mean and what is known of it; or its pictures and labels."""

import argparse
import time
from pathlib import Path

from wikitopics.commands.parsers import add_command, print_done
from wikitopics.errors import UserError

HELP = """\
Writes one folder (DIR) or zip (FILE.zip) that works without this project's data: the model's weights, and the
model as .keras, ONNX and TFLite for other programs, each checked against the run's own scores on real
pictures; labels, thresholds and calibration;
parameters and records of the runs that made it; figures with intervals; a model card and a data card filled
from those records; checksums.

`wikitopics score PICTURES --model FILE.zip --out OUT.parquet` uses it.

With --dataset it writes a new folder of the pictures and labels instead, which `datasets.load_dataset`
opens: shards of Parquet, a card, Croissant. What no licence allows to pass on is left out and counted.
Nothing is sent anywhere."""
DATASET, MODEL = ("labels", "imagefolder"), ("evaluation", "formats")  # options of one of the two alone


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    export = add_command(commands, "export", run, HELP)
    export.add_argument(
        "model", metavar="RUN", help="a finished run of 03_train; with --dataset also of 02_images"
    )
    export.add_argument(
        "--evaluation",
        metavar="RUN",
        help="the run of 04_evaluate that judged it (default: the model's name)",
    )
    export.add_argument(
        "--out", type=Path, required=True, metavar="PATH", help="a new folder, or a file that ends in .zip"
    )
    export.add_argument(
        "--formats",
        type=lambda names: names.split(","),
        metavar="LIST",
        help="model files for other programs, any of keras,onnx,tflite (default: all that can be made here)",
    )
    export.add_argument("--dataset", action="store_true", help="the pictures and their labels, not the model")
    export.add_argument(
        "--labels",
        metavar="RUN",
        default="",
        help="with --dataset: the labels of a run of 02_images that has several",
    )
    export.add_argument(
        "--imagefolder",
        action="store_true",
        help="with --dataset: files in a folder a split with metadata.csv, instead of Parquet",
    )


def run(options: argparse.Namespace) -> int:
    """Export as the options say; the exit code."""
    odd = next((name for name in (MODEL if options.dataset else DATASET) if getattr(options, name)), None)
    if odd:
        raise UserError(
            f"--{odd} must stand {'without' if options.dataset else 'beside'} --dataset, but does not; "
            f"leave {'one of them' if options.dataset else f'--{odd}'} out"
        )
    return _export_dataset(options) if options.dataset else _export_model(options)


def _export_dataset(options: argparse.Namespace) -> int:
    from wikitopics.export.publish import export_dataset

    started = time.monotonic()
    form = "imagefolder" if options.imagefolder else "parquet"
    counts, chosen = export_dataset(options.model, options.out, options.labels, form)
    for split, count in counts.items():
        print(f"{split}: {count['pictures']:,} pictures, {count['as_found']:,} of them files as found")
    for reason, number in chosen.reasons().items():
        print(f"left out: {number:,}, {reason}")
    print_done({}, options.out, started)
    return 0


def _export_model(options: argparse.Namespace) -> int:
    from wikitopics.export.convert import FORMATS, missing_packages
    from wikitopics.export.export import export_run

    started = time.monotonic()
    made = export_run(options.model, options.out, options.evaluation, options.formats)
    for name, difference in made["checked"]["largest_difference"].items():
        size = made["bytes"][name] / 1e6
        print(f"model.{name}: {size:.1f} MB, scores differ by at most {difference:.0e} from the run's")
    for name in FORMATS if options.formats is None else ():
        if missing_packages(name):
            needed = " and ".join(missing_packages(name))
            print(f"model.{name} was left out: it needs {needed} (`pip install -e '.[export]'`)")
    print_done({}, options.out, started)
    return 0
