"""Near duplicates by features and by looks, on planted copies of the sample's pictures."""

import argparse
import io
import json
from pathlib import Path

import explain
import numpy as np
import pandas as pd
from PIL import Image, ImageEnhance, ImageOps

from wikitopics.alike.features import load_embedder, model_path
from wikitopics.evaluate.neighbours import Index, nearest
from wikitopics.images.decode import Recipe, decode, on_white
from wikitopics.images.duplicates import agreement, near_duplicates
from wikitopics.images.likeness import LIKE, inside_square, look
from wikitopics.scoring.network import BATCH

CUTS = (0.8, 0.85, 0.9, 0.925, 0.95, 0.97)
NEAREST = 16


def cropped(image: Image.Image, share: float) -> Image.Image:
    """Without this share of its sides, cut from the left and the top more than from the others."""
    width, height = image.size
    return image.crop((int(width * share * 0.7), int(height * share * 0.7), *_ends(image.size, share)))


def _ends(size: tuple[int, int], share: float) -> tuple[int, int]:
    return tuple(length - int(length * share * 0.3) for length in size)


def recompressed(image: Image.Image) -> Image.Image:
    """Through a poor JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=25)
    return Image.open(buffer)


def recoloured(image: Image.Image) -> Image.Image:
    """Hues turned by a third."""
    hue, saturation, value = image.convert("HSV").split()
    return Image.merge("HSV", (hue.point(lambda h: (h + 85) % 256), saturation, value)).convert("RGB")


COPIES = {
    "recompressed": recompressed,
    "half the size": lambda image: image.resize([max(8, side // 2) for side in image.size]),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
    "cropped by 5 %": lambda image: cropped(image, 0.05),
    "cropped by 10 %": lambda image: cropped(image, 0.1),
    "cropped by 20 %": lambda image: cropped(image, 0.2),
    "grey": lambda image: ImageOps.grayscale(image).convert("RGB"),
    "other hues": recoloured,
    "turned by 5 degrees": lambda image: image.rotate(5, Image.Resampling.BICUBIC, fillcolor="white"),
    "mirrored": ImageOps.mirror,
}


def pictures(table: pd.DataFrame, count: int, seed: int) -> tuple[list[bytes], list[str], list[int]]:
    """Files, what each is ("original" or a kind of copy) and the original it comes from."""
    files, kinds, origins = list(table["image"]), ["original"] * len(table), list(range(len(table)))
    for place in np.random.default_rng(seed).choice(len(table), count, replace=False):
        image = on_white(Image.open(io.BytesIO(table["image"].iloc[place])))
        for kind, change in COPIES.items():
            buffer = io.BytesIO()
            change(image).convert("RGB").save(buffer, "PNG")
            files.append(buffer.getvalue())
            kinds.append(kind)
            origins.append(int(place))
    return files, kinds, origins


def main() -> None:
    """Print what each way finds of each kind of copy, and how many pairs of strangers it takes for copies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer copies")
    parser.add_argument("--model", default="commons-10-lite0")
    parser.add_argument("--keep", type=Path, help="keep the pairs of strangers here")
    options = parser.parse_args()
    table = pd.read_parquet(Path(__file__).parents[1] / "sample" / "sample.parquet")
    explain.run_of_demo("03_train", options.model)
    known = pd.read_parquet(explain.run_of_demo("02_images", "sample") / "images.parquet")
    table = table.set_index("title").loc[known["title"]].reset_index()
    files, kinds, origins = pictures(table, 50 if options.quick else 300, 0)
    group = known["group"].to_numpy()[origins]
    embedder = load_embedder(model_path(options.model))
    decoded = [decode(data, Recipe(embedder.about.side, embedder.about.fit)) for data in files]
    pixels = np.stack([one.pixels for one in decoded])
    features = np.concatenate([embedder.forward(pixels[i : i + BATCH]) for i in range(0, len(pixels), BATCH)])
    sizes = np.array([(one.width, one.height) for one in decoded])
    by_looks = near_duplicates(pixels, sizes, embedder.about.fit)[["first", "second"]].to_numpy()
    rows, similarity = nearest(Index(features), np.arange(len(features)), NEAREST)
    pairs = np.stack([np.repeat(np.arange(len(rows)), NEAREST), rows.ravel()], axis=1)
    seen = look(pixels, inside_square(sizes, pixels.shape[1], embedder.about.fit), sizes)
    ways = {"looks": by_looks}
    for cut in CUTS:
        above = np.unique(np.sort(pairs[similarity.ravel() >= cut], axis=1), axis=0)
        ways[f"features {cut}"] = above
        ways[f"features {cut} and pixels"] = above[agreement(seen, above) >= LIKE]

    kinds, origins = np.array(kinds), np.array(origins)
    result = {name: judged(found, kinds, origins, group) for name, found in ways.items()}
    print(pd.DataFrame(result).T.to_string())
    if options.keep:
        strangers = ways["features 0.9"]
        strangers = strangers[group[strangers[:, 0]] != group[strangers[:, 1]]]
        np.savez(options.keep, pairs=strangers, pixels=pixels, kinds=kinds)
    print(json.dumps(result))


def judged(found: np.ndarray, kinds: np.ndarray, origins: np.ndarray, group: np.ndarray) -> dict[str, float]:
    """Share of the copies of each kind that are a pair with their original, and pairs of strangers."""
    own = origins[found[:, 0]] == origins[found[:, 1]]
    copies = found[own & (kinds[found] == "original").any(axis=1)].max(axis=1)  # originals come first
    shares = {kind: round(np.isin(np.flatnonzero(kinds == kind), copies).mean(), 3) for kind in COPIES}
    originals = (kinds[found] == "original").all(axis=1)
    strangers = group[found[:, 0]] != group[found[:, 1]]
    return shares | {
        "pairs": len(found),
        "strangers": int(strangers.sum()),
        "of originals": int((strangers & originals).sum()),
        "precision": round(1 - strangers.mean(), 3) if len(found) else 1.0,
    }


if __name__ == "__main__":
    main()
