"""Titles as a real MediaWiki normalises them, and the names of its namespaces in every language."""

import json
import unicodedata

import pytest
import requests

from wikitopics import titles

pytestmark = pytest.mark.servers

FILES = """a_red__fox.jpg| _Fox_ .jpg_|éclair.jpg|e\u0301clair.jpg|iPhone.jpg|\u200efox.jpg|Fox\u00a0one.jpg
100% wool.jpg|Foo?.jpg|Foo & bar.jpg|Foo&amp;bar.jpg|Foo.JPG|привет.jpg|ıx.jpg|ώ.jpg|狐.jpg|'fox'.jpg|fox!.jpg
"fox".jpg|Fox~~.jpg|+fox.jpg|f=x.jpg|fox\u3000two.jpg|fox\u2028three.jpg|.fox.jpg|Fox, the: red.jpg
fox@home.jpg|ﾊ.jpg|Å.jpg|\u212b.jpg|각.jpg|\u1100\u1161\u11a8.jpg"""
REFUSED = [
    "a|b.jpg",
    "a[1].jpg",
    "a{b}.jpg",
    "a<b>.jpg",
    "Fox%41.jpg",
    "~~~.jpg",
    "./a.jpg",
    "a" * 300 + ".jpg",
]
NAMES = """\
$s = MediaWiki\\MediaWikiServices::getInstance(); $out = [];
foreach ( array_keys( $s->getLanguageNameUtils()->getLanguageNames( 'en', 'mwfile' ) ) as $code ) {
  $l = $s->getLanguageFactory()->getLanguage( $code );
  foreach ( $l->getNamespaces() as $id => $name ) { $out[] = [ $id, $name ]; }
  foreach ( $l->getNamespaceAliases() as $name => $id ) { $out[] = [ $id, $name ]; } }
$caps = [];
for ( $i = 97; $i < 0x1FFFF; $i++ ) {
  $c = mb_chr( $i ); if ( $c !== false ) { $caps[] = [ $c, $s->getContentLanguage()->ucfirst( $c ) ]; } }
echo "BEGIN" . json_encode( [ 'names' => $out, 'letters' => $caps ] );
"""


def normalised(wiki, names: list[str], namespace: str) -> dict[str, str]:
    """Name -> what the wiki makes of it, its namespace taken away."""
    asked = {"action": "query", "format": "json", "formatversion": "2"}
    said = {}
    for name in names:  # one at a time: some hold what joins titles
        answer = requests.post(wiki.api, {**asked, "titles": f"\x1f{namespace}:{name}"}, timeout=60).json()
        page = answer["query"]["pages"][0]
        said[name] = None if page.get("invalid") else page["title"].partition(":")[2]
    return said


@pytest.mark.parametrize(
    "namespace, read", [("File", titles.file_title), ("Category", titles.category_title)]
)
def test_names_are_what_the_wiki_makes_of_them(wiki, namespace, read):
    names = [name for line in FILES.splitlines() for name in line.split("|")]
    found = {name: read(f"{namespace}:{name}") for name in names}
    assert found == normalised(wiki, names, namespace)


def test_what_the_wiki_refuses_is_refused(wiki):
    said = normalised(wiki, [name for name in REFUSED if "|" not in name], "File")
    assert set(said.values()) == {None}
    for name in REFUSED:
        if "%" not in name:  # which is taken for percent-encoding: no title has it
            with pytest.raises(titles.NoTitle):
                titles.file_title(name)


@pytest.fixture(scope="module")
def told(wiki) -> dict:
    return json.loads(wiki.script("eval", text=NAMES.replace("\n", " ")).partition("BEGIN")[2].strip("> \n"))


def test_namespaces_have_the_names_of_every_language(told):
    spaces = {"6": "file", "-2": "file", "14": "category"}
    names = [(spaces[str(number)], name) for number, name in told["names"] if str(number) in spaces]
    assert len(names) > 600
    assert [name for kind, name in names if titles._space(name) != kind] == []


def test_first_letters_are_the_wikis_but_for_wikimedias_exceptions(told):
    """Wikimedia's wikis keep letters that become several, Georgian, and the title case of digraphs."""
    letters = [pair for pair in told["letters"] if titles.normal(pair[0])]  # no blanks
    letters = [pair for pair in letters if unicodedata.is_normalized("NFC", pair[0])]
    other = [(small, large) for small, large in letters if titles.normal(small) != large]
    exceptions = [small for small, _ in other if len(small.upper()) > 1 or small.title() != small.upper()]
    assert [small for small, _ in other] == exceptions and 100 < len(exceptions) < 200
    assert len(letters) > 100_000
