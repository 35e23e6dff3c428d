"""What a reader does besides reading: search, change the theme, download, copy; and what a chapter costs to open."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from tests.site.built import NOTEBOOKS, SITE, page, written

MOST_BYTES = 1_500_000
HEADING = re.compile(r"<h2>(?P<title>.*?)<a", re.S)


def rare_word(chapter: str) -> str:
    """Return the longest word in the headings of a chapter."""
    headings = " ".join(HEADING.findall(page(chapter).html))
    return max(re.findall(r"[A-Za-z]+", re.sub(r"<.*?>", "", headings)), key=len)


def test_search_finds_a_word_of_the_chapter(chapter, root, open_page):
    window, listener = open_page(f"{root}index.html")
    window.keyboard.press("Control+k")
    window.keyboard.type(rare_word(chapter))
    window.keyboard.press("Enter")
    window.wait_for_url("**/search.html?q=*")
    results = window.locator("#search-results a")
    expect(results.first).to_be_visible()
    expect(window.locator("#search-results > p, .search-summary").first).to_contain_text(re.compile("found|matching"))
    targets = [link.get_attribute("href").partition("#")[0].partition("?")[0] for link in results.all()]
    assert any(target.endswith(chapter) for target in targets)
    results.nth([target.endswith(chapter) for target in targets].index(True)).click()
    expect(window.locator("article h1")).to_be_visible()
    listener.assert_quiet(root)


def test_search_says_when_there_is_nothing(root, open_page):
    window, listener = open_page(f"{root}search.html?q=xyzzyplugh")
    expect(window.locator("#search-results")).to_contain_text("did not match any")
    listener.assert_quiet(root)


@pytest.mark.parametrize("preferred", ["light", "dark"])
def test_the_theme_follows_the_reader(root, open_page, preferred):
    """At first the one that the system prefers; then what the button says, on every page."""
    window, listener = open_page(f"{root}index.html", color_scheme=preferred)

    def theme() -> tuple[str, str]:
        return (
            window.evaluate("document.documentElement.dataset.theme"),
            window.evaluate("getComputedStyle(document.body).backgroundColor"),
        )

    papers = {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 30)"}
    assert theme() == (preferred, papers[preferred])
    other = {"light": "dark", "dark": "light"}[preferred]
    for _ in range(3):  # light, dark, and what the system prefers take turns
        if theme()[0] == other:
            break
        window.locator(".theme-switch-button:visible").click()
    window.goto(f"{root}notation.html")
    assert theme() == (other, papers[other])
    listener.assert_quiet(root)


def test_the_button_downloads_the_committed_notebook(chapter, server, open_page):
    window, _ = open_page(server + chapter)
    with window.expect_download() as download:
        window.get_by_role("link", name="Notebook").click()
    name = download.value.suggested_filename
    assert download.value.path().read_bytes() == (NOTEBOOKS / name).read_bytes()
    assert name == f"{chapter[10:-5]}.ipynb"


def test_the_copy_button_copies_the_code(chapter, server, open_page):
    window, listener = open_page(server + chapter, permissions=["clipboard-read", "clipboard-write"])
    block = window.locator("div.cell_input div.highlight:visible").first
    block.hover()
    block.locator("button.copybtn").click()
    assert window.evaluate("navigator.clipboard.readText()").strip() == block.locator("pre").inner_text().strip()
    listener.assert_quiet(server)


def test_a_chapter_is_light(chapter, server, open_page, capsys):
    """What is transferred before the reader touches anything, by the browser's own count."""
    window, listener = open_page(server + chapter)
    window.wait_for_load_state("networkidle")
    sizes = window.evaluate("""() => performance.getEntries()
        .filter((entry) => entry.transferSize !== undefined)
        .map((entry) => [entry.name.split("/").pop(), entry.transferSize])""")
    painted = window.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    total = sum(size for _, size in sizes)
    with capsys.disabled():
        print(f"\n{chapter}: {total / 1e6:.2f} MB in {len(sizes)} files before interaction; text at {painted:.0f} ms")
    assert len(sizes) > 5
    assert total <= MOST_BYTES, sorted(sizes, key=lambda entry: -entry[1])[:5]
    listener.assert_quiet(server)


def test_text_does_not_wait_for_formulas_or_pictures(chapter, server, browser):
    """With MathJax, our scripts and all pictures held back for good, the chapter can be read."""
    context = browser.new_context()
    held: list[str] = []

    def hold(route: Route) -> None:
        held.append(route.request.url)

    context.route(re.compile(r"/mathjax/|/_images/|explorer\.js|companion\.js"), hold)
    window = context.new_page()
    window.goto(server + chapter, wait_until="commit")
    expect(window.locator("article h1")).to_be_visible()
    expect(window.locator("section > p").nth(2)).to_be_visible()
    expect(window.locator("footer.bd-footer-content")).to_be_attached()
    assert any("mathjax" in address for address in held)
    context.close()


def test_there_is_a_chapter_to_test():
    assert written() and (SITE / written()[0]).exists()
