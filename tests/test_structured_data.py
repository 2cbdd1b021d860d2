"""What files depict, asked of wikis: their answers as documented, and the way to labels."""

import json

import pandas as pd
import pytest

from depicts_planted import entity, item, none
from wikitopics.errors import UserError
from wikitopics.labels.label_sources import graph_for, items_for, label_from
from wikitopics.sources import open_source
from wikitopics.sources.online.action_api import ActionApi, understood
from wikitopics.sources.online.harvest import REQUEST, Request, harvest
from wikitopics.sources.online.http import Answer
from wikitopics.sources.online.structured_data import depicted_by, items_asked

PARENTS = {"Cats": ["Animalia"], "Animalia": ["Topics"], "Topics": ["CommonsRoot"], "Views": ["Topics"]}
MOVED = {"Felines": "Cats"}  # a category that is a redirect
DEPICTED = {
    "Tom.png": [item(146), item(99)],
    "Old.png": [item(11, "preferred"), item(146)],
    "None.png": [none("somevalue")],
}
ITEMS = {
    "Q146": {"commonswiki": "Category:Cats"},
    "Q12": {"commonswiki": "Category:Felines"},
    "Q99": {"commonswiki": "A gallery"},
}


class Wiki(ActionApi):
    """Answers as MediaWiki and Wikibase give them, without a network; `asked`: what it was asked."""

    def __init__(self) -> None:
        super().__init__(None, "the wiki of this test")
        self.asked: list[dict] = []

    def ask(self, parameters: dict) -> dict:
        self.asked.append(parameters)
        if parameters["action"] == "wbgetentities":
            said = {"entities": dict(map(self.entity, self.names(parameters))), "success": 1}
        else:
            said = {"batchcomplete": True, "query": self.query(parameters["titles"].split("|"))}
        found, trouble = understood(Answer(200, {}, json.dumps(said).encode(), 1))
        assert not trouble
        return found

    def names(self, parameters: dict) -> list[str]:
        assert parameters.get("sites") == ("commonswiki" if "titles" in parameters else None)
        return parameters.get("titles", parameters.get("ids")).split("|")

    def entity(self, name: str) -> tuple[str, dict]:
        if name.startswith("File:"):
            page = sorted([*DEPICTED, "Plain.png"]).index(name[5:]) + 1
            place = name if "info" in self.asked[-1]["props"] else ""  # else Wikibase leaves the title out
            return f"M{page}", entity(page, place, DEPICTED.get(name[5:], []))
        if name == "Q11":  # merged into Q12
            return name, self.entity("Q12")[1] | {"redirects": {"from": "Q11", "to": "Q12"}}
        if name not in ITEMS:
            return name, {"id": name, "missing": ""}
        links = {site: {"site": site, "title": title, "badges": []} for site, title in ITEMS[name].items()}
        labels = {"en": {"language": "en", "value": "house cat"}} if name == "Q146" else {}
        return name, {"type": "item", "id": name, "sitelinks": links, "labels": labels}

    def query(self, titles: list[str]) -> dict:
        moved = [
            {"from": f"Category:{a}", "to": f"Category:{b}"}
            for a, b in MOVED.items()
            if f"Category:{a}" in titles
        ]
        now = {row["from"]: row["to"] for row in moved}
        return {"redirects": moved, "pages": [self.page(now.get(title, title)) for title in titles]}

    def page(self, title: str) -> dict:
        space, _, name = title.partition(":")
        above = PARENTS.get(name, []) if space == "Category" else ["Views"]
        page = {"title": title, "ns": 14 if space == "Category" else 6}
        page["categories"] = [{"title": f"Category:{parent}", "ns": 14} for parent in above]
        url = f"https://upload.wikimedia.org/{name}"
        return page | ({"imageinfo": [{"url": url, "thumburl": url}]} if space == "File" else {})


