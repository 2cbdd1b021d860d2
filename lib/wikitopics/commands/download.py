"""`wikitopics download`: bring files of Wikimedia Commons here, described and with their pictures."""

import argparse
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pandas as pd

from wikitopics.commands.parsers import add_command, add_shared
from wikitopics.errors import UserError
from wikitopics.paths import root
from wikitopics.sources.commons_api import COMMONS, FILES
from wikitopics.sources.online.action_api import ActionApi
from wikitopics.sources.online.article_topics import LIFTWING, topics_from_index, topics_from_model
from wikitopics.sources.online.download import download, polite_client, rests
from wikitopics.sources.online.harvest import Request, harvest
from wikitopics.sources.online.http import Client
from wikitopics.sources.online.kept_answers import kept_answers
from wikitopics.sources.online.structured_data import WIKIDATA
from wikitopics.sources.online.topic_files import list_files, read_categories
from wikitopics.sources.online.wiki_pages import HERE, standard_width
from wikitopics.sources.reading import MANIFEST
from wikitopics.sources.table_cells import as_text
from wikitopics.sources.tables import is_table, read_lines, read_table
from wikitopics.titles import category_title, file_title, names_a_file

HELP = """\
Fills data/downloads/NAME with files.parquet, categories.parquet (topics.parquet, items.parquet),
manifest.parquet and the pictures. Notebook 01 reads it with source: commons_api and image_root, graph:
data/downloads/NAME.

It can be stopped at any moment; the same command goes on where it was, what failed last. Limits are those
of Wikimedia's robot policy: two connections, 25 Mbit/s, standard widths, and an address to complain to."""
EXAMPLES = """\
examples:
  wikitopics download owls --category Owls --depth 2 --contact me@example.org
  wikitopics download mine --list titles.txt --width 500 --contact https://example.org/me
  wikitopics download owls --category Owls --depth 2 --articles en.wikipedia.org --topics index --contact ...
  wikitopics download owls --category Owls --depth 2 --retry-failed --contact ...

exit code: 0 every file has its picture or a reason why it has none, 1 some can be tried again, 2 a mistake"""


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Add the command to the command line."""
    parser = add_command(commands, "download", run, HELP, EXAMPLES)
    add = parser.add_argument
    add("name", metavar="NAME", help="folder below data/downloads")
    add("--category", default="", help="files in this category, and below it down to --depth")
    add("--list", type=Path, metavar="FILE", help="or these: a title or address a line, or a table")
    add("--categories", type=Path, metavar="FILE", help="or of many: a table of topic, category, max_files")
    add("--depth", type=int, default=0, help="levels of subcategories (default: %(default)s)")
    add("--max-files", type=int, default=0, metavar="N", help="stop the walk at so many files (default: all)")
    add(
        "--levels-up",
        type=int,
        default=0,
        metavar="N",
        help="levels of categories above (default: to the root)",
    )
    add(
        "--width",
        type=int,
        default=330,
        help="pixels; the next standard width is taken (default: %(default)s)",
    )
    add(
        "--articles", default="", metavar="WIKI", help="note the articles of this wiki, e.g. en.wikipedia.org"
    )
    add("--depicts", action="store_true", help="note the items of Wikidata that the files depict")
    add("--topics", choices=("index", "liftwing"), help="topics of those articles: search index, or LiftWing")
    only = parser.add_mutually_exclusive_group().add_argument
    only("--no-pictures", action="store_true", help="only the tables")
    only("--only-pictures", action="store_true", help="no tables, for a list whose tables come from a dump")
    add(
        "--retry-failed",
        action="store_true",
        help="list the files that failed, and fetch only those, at once",
    )
    add_shared(parser, "--contact")
    add_shared(parser, "--api", default=COMMONS)
    add("--articles-api", default="", help="of the articles' wiki (default: https://WIKI/w/api.php)")
    add("--items-api", default=WIKIDATA, help=argparse.SUPPRESS)
    add("--model", default=LIFTWING, help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Download as the options say; the exit code."""
    request, folder = request_of(options), root() / "data" / "downloads" / options.name
    if request.width != options.width:
        print(f"width {request.width}: the next standard width above {options.width}")
    with polite_client(options.contact, folder) as client:
        titles = list(request.titles) if options.only_pictures else _tables(options, request, client, folder)
        api = ActionApi(client, options.api)
        return 0 if options.no_pictures else _pictures(titles, api, folder, request.width, options)


def _tables(options: argparse.Namespace, request: Request, client: Client, folder: Path) -> list[str]:
    """Titles of the files described, and of those asked for that have no description."""
    with kept_answers(folder) as asking:
        api, items = asking(client, options.api), asking(client, options.items_api)
        if options.categories:
            titles, told = list_files(read_categories(options.categories), api, folder)
            print("\n".join(told))
            request = replace(request, titles=tuple(titles))
        _tell(harvest(request, api, folder, items))
    files = pd.read_parquet(folder / FILES, columns=["title", "articles"])
    if options.topics:
        _tell(_topics(options, client, files, folder))
    return list(dict.fromkeys([*files["title"], *request.titles]))


