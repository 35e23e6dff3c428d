"""Every explorer of the site, over http and from a file, moved as a reader would; its frames are the notebook's."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page

from tests.site import built
from tests.site.built import SITE, Explorer, committed
from tests.site.conftest import WINDOW, Listener

Places = tuple[int, ...]
MOST_DIFFERENT = 4.0  # grey levels of 255, on average, between the screen and the picture shrunk to its size
ALIGN = """view => {
    const figure = view.closest("figure"), top = view.getBoundingClientRect().top + window.scrollY
    figure.style.marginTop = parseFloat(getComputedStyle(figure).marginTop) + Math.ceil(top) - top + "px"
}"""


@dataclass(frozen=True)
class Shown:
    """An explorer on a page in the browser, beside what its notebook says of it."""

    page: Page
    figure: Locator
    explorer: Explorer
    listener: Listener

    def slider(self, number: int) -> Locator:
        return self.figure.get_by_role("slider").nth(number)

    def pixels(self) -> NDArray[np.float64]:
        """Return what the screen shows of the picture, moved to a whole pixel: between two a browser blurs it."""
        view = self.figure.locator(".explorer-view > div")
        view.scroll_into_view_if_needed()
        self.figure.locator("img").evaluate("picture => picture.decode()")
        view.evaluate(ALIGN)
        shot = Image.open(io.BytesIO(view.screenshot())).convert("RGB")
        return np.asarray(shot, dtype=float)

    def assert_shows(self, places: Places) -> None:
        """Compare the words, the sliders and the picture with the frame for these places of the sliders."""
        frame = self.explorer.frame(places)
        text = self.explorer.texts[frame]
        assert self.figure.locator(".explorer-text").inner_text() == text
        assert self.figure.locator("img").get_attribute("alt") == text
        values = [values[place] for place, (_, values, _) in zip(places, self.explorer.controls, strict=True)]
        assert self.figure.locator("output").all_text_contents() == values
        sliders = self.figure.locator("input")
        assert [one.get_attribute("aria-valuetext") for one in sliders.all()] == values
        self.assert_picture(frame)

    def assert_picture(self, frame: int) -> None:
        """Fail unless the screen shows this frame of the committed picture, and no other frame is nearer to it."""
        seen = self.pixels()
        errors = [np.abs(seen - tile).mean() for tile in tiles(self.explorer.name, seen.shape[1], seen.shape[0])]
        assert errors[frame] <= MOST_DIFFERENT, f"frame {frame} differs by {errors[frame]:.1f} grey levels"
        assert errors[frame] <= min(errors) + 0.02, f"shows frame {int(np.argmin(errors))} instead of {frame}"


_TILES: dict[tuple[str, int, int], list[NDArray[np.float64]]] = {}


def tiles(name: str, width: int, height: int) -> list[NDArray[np.float64]]:
    """Return every frame of an explorer's committed picture, in order, shrunk to a size."""
    if (name, width, height) not in _TILES:
        explorer = committed()[name]
        sheet = Image.open(io.BytesIO(explorer.sprite)).convert("RGB")
        rows = -(-len(explorer.texts) // explorer.columns)
        wide, tall = sheet.width // explorer.columns, sheet.height // rows
        places = (divmod(number, explorer.columns) for number in range(len(explorer.texts)))
        frames = (sheet.crop((c * wide, r * tall, (c + 1) * wide, (r + 1) * tall)) for r, c in places)
        _TILES[name, width, height] = [
            np.asarray(frame.resize((width, height), Image.Resampling.BOX), dtype=float) for frame in frames
        ]
    return _TILES[name, width, height]


def opened(context: BrowserContext, root: str, path: str, name: str) -> Shown:
    """Open the page of an explorer and unfold what it stands in."""
    page = context.new_page()
    listener = Listener(page)
    page.goto(f"{root}{path}")
    return unfolded(page, listener, name)


def unfolded(page: Page, listener: Listener, name: str) -> Shown:
    """Find an explorer on an open page, and unfold what it stands in."""
    for fold in page.locator(f"details:has(#explore-{name})").all():
        if fold.get_attribute("open") is None:
            fold.locator("> summary").click()
    return Shown(page, page.locator(f"#explore-{name}"), committed()[name], listener)


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=WINDOW, color_scheme="light", reduced_motion="reduce")
    yield context
    context.close()


@pytest.fixture(scope="module")
def before() -> dict[str, Shown]:
    """By address, the pages that an earlier test has opened; they are opened once and reset for each test."""
    return {}


@pytest.fixture
def shown(
    context: BrowserContext, before: dict[str, Shown], root: str, explorer_at: tuple[str, str]
) -> Iterator[Shown]:
    path, name = explorer_at
    if old := before.get(root + path):
        old.page.bring_to_front()
        shown = unfolded(old.page, old.listener, name)
        shown.figure.get_by_role("button", name="Reset").click()
    else:
        before[root + path] = shown = opened(context, root, path, name)
    yield shown
    shown.listener.assert_quiet(root)


