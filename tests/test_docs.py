"""The documents lead where they say, the reference loads nothing from elsewhere."""

import re

import pytest

import wikitopics
from wikitopics.paths import PROJECT

DOCUMENTS = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md"))]
LOADED = re.compile(
    r"""<(?:script|img|iframe|link|source|object)\b[^>]*?(?:src|href|data)=["']?(?:https?:)?//"""
)
ALSO_LOADED = re.compile(r"""@import|url\(\s*["']?(?:https?:)?//""")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_something(document):
    text = document.read_text("utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    missing = [to for to in targets if "://" not in to and not (document.parent / to).exists()]
    assert not missing


def test_the_index_names_every_document():
    index = (PROJECT / "docs" / "README.md").read_text("utf-8")
    for path in (PROJECT / "docs").glob("*.md"):
        assert path.name == "README.md" or f"]({path.name})" in index


def test_contributors_are_sent_to_files_that_exist():
    text = (PROJECT / "CONTRIBUTING.md").read_text("utf-8")
    named = re.findall(r"`((?:lib|tests|notebooks|params|docs)/[\w./-]+\.\w+)`", text)
    assert len(named) > 8
    patterns = re.compile("NAME|STAGE|NN_|07_name")
    assert not [name for name in named if not patterns.search(name) and not (PROJECT / name).exists()]


def test_the_reference_asks_no_host_and_says_what_each_module_is_about(tmp_path):
    pytest.importorskip("pdoc")
    from pdoc import doc, pdoc, render

    assert {"sources", "labels", "show"} <= {part.name for part in doc.Module(wikitopics).submodules}
    render.configure(template_directory=PROJECT / "docs" / "reference", show_source=False)
    pdoc("wikitopics.sources", "wikitopics.errors", output_directory=tmp_path)
    pages = {
        path.relative_to(tmp_path).as_posix(): path.read_text("utf-8") for path in tmp_path.rglob("*.html")
    }
    assert "Reading foreign files: never outside the root" in pages["wikitopics/sources.html"]
    for text in pages.values():
        assert not LOADED.search(text) and not ALSO_LOADED.search(text)
