"""A finished images run and labels run whose pictures have licences, some with their files at hand."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

import planted
from wikitopics.artefacts import read_array, read_table, write_json, write_table

SIDE = 32
LICENCES = ["CC BY-SA 4.0", "Public domain", "CC0", "CC BY-NC 2.0", "Fair use", "", "CC BY 2.0"]
NASTY = '<script>alert(1)</script> | *Eve* "&quot;" ../../x\n---\n=1+1'
FORMULA = '=HYPERLINK("http://evil.example","a cat")'


def write_runs(root: Path, source: str = "table", n: int = 90) -> pd.DataFrame:
    """data/ of the runs commons (labels) and sample (images); what is known of each picture, in their order.

    Of even pictures the file lies in pictures/. Licences follow LICENCES; one in 14 names nobody.
    """
    images, labels = planted.write_images(root, n=n, size=SIDE), planted.write_labels(root, n=n)
    pixels, table = read_array(images / "images.npy"), read_table(images / "images.parquet")
    titles = table["title"].tolist()
    titles[1], titles[8], titles[14] = FORMULA, NASTY, "NA"
    renamed = dict(zip(table["title"], titles, strict=True))
    (root / "pictures").mkdir()
    for number in range(0, n, 2):
        file = root / "pictures" / f"{number}.png"
        Image.fromarray(np.asarray(pixels[number])).save(file, compress_level=0)
        table.loc[number, "bytes"] = file.stat().st_size
        table.loc[number, "file_sha1"] = hashlib.sha1(file.read_bytes()).hexdigest()
    creators = [f"Creator {number}" if number % 14 != 13 else "" for number in range(n)]
    creators[0] = FORMULA
    licences = [LICENCES[number % len(LICENCES)] for number in range(n)]
    known = pd.DataFrame({"title": titles, "path": table["path"], "creator": creators, "licence": licences})
    write_table(images / "images.parquet", table.assign(title=titles))
    said = read_table(labels / "labels.parquet")
    write_table(labels / "labels.parquet", said.assign(title=said["title"].map(renamed)))
    write_table(labels / "files.parquet", known)
    known[["path"]].to_csv(root / "table.csv", index=False)
    options = (
        {"table": "table.csv", "image_root": "pictures"} if source == "table" else {"image_root": "pictures"}
    )
    write_json(labels / "source.json", {"source": source, "options": options})
    given = {"run": "commons", "source": source, "label_source": "given", "taxonomy": "planted"}
    write_json(labels / "run.json", {"stage": "01_labels", "parameters": given})
    write_json(
        images / "run.json",
        {"parameters": {"labels": ["commons"], "fit": "pad", "store_size": SIDE}, "stage": "02_images"},
    )
    labels_of = [planted.planted_labels(number) for number in range(n)]
    return known.assign(labels=labels_of, split=table["split"], number=range(n))
