"""Every page of the site, in a real browser: nothing from elsewhere, no error, accessible, readable without scripts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.site.built import SITE, page
from tests.site.conftest import WINDOW, Listener

AXE = Axe()
AXE_OPTIONS = {
    "preload": False,  # it would fetch the style sheets a second time
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
}
# The themes differ in nothing but colour, so the second one need not be asked the other eighty questions again.
RULES_OF_COLOUR = ["color-contrast", "link-in-text-block"]
FAULTS_OF_COLOUR = """async (options) => (await axe.run(document, options)).violations.flatMap((rule) =>
    rule.nodes.map((node) => `${rule.id}: ${node.html} ${node.failureSummary}`))"""
TELEPHONE = {"width": 390, "height": 844}

# Everything that a reader may come to see: folds opened, pictures loaded, formulas typeset.
UNFOLD = """async () => {
    for (const fold of document.querySelectorAll("main details")) fold.open = true;
    for (const picture of document.images) picture.loading = "eager";
    await Promise.all([...document.images].map((picture) => picture.decode().catch(() => {})));
    await window.MathJax?.startup?.promise;
    await document.fonts.ready;
    return [...document.images].filter((picture) => !picture.naturalWidth).map((picture) => picture.src);
}"""
FORMULAS = """() => ({
    source: document.querySelectorAll("article .math").length,
    typeset: document.querySelectorAll("article .math mjx-container").length,
    errors: [...document.querySelectorAll("mjx-merror")].map((error) => error.textContent),
    cut: [...document.querySelectorAll("article mjx-container[display=true]")]
        .filter((formula) => formula.scrollWidth > formula.clientWidth + 1).map((formula) => formula.textContent),
    orphans: [...document.querySelectorAll("article span.math")].map((formula) => {
        const after = formula.nextSibling;
        if (after?.nodeType !== Node.TEXT_NODE || !/^[.,;:!?)\\]]/.test(after.data)) return "";
        const sign = document.createRange();
        sign.setStart(after, 0);
        sign.setEnd(after, 1);
        const box = formula.getBoundingClientRect();
        return sign.getBoundingClientRect().top > box.top + box.height / 2 ? formula.textContent + after.data : "";
    }).filter(Boolean),
    fonts: [...document.fonts].filter((font) => font.family.startsWith("MJX") && font.status === "loaded").length,
})"""


@pytest.fixture(scope="module")
def online(browser: Browser) -> Iterator[tuple[Page, Listener]]:
    """One window for all pages, scripts on."""
    context = browser.new_context(viewport=WINDOW)
    page = context.new_page()
    yield page, Listener(page)
    context.close()


@pytest.fixture(scope="module")
def scriptless(browser: Browser) -> Iterator[tuple[Page, Listener]]:
    """One window for all pages, scripts off."""
    context = browser.new_context(viewport=WINDOW, java_script_enabled=False)
    page = context.new_page()
    yield page, Listener(page)
    context.close()


def set_theme(page: Page, theme: str) -> None:
    page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
    # Colours that fade would be measured half-way.
    page.evaluate("() => Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {})))")


def test_over_http(path, server, online):
    """No request leaves the page, nothing fails, formulas are typeset and whole; axe finds no fault in either theme."""
    page, listener = online
    listener.clear()
    page.set_viewport_size(WINDOW)
    page.goto(server + path)
    not_loaded = page.evaluate(UNFOLD)
    listener.assert_quiet(server)
    assert not_loaded == []
    formulas = page.evaluate(FORMULAS)
    assert formulas["typeset"] == formulas["source"]
    assert formulas["errors"] == formulas["cut"] == formulas["orphans"] == []
    assert formulas["fonts"] > 0 or formulas["source"] == 0
    set_theme(page, "light")
    found = AXE.run(page, options=AXE_OPTIONS)
    assert found.violations_count == 0, found.generate_report()
    set_theme(page, "dark")
    assert page.evaluate(FAULTS_OF_COLOUR, AXE_OPTIONS | {"runOnly": RULES_OF_COLOUR}) == []


def test_from_a_file_and_on_a_telephone(path, online):
    """The same without a server; on a narrow screen nothing but what scrolls by itself is wider than the screen."""
    page, listener = online
    listener.clear()
    page.goto(f"{SITE.as_uri()}/{path}")
    page.set_viewport_size(TELEPHONE)
    not_loaded = page.evaluate(UNFOLD)
    listener.assert_quiet(f"{SITE.as_uri()}/")
    assert not_loaded == []
    assert page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE["width"]


def test_with_scripts_off(path, server, scriptless):
    """The text, the source of each equation and the way to other pages are there."""
    window, listener = scriptless
    listener.clear()
    window.goto(server + path)
    assert window.locator("h1:visible").count() == 1
    assert len(window.locator("main").inner_text()) > 300 or path == "search.html"
    equations = window.locator("article div.math")
    for i in range(equations.count()):
        assert equations.nth(i).text_content().strip().startswith((r"\[", "("))
    assert window.get_by_role("link", name="How to read").first.is_visible()
    assert window.locator(".pst-js-only:visible").count() == 0, "a button that does nothing"
    listener.assert_quiet(server)


def test_every_picture_says_what_it_shows(path):
    """An empty text would call a picture decoration; only the logo, whose name stands beside it, is that."""
    for attributes in page(path).all("img"):
        assert attributes.get("alt", "").strip() or "logo__image" in attributes.get("class", ""), attributes["src"]