def middle(explorer: Explorer) -> Places:
    """Return places of the sliders that are neither all first, all last nor the default."""
    lengths = [len(values) for _, values, _ in explorer.controls]
    wanted = tuple((length - 1) // 2 for length in lengths)
    return wanted if wanted != explorer.start else tuple(min(1, length - 1) for length in lengths)


def move(shown: Shown, places: Places) -> None:
    """Move each slider to a place with the keyboard."""
    for number, place in enumerate(places):
        slider = shown.slider(number)
        slider.press("Home")
        for _ in range(place):
            slider.press("ArrowRight")


def address(shown: Shown) -> str:
    """Return the hash once it has been written, which waits until the hand rests."""
    shown.page.wait_for_timeout(300)
    return shown.page.evaluate("location.hash")


def test_it_opens_at_its_default_frame(shown):
    shown.assert_shows(shown.explorer.start)
    assert not shown.figure.locator(".explorer-note").is_visible()
    assert shown.figure.locator(".explorer-text").get_attribute("aria-live") == "polite"
    for number in range(len(shown.explorer.controls)):
        assert shown.slider(number).is_visible()


def test_keys_move_it_and_reset_brings_it_back(shown):
    explorer = shown.explorer
    last = [len(values) - 1 for _, values, _ in explorer.controls]
    places = list(explorer.start)
    for number in range(len(places)):
        for key, place in (("Home", 0), ("ArrowRight", min(1, last[number])), ("End", last[number])):
            shown.slider(number).press(key)
            places[number] = place
            shown.assert_shows(tuple(places))
        shown.slider(number).press("ArrowLeft")
        places[number] = max(0, last[number] - 1)
        shown.assert_shows(tuple(places))
    shown.figure.get_by_role("button", name="Reset").press("Enter")
    shown.assert_shows(explorer.start)
    assert address(shown) == ""


def test_dragging_moves_it(shown):
    places = list(shown.explorer.start)
    for number, (_, values, _) in enumerate(shown.explorer.controls):
        slider = shown.slider(number)
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        assert box is not None
        line = box["y"] + box["height"] / 2
        share = places[number] / max(1, len(values) - 1)
        shown.page.mouse.move(box["x"] + 8 + share * (box["width"] - 16), line)
        shown.page.mouse.down()
        shown.page.mouse.move(box["x"] - 20, line, steps=5)
        places[number] = 0
        shown.assert_shows(tuple(places))  # while the button is still down
        shown.page.mouse.move(box["x"] + box["width"] + 20, line, steps=5)
        shown.page.mouse.up()
        places[number] = len(values) - 1
        shown.assert_shows(tuple(places))


def test_a_link_opens_it_where_it_was_left(shown, context, root, explorer_at):
    explorer = shown.explorer
    places = middle(explorer)
    move(shown, places)
    state = address(shown)
    assert state.startswith(f"#explore-{explorer.name}?")
    values = [(name, values[place]) for place, (name, values, _) in zip(places, explorer.controls, strict=True)]
    assert parse_qsl(state.partition("?")[2]) == values
    there = context.new_page()
    there.goto(f"{root}{explorer_at[0]}{state}")
    again = replace(shown, page=there, figure=there.locator(f"#explore-{explorer.name}"))
    assert again.figure.is_visible()  # also where it stands in a fold
    again.assert_shows(places)
    top = again.figure.evaluate("figure => figure.getBoundingClientRect().top")
    assert -WINDOW["height"] < top < WINDOW["height"]
    there.close()


def test_nothing_moves_by_itself(shown):
    """Also for those who ask for less motion: frames change at once, and a link jumps instead of gliding."""
    shown.slider(0).press("End")
    running = shown.page.evaluate("document.getAnimations().filter((one) => one.playState === 'running').length")
    assert running == 0
    assert shown.page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"


def test_without_scripts_the_default_frame_is_there(browser, root, explorer_at):
    context = browser.new_context(viewport=WINDOW, java_script_enabled=False)
    shown = opened(context, root, *explorer_at)
    frame = shown.explorer.frame(shown.explorer.start)
    assert shown.figure.locator(".explorer-text").inner_text() == shown.explorer.texts[frame]
    assert shown.figure.locator(".explorer-note").is_visible()
    assert not shown.figure.locator(".explorer-controls").is_visible()
    shown.assert_picture(frame)
    shown.listener.assert_quiet(root)
    context.close()


def test_its_picture_has_every_committed_frame(explorer_at):
    """The file on the site and the picture in the notebook are the same, bit by bit: so are the frames not visited."""
    path, name = explorer_at
    elements = iter(built.page(path).elements)
    next(1 for _, attributes in elements if attributes.get("id") == f"explore-{name}")
    source = next(attributes["src"] for tag, attributes in elements if tag == "img")
    target, _ = built.page(path).target(source)
    assert (SITE / target).read_bytes() == committed()[name].sprite
