"""What is compared of pictures: small views that a border, a caption or a paler print do not change."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter

SIDE = 20  # cells of a side of a view, of its brightness
COARSE = 4  # of its colour
AT_A_TIME = 256  # pictures looked at together
PAIRS_AT_A_TIME = 4096  # compared together

PAPER = 0.04  # of a picture's range of brightness: what is darker than its brightest by more is no paper
BRIGHTEST = 0.95  # of the pixels
LEAST_BOX = 0.08  # of the square's side: a smaller content is too little to look at alone

WHOLE, INNER, ABOVE = range(3)  # without its border; without 3.5 % of each side; without the lowest 14 %
INNER_CUT, CAPTION = 0.035, 0.14

LIKE = 0.9  # least likeness of two views, once the one is laid over the other
WINDOW = 5  # cells of a side of a window in which structure is compared
NOISE = 5.0  # levels of brightness: less contrast in a window is noise
RIDGE = 0.05  # of brightness, added for stability: a slope that is nearly none explains nothing
LAID_OVER = 0.08  # most that a view may be moved or stretched for that, as a share of its side
PALER = 4.0  # most that the contrast of one may be above that of the other
SHAPE = 0.15  # most that the logarithms of width / height may differ
FLAT = 4.0  # levels of brightness: less contrast is none, and such pictures must be of one brightness
TINT = 8.0  # levels of colour: less is none, and a grey picture may be the copy of a coloured one
SAME_COLOUR = 0.8  # least cosine of two colours
OTHER = 0.1  # of the cells: so many may be of another colour


@dataclass(frozen=True)
class Views:
    """The views WHOLE, INNER and ABOVE of n pictures.

    grey: (n, 3, SIDE, SIDE) uint8, brightness; colour: (n, 3, 2, COARSE, COARSE) int16, how far blue and red
    are from it; shape: (n, 3) float32, the logarithm of width / height.
    """

    grey: np.ndarray
    colour: np.ndarray
    shape: np.ndarray


def join(parts: list[Views]) -> Views:
    """The views of all parts, one part after the other."""
    return Views(*(np.concatenate([getattr(part, name) for part in parts]) for name in Views.__annotations__))


def inside_square(sizes: np.ndarray, side: int, fit: str) -> np.ndarray:
    """Where pictures of sizes (n, 2) width, height lie in their squares: (n, 4) top, bottom, left, right.

    >>> [inside_square(np.array([[40, 20]]), 8, fit).tolist() for fit in ("pad", "stretch")]
    [[[2, 6, 0, 8]], [[0, 8, 0, 8]]]
    """
    if fit == "stretch":
        return np.tile([0, side, 0, side], (len(sizes), 1))
    fitted = np.maximum(1, np.round(sizes * side / sizes.max(axis=1, keepdims=True))).astype(np.int64)
    start = (side - fitted) // 2
    return np.stack(
        [start[:, 1], start[:, 1] + fitted[:, 1], start[:, 0], start[:, 0] + fitted[:, 0]], axis=1
    )


def look(pixels: np.ndarray, boxes: np.ndarray, sizes: np.ndarray) -> Views:
    """The views of `pixels` (n, S, S, 3) uint8 whose pictures lie in `boxes` (n, 4), see `inside_square`.

    sizes: (n, 2) width, height of the originals.
    """
    grey = np.empty((len(pixels), 3, SIDE, SIDE), np.uint8)
    colour = np.empty((len(pixels), 3, 2, COARSE, COARSE), np.int16)
    shape = np.empty((len(pixels), 3), np.float32)
    for start in range(0, len(pixels), AT_A_TIME):
        some = slice(start, start + AT_A_TIME)
        rgb = np.asarray(pixels[some], np.float32)
        bright = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
        own = _boxes_of_views(bright, boxes[some])
        summed = _summed(bright)
        for view in range(3):
            grey[some, view] = np.round(_averages(summed, own[:, view], SIDE))
        for place, channel in enumerate((2, 0)):
            summed = _summed(rgb[..., channel] - bright)
            for view in range(3):
                colour[some, view, place] = np.round(_averages(summed, own[:, view], COARSE))
        shape[some] = _shapes(own, boxes[some], sizes[some])
    return Views(grey, colour, shape)


def _shapes(own: np.ndarray, boxes: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    stretch = sizes / np.maximum(1, np.stack([boxes[:, 3] - boxes[:, 2], boxes[:, 1] - boxes[:, 0]], axis=1))
    width = (own[..., 3] - own[..., 2]) * stretch[:, :1]
    height = (own[..., 1] - own[..., 0]) * stretch[:, 1:]
    return np.log(width / height)


def _boxes_of_views(bright: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(n, 3, 4) float: where the views of (n, S, S) brightness lie."""
    whole = _without_border(bright, boxes)
    height, width = whole[:, 1] - whole[:, 0], whole[:, 3] - whole[:, 2]
    inner = whole + INNER_CUT * np.stack([height, -height, width, -width], axis=1)
    above = boxes.copy()
    above[:, 1] -= np.round(CAPTION * (boxes[:, 1] - boxes[:, 0])).astype(np.int64)
    return np.stack([whole, inner, _without_border(bright, above)], axis=1)


