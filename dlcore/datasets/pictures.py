"""Photographs, patches cut from them, and faces."""

from functools import cache
from importlib import resources
from io import BytesIO
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlcore.datasets.catalogue import verify

_PHOTOGRAPHS = {
    "astronaut": ("skimage", "data/astronaut.png"),
    "camera": ("skimage", "data/camera.png"),
    "china": ("sklearn", "datasets/images/china.jpg"),
    "coins": ("skimage", "data/coins.png"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
}


class Labelled(NamedTuple):
    """Samples and their classes."""

    X: NDArray[np.float64]
    y: NDArray[np.int64]


def photograph(name: str, *, grey: bool = False) -> NDArray[np.float64]:
    """Read one photograph.

    Parameters
    ----------
    name : {"astronaut", "camera", "china", "coins", "flower"}
        "camera" (512, 512) and "coins" (303, 384) are grey; "astronaut" (512, 512, 3), "china" and
        "flower" (427, 640, 3) are in colour.
    grey : bool
        Give a colour photograph as the plain mean of its three channels.

    Returns
    -------
    array of shape (height, width) or (height, width, 3)
        Intensities in [0, 1]; the last axis is red, green, blue.

    Raises
    ------
    ValueError
        For an unknown name.

    Notes
    -----
    "china" and "flower" are JPEG files: another decoder than the pinned one may give slightly
    different levels. The other three are stored without loss.

    Examples
    --------
    >>> photograph("camera").shape
    (512, 512)
    >>> photograph("china", grey=True).shape
    (427, 640)
    """
    if name not in _PHOTOGRAPHS:
        raise ValueError(f"no photograph {name!r}: choose from {', '.join(_PHOTOGRAPHS)}")
    levels = _levels(name)
    return (levels.mean(axis=2) if grey and levels.ndim == 3 else levels) / 255


def natural_patches(
    n: int, size: int, rng: np.random.Generator, *, region: Literal["left", "right"] | None = None
) -> NDArray[np.float64]:
    """Cut square patches at random places of the photographs "china" and "flower", in grey.

    Parameters
    ----------
    n : int
        Number of patches; each comes from either photograph with probability 1/2.
    size : int
        Side of a patch in pixels.
    rng : numpy.random.Generator
        Chooses the photographs and the places.
    region : {"left", "right"}, optional
        Stay inside the left two thirds of both photographs (columns 0..425), to train on, or inside
        the right third, to test on: no pixel belongs to both. By default the whole photographs.

    Returns
    -------
    array of shape (n, size * size)
        Intensities in [0, 1], one patch per row.

    Raises
    ------
    ValueError
        For an unknown region, or a patch that does not fit into it.

    Examples
    --------
    >>> natural_patches(5, 12, np.random.default_rng(0)).shape
    (5, 144)
    """
    pictures = np.stack([photograph("china", grey=True), photograph("flower", grey=True)])
    cut = 2 * pictures.shape[2] // 3
    columns = {None: slice(None), "left": slice(cut), "right": slice(cut, None)}
    if region not in columns:
        raise ValueError(f"region must be 'left', 'right' or None, got {region!r}")
    pictures = pictures[:, :, columns[region]]
    if not 1 <= size <= min(pictures.shape[1:]):
        raise ValueError(f"size must lie between 1 and {min(pictures.shape[1:])}, got {size}")
    windows = np.lib.stride_tricks.sliding_window_view(pictures, (size, size), axis=(1, 2))
    picture, row, column = (rng.integers(stop, size=n) for stop in windows.shape[:3])
    return windows[picture, row, column].reshape(n, size * size)


def faces() -> Labelled:
    """A hundred faces and a hundred bits of background, each of 25x25 pixels.

    Returns
    -------
    Labelled
        ``X`` of shape (200, 625), intensities in [0, 1]; ``y`` of shape (200,), 1 for the faces (the
        first hundred rows) and 0 for the others.

    Examples
    --------
    >>> X, y = faces()
    >>> X[y == 1].shape
    (100, 625)
    """
    pictures = np.load(BytesIO(_file("faces", "skimage", "data/lfw_subset.npy")))
    return Labelled(pictures.reshape(200, 625), np.repeat(np.array([1, 0], dtype=np.int64), 100))


@cache
def _levels(name: str) -> NDArray[np.uint8]:
    from PIL import Image

    return np.asarray(Image.open(BytesIO(_file(name, *_PHOTOGRAPHS[name]))), dtype=np.uint8)


def _file(dataset: str, package: str, filename: str) -> bytes:
    """Read a file that another package ships, past that package's own loader, which might download."""
    content = resources.files(package).joinpath(filename).read_bytes()
    verify(dataset, np.frombuffer(content, dtype=np.uint8))
    return content
