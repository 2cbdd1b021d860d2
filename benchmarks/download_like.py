"""Files as a download leaves them, made from the project's sample: about 500 px, JPEG and PNG, on disk.

The sample holds thumbnails of at most 128 px; they are enlarged to 500 px, so a file costs to decode what a
real one of that size costs, though its finest detail is missing. Drawings and photographs alike become JPEG,
every fourth file PNG.
"""

import io
from pathlib import Path

import pandas as pd
from PIL import Image

from wikitopics.images.decode import on_white
from wikitopics.paths import sample_folder

SIDE, QUALITY, PNG_EVERY = 500, 85, 4


def write_files(folder: Path, side: int = SIDE, count: int | None = None) -> pd.DataFrame:
    """Write `count` pictures (by default each of the sample once) into `folder`: title, path (in the folder).

    In a fixed random order; where there are more than in the sample, it comes again with its edges cut off.
    """
    sample = pd.read_parquet(sample_folder() / "sample.parquet", columns=["title", "image", "kind"])
    sample = sample[sample.kind != "hostile"].sample(frac=1, random_state=0)
    folder.mkdir(parents=True, exist_ok=True)
    titles, paths = [], []
    for number in range(len(sample) if count is None else count):
        again, row = divmod(number, len(sample))
        suffix = "png" if number % PNG_EVERY == PNG_EVERY - 1 else "jpg"
        titles.append(sample.title.iloc[row] + (f" ({again + 1})" if again else ""))
        paths.append(f"{number:05}.{suffix}")
        enlarged(sample.image.iloc[row], side, 3 * again).save(folder / paths[-1], quality=QUALITY)
    return pd.DataFrame({"title": titles, "path": paths})


def enlarged(data: bytes, side: int, cut: int = 0) -> Image.Image:
    """The picture as RGB with its longer side `side` pixels, `cut` pixels of each edge taken away before."""
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        rgb = on_white(image)
    width, height = rgb.size
    if min(width, height) > 4 * cut:
        rgb = rgb.crop((cut, cut, width - cut, height - cut))
    scale = side / max(rgb.size)
    size = tuple(max(1, round(length * scale)) for length in rgb.size)
    return rgb.resize(size, Image.Resampling.BICUBIC)
