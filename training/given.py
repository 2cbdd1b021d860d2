"""What the programs here are given: the logged part of Commons, and word vectors; a sentence without them."""

import argparse
import os
from pathlib import Path


def commons_graph(parser: argparse.ArgumentParser) -> Path:
    """The folder WIKITOPICS_COMMONS_GRAPH; the program ends with a sentence where it is none."""
    folder = Path(os.environ.get("WIKITOPICS_COMMONS_GRAPH", ""))
    if not (folder / "human_validation.parquet").is_file():
        needs = "a folder with human_validation.parquet"
        parser.error(f"WIKITOPICS_COMMONS_GRAPH must be {needs}, but {folder} has none; set it")
    return folder


def word_vectors(parser: argparse.ArgumentParser, path: Path | None) -> Path:
    """The file given as --words; the program ends with a sentence where it is none."""
    if not path or not path.is_file():
        parser.error(f"--words must be what word_vectors.py wrote, but is {path}; run that first")
    return path
