"""Tables as spreadsheets, scripts and other programs write them: understood and told, or refused."""

import gzip
import json
import tracemalloc

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wikitopics import cli
from wikitopics.commands.download import listed
from wikitopics.errors import UserError
from wikitopics.labels import taxonomy as taxonomies
from wikitopics.labels.category_graph import open_graph
from wikitopics.labels.label_sources import annotations_of, label_from, people_for, topics_for
from wikitopics.labels.labelled import keep_frequent, read_verdicts
from wikitopics.sources import open_source, tables
from wikitopics.sources.inputs import paths_of
from wikitopics.sources.table_cells import as_list, number_of
from wikitopics.sources.tables import read_table, table_writer

FORMS = {
    "commas": ("path,labels\n1984,NA|True\n", "utf-8"),
    "semicolons": ("path;labels\n1984;NA|True\n", "utf-8"),
    "tabs": ("path\tlabels\n1984\tNA | True\n", "utf-8"),
    "BOM": ("path,labels\n1984,NA|True\n", "utf-8-sig"),
    "UTF-16": ("path\tlabels\n1984\tNA|True\n", "utf-16"),
    "UTF-16 without BOM": ("path\tlabels\n1984\tNA|True\n", "utf-16-le"),
    "UTF-16 big endian": ("path\tlabels\n1984\tNA|True\n", "utf-16-be"),
    "Windows' lines, blank ones": ("path,labels\r\n\r\n1984,NA|True\r\n\r\n", "utf-8"),
    "old Macs' lines": ("path,labels\r1984,NA|True\r", "utf-8"),
    "trailing commas": ("path,labels,\n1984,NA|True,\n", "utf-8"),
    "trailing commas in rows": ("path,labels\n1984,NA|True,,\n", "utf-8"),
    "empty rows of a spreadsheet": ("path,labels,,\n1984,NA|True,,\n,,,\n,,,\n", "utf-8"),
    "blanks": (" path , labels \n 1984 , NA | True \n", "utf-8"),
    "quotes after blanks": ('path, labels\n1984, "NA|True"\n', "utf-8"),
    "capitals": ("Path,LABELS\n1984,NA|True\n", "utf-8"),
    "the index of pandas": (",path,labels\n0,1984,NA|True\n", "utf-8"),
    "a Python list": ("path,labels\n1984,\"['NA', 'True']\"\n", "utf-8"),
    "a NumPy list": ("path,labels\n1984,['NA' 'True']\n", "utf-8"),
    "a JSON list": ('path,labels\n1984,"[""NA"", ""True""]"\n', "utf-8"),
    "Excel's line": ("sep=;\npath;labels\n1984;NA|True\n", "utf-8"),
    "one row a label": ("path,label\n1984,NA\n1984,True\n", "utf-8"),
    "of Hugging Face": ("file_name,labels\n1984,NA|True\n", "utf-8"),
    "one-hot": ("path,NA,True,Other,year\n1984,1,1,0,1999\n", "utf-8"),
    "one-hot in words": ("path,NA,True,Other\n1984,True,TRUE,False\n", "utf-8"),
    "one-hot of a German Excel": ("path;NA;True;Other\n1984;WAHR;1,0;FALSCH\n", "utf-8"),
    "one-hot in crosses": ("path,NA,True,Other\n1984,x,X,\n", "utf-8"),
    "one-hot of R": ('"","path","NA","True","Other"\n"1","1984",T,TRUE,NA\n', "utf-8"),
    "a list in lines": ('path,labels\n1984,"NA\nTrue"\n', "utf-8"),
    "blanks without width": ("\ufeff\ufeffpath,labels\u200b\n1984\u00a0,\u200bNA|True\u200e\n", "utf-8"),
    "UTF-32": ("path\tlabels\n1984\tNA|True\n", "utf-32"),
    "of VIA": ("#filename,labels\n1984,NA|True\n", "utf-8"),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WIKITOPICS_ROOT", str(tmp_path))
    (tmp_path / "pics").mkdir()
    return tmp_path


def files(folder, name="t.csv"):
    return open_source("table", table=name, image_root="pics").files()


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_table_gives_the_same_file_and_labels(folder, form):
    text, encoding = FORMS[form]
    (folder / "t.csv").write_bytes(text.encode(encoding))
    found = files(folder)
    assert found["path"].tolist() == ["1984"] and found["labels"].tolist() == [["NA", "True"]]
    (folder / "t.csv.gz").write_bytes(gzip.compress(text.encode(encoding)))
    assert files(folder, "t.csv.gz")["labels"].tolist() == [["NA", "True"]]


LISTS = {
    "lists": pa.array([["NA", "True"]]),
    "a null inside": pa.array([["NA", None, "True "]]),
    "large lists": pa.array([["NA", "True"]], pa.large_list(pa.large_string())),
    "views": pa.array([["NA", "True"]], pa.list_(pa.string_view())),
    "fixed size": pa.array([["NA", "True"]], pa.list_(pa.string(), 2)),
    "categories": pa.array([["NA", "True"]], pa.list_(pa.dictionary(pa.int32(), pa.string()))),
    "text": pa.array(["NA|True"]),
    "text of a view": pa.array(["NA|True"], pa.string_view()),
    "a category": pa.array(["NA|True"]).dictionary_encode(),
}


@pytest.mark.parametrize("form", LISTS)
def test_every_form_of_parquet_gives_the_same_file_and_labels(folder, form):
    pq.write_table(pa.table({"path": ["1984"], "labels": LISTS[form]}), folder / "t.parquet")
    assert files(folder, "t.parquet")["labels"].tolist() == [["NA", "True"]]


def test_numbers_of_parquet_are_whole_where_they_were(folder):
    frame = pd.DataFrame({"path": ["a", "b"], "labels": [3.0, np.nan], "title": pd.Categorical(["x", None])})
    frame.to_parquet(folder / "t.parquet")
    found = files(folder, "t.parquet")
    assert found["labels"].tolist() == [["3"], []] and found["title"].tolist() == ["X", "B"]


def test_lines_of_json_are_a_table(folder):
    rows = [{"file_name": "a.png", "labels": ["x", "y"]}, {"file_name": "b.png"}]
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = files(folder, "metadata.jsonl")
    assert found["path"].tolist() == ["a.png", "b.png"] and found["labels"].tolist() == [["x", "y"], []]


def test_it_is_told_how_a_table_was_understood(folder):
    (folder / "t.csv").write_text("path,fox,bird\na.png,1,0\nb.png,0,\n")
    assert files(folder).attrs["notes"] == {
        "labels from one-hot columns": 2,
        "paths that lead to no file": 2,
    }
    (folder / "pics" / "a.png").touch()
    (folder / "pics" / "b.png").touch()
    (folder / "t.csv").write_text("path,label,split\na.png,fox,train\nb.png,fox,test\na.png,bird,train\n")
    found = files(folder)
    assert found["labels"].tolist() == [["fox", "bird"], ["fox"]]
    assert found.attrs["notes"] == {"rows joined to one file": 1}
    assert found["split"].tolist() == ["train", "test"]
    (folder / "t.csv").write_text("path,label,tags,Year\na.png,fox,red,1\nb.png,Fox,,2\n")
    assert files(folder).attrs["notes"] == {
        "columns left alone (tags, Year)": 2,
        "labels that differ from another only in capitals": 1,
    }


def test_labels_under_another_name_are_told_where_they_are_missed(folder):
    (folder / "t.csv").write_text("path,tags\na.png,fox\n")
    with pytest.raises(UserError, match=r"columns left alone \(tags\).*rename the column"):
        label_from("given", files(folder))


def test_paths_as_other_systems_write_them_are_told(folder):
    (folder / "pics" / "in").mkdir()
    (folder / "pics" / "in" / "a.png").touch()
    (folder / "t.csv").write_text("path\nin/a.png\nin\\b.png\nC:\\c.png\nfile:///in/d.png\ne\n")
    assert files(folder).attrs["notes"] == {"paths that lead to no file": 4}


def test_letters_with_marks_are_one_label_however_they_are_composed(folder):
    (folder / "t.csv").write_text("path,labels\na,Caf\u00e9\nb,Cafe\u0301\n")
    assert files(folder)["labels"].tolist() == [["Café"], ["Café"]]
    (folder / "t.csv").write_text("path,Cafe\u0301,Owl\na,1,0\nb,0,1\n")
    assert files(folder)["labels"].tolist() == [["Café"], ["Owl"]]


def test_commas_in_names_are_no_dividers(folder):
    (folder / "t.csv").write_text(
        'path,labels,categories\na,"Paris, Texas","London, UK|London"\nb,"a (b, c)",\n'
    )
    found = files(folder)
    assert found["labels"].tolist() == [["Paris, Texas"], ["a (b, c)"]]
    assert found["categories"].tolist() == [["London, UK", "London"], []]


def test_the_index_of_pandas_is_no_label(folder):
    frame = pd.DataFrame({"path": ["a", "b"], "fox": [0, 1], "owl": [1, 0]}, index=[1, 0])
    frame.to_parquet(folder / "t.parquet")
    frame.reset_index(names="Unnamed: 0").to_csv(folder / "t.csv", index=False)
    for name in ("t.csv", "t.parquet"):
        assert files(folder, name)["labels"].tolist() == [["owl"], ["fox"]]


@pytest.mark.parametrize(
    "text, why",
    [
        ("path,labels\na.png,x,fox\n", "3 cells in line 2 and 2 columns"),
        ("path,path\na,b\n", "the column 'path' twice"),
        ("", "no line of column names"),
        ("# made by me\npath,labels\na,b\n", "2 cells in line 2 and 1 columns"),
        ('path,labels\na,"b\n', "unexpected end"),
        ("path,labels\na,[b\tc]\n", "a list must be written like"),
        ("path,labels\na,\"[['b']]\"\n", "a list must hold texts or numbers"),
        ("path,split\na,train\nb,fold1\n", "must say train, validation or test"),
        ("path,label,split\na,x,train\na,y,test\n", "is in two"),
        ("name,labels\na,b\n", "must have the columns path"),
        ("image,labels\na,b\n", "has image, labels .* write a first line"),
        ("path,labels\n", "table must have rows"),
        ("path,labels\na,fox\0\n", "bytes of 0 after 'a,fox'"),
        ("path,labels\na,fox;owl\n", r"divided by \|, but one cell is 'fox;owl'; write fox\|owl"),
        ('path,labels\na,"fox, owl"\nb,owl\n', r"divided by \|, but one cell is 'fox, owl'"),
        ('path,labels\na,"x, y"\nb,"y, z"\nc,"z, x"\n', r"divided by \|, but one cell is 'x, y'"),
        ("path\tcategories\na\tCats; Pets\nb\tCats\n", "items of categories must be divided"),
        ('path,labels\na,"{""fox"": 1}"\n', "a list must hold texts or numbers"),
    ],
)
def test_what_is_not_understood_is_refused(folder, text, why):
    (folder / "t.csv").write_text(text)
    with pytest.raises(UserError, match=why):
        files(folder)


@pytest.mark.parametrize(
    "line, why",
    [
        ('{"path": "a", "label": "x", "label": "y"}', "'label' twice in line 2"),
        (r'{"path": "a", "label": "\ud800"}', "half of a character"),
        ('[{"path": "a"}]', "no JSON object in line 2"),
        ('{"path": ' + "9" * 5000 + "}", "no JSON object in line 2"),
        ("{", "no JSON object in line 2"),
    ],
)
def test_lines_of_json_that_are_not_understood_are_refused(folder, line, why):
    (folder / "t.jsonl").write_text('{"path": "b", "width": 3}\n' + line)
    with pytest.raises(UserError, match=why):
        files(folder, "t.jsonl")


def test_a_table_of_another_kind_is_to_be_saved_again(folder):
    (folder / "t.xlsx").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"none of \.csv.*save it as one of them"):
        files(folder, "t.xlsx")


