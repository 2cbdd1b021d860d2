"""A list of categories becomes files: a fair draw of each, what is gone told; and answers outlive a kill."""

import pytest

from wikitopics.errors import UserError
from wikitopics.sources.online.action_api import ActionApi
from wikitopics.sources.online.kept_answers import KeptApi, kept_answers
from wikitopics.sources.online.topic_files import Row, drawn, list_files, read_categories

MEMBERS = {
    "Owls": ["File:Owl.jpg", "File:Hoot.ogg", "File:Both.jpg", "Category:Barn owls"],
    "Barn owls": [f"File:Barn owl {number:02d}.png" for number in range(60)],
    "Ships, today": ["File:Ship.TIF", "File:Both.jpg"],
    "Drawn": ["File:Drawing.svg"],
}
MOVED = {"Ships": "Ships, today"}


class Wiki(ActionApi):
    """Answers as MediaWiki does about MEMBERS and MOVED; `asked` are the questions."""

    def __init__(self):
        super().__init__(None, "https://wiki.example/w/api.php")
        self.asked = []

    def ask(self, parameters):
        self.asked.append(parameters)
        if parameters.get("list") == "categorymembers":
            members = MEMBERS.get(parameters["cmtitle"].removeprefix("Category:"), [])
            rows = [{"title": title, "ns": 6 if title.startswith("File:") else 14} for title in members]
            return {"query": {"categorymembers": rows}}
        titles = [title.removeprefix("Category:") for title in parameters["titles"].split("|")]
        moved = [{"from": f"Category:{t}", "to": f"Category:{MOVED[t]}"} for t in titles if t in MOVED]
        pages = [{"title": f"Category:{MOVED.get(t, t)}", "ns": 14} for t in titles]
        return {"query": {"pages": pages, "redirects": moved}}


LIST = [Row("Birds", "Owls", 1, 20), Row("Traffic", "Ships", 0, 50), Row("Traffic", "Rockets", 0, 5),
        Row("Art", "Drawn", 0, 5)]  # fmt: skip


def test_files_are_drawn_from_every_category_and_each_is_there_once(tmp_path):
    titles, told = list_files(LIST, Wiki(), tmp_path)
    assert len(titles) == len(set(titles)) and "Ship.TIF" in titles and "Hoot.ogg" not in titles
    birds = [title for title in titles if "owl" in title.lower() or title == "Both.jpg"]
    assert len(birds) in (20, 21)  # Both.jpg is drawn by Birds or, if not, by Traffic
    assert told == [
        f"{len(titles)} files of 3 topics, from 2 categories",
        "categories that are gone, or have no pictures, and were skipped (2): Rockets, Drawn",
        "2 files that are no pictures by their names were left out",
        f"topics with fewer than 30 files, which may be too few to learn: Birds (20), "
        f"Traffic ({len(titles) - 20}), Art (0)",
    ]


def test_the_draw_is_always_the_same_and_not_the_first_ones():
    names = [f"{number}.jpg" for number in range(100)]
    assert drawn(names, 10) == drawn(reversed(names), 10) != names[:10]
    assert set(drawn(names, 10)) < set(drawn(names, 20))


def test_the_list_is_asked_for_once_and_another_list_is_refused(tmp_path):
    first, wiki = list_files(LIST, Wiki(), tmp_path), Wiki()
    assert list_files(LIST, wiki, tmp_path) == first and not wiki.asked
    with pytest.raises(UserError, match="one list of categories.*another"):
        list_files(LIST[:2], wiki, tmp_path)


def test_a_list_of_which_nothing_is_left_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match="none of its 1 categories has one"):
        list_files([Row("Traffic", "Rockets", 0, 5)], Wiki(), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("topic,category\n", "must name categories, but .* has no row"),
        ("topic,name\nBirds,Owls\n", "must have the columns topic, category"),
        ("topic,category,depth\nBirds,Owls,-1\n", "depth must be a whole number from 0"),
        ("topic,category,max_files\nBirds,Owls,0\n", "max_files one from 1"),
        ("topic,category,max_files\nBirds,Owls,many\n", "max_files one from 1"),
        ("topic,category\nBirds,File:Owl.jpg\n", "a category must be named"),
    ],
)
def test_a_list_that_cannot_be_read_is_one_sentence(text, words, tmp_path):
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(UserError, match=words):
        read_categories(tmp_path / "list.csv")


def test_depth_and_number_may_be_left_out(tmp_path):
    (tmp_path / "list.csv").write_text("topic,category\nBirds,Category:Barn_owls\n")
    assert read_categories(tmp_path / "list.csv") == [Row("Birds", "Barn owls", 0, 100)]


def test_answers_are_kept_until_all_is_there(tmp_path, monkeypatch):
    wiki = Wiki()
    monkeypatch.setattr(ActionApi, "ask", lambda self, parameters: wiki.ask(parameters))
    with pytest.raises(KeyboardInterrupt), kept_answers(tmp_path) as asking:
        api = asking(None, wiki.address)
        assert isinstance(api, KeptApi)
        before = list(api.members("Owls"))
        raise KeyboardInterrupt
    with kept_answers(tmp_path) as asking:
        assert list(asking(None, wiki.address).members("Owls")) == before and len(wiki.asked) == 1
        list(asking(None, "https://other.example/w/api.php").members("Owls"))  # another wiki, another answer
        assert len(wiki.asked) == 2
    assert not list(tmp_path.iterdir())
