"""What a written chapter has to be. Each rule takes a page and returns complaints, none if the page keeps it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from nbformat import NotebookNode

from tests.book.compare import FENCED
from tools.notebooks import canonical, read

ROOT = Path(__file__).resolve().parents[2]
MACROS = ROOT / "book" / "macros.tex"
CONTENTS = ROOT / "book" / "contents.yml"

MOST_LINES = 20  # of a code cell
MOST_CHARACTERS = 88  # of a line of code that is seen without a click
MOST_BYTES = 1_500_000  # of a notebook
FEWEST_CHECKS = 12
FEWEST_EXPLORERS = 3

# Generators that carry their seed; the rest of numpy.random is one hidden state for the whole process.
SEEDED = {"default_rng", "Generator", "SeedSequence", "PCG64", "PCG64DXSM", "Philox", "SFC64", "MT19937"}
CLOCKS = {"time", "timeit", "datetime"}
MACHINE = re.compile(
    r"""(?:^|[\s"'(=])/(?:home|Users|root|tmp|usr|opt|var|private|work)/  # an absolute path
    | \b[A-Z]:\\[A-Za-z]  # the same on Windows
    | \.\./  # a file beside the notebook, which a reader who downloads the page does not have
    | \bat\ 0x[0-9a-f]{6,}  # the address of an object""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Page:
    """A committed notebook and what the table of contents says about its chapter."""

    path: Path
    title: str
    sections: dict[str, str]  # number -> title

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def cells(self) -> list[NotebookNode]:
        return list(read(self.path).cells)

    @property
    def code(self) -> list[tuple[int, NotebookNode]]:
        """Code cells with their numbers as printed, from 1."""
        return list(enumerate((cell for cell in self.cells if cell.cell_type == "code"), start=1))

    @property
    def outputs(self) -> list[tuple[int, NotebookNode]]:
        return [(number, output) for number, cell in self.code for output in cell.outputs]


def contents() -> dict[int, tuple[str, dict[str, str]]]:
    """Return chapter number -> (title, sections) of the whole book."""
    _, chapters = yaml.safe_load_all(CONTENTS.read_text(encoding="utf-8"))
    return {entry["chapter"]: (entry["title"], entry["sections"]) for entry in chapters}


def page(path: Path) -> Page:
    """Return the page of a notebook named NN_slug.ipynb."""
    return Page(path, *contents()[int(path.name[:2])])


# --- text -----------------------------------------------------------------------------------------------------


def headings_follow_the_book(page: Page) -> list[str]:
    """`# Title`, then `## 2.1 Title` ... with the book's numbers and titles, each once and in order."""
    found = list(_headings(page))
    complaints = []
    if not found or found[0] != (1, page.title):
        complaints.append(f"the first heading is not '# {page.title}'")
    numbered = [text for level, text in found if level == 2 and text[:1].isdigit()]
    expected = [f"{number} {title}" for number, title in page.sections.items()]
    complaints += [f"heading '## {text}' is missing or out of order" for text in expected if text not in numbered]
    complaints += [f"heading '## {text}' is not one of the book's" for text in numbered if text not in expected]
    if not complaints and numbered != expected:
        complaints.append(f"the sections come in the order {', '.join(text.split()[0] for text in numbered)}")
    section = ""
    for level, text in found:
        number = text.split()[0] if text[:1].isdigit() else ""
        if level == 2:
            section = number
        elif level > 2 and number and not number.startswith(f"{section}."):
            complaints.append(f"heading '{'#' * level} {text}' stands under section {section or 'none'}")
    return complaints


def _headings(page: Page) -> Iterator[tuple[int, str]]:
    for cell in page.cells:
        if cell.cell_type == "markdown":
            yield from _headings_of(cell.source)


def _headings_of(markdown: str) -> Iterator[tuple[int, str]]:
    prose = re.sub(r"^(```|~~~).*?^\1", "", markdown, flags=re.M | re.S)
    for match in re.finditer(r"^(#{1,6}) +(.+?) *#*$", prose, re.M):
        yield len(match[1]), match[2]


def sections_run_and_check(page: Page) -> list[str]:
    """Every numbered section executes something and verifies a claim."""
    code: dict[str, int] = {}
    checks: dict[str, int] = {}
    section = ""
    for cell in page.cells:
        if cell.cell_type == "markdown":
            for level, text in _headings_of(cell.source):
                if level <= 2:
                    section = text.split()[0]
        elif cell.cell_type == "code":
            code[section] = code.get(section, 0) + 1
            checks[section] = checks.get(section, 0) + _checks(cell)
    return [f"section {number} has no code" for number in page.sections if not code.get(number)] + [
        f"section {number} has no check" for number in page.sections if not checks.get(number)
    ]


def _checks(cell: NotebookNode) -> int:
    return sum(len(re.findall("^ok: ", output.text, re.M)) for output in cell.outputs if output.output_type == "stream")


def macros_come_first(page: Page) -> list[str]:
    """The first cell, tagged `macros`, holds the notation shared by all chapters."""
    first = page.cells[0]
    if "macros" not in first.metadata.get("tags", []):
        return ["the first cell is not tagged 'macros'"]
    if first.source.strip().strip("$").strip() != MACROS.read_text(encoding="utf-8").strip():
        return ["the macros differ from book/macros.tex"]
    return []


# --- execution ------------------------------------------------------------------------------------------------


def executed_in_order(page: Page) -> list[str]:
    """Code cells are numbered 1, 2, 3, ..., as a fresh kernel numbers them."""
    return [
        f"cell [{cell.execution_count}] should be [{number}]"
        for number, cell in page.code
        if cell.execution_count != number
    ]


def no_error_and_no_stderr(page: Page) -> list[str]:
    """No output is an exception or a warning."""
    complaints = []
    for number, output in page.outputs:
        if output.output_type == "error":
            complaints.append(f"cell [{number}] ends in {output.ename}")
        if output.get("name") == "stderr":
            complaints.append(f"cell [{number}] writes to stderr")
    return complaints


def bytes_are_canonical(page: Page) -> list[str]:
    """The file is what `make notebooks` writes."""
    same = canonical(read(page.path)) == page.text
    return [] if same else ["the file is not in canonical form: run make notebooks"]


def small_enough(page: Page) -> list[str]:
    """A reader on a train can load it."""
    size = page.path.stat().st_size
    return [f"{size:,} bytes are more than {MOST_BYTES:,}"] if size > MOST_BYTES else []


# --- code -----------------------------------------------------------------------------------------------------


def cells_are_short(page: Page) -> list[str]:
    """No code cell is longer than a reader's patience."""
    lengths = ((number, len(cell.source.splitlines())) for number, cell in page.code)
    return [f"cell [{number}] has {lines} lines" for number, lines in lengths if lines > MOST_LINES]


def lines_fit(page: Page) -> list[str]:
    """Code that nobody folded, and shown functions of dlcore, need no scrolling sideways."""
    complaints = []
    for number, cell in page.code:
        shown = "\n".join(output.get("data", {}).get("text/markdown", "") for output in cell.outputs)
        folded = {"hide-input", "hide-cell"} & set(cell.metadata.get("tags", []))
        lines = ("" if folded else cell.source).splitlines() + "".join(FENCED.findall(shown)).splitlines()
        complaints += [f"cell [{number}] shows a long line: {line}" for line in lines if len(line) > MOST_CHARACTERS]
    return complaints


def code_is_plain_python(page: Page) -> list[str]:
    """No magics and no shell commands: a cell runs wherever Python runs."""
    complaints = []
    for number, cell in page.code:
        try:
            ast.parse(cell.source)
        except SyntaxError:
            complaints.append(f"cell [{number}] is not plain Python")
    return complaints


def randomness_is_explicit(page: Page) -> list[str]:
    """Random numbers come from a seeded Generator, never from a hidden state."""
    complaints = []
    for number, node in _syntax(page):
        name = _dotted(node) if isinstance(node, ast.Attribute) else ""
        head, _, last = name.rpartition(".")
        if head in ("np.random", "numpy.random") and last not in SEEDED:
            complaints.append(f"cell [{number}] uses the global state of {name}")
        if "random" in _imported(node) or "numpy.random" in _imported(node):
            complaints.append(f"cell [{number}] imports random")
        is_generator = isinstance(node, ast.Call) and _dotted(node.func).endswith("default_rng")
        if is_generator and not (node.args or node.keywords):
            complaints.append(f"cell [{number}] makes a generator without a seed")
    return complaints


def no_clock(page: Page) -> list[str]:
    """Nothing depends on the hour or on how fast the machine is."""
    return [f"cell [{number}] imports a clock" for number, node in _syntax(page) if CLOCKS & _imported(node)]


def _syntax(page: Page) -> Iterator[tuple[int, ast.AST]]:
    for number, cell in page.code:
        try:
            tree = ast.parse(cell.source)
        except SyntaxError:
            continue  # code_is_plain_python reports it
        yield from ((number, node) for node in ast.walk(tree))


def _imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        return {node.module or ""}
    return set()


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def nothing_of_the_machine(page: Page) -> list[str]:
    """Neither source nor output shows a path of this machine or project, or a memory address."""
    complaints = []
    for number, cell in page.code:
        for where, text in [("source", cell.source), *(("output", text) for text in _texts(cell.outputs))]:
            if match := MACHINE.search(text):
                complaints.append(f"the {where} of cell [{number}] shows '{match[0].strip()}'")
    return complaints


def _texts(value: Any) -> Iterator[str]:
    """Yield every string inside the outputs but the encoded pictures."""
    if isinstance(value, str):
        yield re.sub(r"base64,[A-Za-z0-9+/=]+", "", value)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not (key.startswith("image/") and isinstance(item, str)):
                yield from _texts(item)


def tolerance_is_stated(page: Page) -> list[str]:
    """A cell tagged `approx` says in its metadata how much its numbers may move, and no other cell does."""
    complaints = []
    for number, cell in page.code:
        tagged, tolerance = "approx" in cell.metadata.get("tags", []), cell.metadata.get("approx")
        if tagged and not (isinstance(tolerance, dict) and tolerance and set(tolerance) <= {"rel", "abs"}):
            complaints.append(f'cell [{number}] is tagged approx without {{"rel": r, "abs": a}} in its metadata')
        if tolerance is not None and not tagged:
            complaints.append(f"cell [{number}] has a tolerance and no tag approx")
    return complaints


# --- figures, explorers, checks -------------------------------------------------------------------------------


def figures_are_described(page: Page) -> list[str]:
    """Every picture has a name, a caption, and an alternative text that is more than the caption."""
    complaints = []
    for number, output in page.outputs:
        if not any(kind.startswith("image/") for kind in output.get("data", {})):
            continue
        figure = output.metadata.get("dlcore", {})
        missing = [key for key in ("figure", "caption", "alt") if not figure.get(key)]
        if missing:
            complaints.append(f"the figure of cell [{number}] has no {' and no '.join(missing)}: use show_figure")
        elif figure["alt"] == figure["caption"]:
            complaints.append(f"the alt text of {figure['figure']} repeats its caption")
    return complaints


def figure_names(page: Page) -> list[str]:
    """Return the names of the figures of a page, in order."""
    figures = (output.get("metadata", {}).get("dlcore", {}) for _, output in page.outputs)
    return [figure["figure"] for figure in figures if "figure" in figure]


def explorers_ask(page: Page) -> list[str]:
    """There are enough explorers, each static, with a name of its own and a question to the reader."""
    complaints = []
    names = []
    for number, output in page.outputs:
        data = output.get("data", {})
        if "application/vnd.jupyter.widget-view+json" in data:
            complaints.append(f"cell [{number}] shows a live widget: run make notebooks")
        for explorer in _explorers(data.get("text/html", "")):
            names.append(explorer.name)
            if not explorer.question.strip().endswith("?"):
                complaints.append(f"explorer {explorer.name} asks no question")
    complaints += [f"explorer {name} appears twice" for name in repeated(names)]
    if len(names) < FEWEST_EXPLORERS:
        complaints.append(f"{len(names)} explorers are fewer than {FEWEST_EXPLORERS}")
    return complaints


@dataclass
class _Explorer:
    name: str
    question: str = ""


class _ExplorerParser(HTMLParser):
    """Collects `<figure class="explorer">` and the text of the element of class `explorer-question` inside."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[_Explorer] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        if tag == "figure" and "explorer" in classes:
            self.found.append(_Explorer(dict(attrs).get("id") or ""))
        elif "explorer-question" in classes:
            self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self.inside:
            self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside and self.found:
            self.found[-1].question += data


def _explorers(html: str) -> list[_Explorer]:
    parser = _ExplorerParser()
    parser.feed(html)
    return parser.found


def claims_are_checked(page: Page) -> list[str]:
    """Enough claims are verified before the reader's eyes."""
    checks = sum(_checks(cell) for _, cell in page.code)
    return [f"{checks} checks are fewer than {FEWEST_CHECKS}"] if checks < FEWEST_CHECKS else []


RULES: list[Callable[[Page], list[str]]] = [
    headings_follow_the_book,
    sections_run_and_check,
    macros_come_first,
    executed_in_order,
    no_error_and_no_stderr,
    bytes_are_canonical,
    small_enough,
    cells_are_short,
    lines_fit,
    code_is_plain_python,
    randomness_is_explicit,
    no_clock,
    nothing_of_the_machine,
    tolerance_is_stated,
    figures_are_described,
    explorers_ask,
    claims_are_checked,
]


# --- the book as a whole --------------------------------------------------------------------------------------


def repeated(names: list[str]) -> list[str]:
    """Return the names that occur more than once."""
    return sorted({one for one, next_one in pairwise(sorted(names)) if one == next_one})