def test_latin_1_and_structures_are_refused(folder):
    (folder / "t.csv").write_bytes("path,labels\na,Café\n".encode("latin-1"))
    with pytest.raises(UserError, match="may be Latin-1"):
        files(folder)
    pd.DataFrame({"path": ["a"], "labels": [{"x": 1}]}).to_parquet(folder / "t.parquet")
    with pytest.raises(UserError, match="struct"):
        files(folder, "t.parquet")
    pd.DataFrame({"path": ["a"], "Label": [{"x": 1}]}).to_parquet(folder / "t.parquet")
    with pytest.raises(UserError, match="struct.*in the column Label"):
        files(folder, "t.parquet")
    pd.DataFrame({"path": ["a"], "image": [{"bytes": b"x"}], "label": [3]}).to_parquet(folder / "t.parquet")
    assert files(folder, "t.parquet")["labels"].tolist() == [["3"]]


def test_nothing_is_read_that_would_fill_the_memory(folder, monkeypatch):
    """A text repeated for ever, rows of nothing, a packed gigabyte and a line without end."""
    monkeypatch.setattr(tables, "MAX_MEMORY", 8 << 20)
    monkeypatch.setattr(tables, "MAX_BYTES", 18 << 20)
    long = pa.array(["x" * 100_000]).dictionary_encode().take(pa.array(np.zeros(20_000, np.int32)))
    nested = pa.ListArray.from_arrays(pa.array([0, 20_000], pa.int32()), long)
    hostile = {
        "nested.parquet": pa.table({"path": nested}),
        "long.parquet": pa.table({"path": long}),
        "nulls.parquet": pa.table({"path": pa.nulls(2_000_000, pa.string())}),
    }
    for name, table in hostile.items():
        pq.write_table(table, folder / name)
    (folder / "big.csv.gz").write_bytes(gzip.compress(b"path\n" + bytes(30 << 20)))
    (folder / "line.csv").write_bytes(b"path\n" + b"a" * (17 << 20))
    (folder / "wide.csv").write_text(",".join(f"c{i}" for i in range(20_000)))
    assert max(file.stat().st_size for file in folder.glob("*.parquet")) < 1 << 20
    tracemalloc.start()
    for file in sorted(folder.glob("*.*")):
        with pytest.raises(UserError, match="more than"):
            read_table(file, "table", ["path"])
    assert tracemalloc.get_traced_memory()[1] < 300 << 20
    tracemalloc.stop()


