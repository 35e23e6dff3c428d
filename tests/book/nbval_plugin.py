"""Make `pytest --nbval` execute and compare notebooks by the rules of the book.

nbval starts the kernels and runs the cells; the comparison of outputs is `tests.book.compare`, and the kernels
run in this environment with the variables that `make notebooks` sets. `--portable` executes on a deliberately
different machine: NumPy's wide SIMD instructions switched off and another number of BLAS threads.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from queue import Empty

import pytest
from nbformat import NotebookNode
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell

from tests.book.compare import output_differences
from tests.book.pixels import same_picture
from tools.notebooks import book_environment, warm_up

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements.txt"


def dispatched_features() -> list[str]:
    """Return the SIMD feature sets that NumPy chooses at run time on this processor."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    return [feature for feature in __cpu_dispatch__ if __cpu_features__.get(feature)]


def figures_are_comparable() -> bool:
    """Tell whether the installed Matplotlib is the one that drew the committed figures."""
    pin = re.search(r"^matplotlib==([^\s;]+)", REQUIREMENTS.read_text(), re.M)
    return pin is not None and pin[1] == importlib.metadata.version("matplotlib")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--portable`."""
    group = parser.getgroup("nbval")
    group.addoption("--portable", action="store_true", help="execute notebooks with reduced SIMD and 2 BLAS threads")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give this process, and so every worker and kernel that it starts, the environment of the book."""
    if not config.option.nbval:
        return
    config.option.nbval_current_env = True
    if hasattr(config, "workerinput"):
        return  # a worker of pytest-xdist inherits the environment
    warm_up()
    os.environ.update(book_environment(blas_threads=2 if config.option.portable else 1))
    if config.option.portable and dispatched_features():
        os.environ["NPY_DISABLE_CPU_FEATURES"] = " ".join(dispatched_features())


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say what is unusual about the execution."""
    if not config.option.nbval:
        return []
    lines = []
    if config.option.portable:
        without = ", ".join(dispatched_features()) or "nothing: it has no more than NumPy's baseline here"
        lines.append(f"portable: 2 BLAS threads, SIMD switched off in NumPy: {without}")
    if not figures_are_comparable():
        lines.append("figures are not compared: Matplotlib is not the release pinned in requirements.txt")
    return lines


@pytest.hookimpl
def pytest_itemcollected(item: pytest.Item) -> None:
    """Replace nbval's comparison of one cell's outputs by ours."""
    if isinstance(item, IPyNbCell):
        item.compare_outputs = lambda computed, committed: _compare(item, computed, committed)


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Execute cells as Jupyter does, with history (a final `;` needs it), and notice the death of a kernel at once."""
    if isinstance(item, IPyNbCell):
        kernel = item.parent.kernel
        kernel.execute_cell_input = lambda source, allow_stdin: kernel.kc.execute(
            source, allow_stdin=allow_stdin, stop_on_error=False
        )
        kernel.await_reply = lambda message, timeout: _await_reply(kernel, message, timeout)


def _await_reply(kernel: RunningKernel, message: str, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while True:
        try:
            return RunningKernel.await_reply(kernel, message, timeout=1)
        except Empty:
            if not kernel.is_alive():
                pytest.fail("the kernel died", pytrace=False)
            if time.monotonic() > deadline:
                raise


def _compare(item: IPyNbCell, computed: Sequence[NotebookNode], committed: Sequence[NotebookNode]) -> bool:
    approx = item.cell.metadata.get("approx") if "approx" in item.cell.metadata.get("tags", []) else None
    pictures = same_picture if figures_are_comparable() else _any_picture
    item.comparison_traceback = output_differences(committed, computed, pictures, approx)
    return not item.comparison_traceback


def _any_picture(committed: bytes, computed: bytes, loose: bool) -> str:
    return ""
