"""What stands in `_build/html`, read without a browser: the pages, their links, figures and explorers."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from functools import cache, cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urlsplit

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"
NOTEBOOKS = ROOT / "notebooks"
LINKING = {"a": "href", "area": "href"}
LOADING = {"link": "href", "object": "data"} | dict.fromkeys(
    ("script", "img", "source", "iframe", "video", "audio", "embed"), "src"
)
SPRITE = re.compile(r'<img src="data:image/webp;base64,(?P<data>[^"]+)"')


def pages() -> list[str]:
    """Return the paths of all pages, as in an address: "notebooks/02_linear_algebra.html"."""
    found = (path.relative_to(SITE) for path in SITE.rglob("*.html"))
    return sorted(path.as_posix() for path in found if path.parts[0] != "_static")


def written() -> list[str]:
    """Return the pages that are chapters, written and not to come."""
    chapters = [f"notebooks/{path.stem}.html" for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")]
    return sorted(page for page in chapters if (SITE / page).exists())


class _Parser(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attributes}))


@dataclass(frozen=True)
class Page:
    """A page of the site, by its path."""

    path: str

    @cached_property
    def html(self) -> str:
        return (SITE / self.path).read_text(encoding="utf-8")

    @cached_property
    def elements(self) -> list[tuple[str, dict[str, str]]]:
        """Every element of the page in order, with its attributes."""
        return _Parser(self.html).elements

    @cached_property
    def anchors(self) -> set[str]:
        return {attributes["id"] for _, attributes in self.elements if "id" in attributes}

    def all(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        """Return the attributes of every element with this tag, and with these words in its class."""
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and all(word in attributes.get("class", "").split() for word in wanted.values())
        ]

    def target(self, address: str) -> tuple[str, str]:
        """Return (path in the site, anchor) of an address on this page."""
        path, anchor = urldefrag(address)
        path = urlsplit(path).path
        absolute = (SITE / self.path).parent / unquote(path) if path else SITE / self.path
        return absolute.resolve().relative_to(SITE.resolve()).as_posix(), unquote(anchor)


@cache
def page(path: str) -> Page:
    """Return a page, read once."""
    return Page(path)


@dataclass(frozen=True)
class Explorer:
    """An explorer as its notebook committed it.

    Attributes
    ----------
    name : str
    texts : tuple of str
        What each frame shows, in words.
    columns : int
        Frames in a row of the picture.
    controls : tuple of (str, tuple of str, int)
        Name, values and default place of each slider.
    sprite : bytes
        The picture of all frames.
    """

    name: str
    texts: tuple[str, ...]
    columns: int
    controls: tuple[tuple[str, tuple[str, ...], int], ...]
    sprite: bytes

    def frame(self, places: tuple[int, ...]) -> int:
        """Return the number of the frame that shows these places of the sliders: the last slider counts fastest."""
        number = 0
        for place, (_, values, _) in zip(places, self.controls, strict=True):
            number = number * len(values) + place
        return number

    @property
    def start(self) -> tuple[int, ...]:
        return tuple(place for _, _, place in self.controls)


@cache
def outputs() -> list[dict[str, Any]]:
    """Return every output of every committed notebook."""
    notebooks = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))]
    return [output for notebook in notebooks for cell in notebook["cells"] for output in cell.get("outputs", [])]


@cache
def committed() -> dict[str, Explorer]:
    """Return name -> explorer, from the outputs of the notebooks."""
    found = {}
    for output in outputs():
        html = "".join(output.get("data", {}).get("text/html", ""))
        elements = _Parser(html).elements
        if not elements or elements[0][1].get("class") != "explorer":
            continue
        about = elements[0][1]
        sliders = [attributes for tag, attributes in elements if tag == "input"]
        name = about["id"].removeprefix("explore-")
        match = SPRITE.search(html)
        assert match is not None, f"explorer {name} has no picture"
        found[name] = Explorer(
            name,
            tuple(json.loads(about["data-texts"])),
            int(about["data-columns"]),
            tuple((s["name"], tuple(json.loads(s["data-values"])), int(s["value"])) for s in sliders),
            base64.b64decode(match["data"]),
        )
    return found


@cache
def figures() -> dict[str, tuple[bytes, str]]:
    """Return name -> (picture, alternative text) of every figure, from the outputs of the notebooks."""
    return {
        output["metadata"]["dlcore"]["figure"]: (
            base64.b64decode("".join(output["data"]["image/png"])),
            output["metadata"]["dlcore"]["alt"],
        )
        for output in outputs()
        if "dlcore" in output.get("metadata", {})
    }


def explorers() -> list[tuple[str, str]]:
    """Return (page, name) for every explorer of the site."""
    return [
        (path, attributes["id"].removeprefix("explore-"))
        for path in pages()
        if 'class="explorer"' in (html_page := page(path)).html
        for attributes in html_page.all("figure", kind="explorer")
    ]