def test_annotations_of_one_person_have_no_ceiling(folder):
    (folder / "a.csv").write_text("title,annotator,labels\nFile:a_b.jpg,1,Food\n")
    people, ceiling = people_for(None, "a.csv", taxonomies.load("v1.4"))
    assert ceiling is None and people.to_dict("list") == {
        "title": ["A b.jpg"],
        "labels": [["Culture", "Food"]],
    }


def test_annotations_one_row_a_label_are_joined_and_later_ones_replace(folder):
    rows = "A.jpg,me,Food{0}\nA.jpg,me,Plants{1}\n"
    taxonomy = taxonomies.load("v1.4")
    (folder / "a.csv").write_text("title,annotator,labels\n" + rows.format("", ""))
    assert annotations_of(folder / "a.csv", taxonomy)["labels"].tolist() == [
        taxonomy.close(["Food", "Plants"])
    ]
    (folder / "a.csv").write_text("title,annotator,labels,time\n" + rows.format(",1", ",2"))
    assert annotations_of(folder / "a.csv", taxonomy)["labels"].tolist() == [taxonomy.close(["Plants"])]


def test_an_unknown_label_of_people_is_refused_and_a_rare_one_is_none(folder):
    found = pd.DataFrame({"title": ["a", "b", "c"], "labels": [["x"], ["x"], ["y"]]})
    taxonomy = keep_frequent(label_from("given", found), 2).taxonomy
    (folder / "a.csv").write_text("title,annotator,labels\nA,me,y\nB,me,x\n")
    assert people_for(None, "a.csv", taxonomy)[0]["labels"].tolist() == [[], ["x"]]
    (folder / "a.csv").write_text("title,annotator,labels\nA,me,xx\nB,me,x\n")
    with pytest.raises(UserError, match=r"'xx' \(1 times\)"):
        people_for(None, "a.csv", taxonomy)