def _topics(options: argparse.Namespace, client: Client, files: pd.DataFrame, folder: Path) -> dict[str, int]:
    articles = sorted({article for articles in files["articles"] for article in articles})
    here = options.articles == HERE
    if options.topics == "index":
        address = options.articles_api or (options.api if here else f"https://{options.articles}/w/api.php")
        return topics_from_index(articles, ActionApi(client, address), folder)[1]
    language = "en" if here else options.articles.split(".")[0]
    return topics_from_model(articles, client, folder, language, options.model)[1]


def _pictures(
    titles: list[str], api: ActionApi, folder: Path, width: int, options: argparse.Namespace
) -> int:
    if options.retry_failed:
        _list_failed(folder / MANIFEST)
    counts = download(titles, api, folder, width, options.retry_failed)
    _tell(counts)
    _tell_resting(folder / MANIFEST)
    return int(bool(counts.get("failed") or counts.get("waiting")))


def _tell_resting(manifest: Path) -> None:
    """How many files are left alone for a while, and until when."""
    table = pd.read_parquet(manifest, columns=["status", "rests_until"])
    resting = [row["rests_until"] for row in table.to_dict("records") if rests(row)]
    if resting:
        first = datetime.fromtimestamp(min(resting)).strftime("%Y-%m-%d %H:%M")
        print(f"{len(resting):,} of those that failed rest, one until {first}; --retry-failed asks at once")


def _list_failed(manifest: Path) -> None:
    rows = pd.read_parquet(manifest) if manifest.exists() else pd.DataFrame(columns=["status"])
    for row in rows[rows["status"] == "failed"].itertuples():
        print(f"{row.title}: {row.reason} ({row.detail}), tried {row.attempts} times")


def _tell(counts: dict[str, int]) -> None:
    if counts:
        print(", ".join(f"{what}: {count:,}" for what, count in counts.items()))


def request_of(options: argparse.Namespace) -> Request:
    """The request that the options make; UserError where they do not fit together."""
    given = [name for name in ("category", "list", "categories") if getattr(options, name)]
    if len(given) != 1:
        has = " and ".join(f"--{name}" for name in given) or "none"
        raise UserError(
            f"a download needs one of --category, --list and --categories, but has {has}; give one"
        )
    if not re.fullmatch(r"\w[\w.-]*", options.name):
        raise UserError(
            "NAME must be letters, digits, dots and dashes, since it names a folder, but is "
            f"{options.name!r}; choose another"
        )
    if min(options.depth, options.max_files, options.levels_up) < 0:
        raise UserError(
            "--depth, --max-files and --levels-up must be at least 0, but one is negative; raise it"
        )
    if options.categories and options.max_files:
        raise UserError(
            "--max-files must be left out with --categories, whose column max_files says it of each, but is "
            f"{options.max_files}; write it there"
        )
    if options.topics and not options.articles:
        raise UserError("--topics needs articles, but --articles is not given; name a wiki")
    if options.only_pictures and not options.list:
        raise UserError("--only-pictures needs a list of files, but --list is not given; name one")
    titles = listed(options.list) if options.list else ()
    numbers = {"depth": options.depth, "max_files": options.max_files, "levels_up": options.levels_up}
    width = standard_width(options.width)
    category = category_title(options.category) if options.category else ""
    asked = {"articles": options.articles, "width": width, "depicts": options.depicts}
    return Request(options.api, category, titles, **asked, **numbers)


def listed(path: Path) -> tuple[str, ...]:
    """The titles of a list, each once: a file of Commons a line, as `titles.file_title` reads it, or a table
    with `title` (or `image`, as Wikidata's query service names it).

    Raises UserError for a list that cannot be read, and for a line that names no file.
    """
    lines = _column(path) if is_table(path) else read_lines(path, "--list")
    if lines and lines[0].lower() in ("title", "image"):  # the name of a column, saved as text
        lines = lines[1:]
    _check_one_a_line(lines)
    titles = tuple(dict.fromkeys(file_title(line) for line in lines if line.strip()))
    if not titles:
        raise UserError(f"--list must name files, but {path} names none; write a title a line")
    return titles


def _column(path: Path) -> list[str]:
    """The column of a table that names files: of `title` and `image` the one whose cells are addresses."""
    table = read_table(path, "--list", known=["title", "image"])
    columns = {
        name: [as_text(name, cell) for cell in table[name]] for name in ("title", "image") if name in table
    }
    if not columns:
        return [as_text("title", cell) for cell in read_table(path, "--list", ["title"])["title"]]
    return max(columns.values(), key=lambda cells: sum(map(names_a_file, cells)))


def _check_one_a_line(lines: list[str]) -> None:
    for line in lines:
        first, *others = re.split(r"[\t,;]", line)
        if "\t" in line or (names_a_file(first) and any(map(names_a_file, others))):
            raise UserError(f"--list must name one file a line, but one is {line[:100]!r}; divide it")
