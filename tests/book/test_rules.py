"""Each rule of the book is shown to accept a small good page and to reject the page that breaks it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.book import rules
from tests.book.rules import Page
from tools.notebooks import canonical

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
FIGURE = {"dlcore": {"figure": "fig-a", "caption": "Error against rank.", "alt": "The error falls to 0 at rank 61."}}
EXPLORER = '<figure class="explorer" id="explore-{}"><p class="explorer-question">{}</p></figure>'


def printed(text: str, name: str = "stdout") -> NotebookNode:
    return new_output("stream", name=name, text=text)


def shown(data: dict[str, str], metadata: dict[str, Any] | None = None) -> NotebookNode:
    return new_output("display_data", data=data, metadata=metadata or {})


def good_cells() -> list[NotebookNode]:
    explorers = [shown({"text/html": EXPLORER.format(name, "What happens at 3?")}) for name in "abc"]
    return [
        new_markdown_cell("$$\n\\newcommand{\\x}{x}\n$$", metadata={"tags": ["macros"]}),
        new_markdown_cell("# Tiny Algebra\n\nHow few?"),
        new_markdown_cell("## 2.1 One\n\n```\n## 9.9 Not a heading\n```"),
        new_code_cell("import numpy as np\n\nrng = np.random.default_rng(0)", outputs=[printed("ok: a\n" * 6)]),
        new_markdown_cell("### 2.1.1 A closer look"),
        new_code_cell("show_figure(fig)", outputs=[shown({"image/png": PIXEL}, FIGURE)]),
        new_markdown_cell("## 2.2 Two"),
        new_code_cell("explore(draw)", outputs=[*explorers, printed("ok: b\n" * 6)]),
        new_markdown_cell("## Recap"),
    ]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Page]:
    """Return a function that writes a page, good but for what the caller changes in its cells."""
    macros = tmp_path / "macros.tex"
    macros.write_text("\\newcommand{\\x}{x}\n")
    monkeypatch.setattr(rules, "MACROS", macros)

    def write(change: Callable[[list[NotebookNode]], object] = lambda cells: None) -> Page:
        cells = good_cells()
        for number, cell in enumerate(cells):
            cell.id = f"cell-{number}"
        change(cells)
        path = tmp_path / "02_tiny.ipynb"
        path.write_text(canonical(new_notebook(cells=cells)))
        return Page(path, "Tiny Algebra", {"2.1": "One", "2.2": "Two"})

    return write


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize("rule", rules.RULES)
def test_a_good_page_breaks_no_rule(make: Callable[..., Page], rule: Callable[[Page], list[str]]) -> None:
    assert rule(make()) == []


def source(index: int, text: str) -> Callable[[list[NotebookNode]], object]:
    return lambda cells: cells[index].update(source=text)


def output(index: int, *outputs: NotebookNode) -> Callable[[list[NotebookNode]], object]:
    return lambda cells: cells[index].update(outputs=list(outputs))


def metadata(index: int, **values: object) -> Callable[[list[NotebookNode]], object]:
    return lambda cells: cells[index].update(metadata=values)


def without(key: str) -> dict[str, Any]:
    return {"dlcore": {name: value for name, value in FIGURE["dlcore"].items() if name != key}}


BROKEN = [
    (rules.headings_follow_the_book, source(1, "# Tiny algebra"), "the first heading is not '# Tiny Algebra'"),
    (rules.headings_follow_the_book, source(6, "## 2.2 Too"), "'## 2.2 Two' is missing"),
    (rules.headings_follow_the_book, source(6, "## 2.2 Too"), "'## 2.2 Too' is not one of the book's"),
    (rules.headings_follow_the_book, source(6, "Two"), "'## 2.2 Two' is missing"),
    (rules.headings_follow_the_book, source(8, "## 2.1 One"), "the sections come in the order 2.1, 2.2, 2.1"),
    (rules.headings_follow_the_book, source(4, "### 2.2.1 Early"), "stands under section 2.1"),
    (rules.headings_follow_the_book, lambda cells: cells.insert(2, cells.pop(6)), "order 2.2, 2.1"),
    (rules.sections_run_and_check, output(7), "section 2.2 has no check"),
    (rules.sections_run_and_check, lambda cells: cells.pop(7), "section 2.2 has no code"),
    (rules.macros_come_first, metadata(0), "not tagged"),
    (rules.macros_come_first, source(0, "$$\\newcommand{\\x}{y}$$"), "differ from book/macros.tex"),
    (rules.no_error_and_no_stderr, output(3, new_output("error", ename="KeyError")), "cell [1] ends in KeyError"),
    (rules.no_error_and_no_stderr, output(5, printed("w", "stderr")), "cell [2] writes to stderr"),
    (rules.small_enough, source(8, "x" * rules.MOST_BYTES), "are more than 1,500,000"),
    (rules.cells_are_short, source(5, "\n".join(["x = 1"] * 21)), "cell [2] has 21 lines"),
    (rules.lines_fit, source(3, f"x = 1  # {'x' * 80}"), "cell [1] shows a long line: x = 1"),
    (rules.lines_fit, output(3, shown({"text/markdown": f"f\n\n```python\n{'x' * 89}\n```"})), "shows a long line"),
    (rules.code_is_plain_python, source(3, "%matplotlib inline"), "cell [1] is not plain Python"),
    (rules.code_is_plain_python, source(3, "!ls"), "cell [1] is not plain Python"),
    (rules.randomness_is_explicit, source(3, "np.random.seed(0)"), "np.random.seed"),
    (rules.randomness_is_explicit, source(3, "x = np.random.randn(3)"), "np.random.randn"),
    (rules.randomness_is_explicit, source(3, "import random"), "imports random"),
    (rules.randomness_is_explicit, source(3, "from numpy.random import rand"), "imports random"),
    (rules.randomness_is_explicit, source(3, "rng = np.random.default_rng()"), "without a seed"),
    (rules.no_clock, source(3, "import time"), "imports a clock"),
    (rules.no_clock, source(3, "from datetime import datetime"), "imports a clock"),
    (rules.nothing_of_the_machine, source(3, "open('/home/me/x')"), "'/home/'"),
    (rules.nothing_of_the_machine, source(3, "open('../book/x')"), "'../'"),
    (rules.nothing_of_the_machine, output(3, printed("saved to /tmp/x")), "output of cell [1]"),
    (rules.nothing_of_the_machine, output(3, shown({"text/plain": "<f at 0x7f00aa11>"})), "at 0x7f00aa11"),
    (rules.tolerance_is_stated, metadata(3, tags=["approx"]), "cell [1] is tagged approx without"),
    (rules.tolerance_is_stated, metadata(3, tags=["approx"], approx={"relative": 1}), "cell [1] is tagged"),
    (rules.tolerance_is_stated, metadata(3, approx={"rel": 0.1}), "no tag approx"),
    (rules.figures_are_described, output(5, shown({"image/png": PIXEL})), "no figure and no caption and no alt"),
    (rules.figures_are_described, output(5, shown({"image/png": PIXEL}, without("alt"))), "has no alt"),
    (rules.figures_are_described, output(5, shown({"image/png": PIXEL}, without("caption"))), "has no caption"),
    (
        rules.figures_are_described,
        output(5, shown({"image/png": PIXEL}, {"dlcore": FIGURE["dlcore"] | {"alt": "Error against rank."}})),
        "repeats its caption",
    ),
    (rules.explorers_ask, output(7), "0 explorers are fewer than 3"),
    (rules.explorers_ask, output(7, shown({"text/html": EXPLORER.format("q", "")})), "explore-q asks no question"),
    (rules.explorers_ask, output(7, shown({"text/html": EXPLORER.format("q", "?") * 3})), "explore-q appears twice"),
    (
        rules.explorers_ask,
        output(7, shown({"application/vnd.jupyter.widget-view+json": "{}"})),
        "cell [3] shows a live widget",
    ),
    (rules.claims_are_checked, output(3, printed("ok: a\nbook: b\n")), "7 checks are fewer than 12"),
]


@pytest.mark.parametrize(("rule", "change", "complaint"), BROKEN)
def test_a_broken_rule_is_noticed(
    make: Callable[..., Page],
    rule: Callable[[Page], list[str]],
    change: Callable[[list[NotebookNode]], object],
    complaint: str,
) -> None:
    assert complaint in "; ".join(rule(make(change)))


def test_a_gap_in_the_execution_counts_is_noticed(make: Callable[..., Page]) -> None:
    page = make()
    edit(page.path, '"execution_count": 2', '"execution_count": 7')
    assert rules.executed_in_order(page) == ["cell [7] should be [2]"]


def test_a_cell_that_was_not_executed_is_noticed(make: Callable[..., Page]) -> None:
    page = make()
    edit(page.path, '"execution_count": 1', '"execution_count": null')
    assert rules.executed_in_order(page) == ["cell [None] should be [1]"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"nbformat_minor": 5\n', '"nbformat_minor": 5\n\n'),
        ('"name": "python3"', '"name": "python3", "env": "mine"'),
        ('"metadata": {},', '"metadata": {"collapsed": true},'),
    ],
)
def test_other_bytes_than_ours_are_noticed(make: Callable[..., Page], old: str, new: str) -> None:
    page = make()
    edit(page.path, old, new)
    assert json.loads(page.text)
    assert rules.bytes_are_canonical(page) == ["the file is not in canonical form: run make notebooks"]


def test_repeated_names_are_found() -> None:
    assert rules.repeated(["fig-b", "fig-a", "fig-b"]) == ["fig-b"]
    assert rules.repeated(["fig-b", "fig-a"]) == []


def test_the_contents_are_the_whole_book() -> None:
    contents = rules.contents()
    assert list(contents) == list(range(1, 21))
    assert sum(len(sections) for _, sections in contents.values()) == 164
    assert contents[2][1]["2.8"] == "Singular Value Decomposition"
