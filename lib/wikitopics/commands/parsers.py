"""What the parsers of several commands share, and what several commands say when they are done."""

import argparse
import time
from collections.abc import Callable
from typing import Any

Run = Callable[[argparse.Namespace], int]

# Options that mean the same in several commands.
SHARED: dict[str, dict[str, Any]] = {
    "--model": {
        "required": True,
        "metavar": "RUN",
        "help": "a finished run of 03_train, or a bundle of `export`",
    },
    "--jobs": {
        "type": int,
        "default": 0,
        "metavar": "N",
        "help": "processes that decode (default: half of the cores)",
    },
    "--contact": {"default": "", "help": "your e-mail or web address; needed"},
    "--api": {"help": "address of the wiki's api.php (default: %(default)s)"},
}


def add_command(
    commands: argparse._SubParsersAction, name: str, run: Run, description: str, epilog: str | None = None
) -> argparse.ArgumentParser:
    """The parser of `wikitopics NAME`, which has `run` called with the options; texts keep their lines."""
    parser = commands.add_parser(
        name,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(call=run)
    return parser


def add_shared(parser: argparse._ActionsContainer, name: str, **changes: Any) -> None:
    """Add the option `name` of SHARED, with what is different in this command."""
    parser.add_argument(name, **SHARED[name] | changes)


def print_done(counts: dict[str, int], out: Any, started: float) -> None:
    """Print the counts of what was done since `started` (time.monotonic()), if any, and where it went."""
    if counts:
        print(", ".join(f"{number:,} {what}" for what, number in counts.items()))
    print(f"written to {out} in {time.monotonic() - started:.1f} s")
