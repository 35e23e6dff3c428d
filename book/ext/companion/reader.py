"""Reads a notebook of the book: adds the labels, captions and alternative texts that make it a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

import nbformat
from nbformat import NotebookNode

SECTION = re.compile(r"^##+ (?P<number>\d+(?:\.\d+)+) ", re.M)
CHAPTER = re.compile(r"\A# ")
BEGINNING = re.compile(r"^begin_chapter\(\d+\)", re.M)  # displays what the chapter needs and takes
SUMMARY = re.compile(r"<summary>.*?</summary>", re.S)
INLINE_MATH = re.compile(r"\$(.+?)\$")


def read(text: str) -> NotebookNode:
    """Return the notebook as myst-nb shall render it; the file that readers download stays as it is.

    Parameters
    ----------
    text : str
        A notebook in JSON. Its chapter is known by its numbered headings.

    Returns
    -------
    NotebookNode
        The same cells, except that the macros are gone (MathJax has them from the configuration), headings carry
        labels, mathematics in a `<summary>` is marked up, each figure stands in a cell of its own, and what
        `begin_chapter` displays can be told from other output.
    """
    notebook = nbformat.reads(text, as_version=4)
    cells = [cell for cell in notebook.cells if "macros" not in cell.metadata.get("tags", [])]
    chapter = next((match["number"].split(".")[0] for cell in cells if (match := SECTION.search(cell.source))), "")
    notebook.cells = [page_cell for cell in cells for page_cell in _page_cells(cell, chapter)]
    return notebook


def _page_cells(cell: NotebookNode, chapter: str) -> Iterator[NotebookNode]:
    if cell.cell_type == "markdown":
        cell.source = labelled(SUMMARY.sub(_typeset_summary, cell.source), chapter)
        yield cell
    elif cell.cell_type == "code":
        if BEGINNING.search(cell.source):
            alone = ["remove-input"] if BEGINNING.fullmatch(cell.source) else []
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "begin-chapter", *alone]
        yield from _split(cell)
    else:
        yield cell


def labelled(markdown: str, chapter: str) -> str:
    """Put `(chap-02)=` before the title and `(sec-2-8)=` before each numbered heading.

    Examples
    --------
    >>> print(labelled("## 2.8 Singular Value Decomposition", "2"))
    (sec-2-8)=
    ## 2.8 Singular Value Decomposition
    """
    markdown = SECTION.sub(lambda match: f"(sec-{match['number'].replace('.', '-')})=\n{match[0]}", markdown)
    return CHAPTER.sub(f"(chap-{chapter:0>2})=\n# ", markdown) if chapter else markdown


def _typeset_summary(summary: re.Match[str]) -> str:
    # A <summary> is HTML, which the Markdown parser leaves alone; these are the classes MathJax looks for.
    return INLINE_MATH.sub(
        lambda math: rf'<span class="math notranslate nohighlight">\({escape(math[1], quote=False)}\)</span>',
        summary[0],
    )


def _split(cell: NotebookNode) -> Iterator[NotebookNode]:
    """Yield the cell with what it shows before its first figure, then each figure, and what stands between them."""
    outputs: list[list[NotebookNode]] = [[]]
    for output in cell.outputs:
        if "dlcore" in output.get("metadata", {}):
            outputs += [[output], []]
        else:
            outputs[-1].append(output)
    for i, shown in enumerate(outputs):
        if i > 0 and not shown:
            continue
        part = cell.copy()
        part.outputs = shown
        part.metadata = cell.metadata.copy()
        if i > 0:
            part.metadata["tags"] = ["remove-input"]
        if i % 2:
            part.metadata["mystnb"] = _figure_options(shown[0].metadata["dlcore"])
        yield part


def _figure_options(about: NotebookNode) -> dict[str, dict[str, str]]:
    """Say in myst-nb's words what `show_figure` has said about a figure."""
    return {
        "figure": {"name": about["figure"], "caption": about["caption"], "classes": f"fig-{about['kind']}"},
        "image": {"alt": about["alt"]},
    }