class Judged:
    def __init__(self, labels):
        self.labels = labels

    def human(self, taxonomy):
        return pd.DataFrame({"title": list("abc")[: len(self.labels)], "labels": self.labels})


def test_a_file_judged_in_another_vocabulary_was_not_judged():
    taxonomy = taxonomies.load("v1.4")
    people = people_for(Judged([["Food"], ["xx"], []]), "", taxonomy)[0]
    assert people["title"].tolist() == ["a", "c"]
    assert people_for(Judged([["xx"]]), "", taxonomy)[0] is None


def test_topics_are_texts_and_numbers(folder):
    text = "article;topic;score\n1984;Culture.Literature;0,9\n007;Culture.Literature;\n"
    (folder / "t.csv").write_text(text)
    table = topics_for("ores", "t.csv", pd.DataFrame({"articles": []}))
    assert table["article"].tolist() == ["1984", "007"] and table["score"].tolist()[0] == 0.9
    found = pd.DataFrame({"title": ["a", "b"], "articles": [["1984"], ["007"]]})
    labels = label_from("ores", found, "ores-64", topics=table).labels["labels"]
    assert labels.map(len).gt(0).tolist() == [True, False]


def test_topics_are_named_as_any_service_does(folder):
    (folder / "t.csv").write_text("article,topic,score\n[[en:Caf%C3%A9]],medicine-and-health,1\n")
    table = topics_for("ores", "t.csv", pd.DataFrame({"articles": []}))
    found = pd.DataFrame({"title": ["a"], "articles": [["en:Café"]]})
    labels = label_from("ores", found, "ores-64", topics=table).labels["labels"]
    assert "STEM.Medicine & Health" in labels[0]


