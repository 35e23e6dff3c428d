"""The runner executes real kernels on tiny notebooks: results are canonical, failures are named and contained."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import notebooks
from tools.notebooks import canonical, chosen, execute, read, run, settled, write


def save(path: Path, *sources: str) -> Path:
    cells = [new_markdown_cell("# Title"), *(new_code_cell(source) for source in sources)]
    path.write_text(nbformat.writes(new_notebook(cells=cells)))
    return path


# --- canonical form -------------------------------------------------------------------------------------------


def messy() -> str:
    """An executed notebook as an editor may leave it."""
    outputs = [
        new_output("stream", name="stdout", text="one\n"),
        new_output("stream", name="stdout", text="two\n"),
        new_output("execute_result", {"text/plain": "3"}, execution_count=17),
        new_output("stream", name="stdout", text="four\n"),
    ]
    times = {"execution": {"iopub.execute_input": "2026-01-01T00:00:00Z"}, "collapsed": True}
    cells = [
        new_code_cell("x = 1\n", execution_count=4, metadata=times | {"tags": ["approx"], "approx": {"rel": 0.1}}),
        new_code_cell("x", execution_count=17, outputs=outputs),
    ]
    notebook = new_notebook(cells=cells, metadata={"language_info": {"name": "python", "version": "3.11.7"}})
    notebook.metadata["widgets"] = {"state": {}}
    return nbformat.writes(notebook)


@pytest.fixture
def tidy(tmp_path: Path) -> dict:
    (tmp_path / "a.ipynb").write_text(messy())
    return json.loads(canonical(read(tmp_path / "a.ipynb")))


def test_cells_and_results_are_numbered_from_one(tidy: dict) -> None:
    assert [cell["execution_count"] for cell in tidy["cells"]] == [1, 2]
    assert tidy["cells"][1]["outputs"][1]["execution_count"] == 2


def test_metadata_is_what_the_book_uses(tidy: dict) -> None:
    assert tidy["metadata"] == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    assert tidy["cells"][0]["metadata"] == {"tags": ["approx"], "approx": {"rel": 0.1}}


def test_neighbouring_pieces_of_a_stream_are_joined(tidy: dict) -> None:
    outputs = tidy["cells"][1]["outputs"]
    assert [output["output_type"] for output in outputs] == ["stream", "execute_result", "stream"]
    assert outputs[0]["text"] == ["one\n", "two\n"]


def test_the_form_is_stable_and_ends_in_one_newline(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(messy())
    text = canonical(read(path))
    path.write_text(text)
    assert canonical(read(path)) == text
    assert text.endswith("}\n") and not text.endswith("\n\n")
    assert text.startswith('{\n "cells"')


def test_canonical_leaves_its_argument_alone(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text(messy())
    notebook = read(tmp_path / "a.ipynb")
    before = nbformat.writes(notebook)
    canonical(notebook)
    assert nbformat.writes(notebook) == before


def test_missing_and_repeated_ids_are_mended_in_the_same_way_each_time(tmp_path: Path) -> None:
    path = save(tmp_path / "a.ipynb", "x = 1", "x = 1", "y = 2")
    raw = json.loads(path.read_text())
    for cell in raw["cells"][:3]:
        del cell["id"]
    raw["cells"][3]["id"] = "mine"
    raw["nbformat_minor"] = 4
    path.write_text(json.dumps(raw))
    first, second = ([cell.id for cell in read(path).cells] for _ in range(2))
    assert first == second
    assert len(set(first)) == 4
    assert first[3] == "mine"


# --- execution ------------------------------------------------------------------------------------------------


def test_a_notebook_is_executed_under_the_book_s_conditions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in notebooks.book_environment().items():
        monkeypatch.setenv(key, value)
    code = "import os, pathlib\n[os.environ[k] for k in ('DLCORE_BOOK', 'OPENBLAS_NUM_THREADS', 'PYTHONHASHSEED')]"
    outcome = execute(save(tmp_path / "01_a.ipynb", code, "pathlib.Path().resolve().name"), 60)
    cells = json.loads(outcome.text)["cells"]
    assert cells[1]["outputs"][0]["data"]["text/plain"] == ["['1', '1', '0']"]
    assert cells[2]["outputs"][0]["data"]["text/plain"] == [f"'{tmp_path.name}'"]


@pytest.mark.parametrize(
    ("sources", "failure"),
    [
        (["1", "1 / 0", "2"], "01_a, cell [2]: ZeroDivisionError: division by zero"),
        (["raise ValueError"], "01_a, cell [1]: ValueError: no message"),
        (["1", "import os\nos._exit(1)"], "01_a, cell [2]: the kernel died"),
        (["import sys\nprint('careful\\nnow', file=sys.stderr)"], "01_a, cell [1]: wrote to stderr: careful"),
        (["import warnings\nwarnings.warn('old')"], "01_a, cell [1]: wrote to stderr: "),
        (["1", "while True: pass"], "01_a, cell [2]: the chapter ran past its limit of 3 s"),
    ],
)
def test_a_failure_names_chapter_cell_and_reason(tmp_path: Path, sources: list[str], failure: str) -> None:
    outcome = execute(save(tmp_path / "01_a.ipynb", *sources), limit=3 if "while" in sources[-1] else 60)
    assert outcome.failure.startswith(failure)
    assert outcome.text == ""


def test_what_is_no_notebook_is_a_failure_too(tmp_path: Path) -> None:
    (tmp_path / "01_a.ipynb").write_text("{")
    assert execute(tmp_path / "01_a.ipynb", 60).failure.startswith("01_a: is not a notebook")


def test_cpu_seconds_count_the_kernel_and_its_children(tmp_path: Path) -> None:
    spin = "import time\nbegan = time.process_time()\nwhile time.process_time() - began < 1.0: pass"
    child = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {spin!r}])"
    idle = "import time\ntime.sleep(1.0)"
    busy = execute(save(tmp_path / "01_a.ipynb", spin, child), 60)
    lazy = execute(save(tmp_path / "02_b.ipynb", idle), 60)
    assert busy.failure == lazy.failure == ""
    assert 1.8 < busy.cpu_seconds - lazy.cpu_seconds < 4  # a second each, and what it costs to start the child


def test_one_failure_does_not_cost_the_others_their_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = save(tmp_path / "01_good.ipynb", "print('hello')")
    bad = save(tmp_path / "02_bad.ipynb", "print('hello')", "import os\nos._exit(1)")
    also = save(tmp_path / "03_also.ipynb", "print('hello')")
    before = bad.read_text()
    times = tmp_path / "times.json"

    assert run([good, bad, also], times, limit=60, jobs=2) == 1
    printed = capsys.readouterr()
    assert printed.err == "failed: 02_bad, cell [2]: the kernel died\n"
    assert "01_good: 1 cells, " in printed.out and "02_bad: FAILED" in printed.out
    assert bad.read_text() == before
    assert "hello" in good.read_text() and "hello" in also.read_text()
    assert set(json.loads(times.read_text())) == {"01_good", "03_also"}

    after = [path.read_bytes() for path in (good, also, times)]
    assert run([good, also], times, limit=60, jobs=2) == 0
    assert "no change" in capsys.readouterr().out
    assert [path.read_bytes() for path in (good, also, times)] == after


def test_times_settle() -> None:
    assert settled(None, 3.14159, changed=False) == 3.1
    assert settled(3.0, 3.6, changed=False) == 3.0
    assert settled(0.5, 0.9, changed=False) == 0.5
    assert settled(3.0, 4.0, changed=False) == 4.0
    assert settled(3.0, 3.1, changed=True) == 3.1


def test_a_file_is_replaced_only_when_its_text_changes(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    assert write(path, "one")
    stamp = path.stat().st_mtime_ns
    assert not write(path, "one")
    assert path.stat().st_mtime_ns == stamp
    assert write(path, "two")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


# --- the command ----------------------------------------------------------------------------------------------


def test_chapters_are_chosen_by_number(tmp_path: Path) -> None:
    for name in ("02_linear_algebra.ipynb", "10_sequences.ipynb", "drafts.ipynb"):
        save(tmp_path / name)
    assert [path.name[:2] for path in chosen([], tmp_path)] == ["02", "10"]
    assert [path.name[:2] for path in chosen(["2"], tmp_path)] == ["02"]
    assert [path.name[:2] for path in chosen(["10", "02"], tmp_path)] == ["10", "02"]
    with pytest.raises(ValueError, match="no notebook for chapter 03"):
        chosen(["03"], tmp_path)
    with pytest.raises(ValueError, match="there are no notebooks"):
        chosen([], tmp_path / "empty")


def test_a_missing_chapter_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        notebooks.main(["99"])
    assert stop.value.code == 2
    assert capsys.readouterr().err == "Stopped: there is no notebook for chapter 99 in notebooks/.\n"


@pytest.mark.parametrize(("failed", "code"), [(0, 0), (2, 1)])
def test_the_exit_code_tells(monkeypatch: pytest.MonkeyPatch, failed: int, code: int) -> None:
    monkeypatch.setattr(notebooks, "chosen", lambda chapters: [])
    monkeypatch.setattr(notebooks, "run", lambda paths, times, limit, jobs: failed)
    assert notebooks.main([]) == code