def _without_border(bright: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """`boxes` without the outer rows and columns that are nowhere darker than paper: (n, 4) float.

    Paper is as bright as BRIGHTEST of the picture's pixels are at the most: resizing makes some yet brighter.
    """
    place = np.arange(bright.shape[1])
    rows = (place >= boxes[:, :1]) & (place < boxes[:, 1:2])
    columns = (place >= boxes[:, 2:3]) & (place < boxes[:, 3:])
    there = rows[:, :, None] & columns[:, None, :]
    some = np.where(there, bright, 256)[:, ::4, ::4].reshape(len(bright), -1)
    some.sort(axis=1)
    last = (some < 256).sum(axis=1) - 1
    paper = some[np.arange(len(some)), (BRIGHTEST * last).astype(np.int64)]
    content = there & (bright < (paper - 1 - PAPER * (paper - some[:, 0]))[:, None, None])
    trimmed = np.concatenate([_ends(content.any(axis=2)), _ends(content.any(axis=1))], axis=1)
    large = (trimmed[:, 1::2] - trimmed[:, ::2] >= max(2, LEAST_BOX * len(place))).all(axis=1)
    return np.where((large & content.any(axis=(1, 2)))[:, None], trimmed, boxes).astype(np.float64)


def _ends(there: np.ndarray) -> np.ndarray:
    """The first true place of each row, and one after its last: (n, 2)."""
    return np.stack([there.argmax(axis=1), there.shape[1] - there[:, ::-1].argmax(axis=1)], axis=1)


def _summed(values: np.ndarray) -> np.ndarray:
    """Sums over all rectangles from the first corner (Crow 1984): (n, S + 1, S + 1) float64."""
    summed = np.zeros((len(values), values.shape[1] + 1, values.shape[2] + 1))
    np.cumsum(values, axis=1, out=summed[:, 1:, 1:], dtype=np.float64)
    np.cumsum(summed[:, 1:, 1:], axis=2, out=summed[:, 1:, 1:])
    return summed


def _averages(summed: np.ndarray, boxes: np.ndarray, cells: int) -> np.ndarray:
    """Averages over cells x cells parts of each box, whose ends may lie inside of a pixel."""
    steps = np.linspace(0, 1, cells + 1)
    y, x = (boxes[:, [a]] + steps * (boxes[:, [a + 1]] - boxes[:, [a]]) for a in (0, 2))
    one = np.arange(len(summed))[:, None]
    low = np.minimum(y.astype(np.int64), summed.shape[1] - 2)
    part = (y - low)[..., None]
    lines = summed[one, low] * (1 - part) + summed[one, low + 1] * part
    low = np.minimum(x.astype(np.int64), summed.shape[2] - 2)[:, None, :]
    part = x[:, None, :] - low
    sums = np.take_along_axis(lines, low, 2) * (1 - part) + np.take_along_axis(lines, low + 1, 2) * part
    area = (boxes[:, 1] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 2]) / cells**2
    return np.diff(np.diff(sums, axis=1), axis=2) / area[:, None, None]


# --- Whether two views agree, once one is laid over the other
#
# A copy that was cut or framed lies a little beside its original and is a little larger. So a view is
# explained by the other and by what moving and stretching it a little would change: least squares over its
# brightness, its slopes down and across, and both times their place (tangents: Simard, LeCun and Denker,
# "Efficient Pattern Recognition Using a New Transformation Distance", NIPS 1992). Correlation of the whole
# would take a moon for an orange, both being discs on white. So it is asked of each small window, by the part
# for contrast and structure of the structural similarity (Wang, Bovik, Sheikh and Simoncelli, "Image Quality
# Assessment: From Error Visibility to Structural Similarity", 2004), and the windows are averaged.