TAXONOMIES = {
    "bars": 'label,parent,anchors\nBars,,\n"Café ",Bars,Category:Cafes|Bars\n',
    "NFD": "label,parent,anchors\nBars,,\nCafe\u0301,Bars,Cafes|Bars\n",
    "lists": 'label,parent,anchors\nBars,,\nCafé,Bars,"[""Cafes"", ""Bars""]"\n',
    "lines": 'label,parent,anchors\nBars,,\nCafé,Bars,"Cafes\nBars"\n',
}


@pytest.mark.parametrize("form", TAXONOMIES)
@pytest.mark.parametrize("name", ["t.csv", "t.txt"])
def test_every_form_of_a_taxonomy_is_the_same(folder, form, name, tmp_path_factory, monkeypatch):
    (folder / name).write_text(TAXONOMIES[form])
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))  # its path is relative to the root folder
    taxonomy = taxonomies.load(name)
    assert taxonomy.parents == {"Bars": None, "Café": "Bars"} and taxonomy.anchors["Café"] == (
        "Cafes",
        "Bars",
    )


REFUSED = {
    "anchors in one": ("taxonomy", "label,parent,anchors\nA,,Cats; Dogs\n", "anchors must be divided"),
    "parents in one": ("graph", "title,parent\nA,B|C\n", "one parent, but one has 'B|C'"),
    "hidden perhaps": ("graph", "title,parent,hidden\nA,B,perhaps\n", "hidden must say 1 or 0"),
    "nobody's title": ("annotations", "title,annotator,labels\n,me,Food\n", "must have a title"),
    "another verdict": ("verdicts", "title,label,kind,verdict\na,b,,Wrong\n", "verdict .* says 'Wrong'"),
    "another kind": ("verdicts", "title,label,kind,verdict\na,b,FP,label wrong\n", "kind .* says 'FP'"),
    "two files a line": ("list", 'title\n"File:A.jpg, File:B.jpg"\n', "one file a line"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_other_tables_hold_is_not_taken_for_something_else(folder, case):
    reader, text, why = REFUSED[case]
    (folder / "t.csv").write_text(text)
    with pytest.raises(UserError, match=why.replace("|", r"\|")):
        READERS[reader](folder / "t.csv")


def test_words_for_hidden_categories(folder):
    rows = "A,CommonsRoot,WAHR\nB,CommonsRoot,x\nC,CommonsRoot,no\nD,CommonsRoot,\n"
    (folder / "t.csv").write_text("title,parent,hidden\n" + rows)
    graph = open_graph(folder / "t.csv")
    assert graph.hidden[graph.find(list("ABCD"))].tolist() == [True, True, False, False]


def test_lists_of_files_as_query_services_give_them(folder):
    pictures = "http://commons.wikimedia.org/wiki/Special:FilePath/A%20b.jpg"
    (folder / "t.tsv").write_text(f"?title\t?image\nA painting\t<{pictures}>\n")
    assert listed(folder / "t.tsv") == ("A b.jpg",)
    (folder / "t.txt").write_text(f"image\n{pictures}\n")
    assert listed(folder / "t.txt") == ("A b.jpg",)
    (folder / "t.txt").write_text("File:A.jpg\tme\n")
    with pytest.raises(UserError, match="one file a line"):
        listed(folder / "t.txt")


@pytest.fixture
def small_graph(folder):
    (folder / "categories.csv").write_text("title,parent\nTopics,CommonsRoot\nNature,Topics\nFoxes,Nature\n")
    (folder / "tax.csv").write_text("label;parent;anchors;\nNature;;Category:Nature;\n")
    return folder


@pytest.mark.parametrize("source", ["depth"])
@pytest.mark.parametrize("end", [".csv", ".parquet", ".jsonl"])
def test_label_reads_and_writes_by_suffix(small_graph, capsys, source, end):
    (small_graph / "f.csv").write_text("title,categories\nA.jpg,Category:foxes|X\nB.jpg,\n")
    options = ["--graph", str(small_graph / "categories.csv"), "--taxonomy", str(small_graph / "tax.csv")]
    out = small_graph / f"o{end}"
    options += ["--files", str(small_graph / "f.csv"), "--source", source, "--out", str(out)]
    assert cli.main(["label", *options, "--why", str(small_graph / f"why{end}")]) == 0
    assert "f.csv is read as CSV with ,, UTF-8" in capsys.readouterr().out
    assert read_table(out, "out")["title"].tolist() == ["A.jpg", "B.jpg"]
    assert [as_list(cell) for cell in read_table(out, "out")["labels"]] == [["Nature"], []]
    assert cli.main(["label", *options[:-1], str(small_graph / "o.xlsx")]) == 2


@pytest.mark.parametrize("out", ["f.csv", "categories.csv", "tax.csv"])
def test_label_never_writes_over_what_it_reads(small_graph, capsys, out):
    (small_graph / "f.csv").write_text("title,categories\nA.jpg,Foxes\n")
    before = (small_graph / out).read_text()
    options = ["--graph", str(small_graph), "--taxonomy", str(small_graph / "tax.csv"), "--source", "depth"]
    options += ["--files", str(small_graph / "f.csv")]
    assert cli.main(["label", *options, "--out", str(small_graph / out)]) == 2
    other = ["--out", str(small_graph / "o.csv"), "--why"]
    assert cli.main(["label", *options, *other, str(small_graph / out)]) == 2
    assert "--out must not be an input" in capsys.readouterr().err
    assert cli.main(["label", *options, *other, str(small_graph / "o.csv")]) == 2
    assert (small_graph / out).read_text() == before and not (small_graph / "o.csv").exists()


def test_label_refuses_several_in_one_cell_and_labels_no_files_of_an_empty_table(small_graph, capsys):
    files, out = small_graph / "f.csv", small_graph / "o.csv"
    options = ["--graph", str(small_graph), "--taxonomy", str(small_graph / "tax.csv"), "--source", "depth"]
    files.write_text("title,categories\nA.jpg,Foxes; Cats\nB.jpg,Foxes\n")
    assert cli.main(["label", *options, "--files", str(files), "--out", str(out)]) == 2
    assert "must be divided by |" in capsys.readouterr().err
    files.write_text("title,categories\n")
    assert cli.main(["label", *options, "--files", str(files), "--out", str(out)]) == 0
    assert len(out.read_text().splitlines()) == 1


def test_what_is_written_is_read_again(tmp_path):
    table = pa.table({"title": ["a, b", '"x"\ny'], "labels": [["p", "q"], []], "score": [0.5, None]})
    for suffix in tables.WRITTEN:
        with table_writer(tmp_path / f"t{suffix}", suffix, table.schema) as write:
            write(table)
            write(table.slice(1))
        again = read_table(tmp_path / f"t{suffix}", "t")
        assert again["title"].tolist() == ["a, b", '"x"\ny', '"x"\ny']
        assert [as_list(cell) for cell in again["labels"]] == [["p", "q"], [], []]


READERS = {
    "files": lambda path: open_source("table", table=path.name, image_root="pics").files(),
    "annotations": lambda path: annotations_of(path, taxonomies.load("v1.4")),
    "topics": lambda path: topics_for("ores", path.name, pd.DataFrame({"articles": []})),
    "graph": open_graph,
    "taxonomy": lambda path: taxonomies.load(str(path)),
    "verdicts": read_verdicts,
    "pictures": lambda path: paths_of([str(path)]),
    "list": listed,
}
HEADERS = ["path", "labels", "title", "annotator", "article", "topic", "score", "parent", "anchors", "label"]
WORDS = st.sampled_from(
    ["a.png", "Food", "CommonsRoot", "['x']", "[", '"', "1", "0,9", "\0", "é", "|", "", "nan"]
)
CELLS = st.one_of(WORDS, st.text(max_size=8))
HARD = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def told_or_read(reader, path):
    try:
        READERS[reader](path)
    except UserError as error:
        assert 20 < len(str(error)) < 900 and "Traceback" not in str(error)


@pytest.mark.parametrize("reader", READERS)
@given(
    st.lists(st.sampled_from(HEADERS), min_size=1, max_size=5),
    st.lists(st.lists(CELLS, max_size=6), max_size=4),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "utf-16", "latin-1"]),
)
@HARD
def test_any_csv_is_read_or_told(folder, reader, header, rows, delimiter, encoding):
    text = "\n".join(delimiter.join(row) for row in [header, *rows])
    (folder / "t.csv").write_bytes(text.encode(encoding, "replace"))
    told_or_read(reader, folder / "t.csv")


