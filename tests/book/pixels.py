"""Comparison of two drawings of the same figure, possibly made on two machines."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import maximum_filter, minimum_filter

TILE = 32
"""Side of the squares judged one by one, so that a small change is not averaged away in a large picture."""

LEVELS = 50
"""How far, of 255, a pixel may stray. Two palettes may render the shade of one edge pixel that differently."""


def same_picture(a: bytes, b: bytes, loose: bool = False) -> str:
    """Return where two PNG or WebP files part that should show the same drawing; nothing if they do.

    Rounding differs between processors, so an edge may fall one pixel further and its shades may change. A pixel
    is therefore explained if its colour lies, give or take `LEVELS`, between the darkest and the lightest of its
    neighbours in the other picture. In every tile both pictures must explain all but two pixels of the other.
    And no tile may change its mean colour by more than 8 levels: that catches a fill too pale for the first test.

    With `loose`, for curves that come out of a training run, neighbours are those within eight pixels, and an
    eighth of each tile may remain unexplained; a tile may change its mean colour by 64 levels.

    Parameters
    ----------
    a, b : bytes
        The two files.
    loose : bool
        Whether the figure was drawn from a training run.

    Returns
    -------
    str
        Where and by how much the worst tile differs; empty for the same picture.
    """
    if a == b:
        return ""
    reach, most_pixels, most_mean = (8, TILE**2 // 8, 64.0) if loose else (1, 2, 8.0)
    first, second = _pixels(a), _pixels(b)
    if first.shape != second.shape:
        sizes = [f"{width} x {height}" for height, width, _ in (first.shape, second.shape)]
        return f"the pictures measure {sizes[0]} and {sizes[1]} pixels"
    worst = ""
    most = 1.0
    for top, left in _differing_tiles(first, second):
        rows, columns = slice(top, top + TILE), slice(left, left + TILE)
        means = np.abs(first[rows, columns].mean((0, 1)) - second[rows, columns].mean((0, 1)))
        strays = _unexplained(first, second, top, left, reach) + _unexplained(second, first, top, left, reach)
        excess = max(strays / most_pixels, float(means.max()) / most_mean)
        if excess > most:
            most = excess
            worst = f"tile at x={left}, y={top}: {strays} pixels differ, mean colour by {means.max():.0f} levels"
    return worst


def _pixels(file: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))


def _differing_tiles(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> list[tuple[int, int]]:
    rows, columns = np.nonzero((a != b).any(axis=-1))
    return sorted(set(zip((rows // TILE * TILE).tolist(), (columns // TILE * TILE).tolist(), strict=True)))


def _unexplained(a: NDArray[np.uint8], b: NDArray[np.uint8], top: int, left: int, reach: int) -> int:
    """Count the pixels of one tile of `a` that no neighbourhood of `b` explains."""
    above, before = max(top - reach, 0), max(left - reach, 0)
    around = b[above : top + TILE + reach, before : left + TILE + reach].astype(np.int16)
    size = (2 * reach + 1, 2 * reach + 1, 1)
    tile = a[top : top + TILE, left : left + TILE].astype(np.int16)
    inner = slice(top - above, top - above + tile.shape[0]), slice(left - before, left - before + tile.shape[1])
    lowest, highest = minimum_filter(around, size)[inner], maximum_filter(around, size)[inner]
    stray = (tile < lowest - LEVELS) | (tile > highest + LEVELS)
    return int(stray.any(axis=-1).sum())
