"""A picture of which chapter needs which, drawn as SVG with links."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import networkx as nx

from companion.contents import is_written
from dlcore.display import CHAPTERS, Chapter

BOX = (128, 70)
GAP = (22, 44)
LINE = 19  # letters of a title on one line


def svg() -> str:
    """Return the chapters as boxes in rows, each below all that it needs, as one `<svg>` element."""
    arrows = nx.transitive_reduction(
        nx.DiGraph([(needed, chapter.number) for chapter in CHAPTERS for needed in chapter.needs])
    )
    arrows.add_nodes_from(chapter.number for chapter in CHAPTERS)
    places = _places(arrows)
    width = max(x for x, _ in places.values()) + BOX[0] + 2
    height = max(y for _, y in places.values()) + BOX[1] + 2
    edges = "".join(_edge(places[one], places[other]) for one, other in sorted(arrows.edges))
    boxes = "".join(_box(chapter, *places[chapter.number]) for chapter in CHAPTERS)
    return (
        f'<svg class="chapter-graph" viewBox="-2 -2 {width + 2:g} {height + 2:g}" role="group" '
        f'aria-label="The chapters, each below those that it needs">'
        f'<g class="edges" aria-hidden="true">{edges}</g>{boxes}</svg>'
    )


def _places(arrows: nx.DiGraph) -> dict[int, tuple[float, float]]:
    """Return the corner of each chapter's box: rows by depth, and within a row below its neighbours."""
    rows = [sorted(row) for row in nx.topological_generations(arrows)]
    middle = {number: (i + 0.5) / len(row) for row in rows for i, number in enumerate(row)}
    for _ in range(8):  # sweeps of the barycentre method
        for row in rows:
            wanted = {
                number: sum(middle[n] for n in nx.all_neighbors(arrows, number)) / max(1, arrows.degree(number))
                for number in row
            }
            row.sort(key=lambda number: (wanted[number], number))
            middle |= {number: (i + 0.5) / len(row) for i, number in enumerate(row)}
    step_x, step_y = BOX[0] + GAP[0], BOX[1] + GAP[1]
    widest = max(map(len, rows))
    return {
        number: (step_x * (i + (widest - len(row)) / 2), step_y * depth)
        for depth, row in enumerate(rows)
        for i, number in enumerate(row)
    }


def _edge(above: tuple[float, float], below: tuple[float, float]) -> str:
    x1, y1 = above[0] + BOX[0] / 2, above[1] + BOX[1]
    x2, y2 = below[0] + BOX[0] / 2, below[1]
    bend = min(GAP[1] * 0.9, (y2 - y1) / 2)
    return f'<path d="M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}"/>'


def _box(chapter: Chapter, x: float, y: float) -> str:
    lines = list(_lines(f"{chapter.number} {chapter.title}"))
    first = y + BOX[1] / 2 - 7.5 * (len(lines) - 1) + 4.5
    middle = f"{x + BOX[0] / 2:g}"
    text = "".join(
        f'<tspan x="{middle}" y="{first + 15 * i:g}">{escape(line)}</tspan>' for i, line in enumerate(lines)
    )
    state = "written" if is_written(chapter) else "unwritten"
    name = f"{chapter.number} {escape(chapter.title)}"
    return (
        f'<a class="{state}" href="notebooks/{chapter.stem}.html" aria-label="{name}">'
        f'<rect x="{x:g}" y="{y:g}" width="{BOX[0]}" height="{BOX[1]}" rx="6"/><text>{text}</text></a>'
    )


def _lines(title: str) -> Iterator[str]:
    line = ""
    for word in title.split():
        if line and len(line) + 1 + len(word) > LINE:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    yield line