@pytest.mark.parametrize("reader", READERS)
@given(st.binary(max_size=200), st.sampled_from(["csv", "tsv", "jsonl", "parquet", "csv.gz"]))
@HARD
def test_any_bytes_are_read_or_told(folder, reader, data, suffix):
    (folder / f"t.{suffix}").write_bytes(data)
    told_or_read(reader, folder / f"t.{suffix}")


VALUES = {
    pa.string(): st.text(max_size=5),
    pa.int64(): st.integers(-(2**60), 2**60),
    pa.float64(): st.floats(),
    pa.bool_(): st.booleans(),
    pa.binary(): st.binary(max_size=4),
    pa.list_(pa.string()): st.lists(st.text(max_size=3), max_size=3),
    pa.list_(pa.int64()): st.lists(st.integers(0, 9), max_size=3),
    pa.list_(pa.list_(pa.string())): st.lists(st.lists(st.text(max_size=2), max_size=2), max_size=2),
    pa.struct({"x": pa.int64()}): st.fixed_dictionaries({"x": st.integers(0, 9)}),
    pa.timestamp("s"): st.integers(0, 10**9),
    pa.null(): st.none(),
}


@st.composite
def arrow_tables(draw) -> pa.Table:
    names = draw(st.lists(st.sampled_from([*HEADERS, "parents", "hidden", "depth"]), min_size=1, unique=True))
    size, columns = draw(st.integers(0, 3)), {}
    for name in names:
        kind = draw(st.sampled_from(list(VALUES)))
        cells = st.one_of(st.none(), VALUES[kind])
        columns[name] = pa.array(draw(st.lists(cells, min_size=size, max_size=size)), kind)
    return pa.table(columns)


