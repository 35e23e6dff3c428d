import doctest

import pytest

from dlcore.display import chapters, checks, explorer, figures, graphs, source, style

MODULES = [chapters, checks, explorer, figures, graphs, source]


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_examples_in_docstrings_run(module, monkeypatch):
    monkeypatch.delenv("DLCORE_BOOK", raising=False)
    with style.figure_style():
        failed, tried = doctest.testmod(module)
    assert tried > 0 and failed == 0
