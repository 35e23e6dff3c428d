"""explorer.js and explorer.css in a real browser, from a file on disk."""

import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import matplotlib.pyplot as plt
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Locator, Page

from dlcore.display import BLUE, ORANGE, explore, explorer, style
from dlcore.display.figures import render

FOLDER = Path(explorer.__file__).parent
FREQUENCIES = [1, 2, 3, 4]
PHASES = ["left", "right & up"]


# Whole pixels for everything above and inside a figure, so that a picture on the screen can be compared pixel by pixel.
STYLE = """
body { margin: 0 auto; max-width: 600px; background: white }
h1, h2, p, figure.explorer p { margin: 0; line-height: 20px }
figure.explorer { height: 500px; margin: 20px 0; padding: 16px }
.explorer-view { margin: 16px auto }
[data-theme="dark"] body { background: #121212; color: #ced6dd; --pst-color-text-muted: #9ca4af }
"""


def wave(frequency: int, phase: str) -> plt.Figure:
    with style.figure_style():
        fig, ax = plt.subplots(figsize=(4, 2.5), layout="none")
        x = np.linspace(0, 10, 300)
        ax.plot(x, np.sin(frequency * x + PHASES.index(phase)), color=BLUE)
        ax.plot(frequency, 2, "o", color=ORANGE)
        ax.set(ylim=(-1.5, 2.5), title=f"{frequency} turns, {phase}")
        return fig


def wave_text(frequency: int, phase: str) -> str:
    return f"A wave that turns {frequency} times, shifted {phase}."


def grid(k: int) -> plt.Figure:
    with style.figure_style():
        fig, ax = plt.subplots(figsize=(4, 2.5), layout="none")
        ax.imshow(np.add.outer(np.arange(8), np.arange(8)) % k)
        return fig


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with two different explorers, the first of them twice, between section headings."""
    blocks: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLCORE_BOOK", "1")
        patch.setattr(explorer, "display", lambda data, raw: blocks.append(data["text/html"]))
        explore(
            wave,
            name="wave",
            question="Predict: how often does it turn?",
            describe=wave_text,
            default={"frequency": 2},
            frequency=FREQUENCIES,
            phase=PHASES,
        )
        explore(grid, name="grid", question="Predict: which period?", describe=lambda k: f"Period {k}.", k=[2, 3, 5])
    css, js = ((FOLDER / f"explorer.{ending}").as_uri() for ending in ("css", "js"))
    body = '<p style="height: 1500px">Text.</p><h2 id="sec-2-8">2.8</h2>'.join([*blocks, blocks[0]])
    page = tmp_path_factory.mktemp("book") / "page.html"
    page.write_text(
        f'<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8"><title>Explorers</title>'
        f'<link rel="stylesheet" href="{css}"><script src="{js}" defer></script>'
        f"<style>{STYLE}</style>"
        f"<body><main><h1>Explorers</h1>{body}</main></body></html>",
        encoding="utf-8",
    )
    return page


@pytest.fixture
def page(browser: Browser, book: Path) -> Iterator[Page]:
    """The page, at two device pixels for one of the page; it may neither fail nor ask for anything elsewhere."""
    context = browser.new_context(viewport={"width": 800, "height": 700}, device_scale_factor=2)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or complaints.append(request.url))
    page.goto(book.as_uri())
    yield page
    context.close()
    assert complaints == []


def nth(page: Page, place: int) -> Locator:
    return page.locator("figure.explorer").nth(place)


def pixels(figure: Locator) -> np.ndarray:
    """Return what the screen shows of an explorer's picture."""
    shot = figure.locator(".explorer-view > div").screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)


def assert_shows(figure: Locator, frequency: int, phase: str) -> None:
    """Compare everything that an explorer shows with the values it should stand at."""
    assert figure.locator(".explorer-text").inner_text() == wave_text(frequency, phase)
    assert figure.locator("img").get_attribute("alt") == wave_text(frequency, phase)
    assert figure.locator("output").all_inner_texts() == [str(frequency), phase]
    sliders = figure.get_by_role("slider").all()
    assert [slider.get_attribute("aria-valuetext") for slider in sliders] == [str(frequency), phase]
    drawn = render(wave(frequency, phase), scale=2).astype(int)
    seen = pixels(figure)
    assert seen.shape == drawn.shape
    assert np.sqrt(np.square(seen - drawn).sum(axis=-1)).max() <= 24


def address(page: Page) -> str:
    page.wait_for_timeout(300)
    return page.evaluate("location.hash")


def test_the_default_frame_needs_no_script(browser, book):
    context = browser.new_context(device_scale_factor=2, java_script_enabled=False)
    page = context.new_page()
    page.goto(book.as_uri())
    figure = nth(page, 0)
    drawn = render(wave(2, "left"), scale=2).astype(int)
    assert np.sqrt(np.square(pixels(figure) - drawn).sum(axis=-1)).max() <= 24
    assert figure.locator(".explorer-text").inner_text() == wave_text(2, "left")
    assert "One frame of 8" in figure.locator(".explorer-note").inner_text()
    assert figure.get_by_role("slider").count() == figure.get_by_role("button").count() == 0
    context.close()


def test_the_script_reveals_the_controls(page):
    figure = nth(page, 0)
    assert_shows(figure, 2, "left")
    assert not figure.locator(".explorer-note").is_visible()
    assert figure.get_by_role("slider", name="frequency").is_visible()
    assert figure.get_by_role("button", name="Reset").is_visible()


def test_keys_move_it(page):
    figure = nth(page, 0)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "frequency"
    page.keyboard.press("ArrowRight")
    assert_shows(figure, 3, "left")
    page.keyboard.press("End")
    assert_shows(figure, 4, "left")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")
    assert_shows(figure, 4, "right & up")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert_shows(figure, 2, "left")