@pytest.mark.parametrize("reader", READERS)
@given(arrow_tables())
@HARD
def test_any_parquet_is_read_or_told(folder, reader, table):
    pq.write_table(table, folder / "t.parquet")
    told_or_read(reader, folder / "t.parquet")


@given(st.text(max_size=60))
def test_any_cell_is_a_list_or_told(text):
    for inside in (text, f"[{text}]", f"({text})"):
        try:
            assert all(item == item.strip() != "" for item in as_list(inside))
        except UserError as error:
            assert "a list must" in str(error)
    try:
        assert number_of(text) is None or isinstance(number_of(text), float)
    except UserError as error:
        assert "must be a number" in str(error)


@pytest.mark.parametrize(
    "text", ["[" * 5000 + "]" * 5000, "[" + "-" * 90_000 + "1]", "[" + "(" * 50_000 + "]"]
)
def test_lists_that_are_bombs_are_told(text):
    with pytest.raises(UserError):
        as_list(text)


def test_lists_are_read_from_parquet_of_many_row_groups(tmp_path):
    table = pd.DataFrame({"title": list("abcdef"), "labels": [["x"], ["y", "x"], [], ["z"], ["x"], ["y"]]})
    table.to_parquet(tmp_path / "t.parquet", row_group_size=2)
    assert read_table(tmp_path / "t.parquet", "table")["labels"].tolist() == table["labels"].tolist()
