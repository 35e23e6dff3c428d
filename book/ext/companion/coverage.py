"""Which sections and algorithms of the book are treated, by which functions, and which tests hold those to account.

Nothing here is kept by hand: sections come from the headings of the notebooks, functions from the syntax of the cells
under each heading, tests from the syntax of the test modules.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from companion.paths import ROOT, TESTS
from companion.reader import SECTION

ALGORITHM = re.compile(r"\bAlgorithm (?P<number>\d+\.\d+)\b")
MODELS = ("dlcore.foundations.", "dlcore.networks.", "dlcore.generative.")


@dataclass(frozen=True)
class Treated:
    """What a notebook has on one section or one algorithm.

    Attributes
    ----------
    label : str
        What a link to it points at.
    functions : tuple of str
        The functions and classes of dlcore's models that its cells use, by full name.
    """

    label: str
    functions: tuple[str, ...]


def sections(notebook: Path) -> dict[str, Treated]:
    """Return number -> what is there, for the sections of a notebook.

    A subsection counts towards its section: what stands under ``### 8.3.2`` belongs to 8.3.
    """
    used: dict[str, set[str]] = {}
    number, names = "", {}
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            for match in re.finditer(r"^##+ (?P<title>.*)", source, re.M):
                numbered = SECTION.match(match[0])
                number = ".".join(numbered["number"].split(".")[:2]) if numbered else ""
                if number:
                    used.setdefault(number, set())
        elif cell["cell_type"] == "code":
            tree = ast.parse(source)
            names |= imports(tree)
            used.setdefault(number, set()).update(uses(tree, names))
    used.pop("", None)
    return {
        number: Treated(f"sec-{number.replace('.', '-')}", tuple(sorted(filter(_is_public_model, functions))))
        for number, functions in used.items()
    }


def algorithms(notebook: Path) -> dict[str, str]:
    """Return number -> label of the section in which the text first speaks of "Algorithm 8.1"."""
    found: dict[str, str] = {}
    label = ""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "markdown":
            continue
        for line in "".join(cell["source"]).splitlines():
            if heading := SECTION.match(line):
                label = f"sec-{heading['number'].replace('.', '-')}"
            for match in ALGORITHM.finditer(line):
                if label:
                    found.setdefault(match["number"], label)
    return found


@cache
def tests() -> dict[str, list[str]]:
    """Return full name of a function or class -> the tests that use it, as "tests/module.py::test_name"."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = imports(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for name in uses(node, names):
                    found.setdefault(name, []).append(f"{path.relative_to(ROOT).as_posix()}::{node.name}")
    return found


def imports(tree: ast.AST) -> dict[str, str]:
    """Return name in the code -> full name, for everything imported from dlcore.

    Examples
    --------
    >>> imports(ast.parse("from dlcore.foundations import linalg as la"))
    {'la': 'dlcore.foundations.linalg'}
    """
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dlcore"):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname and "dlcore" in alias.name}
    return names


def uses(tree: ast.AST, names: dict[str, str]) -> set[str]:
    """Return the full names of what the code uses, given what its names stand for.

    Examples
    --------
    >>> uses(ast.parse("la.PCA(2).fit(X)"), {"la": "dlcore.foundations.linalg"})
    {'dlcore.foundations.linalg', 'dlcore.foundations.linalg.PCA'}
    """
    return set(_uses(tree, names))


def _uses(tree: ast.AST, names: dict[str, str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in names:
            yield names[node.id]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
            yield f"{names[node.value.id]}.{node.attr}"


def _is_public_model(name: str) -> bool:
    if not name.startswith(MODELS):
        return False
    module, _, last = name.rpartition(".")
    return last in getattr(importlib.import_module(module), "__all__", ()) if module.count(".") > 1 else False
