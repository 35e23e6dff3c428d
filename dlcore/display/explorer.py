"""Interactive figures: widgets in a live notebook, one picture of all frames in the built book."""

from __future__ import annotations

import base64
import functools
import io
import itertools
import json
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure
from matplotlib.layout_engine import PlaceHolderLayoutEngine
from matplotlib.transforms import Bbox

from dlcore.display.figures import TOLERANCE, Film, Pixels, in_few_colours, kind, png
from dlcore.display.style import CSS_DPI

if TYPE_CHECKING:
    from ipywidgets import Widget

MOST_CONTROLS = 3
MOST_FRAMES = 60
MOST_PIXELS = 25_000_000  # of all frames together: a browser unpacks them into 100 MB
LONGEST_SIDE = 16383  # of a WebP picture


def explore(
    draw: Callable[..., Figure],
    *,
    name: str,
    question: str,
    describe: Callable[..., str],
    default: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
    **controls: Sequence[Any],
) -> None:
    """Display a figure that the reader can move.

    Executed for the book (``DLCORE_BOOK=1``), every frame is drawn at once and the output is static HTML that the
    site's ``explorer.js`` brings to life; in any other kernel the output is made of widgets that call `draw`.

    Parameters
    ----------
    draw : callable
        Takes one value of each control by name and returns a figure, always of the same size. Fixed limits let the
        reader compare frames; the layout is that of the default frame. One figure may be redrawn and returned again:
        fastest if what changes is ``animated``, which is then drawn last, over all else.
    name : str
        Identifies the explorer within the book, such as ``svd_rank``.
    question : str
        What the reader should predict before moving anything.
    describe : callable
        Takes the same values as `draw` and returns what that frame shows, for those who cannot see it.
    default : mapping, optional
        The values shown first; of a control that it leaves out, the first of its list.
    labels : mapping, optional
        What the reader sees as the name of a control; its keyword otherwise.
    **controls : sequences
        The values of each control, in the order of its slider: at most three controls, at most 60 frames.

    Raises
    ------
    ValueError
        If `name` is no name, the question or a description is empty, there are too many controls or frames, two
        values of a control look the same, `default` or `labels` speaks of something unknown, or the frames differ
        in size, are too large or are cut off at an edge.

    Examples
    --------
    >>> def line(slope):
    ...     fig, ax = plt.subplots(figsize=(3, 2))
    ...     ax.plot([0, 1], [0, slope])
    ...     ax.set_ylim(-2, 2)
    ...     return fig
    >>> explore(
    ...     line,
    ...     name="slope",
    ...     question="Predict: which way does it lean?",
    ...     describe=lambda slope: f"A line of slope {slope}.",
    ...     slope=[-1, 0, 1],
    ... )  # doctest: +ELLIPSIS
    VBox(...)
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"an explorer's name looks like 'svd_rank', got {name!r}")
    if not question.strip():
        raise ValueError(f"the question of explorer {name} is empty")
    explorer = _Explorer(draw, describe, name, question, _controls(controls, default or {}, labels or {}))
    if os.environ.get("DLCORE_BOOK") == "1":
        plain = f"{question}\n{explorer.text(explorer.start)}"
        display({"text/html": _static(explorer), "text/plain": plain}, raw=True)
    else:
        display(_live(explorer))


@dataclass(frozen=True)
class _Control:
    name: str
    label: str
    values: tuple[Any, ...]
    start: int  # place of the value shown first

    @property
    def shown(self) -> list[str]:
        """The values as the reader sees them, on the page and in its address."""
        return [f"{value:g}" if isinstance(value, float) else str(value) for value in self.values]


@dataclass(frozen=True)
class _Explorer:
    draw: Callable[..., Figure]
    describe: Callable[..., str]
    name: str
    question: str
    controls: tuple[_Control, ...]

    @property
    def start(self) -> tuple[int, ...]:
        return tuple(control.start for control in self.controls)

    def figure(self, places: Sequence[int]) -> Figure:
        """Return one frame; its axes stand where those of the default frame stand, so that nothing jumps."""
        boxes = self._boxes
        figure = self.draw(**self._values(places))
        engine = figure.get_layout_engine()
        if not (engine is None or isinstance(engine, PlaceHolderLayoutEngine)) and len(figure.axes) == len(boxes):
            figure.set_layout_engine("none")
            for axes, box in zip(figure.axes, boxes, strict=True):
                axes.set_position(box)
        return figure

    @functools.cached_property
    def _boxes(self) -> list[Bbox]:
        figure = self.draw(**self._values(self.start))
        figure.draw_without_rendering()
        plt.close(figure)
        return [axes.get_position(original=True) for axes in figure.axes]

    def text(self, places: Sequence[int]) -> str:
        values = self._values(places)
        text = self.describe(**values)
        if not text.strip():
            raise ValueError(f"explorer {self.name} has no description of the frame {values}")
        return text

    def _values(self, places: Sequence[int]) -> dict[str, Any]:
        return {control.name: control.values[place] for control, place in zip(self.controls, places, strict=True)}


def _controls(
    lists: Mapping[str, Sequence[Any]], default: Mapping[str, Any], labels: Mapping[str, str]
) -> tuple[_Control, ...]:
    frames = math.prod(len(values) for values in lists.values())
    if not 1 <= len(lists) <= MOST_CONTROLS or not 1 <= frames <= MOST_FRAMES:
        raise ValueError(
            f"an explorer has 1 to {MOST_CONTROLS} controls and 1 to {MOST_FRAMES} frames, "
            f"got {len(lists)} controls and {frames} frames"
        )
    for what, given in {"default": default, "labels": labels}.items():
        if unknown := sorted(given.keys() - lists.keys()):
            raise ValueError(f"{what} speaks of {unknown}, but the controls are {sorted(lists)}")
    controls = []
    for name, values in lists.items():
        values = tuple(values)
        first = default.get(name, values[0])
        if first not in values:
            raise ValueError(f"the default {first!r} of {name} is not among its values {values}")
        control = _Control(name, labels.get(name, name), values, values.index(first))
        if len(set(control.shown)) < len(values):
            raise ValueError(f"two values of {name} look the same: {', '.join(control.shown)}")
        controls.append(control)
    return tuple(controls)


# --- in the book ----------------------------------------------------------------------------------------------


def _static(explorer: _Explorer) -> str:
    """Return the explorer as HTML: all frames in one picture, one of them in view.

    What the default frame needs to be seen stands in ``style`` attributes that even a viewer without the book's
    style sheet and script accepts; positions are shares of the view, so the picture shrinks with the page.
    """
    combinations = list(itertools.product(*(range(len(control.values)) for control in explorer.controls)))
    texts = [explorer.text(places) for places in combinations]
    frames: list[Pixels] = []
    sizes, kinds = set(), set()
    film: Film | None = None
    for places in combinations:
        figure = explorer.figure(places)
        kinds.add(kind(figure))
        sizes.add(tuple(float(inches) * CSS_DPI for inches in figure.get_size_inches()))
        if len(sizes) > 1:
            raise ValueError(f"the frames of explorer {explorer.name} differ in size: {sorted(sizes)} pixels")
        ((width, height),) = sizes
        film = film or Film(_scale(len(combinations) * width * height, explorer.name))
        frames.append(film.frame(figure))
    which = "picture" if "picture" in kinds else "line"
    tall, wide, _ = frames[0].shape
    rows = math.ceil(len(frames) / (LONGEST_SIDE // wide))
    columns = math.ceil(len(frames) / rows)
    source = _webp(_sheet(frames, rows, columns), TOLERANCE["line"] if which == "line" else 2 * TOLERANCE["picture"])
    first = combinations.index(explorer.start)
    row, column = divmod(first, columns)
    return f"""\
