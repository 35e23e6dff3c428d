"""What makes a notebook a page of the book: figures, explorers, checks, source code, chapters."""

from dlcore.display.chapters import CHAPTERS, Chapter, begin_chapter
from dlcore.display.checks import check
from dlcore.display.explorer import explore
from dlcore.display.figures import show_figure
from dlcore.display.graphs import draw_graph
from dlcore.display.source import show
from dlcore.display.style import BLUE, CYCLE, GREEN, GREY, INK, ORANGE, PAPER, PURPLE

__all__ = [
    "BLUE",
    "CHAPTERS",
    "CYCLE",
    "GREEN",
    "GREY",
    "INK",
    "ORANGE",
    "PAPER",
    "PURPLE",
    "Chapter",
    "begin_chapter",
    "check",
    "draw_graph",
    "explore",
    "show",
    "show_figure",
]
