"""The numbered structure of the book, and which of it is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from companion.paths import BOOK, NOTEBOOKS
from dlcore.display import CHAPTERS, Chapter


@dataclass(frozen=True)
class Part:
    """One of the three parts: its Roman number, its title, its chapters."""

    numeral: str
    title: str
    chapters: tuple[Chapter, ...]


@dataclass(frozen=True)
class Outline:
    """The numbered sections (number -> title) and algorithms of a chapter."""

    sections: dict[str, str]
    algorithms: tuple[str, ...]


def _documents() -> tuple[list[dict], list[dict]]:
    parts, chapters = yaml.safe_load_all((BOOK / "contents.yml").read_text(encoding="utf-8"))
    return parts, chapters


def parts() -> list[Part]:
    """Return the parts of the book in order."""
    return [
        Part(entry["part"], entry["title"], tuple(CHAPTERS[number - 1] for number in entry["chapters"]))
        for entry in _documents()[0]
    ]


def outlines() -> dict[int, Outline]:
    """Return chapter number -> outline."""
    return {
        entry["chapter"]: Outline(entry["sections"], tuple(entry.get("algorithms", ()))) for entry in _documents()[1]
    }


def notebook(chapter: Chapter) -> Path:
    """Return where the notebook of a chapter is, or will be."""
    return NOTEBOOKS / f"{chapter.stem}.ipynb"


def is_written(chapter: Chapter) -> bool:
    return notebook(chapter).exists()
