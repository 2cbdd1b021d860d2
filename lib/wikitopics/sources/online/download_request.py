"""What `wikitopics download` is asked for: its options checked, its list of files read."""

import argparse
import re
from pathlib import Path

import pandas as pd

from wikitopics.errors import UserError
from wikitopics.sources.dumps.wit_rows import title_of_url
from wikitopics.sources.files import mediawiki_title
from wikitopics.sources.online.harvest import Request
from wikitopics.sources.online.standard_widths import standard_width


def request_of(options: argparse.Namespace) -> Request:
    """The request that the options make; UserError where they do not fit together."""
    if bool(options.category) == bool(options.list):
        raise UserError("a download needs one of --category and --list, but has both or none; give one")
    if not re.fullmatch(r"\w[\w.-]*", options.name):
        raise UserError(
            "NAME must be letters, digits, dots and dashes, since it names a folder, but is "
            f"{options.name!r}; choose another"
        )
    if min(options.depth, options.max_files, options.levels_up) < 0:
        raise UserError(
            "--depth, --max-files and --levels-up must be at least 0, but one is negative; raise it"
        )
    if options.topics and not options.articles:
        raise UserError("--topics needs articles, but --articles is not given; name a wiki")
    if options.only_pictures and not options.list:
        raise UserError("--only-pictures needs a list of files, but --list is not given; name one")
    titles = listed(options.list) if options.list else ()
    numbers = {"depth": options.depth, "max_files": options.max_files, "levels_up": options.levels_up}
    width = standard_width(options.width)
    return Request(options.api, options.category, titles, articles=options.articles, width=width, **numbers)


def listed(path: Path) -> tuple[str, ...]:
    """The titles of a list, each once: a title or address of a Commons file a line, or Parquet with `title`.

    Raises UserError for a list that cannot be read, or an address that is none of a Commons file's.
    """
    if not path.is_file():
        raise UserError(f"--list must be a text file of titles, but {path} is none; correct the path")
    try:
        if path.suffix == ".parquet":
            lines = pd.read_parquet(path, columns=["title"])["title"].tolist()
        else:
            lines = path.read_text("utf-8-sig").splitlines()
    except (ValueError, OSError) as error:  # not UTF-8, no Parquet, no such column
        raise UserError(
            f"--list must be text in UTF-8, or Parquet with a column title, but {path} cannot be read "
            f"({str(error).splitlines()[0]}); save it again"
        ) from None
    return tuple(dict.fromkeys(_title(line.strip()) for line in lines if line.strip()))


def _title(line: str) -> str:
    if not re.match("https?://", line):
        return mediawiki_title(line)
    title = title_of_url(line)
    if title is None:
        raise UserError(
            f"an address must be that of a file of Wikimedia Commons, but is {line[:100]!r}; "
            "write the file's title instead"
        )
    return title
