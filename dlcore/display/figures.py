"""Matplotlib figures as the small, sharp pictures of the book."""

from __future__ import annotations

import io
import re
from typing import Literal

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray
from PIL import Image

from dlcore.display.style import CSS_DPI, PAPER

Pixels = NDArray[np.uint8]
"""An RGB picture, shape (height, width, 3)."""

Kind = Literal["line", "picture"]

TOLERANCE: dict[Kind, float] = {"line": 24, "picture": 8}
"""How far a colour may move: unseen along the edge of a line, while the sky of a photograph shows bands beyond 8."""


def show_figure(fig: Figure, name: str, caption: str, *, alt: str) -> None:
    """Display a figure of the book as one PNG at twice its size on the page, and close it.

    Parameters
    ----------
    fig : Figure
        The drawing; one inch of it takes 100 pixels of the page.
    name : str
        Its label in the book, such as ``fig-unit-balls``, by which the text refers to it.
    caption : str
        The sentence under the figure, in Markdown.
    alt : str
        What a sighted reader would learn from the figure, for those who cannot see it.

    Raises
    ------
    ValueError
        If the name is not a label, caption or alternative text is missing, or something is cut off at an edge.

    Examples
    --------
    >>> fig, ax = plt.subplots(figsize=(3, 2))
    >>> lines = ax.plot([0, 1], [0, 1])
    >>> show_figure(fig, "fig-diagonal", "A straight line.", alt="A line rises from 0 to 1.")  # doctest: +ELLIPSIS
    {'image/png': b'...', 'text/plain': '[fig-diagonal] A line rises from 0 to 1.'}
    """
    if not re.fullmatch(r"fig-[a-z0-9]+(-[a-z0-9]+)*", name):
        raise ValueError(f"a figure's name looks like 'fig-unit-balls', got {name!r}")
    for what, text in {"caption": caption, "alternative text": alt}.items():
        if not text.strip():
            raise ValueError(f"the {what} of {name} is empty")
    width = round(fig.get_figwidth() * CSS_DPI)
    about = {"figure": name, "caption": caption, "alt": alt, "kind": kind(fig)}
    data = {"image/png": png(fig), "text/plain": f"[{name}] {alt}"}
    display(data, raw=True, metadata={"image/png": {"width": width, "alt": alt}, "dlcore": about})


def png(fig: Figure) -> bytes:
    """Draw a figure at twice its size on the page, close it, and return it as a palette PNG without metadata."""
    tolerance = TOLERANCE[kind(fig)]
    data = io.BytesIO()
    in_few_colours(render(fig, scale=2), tolerance).save(data, format="PNG", compress_level=7)
    return data.getvalue()


def kind(fig: Figure) -> Kind:
    """Return "picture" if the figure holds an image or a coloured mesh, otherwise "line"."""
    artists = (artist for axes in fig.axes for artist in (*axes.images, *axes.collections))  # findobj makes every tick
    return "picture" if any(isinstance(artist, AxesImage | QuadMesh) for artist in artists) else "line"


def render(fig: Figure, scale: float) -> Pixels:
    """Return the pixels of a figure on white paper, `scale` of them for one of the page, and close it.

    Raises
    ------
    ValueError
        If something is cut off, such as a label: less than half of an edge of the paper is inked. (More than half is
        a photograph that fills the paper.)
    """
    return Film(scale).frame(fig)


class Film:
    """Draws many frames, at `scale` pixels for one of the page.

    When the next frame is the last one's figure, and nothing but its animated artists has changed since, these
    alone are drawn again, over all else; axes, ticks and labels take most of a frame's time.
    """

    def __init__(self, scale: float) -> None:
        self.scale = scale
        self._canvas: FigureCanvasAgg | None = None

    def frame(self, fig: Figure) -> Pixels:
        """Return the pixels of a figure, as `render` does."""
        if self._canvas is None or fig is not self._canvas.figure or fig.stale:
            fig.set_facecolor(PAPER)
            fig.set_dpi(CSS_DPI * self.scale)
            self._canvas = FigureCanvasAgg(fig)
            self._canvas.draw()
            self._still = self._canvas.copy_from_bbox(fig.bbox)
            plt.close(fig)
        else:
            self._canvas.restore_region(self._still)
        moving = (a for parent in (fig, *fig.axes) for a in parent.get_children() if a.get_animated())
        for artist in sorted(moving, key=Artist.get_zorder):
            artist.draw(self._canvas.get_renderer())
        pixels = np.asarray(self._canvas.buffer_rgba())[..., :3].copy()
        edges = {"top": pixels[0], "bottom": pixels[-1], "left": pixels[:, 0], "right": pixels[:, -1]}
        for side, edge in edges.items():
            if 0 < (edge < 255).any(axis=-1).mean() < 0.5:
                raise ValueError(f"the figure {_title(fig)!r} is cut off at the {side}: give it more room")
        return pixels


def _title(fig: Figure) -> str:
    return fig.get_suptitle() or next((title for axes in fig.axes if (title := axes.get_title(loc="left"))), "")


def in_few_colours(pixels: Pixels, tolerance: float) -> Image.Image:
    """Redraw a picture in a palette of at most 256 colours.

    The commonest colour joins the palette, every colour within the tolerance is left to it, and so on down to the
    rarest. What fills an area thus keeps its exact colour, a marker of three pixels keeps its hue, and only the
    shades between two colours, along the edge of a line, become fewer. A photograph in colour has too many shades
    for that; Pillow's median cut, which weighs a colour by its area, then draws it better.

    Parameters
    ----------
    pixels : array, shape (height, width, 3)
    tolerance : float
        Largest change of a pixel, unless 256 colours cannot keep it: a distance in RGB with components 0 to 255.

    Returns
    -------
    PIL.Image.Image
        The picture in mode "P".
    """
    padded = np.zeros((*pixels.shape[:2], 4), dtype=np.uint8)
    padded[..., :3] = pixels
    packed = padded.view("<u4").ravel()  # one number for the colour of each pixel
    begins = np.flatnonzero(np.concatenate([[True], packed[1:] != packed[:-1]]))  # of each run of equal pixels
    lengths = np.diff(begins, append=packed.size)
    codes, run = np.unique(packed[begins], return_inverse=True)
    counts = np.bincount(run, weights=lengths)
    colours = np.stack([codes & 255, codes >> 8 & 255, codes >> 16], axis=1).astype(np.int32)
    rest = colours[np.lexsort((*colours.T[::-1], -counts))]
    chosen: list[NDArray[np.int32]] = []
    while len(rest):
        if len(chosen) == 256:
            return Image.fromarray(pixels).quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        chosen.append(rest[0])
        rest = rest[np.square(rest - rest[0]).sum(axis=1) > tolerance**2]
    palette = np.array(chosen)
    nearest = np.array([np.square(palette - colour).sum(axis=1).argmin() for colour in colours], dtype=np.uint8)
    picture = Image.fromarray(np.repeat(nearest[run], lengths).reshape(pixels.shape[:2]))
    picture.putpalette(palette.astype(np.uint8).tobytes())
    return picture