def likeness(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """How far two views (m, SIDE, SIDE) agree, each pair laid over: (m,) float32, at most 1 (equal).

    The mean structural similarity of the one of more contrast and what the other explains of it; 0 where that
    would have to be moved or stretched by more than LAID_OVER, or be paler by more than PALER. Of two flat
    views 1 if they are about as bright.

    >>> ramp = np.indices((1, SIDE, SIDE), dtype=float)[2] * 10
    >>> likeness(ramp, ramp / 2 + 30).round(3).tolist(), likeness(ramp, ramp[..., ::-1]).tolist()
    ([1.0], [0.0])
    """
    one, two = _smooth(one), _smooth(two)
    as_bright = np.abs(one.mean(axis=(1, 2)) - two.mean(axis=(1, 2))) <= TINT
    swap = (one.std(axis=(1, 2)) < two.std(axis=(1, 2)))[:, None, None]
    one, two = np.where(swap, two, one), np.where(swap, one, two)
    told, weights = _laid_over(one, two)
    moved = np.abs(weights[:, 1:]).max(axis=1) / np.maximum(np.abs(weights[:, 0]), 1e-3) / SIDE
    fits = (moved <= LAID_OVER) & (weights[:, 0] > 0) & (weights[:, 0] <= PALER)
    return np.where(is_flat(one), as_bright, _structure(one, told) * fits).astype(np.float32)


def _laid_over(one: np.ndarray, two: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What `two`, moved and stretched, explains of `one`, (m, SIDE, SIDE); weights (m, 5), contrast first."""
    across = np.linspace(-1, 1, SIDE, dtype=np.float32)
    down, right = np.gradient(two, axis=(1, 2))
    terms = np.stack([two, down, right, down * across[:, None], right * across], axis=1)
    terms = terms.reshape(len(two), 5, -1)
    terms -= terms.mean(axis=2, keepdims=True)
    wanted = (one - one.mean(axis=(1, 2), keepdims=True)).reshape(len(one), -1, 1)
    products = terms @ terms.transpose(0, 2, 1) + SIDE**2 * RIDGE * np.eye(5, dtype=np.float32)
    weights = np.linalg.solve(products, terms @ wanted)[..., 0]
    return (weights[:, None] @ terms).reshape(one.shape), weights


def _structure(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """The mean over windows of WINDOW cells of how far contrast and structure agree: (m,)."""

    def mean(values: np.ndarray) -> np.ndarray:
        return uniform_filter(values, (0, WINDOW, WINDOW), mode="nearest")

    mean_one, mean_two = mean(one), mean(two)
    variances = mean(one * one) - mean_one**2 + mean(two * two) - mean_two**2
    together = mean(one * two) - mean_one * mean_two
    return ((2 * together + NOISE**2) / (variances + NOISE**2)).mean(axis=(1, 2))


def _smooth(views: np.ndarray) -> np.ndarray:
    """Averaged with their neighbours by 1, 2, 1, so that a slope holds over the whole of a small move."""
    padded = np.pad(np.asarray(views, np.float32), ((0, 0), (1, 1), (1, 1)), mode="edge")
    lines = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    return (lines[:, :, :-2] + 2 * lines[:, :, 1:-1] + lines[:, :, 2:]) / 16


def is_flat(grey: np.ndarray) -> np.ndarray:
    """Whether views (m, SIDE, SIDE) have no contrast to speak of: (m,) bool."""
    return np.std(grey, axis=(1, 2), dtype=np.float32) < FLAT


def same_colour(one: np.ndarray, two: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """Whether colours (m, 2, COARSE, COARSE) do not contradict each other: (m,) bool.

    A cell does where both pictures have a colour there, and not the same. Of pictures that are `flat` (m,)
    little else is known, so their colours must differ little.
    """
    one, two = (np.asarray(colour, np.float32).reshape(len(colour), 2, -1) for colour in (one, two))
    apart = np.sqrt(((one - two) ** 2).sum(axis=1))
    strength = [np.sqrt((colour**2).sum(axis=1)) for colour in (one, two)]
    cosine = (one * two).sum(axis=1) / np.maximum(strength[0] * strength[1], 1e-6)
    other = (np.minimum(*strength) > TINT) & (cosine < SAME_COLOUR) & (apart > TINT)
    return np.where(flat, (apart <= TINT).all(axis=1), other.mean(axis=1) <= OTHER)
