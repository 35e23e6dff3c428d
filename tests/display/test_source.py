import ast
import functools
import inspect
import io
import json.encoder
import re
import statistics
import textwrap
import tokenize

import pytest

from dlcore.display import checks, show, source
from dlcore.display.source import summarized


def documented(tree: ast.Module) -> list[ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef]:
    kinds = ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef
    return [node for node in ast.walk(tree) if isinstance(node, kinds) and ast.get_docstring(node)]


def without_docstrings(code: str) -> str:
    """Return the syntax tree as text, docstrings emptied."""
    tree = ast.parse(code)
    for node in documented(tree):
        node.body[0].value.value = ""
    return ast.dump(tree)


def comments(code: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


@pytest.mark.parametrize("module", [statistics, textwrap, json.encoder, functools, source], ids=lambda m: m.__name__)
def test_only_docstrings_change_and_keep_their_first_paragraph(module):
    code = inspect.getsource(module)
    short = summarized(code)
    assert without_docstrings(short) == without_docstrings(code)
    assert comments(short) == comments(code)
    for before, after in zip(documented(ast.parse(code)), documented(ast.parse(short)), strict=True):
        first = re.split(r"\n\s*\n", ast.get_docstring(before))[0]
        assert ast.get_docstring(after).split() == first.split()


def test_form_of_the_code_is_kept():
    code = '''\
@cached
def norm(x, p=2):  # any p
    r"""Return the \\\\ length of x.

    Parameters
    ----------
    x : array
    """
    # a comment
    total = (abs(x) ** p).sum()

    return total ** (1 / p)


class Box:
    """One line stays as it is."""

    size = """a string
    that is no docstring"""

    def open(self):
        """Open it,
        whatever it takes.

        More.
        """


def short(): "not touched"
'''
    assert summarized(code) == code.replace(
        """

    Parameters
    ----------
    x : array
    \"\"\"""",
        '"""',
    ).replace(
        """

        More.
        \"\"\"""",
        '"""',
    )


def test_a_long_summary_is_wrapped_to_fit_the_page():
    words = "many words of a summary that nobody would call short, and a well-known formula besides"
    docstring = f'r"""Return {words}.\n\n        More.\n        """'
    code = f"class Box:\n    def norm(self):\n        {docstring}\n        return 2\n"
    first, second = summarized(code).split("\n")[2:4]
    assert f"{first} {second.strip()}" == f'        r"""Return {words}."""'
    assert len(first) <= 88 and second.startswith("        ") and second[8] != " "


def test_show_heads_each_object_by_its_name(outputs):
    show(checks.check, source.summarized)
    (output,) = outputs
    markdown = output.data["text/markdown"]
    assert markdown.startswith("**`dlcore.display.checks.check`**\n\n```python\ndef check(claim: str,")
    assert "\n**`dlcore.display.source.summarized`**\n\n```python\ndef summarized(code: str) -> str:\n" in markdown
    assert '"""Print a claim that holds; stop at one that does not."""' in markdown
    assert "Parameters" not in markdown
    assert markdown.count("```") == 4
    assert "def check(" in output.data["text/plain"] and "```" not in output.data["text/plain"]


def test_show_takes_methods_and_classes(outputs):
    show(statistics.NormalDist, statistics.NormalDist.pdf)
    markdown = outputs[0].data["text/markdown"]
    assert "class NormalDist:" in markdown
    assert "**`statistics.NormalDist.pdf`**\n\n```python\ndef pdf(self, x):\n" in markdown
