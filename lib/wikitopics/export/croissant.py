"""What a data set is, for programs: Croissant 1.0 (https://docs.mlcommons.org/croissant) as JSON-LD.

A page of it names the files with their sums, and the columns in them; `mlcroissant` reads the data by it.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from wikitopics.artefacts import file_digest
from wikitopics.errors import UserError

NAME = "croissant.json"
FORMATS = {".parquet": "application/x-parquet", ".csv": "text/csv"}
TEXT, NUMBER, TRUTH, PICTURE = "sc:Text", "sc:Integer", "sc:Boolean", "sc:ImageObject"
Json = dict[str, Any]

CONTEXT: Json = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "conformsTo": "dct:conformsTo",
    **{
        name: f"cr:{name}"
        for name in (
            *("citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject"),
            *("fileSet", "format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField"),
            *("path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator"),
            *("source", "subField", "transform"),
        )
    },
}  # fmt: skip


def page(
    name: str,
    about: str,
    licences: Iterable[str],
    published: str,
    files: list[Json],
    record_sets: list[Json],
    **more: Any,
) -> Json:
    """A whole page, to be written as NAME beside the files.

    licences: addresses or names, each once; published: a day, YYYY-MM-DD; files: `file_object`, `file_set`;
    record_sets: `record_set`; more: other properties of a data set (version, citeAs, url ...).
    """
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": name,
        "description": about,
        "license": list(dict.fromkeys(licences)),
        "datePublished": published,
        **more,
        "distribution": files,
        "recordSet": record_sets,
    }


def file_object(top: Path, path: str) -> Json:
    """The file at `path` below `top`: its format, size and SHA-256. UserError for an unknown format."""
    file = top / path
    if file.suffix not in FORMATS:
        raise UserError(f"a file of a data set must be {' or '.join(FORMATS)}, but is {path}; leave it out")
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "contentUrl": path,
        "contentSize": f"{file.stat().st_size} B",
        "encodingFormat": FORMATS[file.suffix],
        "sha256": file_digest(file),
    }


def file_set(name: str, includes: str, form: str) -> Json:
    """Many files in one place, by a pattern of their paths; form: a media type."""
    return {"@type": "cr:FileSet", "@id": name, "name": name, "includes": includes, "encodingFormat": form}


def record_set(name: str, about: str, files: Json, columns: dict[str, str], many: Iterable[str] = ()) -> Json:
    """The rows of a file or of a set of them, whose columns have these types; those of `many` hold lists.

    A picture (PICTURE) is bytes, or a structure that has them as `bytes` where its column's name ends so:

    >>> shards = file_set("all", "*.parquet", FORMATS[".parquet"])
    >>> record_set("rows", "Rows.", shards, {"image.bytes": PICTURE})["field"][0]["source"]
    {'fileSet': {'@id': 'all'}, 'extract': {'column': 'image'}, 'transform': {'jsonPath': 'bytes'}}
    """
    kind = "fileSet" if files["@type"] == "cr:FileSet" else "fileObject"
    fields = []
    for column, type_ in columns.items():
        column, _, inside = column.partition(".")
        source: Json = {kind: {"@id": files["@id"]}, "extract": {"column": column}}
        source |= {"transform": {"jsonPath": inside}} if inside else {}
        field = {
            "@type": "cr:Field",
            "@id": f"{name}/{column}",
            "name": column,
            "dataType": type_,
            "source": source,
        }
        fields.append(field | ({"repeated": True} if column in many else {}))
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "description": about, "field": fields}


def label_names(names: list[str]) -> Json:
    """The names of the labels by their numbers, as records that stand in the page itself."""
    fields = [
        {"@type": "cr:Field", "@id": f"label_names/{name}", "name": name, "dataType": type_}
        for name, type_ in (("number", NUMBER), ("name", TEXT))
    ]
    data = [{"label_names/number": number, "label_names/name": name} for number, name in enumerate(names)]
    about = "Names of the labels by their numbers."
    return {
        "@type": "cr:RecordSet",
        "@id": "label_names",
        "name": "label_names",
        "description": about,
        "dataType": "sc:Enumeration",
        "key": {"@id": "label_names/number"},
        "field": fields,
        "data": data,
    }
