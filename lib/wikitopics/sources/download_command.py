"""`wikitopics download`: bring files of Wikimedia Commons here, described and with their pictures."""

import argparse
import re
from pathlib import Path

import pandas as pd

from wikitopics.errors import UserError
from wikitopics.paths import root
from wikitopics.sources.action_api import ActionApi
from wikitopics.sources.article_topics_api import LIFTWING, topics_from_index, topics_from_model
from wikitopics.sources.commons_api import FILES, MANIFEST
from wikitopics.sources.download import GaveUp, download
from wikitopics.sources.file_details import HERE
from wikitopics.sources.harvest import Request, harvest
from wikitopics.sources.journal import held
from wikitopics.sources.manners import Manners
from wikitopics.sources.pace import ToldToWait
from wikitopics.sources.standard_widths import standard_width
from wikitopics.sources.web import Client

COMMONS = "https://commons.wikimedia.org/w/api.php"
HELP = """\
Fills data/downloads/NAME with files.parquet, categories.parquet (and topics.parquet), manifest.parquet and
the pictures. Notebook 01 reads it with source: commons_api and image_root, graph: data/downloads/NAME.

It can be stopped at any moment; the same command goes on where it was, what failed first. Limits are those
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
    download_ = commands.add_parser(
        "download",
        help="bring files of Wikimedia Commons here",
        description=HELP,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    download_.set_defaults(call=run)
    add = download_.add_argument
    add("name", metavar="NAME", help="folder below data/downloads")
    add("--category", default="", help="files in this category, and below it down to --depth")
    add("--list", type=Path, metavar="FILE", help="or these files: a text file with a title a line")
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
    add("--topics", choices=("index", "liftwing"), help="topics of those articles: search index, or LiftWing")
    add("--no-pictures", action="store_true", help="only the tables")
    add("--retry-failed", action="store_true", help="list the files that failed, and fetch only those")
    add("--contact", default="", help="your e-mail or web address; needed")
    add("--api", default=COMMONS, help="address of the wiki's api.php (default: %(default)s)")
    add("--articles-api", default="", help="of the articles' wiki (default: https://WIKI/w/api.php)")
    add("--model", default=LIFTWING, help=argparse.SUPPRESS)


def run(options: argparse.Namespace, manners: Manners | None = None) -> int:
    """Download as the options say; the exit code. `manners`: others than the usual ones."""
    request, folder = request_of(options), root() / "data" / "downloads" / options.name
    width = standard_width(options.width)
    if width != options.width:
        print(f"width {width}: the next standard width above {options.width}")
    with held(folder), Client(manners or Manners(options.contact)) as client:
        api = ActionApi(client, options.api)
        _tell(harvest(request, api, folder))
        files = pd.read_parquet(folder / FILES, columns=["title", "articles"])
        if options.topics:
            _tell(_topics(options, client, files, folder))
        if options.no_pictures:
            return 0
        if options.retry_failed:
            _list_failed(folder / MANIFEST)
        titles = list(dict.fromkeys([*files["title"], *request.titles]))
        return _pictures(titles, api, folder, width, options.retry_failed)


def request_of(options: argparse.Namespace) -> Request:
    """What is asked for; UserError where the options say neither or both of category and list."""
    if bool(options.category) == bool(options.list):
        raise UserError("a download needs one of --category and --list, but has both or none; give one")
    if not re.fullmatch(r"\w[\w.-]*", options.name):
        raise UserError(
            f"NAME must be letters, digits, dots and dashes, since it names a folder, but is "
            f"{options.name!r}; choose another"
        )
    if min(options.depth, options.max_files, options.levels_up) < 0:
        raise UserError(
            "--depth, --max-files and --levels-up must be at least 0, but one is negative; raise it"
        )
    if options.topics and not options.articles:
        raise UserError("--topics needs articles, but --articles is not given; name a wiki")
    if options.list and not options.list.is_file():
        raise UserError(f"--list must be a text file of titles, but {options.list} is none; correct the path")
    lines = options.list.read_text("utf-8").splitlines() if options.list else []
    titles = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    numbers = {"depth": options.depth, "max_files": options.max_files, "levels_up": options.levels_up}
    return Request(options.api, options.category, titles, articles=options.articles, **numbers)


def _topics(options: argparse.Namespace, client: Client, files: pd.DataFrame, folder: Path) -> dict[str, int]:
    articles = sorted({article for articles in files["articles"] for article in articles})
    here = options.articles == HERE
    if options.topics == "index":
        address = options.articles_api or (options.api if here else f"https://{options.articles}/w/api.php")
        return topics_from_index(articles, ActionApi(client, address), folder)[1]
    language = "en" if here else options.articles.split(".")[0]
    return topics_from_model(articles, client, folder, language, options.model)[1]


def _pictures(titles: list[str], api: ActionApi, folder: Path, width: int, only_failed: bool) -> int:
    try:
        counts = download(titles, api, folder, width, only_failed)
    except (GaveUp, ToldToWait) as stop:
        raise UserError(
            f"a server must be left alone when it cannot go on, and this one cannot ({stop}); "
            "the same command goes on later where it was"
        ) from None
    _tell(counts)
    return int(bool(counts.get("failed") or counts.get("waiting")))


def _list_failed(manifest: Path) -> None:
    rows = pd.read_parquet(manifest) if manifest.exists() else pd.DataFrame(columns=["status"])
    for row in rows[rows["status"] == "failed"].itertuples():
        print(f"{row.title}: {row.reason} ({row.detail}), tried {row.attempts} times")


def _tell(counts: dict[str, int]) -> None:
    if counts:
        print(", ".join(f"{what}: {count:,}" for what, count in counts.items()))
