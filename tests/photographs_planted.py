"""The sample's pictures as photographs of Commons: in categories of quality images, with what they depict.

For a real MediaWiki; what it lacks (structured data, the search index) is answered by rules of a proxy.
"""

import json
from functools import cache
from urllib.parse import parse_qs

import pandas as pd

from mediawiki import content
from mediawiki.content import Page
from proxy_replies import Reply, Seen
from wikitopics.commands.photographs import LIST, experiment
from wikitopics.labels.label_sources import graph_for, label_from
from wikitopics.paths import sample_folder
from wikitopics.sources import open_source
from wikitopics.sources.online.http import Manners
from wikitopics.sources.online.topic_files import Row, read_categories

GONE, MOVED = "Quality images of food", "Old maps"  # of the list; the second is a redirect here
NEW_NAME = "Maps that are old"
QUICK = Manners("tests@example.org", api_pause=0, slow_pause=0, first_wait=0.05, attempts=3)
KINDS = (".png", ".webp", ".jpg")


def photographs(count: int) -> pd.DataFrame:
    """`count` rows of the sample that have a topic of the list, spread over it, and the row it is in."""
    rows: dict[str, list[Row]] = {}
    for row in read_categories(experiment() / LIST):
        if row.category != GONE:
            rows.setdefault(row.topic, []).append(row)
    files = content.sample_files(2_000)
    files = files[(files["kind"] != "hostile") & files["title"].str.endswith(KINDS)]
    known = _labels().reindex(files["title"])
    topic = [next((name for name in reversed(labels) if name in rows), "") for labels in known]
    files = files.assign(topic=topic)[lambda table: table["topic"] != ""].reset_index(drop=True)
    files = files.iloc[:: max(1, len(files) // count)][:count].reset_index(drop=True)
    listed = [rows[name][number % len(rows[name])] for number, name in enumerate(files["topic"])]
    return files.assign(listed=[row.category for row in listed])


@cache
def _labels() -> pd.Series:
    """The labels of the sample's files by their categories."""
    sample = open_source("sample")
    labels = label_from("commons", sample.files(), graph=graph_for("commons", "", sample)).labels
    return labels.set_index("title")["labels"]


def pages(files: pd.DataFrame) -> list[Page]:
    """Categories and articles around the files; one listed category is gone, one has another name."""
    above = content.category_pages(content.edges_above(files))
    there = {page.title for page in above} | {f"Category:{MOVED}"}
    listed = dict.fromkeys(f"Category:{name}" for name in files["listed"])
    quality = [Page(title, "[[Category:CommonsRoot]]") for title in listed if title not in there]
    quality += [
        Page(f"Category:{MOVED}", f"{{{{Category redirect|{NEW_NAME}}}}}"),
        Page(f"Category:{NEW_NAME}", "[[Category:CommonsRoot]]"),
    ]
    return [*content.furniture(), *quality, *above]


def in_categories(files: pd.DataFrame) -> pd.DataFrame:
    """The files, each in its category of the list too, by that category's present name."""
    names = files["listed"].replace({MOVED: NEW_NAME})
    return files.assign(categories=[[*of, name] for of, name in zip(files["categories"], names, strict=True)])


def wikibase(files: pd.DataFrame):
    """A rule that answers wbgetentities: each file depicts what its first category is about."""
    category = {row.title: row.categories[0] for row in files.itertuples() if len(row.categories)}
    number = {name: n for n, name in enumerate(dict.fromkeys(category.values()), 1)}
    name_of = {f"Q{n}": name for name, n in number.items()}

    def answer(seen: Seen) -> Reply | None:
        asked = parse_qs(seen.body.decode())
        if asked.get("action") != ["wbgetentities"]:
            return None
        if "titles" in asked:
            titles = asked["titles"][0].split("|")
            said = {
                f"M{n}": _file(title, number.get(category.get(title[5:]))) for n, title in enumerate(titles)
            }
        else:
            said = {item: _item(name_of.get(item)) for item in asked["ids"][0].split("|")}
        return _says({"entities": said, "success": 1})

    return answer


def _file(title: str, number: int | None) -> dict:
    value = {"entity-type": "item", "numeric-id": number, "id": f"Q{number}"}
    snak = {"snaktype": "value", "property": "P180", "datavalue": {"value": value}}
    statements = {"P180": [{"mainsnak": snak, "rank": "normal"}]} if number else []
    return {"title": title, "statements": statements}


def _item(category: str | None) -> dict:
    if category is None:
        return {"missing": ""}
    links = {"commonswiki": {"title": f"Category:{category}"}}
    return {"sitelinks": links, "labels": {"en": {"value": category.lower()}}}


def search_index(seen: Seen) -> Reply | None:
    """A rule that answers prop=cirrusdoc: the topics that the sample's articles have."""
    asked = parse_qs(seen.body.decode())
    if asked.get("prop") != ["cirrusdoc"]:
        return None
    pages = [
        {"title": title, "ns": 0, "cirrusdoc": [{"source": {"weighted_tags": _tags().get(title, [])}}]}
        for title in asked["titles"][0].split("|")
    ]
    return _says({"batchcomplete": True, "query": {"pages": pages}})


@cache
def _tags() -> dict[str, list[str]]:
    table = pd.read_csv(sample_folder() / "articles.csv")
    tags: dict[str, list[str]] = {}
    for row in table.itertuples():
        name = row.topic.replace(" ", "_")
        tags.setdefault(row.article, []).append(
            f"classification.prediction.articletopic/{name}|{round(1000 * row.score)}"
        )
    return tags


def _says(answer: dict) -> Reply:
    return Reply(200, {"Content-Type": "application/json"}, json.dumps(answer).encode())
