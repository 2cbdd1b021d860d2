"""Near duplicates: what is found of planted copies, of drawings and photographs, and how the time grows.

    python benchmarks/duplicates.py [--quick] [--photographs FOLDER]
    python benchmarks/duplicates.py --rows 4000000    only the search, in so many made-up views (10 GB, hours)

Drawings are the sample's. Photographs come from a folder of yours (JPEG, PNG); without one they are left out.
Each picture is planted once or twice, as one kind of copy. A pair of two originals is not counted as wrong:
some of the sample's drawings are copies and variants of each other. `--sheet FILE` shows these pairs.
"""

import argparse
import io
import json
import resource
import time
from pathlib import Path

import explain  # noqa: F401
import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from wikitopics.images import duplicates
from wikitopics.images.decode import Recipe, Rejected, decode, on_white
from wikitopics.images.duplicates import groups_of, near_duplicates
from wikitopics.images.likeness import SIDE, Views
from wikitopics.show.pictures import contact_sheet

ROOT = Path(__file__).parents[1]
GROWTH = (12_500, 50_000, 200_000, 800_000)
MADE_AT_ONCE = 1_000_000  # views


def over(image: Image.Image) -> Image.Image:
    """A black bar with a caption over the lowest tenth."""
    copy, top = image.copy(), int(image.height * 0.9)
    ImageDraw.Draw(copy).rectangle([0, top, *copy.size], fill="black")
    ImageDraw.Draw(copy).text((copy.width // 20, top + 1), "From the archive, 1923", fill="white")
    return copy


def below(image: Image.Image) -> Image.Image:
    """A white bar with a caption added below."""
    page = Image.new("RGB", (image.width, int(image.height * 1.1)), "white")
    page.paste(image)
    ImageDraw.Draw(page).text((image.width // 20, image.height + 1), "From the archive, 1923", fill="black")
    return page


def cropped(image: Image.Image, share: float) -> Image.Image:
    """Without this share of each side's length, more of it from the left and the top."""
    width, height = image.size
    left, top = int(width * share * 0.7), int(height * share * 0.7)
    return image.crop((left, top, width - int(width * share * 0.3), height - int(height * share * 0.3)))


def recompressed(image: Image.Image) -> Image.Image:
    """Through a poor JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=30)
    return Image.open(buffer)


COPIES = {
    "recompressed": recompressed,
    "half the size": lambda image: image.resize([max(8, side // 2) for side in image.size]),
    "grey": lambda image: ImageOps.grayscale(image).convert("RGB"),
    "darker by 20 %": lambda image: ImageEnhance.Brightness(image).enhance(0.8),
    "white border": lambda image: ImageOps.expand(image, max(image.size) // 20, "white"),
    "caption over": over,
    "caption below": below,
    "cropped by 5 %": lambda image: cropped(image, 0.05),
    "cropped by 10 %": lambda image: cropped(image, 0.1),
    "mirrored": ImageOps.mirror,
    "black border": lambda image: ImageOps.expand(image, max(image.size) // 20, "black"),
    "turned by 5 degrees": lambda image: image.rotate(5, Image.Resampling.BICUBIC, fillcolor="white"),
}


def originals(files: list[bytes], side: int = 128) -> tuple[list[Image.Image], list]:
    """The pictures of the files that can be decoded, in full and as squares."""
    full, squares = [], []
    for data in files:
        try:
            squares.append(decode(data, Recipe(side)))
        except Rejected:
            continue
        full.append(on_white(Image.open(io.BytesIO(data))))
    return full, squares


def square(image: Image.Image, side: int = 128):
    """A picture as 02_images would store it."""
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "PNG")
    return decode(buffer.getvalue(), Recipe(side))


def planted(full: list[Image.Image], squares: list, each: int, seed: int = 0) -> dict:
    """Arrays of originals and copies, of which original each is, and of what kind."""
    order, shown = np.random.default_rng(seed).permutation(len(full)), list(squares)
    origin, kind = list(range(len(full))), ["original"] * len(full)
    for number, (name, change) in enumerate(COPIES.items()):
        for place in order[np.arange(number * each, (number + 1) * each) % len(order)]:
            shown.append(square(change(full[place])))
            origin.append(int(place))
            kind.append(name)
    pixels, sizes = np.stack([one.pixels for one in shown]), np.array([(p.width, p.height) for p in shown])
    return {"pixels": pixels, "sizes": sizes, "origin": np.array(origin), "kind": np.array(kind)}


def judged(made: dict) -> tuple[dict[str, float], pd.DataFrame]:
    """Share found of each kind; precision: of pairs with a copy, those of one original or of joined ones."""
    pairs = near_duplicates(made["pixels"], made["sizes"])
    ends = pairs[["first", "second"]].to_numpy()
    kind, origin = made["kind"][ends], made["origin"][ends]
    known = groups_of(len(made["kind"]), pairs[(kind == "original").all(axis=1)])[origin]
    own, copy = origin[:, 0] == origin[:, 1], (kind != "original").any(axis=1)
    found = np.isin(np.arange(len(made["kind"])), ends[own, 1])
    shares = {name: round(float(found[made["kind"] == name].mean()), 3) for name in COPIES}
    right = (known[:, 0] == known[:, 1])[copy].mean()
    told = {"pairs with a copy": int(copy.sum()), "precision": round(float(right), 3)}
    return shares | told | {"pairs of originals": int((~copy).sum())}, pairs[~copy]


def views_of(count: int, seed: int = 0) -> Views:
    """Made-up views: soft random pictures, one of ten a copy with some noise, one of fifty nearly blank."""
    rng = np.random.default_rng(seed)
    views = np.empty((count, 3, SIDE, SIDE), np.uint8)
    for start in range(0, count, MADE_AT_ONCE):
        some = views[start : start + MADE_AT_ONCE]
        some[:] = soft_pictures(len(some), rng)[:, None]
    return Views(views, np.zeros((count, 3, 2, 4, 4), np.int16), np.zeros((count, 3), np.float32))


def soft_pictures(count: int, rng: np.random.Generator) -> np.ndarray:
    """The brightness of some of them: (count, SIDE, SIDE) uint8."""
    coarse = rng.normal(0, 1, (count, 7, 7)).astype(np.float32)
    steps = np.linspace(0, 6, SIDE)
    weights = np.clip(1 - np.abs(steps[:, None] - np.arange(7)), 0, None).astype(np.float32)
    grey = np.einsum("ya,nab,xb->nyx", weights, coarse, weights, optimize=True) * 60 + 128
    grey[::50] = 250 + grey[::50] / 250
    grey[1::10] = grey[0 : len(grey[1::10]) * 10 : 10] + rng.normal(0, 2, grey[1::10].shape)
    return grey.clip(0, 255).astype(np.uint8)


def growth(counts: tuple[int, ...]) -> pd.DataFrame:
    """CPU seconds of the search in made-up views, and the exponent from each size to the next."""
    rows = []
    for count in counts:
        seen, started = views_of(count), time.process_time()
        pairs = duplicates.pairs_of_views(seen)
        rows.append((count, time.process_time() - started, len(pairs), pairs.attrs["crowded"]))
        print(rows[-1], flush=True)
    table = pd.DataFrame(rows, columns=["pictures", "seconds", "pairs", "crowded"])
    table["exponent"] = np.log(table["seconds"]).diff() / np.log(table["pictures"]).diff()
    return table.round(2)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer copies, no growth above 200,000")
    parser.add_argument("--photographs", type=Path, help="a folder of photographs")
    parser.add_argument("--sheet", type=Path, help="write the pairs of the sample's drawings here, as PNG")
    parser.add_argument("--no-growth", action="store_true", help="only the copies")
    parser.add_argument("--rows", type=int, help="only the search, in so many made-up views")
    options = parser.parse_args()
    if options.rows:
        grown = growth((options.rows,))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(json.dumps({"growth": grown.fillna(0).to_dict("records"), "peak_gb": round(peak, 2)}))
        return
    files = {"drawings": list(pd.read_parquet(ROOT / "sample" / "sample.parquet")["image"])}
    if options.photographs:
        files["photographs"] = [path.read_bytes() for path in sorted(options.photographs.rglob("*.*"))]
    figures: dict = {}
    for what, data in files.items():
        made = planted(*originals(data), 30 if options.quick else min(150, len(data)))
        figures[what], pairs = judged(made)
        if options.sheet and what == "drawings":
            ends = pairs[["first", "second"]].to_numpy()
            shown = list(made["pixels"][ends.ravel()])
            told = [text for like in pairs["likeness"] for text in (f"{like:.2f}", "")]
            contact_sheet(shown, told, columns=16, width=1800).save(options.sheet)
    print(pd.DataFrame(figures).to_string(), flush=True)
    if not options.no_growth:
        grown = growth(GROWTH[:3] if options.quick else GROWTH)
        print(grown.to_string(index=False))
        figures["growth"] = grown.fillna(0).to_dict("records")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
