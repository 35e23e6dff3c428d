"""The look of the book's figures: colours and Matplotlib settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl
from cycler import cycler

# The hues of Okabe and Ito (2008), made darker and spread in lightness: text in any of them is readable (contrast
# 4.5 or more) on white paper and, inverted with its hue kept, on the dark page; and any two remain apart for
# readers with any kind of colour blindness. tests/display/test_style.py measures both.
PAPER = "#ffffff"
INK = "#22262b"
GREY = "#5d646d"
BLUE = "#326edc"
ORANGE = "#be5a0a"
GREEN = "#145a28"
PURPLE = "#965a96"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, INK)

CSS_DPI = 100
"""Pixels of the page for one inch of figure: a figure 7 inches wide is shown 700 pixels wide."""

SETTINGS: dict[str, object] = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": cycler(color=CYCLE),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titley": 1.0,  # the same place, without measuring all tick labels first: a frame takes a third less time
    "figure.constrained_layout.use": True,
    "figure.dpi": CSS_DPI,
    "figure.facecolor": PAPER,
    "figure.figsize": (7.0, 3.6),
    "figure.titlesize": 10.5,
    "figure.titleweight": "bold",
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "grid.color": "#d9dce0",
    "grid.linewidth": 0.8,
    "image.cmap": "gray",
    "image.interpolation": "nearest",
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "text.color": INK,
    "xtick.color": GREY,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 9,
    "ytick.color": GREY,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 9,
}


def apply_style() -> None:
    """Draw every later figure of this process in the book's style."""
    mpl.rcParams.update(SETTINGS)


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw the figures of a ``with`` block in the book's style."""
    with mpl.rc_context(SETTINGS):
        yield