<figure class="explorer" id="explore-{explorer.name}" data-kind="{which}" data-columns="{columns}" \
data-texts={_json(texts)}>
<p class="explorer-question">{escape(explorer.question)}</p>
<div class="explorer-view" style="max-width:{width:.0f}px">\
<div style="position:relative;overflow:hidden;height:0;padding-bottom:{100 * tall / wide:.4f}%">\
<img src="data:image/webp;base64,{base64.b64encode(source).decode()}" alt="{escape(texts[first])}" \
style="position:absolute;left:{-100 * column}%;top:{-100 * row}%;width:{100 * columns}%;max-width:none;margin:0">\
</div></div>
<div class="explorer-controls" style="display:none">{"".join(_control_html(control) for control in explorer.controls)}\
<button type="button">Reset</button></div>
<p class="explorer-text" aria-live="polite">{escape(texts[first])}</p>
<p class="explorer-note">One frame of {len(frames)}: the controls need JavaScript, or a running notebook.</p>
</figure>"""


def _control_html(control: _Control) -> str:
    shown = control.shown
    value = escape(shown[control.start])
    return f"""\
<div class="explorer-control"><label><span>{escape(control.label)}</span>\
<input type="range" name="{control.name}" min="0" max="{len(shown) - 1}" value="{control.start}" \
aria-valuetext="{value}" data-values={_json(shown)} autocomplete="off"></label>\
<output aria-live="off">{value}</output></div>"""


def _json(texts: Sequence[str]) -> str:
    """Return texts as JSON in a quoted attribute of HTML."""
    quoted = escape(json.dumps(texts, ensure_ascii=False), quote=False).replace("'", "&#39;")
    return f"'{quoted}'"


def _scale(pixels: float, name: str) -> float:
    """Return how many pixels to draw for one of the page, 2 if all frames together can afford it."""
    scale = math.floor(4 * math.sqrt(MOST_PIXELS / pixels)) / 4
    if scale < 1:
        raise ValueError(f"the frames of explorer {name} take {pixels:.0f} pixels, at most {MOST_PIXELS} are allowed")
    return min(scale, 2.0)


def _sheet(frames: Sequence[Pixels], rows: int, columns: int) -> Pixels:
    """Return one picture of all frames, row by row, on white."""
    tall, wide, _ = frames[0].shape
    sheet = np.full((rows * tall, columns * wide, 3), 255, dtype=np.uint8)
    for place, frame in enumerate(frames):
        row, column = divmod(place, columns)
        sheet[row * tall : (row + 1) * tall, column * wide : (column + 1) * wide] = frame
    return sheet


def _webp(pixels: Pixels, tolerance: float) -> bytes:
    data = io.BytesIO()
    in_few_colours(pixels, tolerance).convert("RGB").save(data, format="WEBP", lossless=True, method=2, quality=20)
    return data.getvalue()


# --- in a live notebook ---------------------------------------------------------------------------------------


def _live(explorer: _Explorer) -> Widget:
    """Return the explorer as widgets that draw a frame when it is first asked for."""
    import ipywidgets as widgets  # not at the top: the book, and whoever only reads data, does without

    @functools.cache
    def frame(places: tuple[int, ...]) -> tuple[str, str]:
        text = escape(explorer.text(places))
        figure = explorer.figure(places)
        width = round(figure.get_figwidth() * CSS_DPI)
        source = f"data:image/png;base64,{base64.b64encode(png(figure)).decode()}"
        picture = f'<img src="{source}" alt="{text}" style="width:{width}px;max-width:100%">'
        return picture, f'<p aria-live="polite">{text}</p>'

    sliders = [
        widgets.SelectionSlider(
            options=[(shown, place) for place, shown in enumerate(control.shown)],
            value=control.start,
            description=control.label,
            style={"description_width": "initial"},
            layout={"width": "min(40em, 100%)"},
        )
        for control in explorer.controls
    ]
    reset = widgets.Button(description="Reset")
    picture, text = (widgets.HTML(part) for part in frame(explorer.start))

    def move(_: object) -> None:
        picture.value, text.value = frame(tuple(slider.value for slider in sliders))

    def restore(_: object) -> None:
        for slider, place in zip(sliders, explorer.start, strict=True):
            slider.value = place

    for slider in sliders:
        slider.observe(move, names="value")
    reset.on_click(restore)
    question = widgets.HTML(f"<strong>{escape(explorer.question)}</strong>")
    return widgets.VBox([question, picture, *sliders, reset, text])
