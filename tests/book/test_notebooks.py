"""The committed notebooks keep the rules of the book."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml

from dlcore.display import CHAPTERS
from tests.book import rules
from tests.book.rules import ROOT, Page

WRITTEN = [rules.page(path) for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]


def name(value: object) -> str | None:
    return value.path.stem if isinstance(value, Page) else None


@pytest.mark.parametrize("rule", rules.RULES)
@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_page(page: Page, rule: Callable[[Page], list[str]]) -> None:
    assert rule(page) == []


def test_figures_have_names_of_their_own() -> None:
    assert rules.repeated([figure for page in WRITTEN for figure in rules.figure_names(page)]) == []


def test_every_notebook_is_a_chapter_of_the_book() -> None:
    listed = {chapter.stem for chapter in CHAPTERS}
    assert [page.path.stem for page in WRITTEN if page.path.stem not in listed] == []


def test_chapters_carry_the_numbers_and_titles_of_the_book() -> None:
    titles = {number: title for number, (title, _) in rules.contents().items()}
    assert {chapter.number: chapter.title for chapter in CHAPTERS} == titles


def test_the_site_lists_the_chapters_in_order() -> None:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    files = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    chapters = [file.removeprefix("notebooks/") for file in files if file.startswith("notebooks/")]
    assert chapters == [chapter.stem for chapter in CHAPTERS]
