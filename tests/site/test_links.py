"""The site as files: links, the order of the pages, figures and downloads, compared with what was committed."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

import yaml

from dlcore.display import CHAPTERS
from tests.site.built import (
    LINKING,
    LOADING,
    NOTEBOOKS,
    ROOT,
    SITE,
    Page,
    committed,
    explorers,
    figures,
    page,
    pages,
    written,
)


def addresses(one: Page) -> list[tuple[str, str]]:
    """Return (tag, address) of everything that a page leads to or loads."""
    where = LINKING | LOADING
    return [(tag, attributes[where[tag]]) for tag, attributes in one.elements if attributes.get(where.get(tag, ""))]


def test_every_link_leads_somewhere(path):
    dead = []
    for _, address in addresses(page(path)):
        if urlsplit(address).scheme:
            continue
        target, anchor = page(path).target(address)
        if not (SITE / target).is_file() or (anchor and anchor not in page(target).anchors):
            dead.append(address)
    assert dead == []


def test_nothing_is_loaded_from_elsewhere(path):
    """What a browser would fetch by itself stands in the site; other hosts are only linked to."""
    loaded = [address for tag, address in addresses(page(path)) if tag in LOADING]
    assert [address for address in loaded if urlsplit(address).netloc] == []
    assert "http" not in " ".join(attributes.get("srcset", "") for _, attributes in page(path).elements)


def test_an_id_stands_once(path):
    ids = [attributes["id"] for _, attributes in page(path).elements if "id" in attributes]
    assert [one for one in set(ids) if ids.count(one) > 1] == []


def test_next_leads_through_the_whole_book_and_previous_back():
    forward, here = ["index.html"], "index.html"
    while links := page(here).all("a", kind="right-next"):
        following, _ = page(here).target(links[0]["href"])
        (back,) = page(following).all("a", kind="left-prev")
        assert page(following).target(back["href"])[0] == here
        assert following not in forward
        forward.append(following)
        here = following
    made_by_sphinx = {"search.html", "genindex.html", "py-modindex.html"}
    assert set(forward) == set(pages()) - made_by_sphinx


def test_every_figure_is_the_committed_one_with_its_text():
    shown = {}
    for path in written():
        figure = ""
        for tag, attributes in page(path).elements:
            if tag == "figure":
                figure = attributes.get("id", "")
            elif tag == "img" and figure.startswith("fig-"):
                source, _ = page(path).target(attributes["src"])
                shown[figure] = ((SITE / source).read_bytes(), attributes["alt"])
                figure = ""
    assert shown.keys() == figures().keys()
    for name, (picture, alt) in figures().items():
        assert shown[name][1] == alt, name
        assert hashlib.sha256(shown[name][0]).digest() == hashlib.sha256(picture).digest(), name


def test_every_explorer_of_the_notebooks_is_on_its_page():
    assert committed().keys() == {name for _, name in explorers()} != set()
    assert any(path == "index.html" for path, _ in explorers()), "the first page shows one"


def test_the_notebook_to_download_is_the_committed_one(chapter):
    (link,) = page(chapter).all("a", kind="download-notebook")
    target, _ = page(chapter).target(link["href"])
    assert (SITE / target).read_bytes() == (NOTEBOOKS / f"{chapter[10:-5]}.ipynb").read_bytes()


def test_only_chapters_that_are_written_have_a_notebook_to_download():
    assert [path for path in pages() if page(path).all("a", kind="download-notebook")] == written()


def test_the_table_of_contents_has_the_parts_and_chapters_of_the_book():
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    in_parts = [[chapter["file"] for chapter in part["chapters"]] for part in parts if part.get("numbered")]
    wanted = [[f"notebooks/{c.stem}" for c in CHAPTERS if c.part == number] for number in (1, 2, 3)]
    assert in_parts == wanted


def test_the_coverage_map_has_a_mark_for_each_section_and_algorithm():
    _, chapters = yaml.safe_load_all((ROOT / "book" / "contents.yml").read_text(encoding="utf-8"))
    outline = {
        f"{chapter['chapter']:02d}": (chapter["sections"], chapter.get("algorithms", [])) for chapter in chapters
    }
    assert sum(len(sections) for sections, _ in outline.values()) == 164
    assert sum(len(algorithms) for _, algorithms in outline.values()) == 25
    treated = {path[10:12] for path in written()}
    marked = {page("coverage.html").target(a["href"]) for a in page("coverage.html").all("a") if "#sec-" in a["href"]}
    anchors = {anchor for _, anchor in marked}
    sections = {f"sec-{number.replace('.', '-')}" for one in treated for number in outline[one][0]}
    assert sections <= anchors
    missing = sum(len(outline[one][0]) + len(outline[one][1]) for one in outline.keys() - treated)
    assert len(page("coverage.html").all("span", kind="not-yet")) >= missing