def test_files_and_items_are_asked_for_fifty_at_a_time():
    wiki = Wiki()
    found, counts = depicted_by(wiki, [*DEPICTED, "Plain.png", *["Tom.png"] * 60])
    assert found == {"Tom.png": ["Q146", "Q99"], "Old.png": ["Q11"]}
    assert +counts == {
        "depicts statements": 5,
        "depicts statements that are less prominent than another": 1,
        "depicts statements of something unknown, or of nothing": 1,
        "files whose depicts statements give no item": 1,
        "files without a depicts statement": 1,
    }
    assert len(wiki.asked) == 1
    assert items_asked(wiki, [*(f"Q{n}" for n in range(1000, 1099)), "Q146"])[0]["item"] == "Q146"
    assert [len(asked["ids"].split("|")) for asked in wiki.asked[1:]] == [50, 50]


def test_an_item_has_its_category_or_none_and_one_that_was_merged_that_of_the_other():
    assert items_asked(Wiki(), ["Q146", "Q11", "Q99", "Q404"]) == [
        {"item": "Q146", "category": "Cats", "name": "house cat"},
        {"item": "Q11", "category": "Felines", "name": ""},
        {"item": "Q99", "category": "", "name": ""},
    ]  # and nothing of Q404, which was deleted


@pytest.mark.parametrize(
    "body",
    [{"entities": []}, {"entities": {"M1": None}}, {"entities": {"Q1": {"sitelinks": {"commonswiki": []}}}},
     {"entities": {"M1": {"title": 7, "statements": {"P180": 7}}}},
     {"entities": {"Q1": {"sitelinks": [], "labels": {"en": 7}}}}],
)  # fmt: skip
def test_answers_of_another_shape_say_nothing(body, monkeypatch):
    said = understood(Answer(200, {}, json.dumps(body).encode(), 1))[0]
    monkeypatch.setattr(Wiki, "ask", lambda *_: said)
    assert depicted_by(Wiki(), ["A.png"])[0] == {}
    assert not [row for row in items_asked(Wiki(), ["Q1"]) if row["category"] or row["name"]]


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    (tmp_path / "owls").mkdir()
    return tmp_path


def test_a_list_of_files_gets_labels_by_what_they_depict(root):
    wiki = Wiki()
    request = Request("x", titles=("Tom.png", "Old.png", "None.png", "Plain.png"), depicts=True)
    notes = harvest(request, wiki, root / "owls", wiki)
    assert notes["files without a depicts statement"] == 1
    source = open_source("commons_api", image_root="owls")
    files = source.files()
    assert files["items"].map(list).tolist() == [["Q146", "Q99"], ["Q11"], [], []]
    items, graph = items_for("depicts", "", source, files), graph_for("depicts", "", source)
    found = label_from("depicts", files, graph=graph, items=items)
    animals = found.why[found.why["label"] == "Animals"]
    assert animals["path"].tolist() == [
        ["depicts house cat (Q146)", "Cats", "Animalia"],  # though no file is in the category Cats
        ["depicts Q11", "Cats", "Animalia"],  # whose own category leads to it
    ]
    pd.DataFrame({"title": [], "path": []}).to_parquet(root / "owls" / "manifest.parquet")
    before = source.fingerprint()
    (root / "owls" / "items.parquet").write_bytes(b"another")
    assert source.fingerprint() != before


def test_files_whose_items_were_not_asked_for_have_none(root):
    wiki, request = Wiki(), Request("x", titles=("Tom.png",))
    harvest(request, wiki, root / "owls", wiki)
    source = open_source("commons_api", image_root="owls")
    assert "items" not in source.files() and source.items() is None
    assert all(asked["action"] == "query" for asked in wiki.asked)
    known = json.loads((root / "owls" / REQUEST).read_text())
    del known["request"]["depicts"]  # as an earlier version wrote it
    (root / "owls" / REQUEST).write_text(json.dumps(known))
    harvest(request, wiki, root / "owls", wiki)
    with pytest.raises(UserError, match="with another depicts"):
        harvest(Request("x", titles=("Tom.png",), depicts=True), wiki, root / "owls", wiki)


def test_the_table_of_items_is_one_that_people_can_read(root):
    harvest(Request("x", titles=("Tom.png",), depicts=True), Wiki(), root / "owls")
    table = pd.read_parquet(root / "owls" / "items.parquet")
    assert table.values.tolist() == [["Q146", "Cats", "house cat"], ["Q99", "", ""]]
