"""Notebooks are executed for real and compared: one changed number, word or figure turns the run red."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

from tests.book import nbval_plugin
from tools.notebooks import ROOT, execute

CODE = [
    "print('accuracy', 477 / 500)",
    "import io\nfrom IPython.display import display\nfrom PIL import Image\nx = io.BytesIO()\n"
    "Image.new('L', (40, 40), 90).save(x, 'PNG')\ndisplay({'image/png': x.getvalue()}, raw=True);",
    "[1, 2, 3];",
]


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of a small executed notebook."""
    path = tmp_path_factory.mktemp("committed") / "01_tiny.ipynb"
    path.write_text(nbformat.writes(new_notebook(cells=[new_code_cell(source) for source in CODE])))
    outcome = execute(path, 60)
    assert outcome.failure == ""
    return outcome.text


def pytest_on(path: Path, *options: str) -> tuple[dict[str, int], str]:
    """Run pytest with our plugin on one notebook and return the counts of its outcomes and what it printed."""
    command = [sys.executable, "-m", "pytest", "-p", "tests.book.nbval_plugin", "-p", "no:cacheprovider", "--nbval"]
    done = subprocess.run([*command, *options, str(path)], cwd=ROOT, capture_output=True, text=True)
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed)", done.stdout.splitlines()[-1])}
    return counts, done.stdout + done.stderr


def other_picture(text: str) -> str:
    data = io.BytesIO()
    Image.new("L", (40, 40), 160).save(data, "PNG")
    old = re.search(r'"image/png": "([^"\\]+)', text)
    assert old is not None
    return text.replace(old[1], base64.b64encode(data.getvalue()).decode())


def test_what_was_executed_passes(committed: str, tmp_path: Path) -> None:
    path = tmp_path / "01_tiny.ipynb"
    path.write_text(committed)
    assert pytest_on(path)[0] == {"passed": 3}


def test_each_mutation_turns_one_cell_red(committed: str, tmp_path: Path) -> None:
    path = tmp_path / "01_tiny.ipynb"
    for mutated, complaint in [
        (committed.replace("accuracy 0.954", "accuracy 0.956"), "0.956 became 0.954"),
        (committed.replace("accuracy 0.954", "precision 0.954"), 'became "accuracy 0.954"'),
        (other_picture(committed), "output 1: data image/png"),
    ]:
        assert mutated != committed
        path.write_text(mutated)
        counts, printed = pytest_on(path)
        assert counts == {"passed": 2, "failed": 1}
        assert complaint in printed


def test_the_death_of_a_kernel_is_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "01_tiny.ipynb"
    cells = [new_code_cell("import os\nos._exit(1)", execution_count=1)]
    path.write_text(nbformat.writes(new_notebook(cells=cells)))
    counts, printed = pytest_on(path, "--nbval-cell-timeout=100")
    assert counts == {"failed": 1}
    assert "the kernel died" in printed


def test_portable_execution_is_another_machine(tmp_path: Path) -> None:
    path = tmp_path / "01_tiny.ipynb"
    code = (
        "import os\nfrom numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__\n"
        "print([f for f in __cpu_dispatch__ if __cpu_features__[f]], os.environ['OPENBLAS_NUM_THREADS'])"
    )
    cell = new_code_cell(code, execution_count=1, outputs=[nbformat.v4.new_output("stream", text="[] 2\n")])
    path.write_text(nbformat.writes(new_notebook(cells=[cell])))
    counts, printed = pytest_on(path, "--portable")
    assert counts == {"passed": 1}, printed
    assert "portable: 2 BLAS threads, SIMD switched off in NumPy: " in printed
    assert (", ".join(nbval_plugin.dispatched_features()) or "nothing") in printed


def test_figures_are_compared_under_the_pinned_matplotlib_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nbval_plugin.importlib.metadata, "version", lambda name: "0.1")
    assert not nbval_plugin.figures_are_comparable()
    pin = re.search(r"^matplotlib==(.+)$", (ROOT / "requirements.txt").read_text(), re.M)
    assert pin is not None
    monkeypatch.setattr(nbval_plugin.importlib.metadata, "version", lambda name: pin[1])
    assert nbval_plugin.figures_are_comparable()
