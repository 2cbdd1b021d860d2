"""`wikitopics export`: one folder or zip with a model, what its scores mean, and what is known of it."""

import argparse
import time
from pathlib import Path

from wikitopics.commands.parsers import add_command, print_done

HELP = """\
Writes one folder (DIR) or zip (FILE.zip) that works without this project's data: the model's weights, and the
model as .keras, ONNX and TFLite for other programs, each checked against the run's own scores on real
pictures; labels, thresholds and calibration;
parameters and records of the runs that made it; figures with intervals; a model card and a data card filled
from those records; checksums.

`wikitopics score PICTURES --model FILE.zip --out OUT.parquet` uses it."""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    export = add_command(commands, "export", run, HELP)
    export.add_argument("model", metavar="RUN", help="a finished run of 03_train")
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


def run(options: argparse.Namespace) -> int:
    """Export as the options say; the exit code."""
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