def test_dragging_moves_it(page):
    figure = nth(page, 0)
    box = figure.get_by_role("slider", name="frequency").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 3, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, middle, steps=4)
    assert_shows(figure, 3, "left")  # before the button is let go
    page.mouse.move(box["x"] + box["width"] + 30, middle, steps=4)
    page.mouse.up()
    assert_shows(figure, 4, "left")


def test_touch_moves_it(browser, book):
    context = browser.new_context(viewport={"width": 390, "height": 700}, has_touch=True)
    page = context.new_page()
    page.goto(book.as_uri())
    box = nth(page, 0).get_by_role("slider", name="frequency").bounding_box()
    assert box["height"] >= 24 and box["width"] >= 200
    page.touchscreen.tap(box["x"] + box["width"] - 4, box["y"] + box["height"] / 2)
    assert nth(page, 0).locator("output").first.inner_text() == "4"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_the_address_holds_the_state(page, book):
    figure = nth(page, 0)
    figure.get_by_role("slider", name="frequency").press("End")
    figure.get_by_role("slider", name="phase").press("End")
    assert address(page) == "#explore-wave?frequency=4&phase=right+%26+up"
    length = page.evaluate("history.length")
    page.reload()
    assert_shows(figure, 4, "right & up")
    assert page.evaluate("history.length") == length
    figure.get_by_role("button").click()
    assert_shows(figure, 2, "left")
    assert address(page) == ""
    assert page.url == book.as_uri()


def test_coming_back_without_state_begins_anew(page):
    nth(page, 0).get_by_role("slider", name="frequency").press("End")
    address(page)
    page.evaluate("history.replaceState(null, '', location.pathname)")
    page.goto("about:blank")
    page.go_back()
    assert_shows(nth(page, 0), 2, "left")
    assert nth(page, 0).get_by_role("slider", name="frequency").input_value() == "1"


def test_an_address_leads_to_its_frame(page, book):
    page.goto("about:blank")
    page.goto(f"{book.as_uri()}#explore-grid?k=5")
    figure = nth(page, 1)
    assert figure.locator("output").inner_text() == "5"
    assert figure.locator("img").get_attribute("alt") == "Period 5."
    assert abs(figure.bounding_box()["y"]) < 50
    assert_shows(nth(page, 0), 2, "left")
    page.evaluate("location.hash = '#explore-grid?k=3'")
    assert figure.locator("output").inner_text() == "3"


@pytest.mark.parametrize(
    "other",
    [
        "explore-wave",
        "explore-wave?",
        "explore-wave?frequency=4",
        "explore-wave?frequency=9&phase=left",
        "explore-wave?frequency=%E0%A4%A&phase=left",
        "explore-wave?frequency=4?phase=left",
        "explore-other?frequency=4&phase=left",
        quote('"><img src=x onerror=alert(1)>'),
    ],
)
def test_other_addresses_change_nothing(page, other):
    page.evaluate(f"location.hash = {json.dumps(other)}")
    page.wait_for_timeout(50)
    assert_shows(nth(page, 0), 2, "left")
    assert nth(page, 1).locator("output").inner_text() == "2"
    assert address(page) == f"#{other}"


def test_links_to_sections_keep_working(page):
    page.evaluate("location.hash = 'sec-2-8'")
    page.wait_for_timeout(50)
    assert page.evaluate("scrollY") > 1000
    assert_shows(nth(page, 0), 2, "left")


def test_explorers_do_not_disturb_each_other(page):
    one, other, copy = (nth(page, place) for place in range(3))
    one.get_by_role("slider", name="phase").press("End")
    copy.get_by_role("slider", name="frequency").press("Home")
    other.get_by_role("slider").press("ArrowRight")
    assert_shows(one, 2, "right & up")
    assert_shows(copy, 1, "left")
    assert other.locator("output").inner_text() == "3"
    one.get_by_role("button").click()
    assert_shows(copy, 1, "left")


def test_a_narrow_page_shrinks_the_picture_and_keeps_the_frame(page):
    page.set_viewport_size({"width": 320, "height": 700})
    figure = nth(page, 0)
    figure.get_by_role("slider", name="frequency").press("End")
    seen = pixels(figure)
    errors = {}
    for frequency, phase in itertools.product(FREQUENCIES, PHASES):
        drawn = Image.fromarray(render(wave(frequency, phase), scale=2))
        small = np.asarray(drawn.resize(seen.shape[1::-1], Image.Resampling.BOX)).astype(int)
        errors[frequency, phase] = np.abs(seen - small).mean()
    best, second = sorted(errors.values())[:2]
    assert errors[4, "left"] == best < second / 2
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_nothing_is_animated(page):
    nth(page, 0).get_by_role("slider", name="frequency").press("End")
    assert page.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize("paper", ["#121212", "#14181e"])
def test_in_the_dark_a_drawing_lies_on_the_page_and_a_photograph_on_paper(page, paper):
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.evaluate(f"document.body.style.background = '{paper}'")
    drawing, photograph = pixels(nth(page, 0)), pixels(nth(page, 1))
    colours, counts = np.unique(drawing.reshape(-1, 3), axis=0, return_counts=True)
    assert bytes(colours[counts.argmax()].tolist()).hex() == paper[1:]
    assert photograph.max() > 200 and np.median(photograph) > 100


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_fault(page, theme):
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    page.locator("figure.explorer").nth(2).evaluate("figure => figure.remove()")  # an id may stand once
    rules = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
    found = Axe().run(page, options={"preload": False, "runOnly": rules})
    assert found.violations_count == 0, found.generate_report()
