"""README and CONTRIBUTING say what is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_runs() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.S)
    names: dict[str, object] = {}
    exec(example, names)
    discarded = names["np"].linalg.norm(names["s"][3:])  # type: ignore[attr-defined,index]
    assert names["error"] == pytest.approx(discarded, rel=1e-12)


def test_readme_and_makefile_list_the_same_commands() -> None:
    described = set(re.findall(r"^\| `make (\w+)", README, re.M))
    targets = set(re.findall(r"^(\w+):.*## ", (ROOT / "Makefile").read_text(), re.M))
    assert described == targets - {"help"}


def test_every_written_chapter_is_announced() -> None:
    _, chapters = yaml.safe_load_all((ROOT / "book" / "contents.yml").read_text(encoding="utf-8"))
    titles = {entry["chapter"]: entry["title"] for entry in chapters}
    for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"):
        number = int(path.name[:2])
        assert f"Chapter {number}, *{titles[number]}*" in README


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_and_paths_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    linked = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    tables = re.findall(r"^\| `([a-z]+/[\w/]*)`", text, re.M)
    assert [path for path in linked + tables if not (ROOT / path).exists()] == []


def test_the_citation_names_the_version_of_the_package() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)
    assert project is not None
    assert citation["version"] == project[1]
    assert [reference["title"] for reference in citation["references"]] == ["Deep Learning"]
