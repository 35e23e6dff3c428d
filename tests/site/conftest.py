"""The built site in a real browser: over http on the loopback interface, from files, and with scripts off."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.site.built import SITE, explorers, pages, written
from tools.serve import QuietHandler

WINDOW = {"width": 1280, "height": 900}
NOT_BUILT = "there is no site in _build/html: build it with `make book`"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test every page, every written chapter or every explorer, one at a time."""
    if "path" in metafunc.fixturenames:
        metafunc.parametrize("path", pages())
    if "chapter" in metafunc.fixturenames:
        metafunc.parametrize("chapter", written())
    if "explorer_at" in metafunc.fixturenames:
        metafunc.parametrize("explorer_at", explorers(), ids=lambda at: f"{at[0]}#{at[1]}")


@pytest.fixture(scope="session", autouse=True)
def site() -> None:
    """Every test here reads the built site."""
    if not (SITE / "index.html").exists():
        pytest.fail(NOT_BUILT, pytrace=False)


class _Quiet(QuietHandler):
    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Serve the site on a free port of the loopback interface, and return its address."""
    handler = functools.partial(_Quiet, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


@pytest.fixture(params=["http", "file"])
def root(request: pytest.FixtureRequest) -> str:
    """The address under which the site stands: both that of the server and that of the folder."""
    return request.getfixturevalue("server") if request.param == "http" else f"{SITE.as_uri()}/"


class Listener:
    """Writes down what a page asks for and complains of, from one `assert_quiet` to the next.

    Attributes
    ----------
    requests, complaints : list of str
        Addresses of everything but data inside a page; script errors, console errors and warnings, failed requests.
    """

    def __init__(self, page: Page) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self._note(request.url))
        page.on("requestfailed", lambda request: self._failed(request))
        page.on("response", lambda answer: answer.ok or answer.status == 304 or self._refused(answer))
        page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        page.on("console", self._said)

    def _note(self, address: str) -> None:
        if not address.startswith(("data:", "blob:")):
            self.requests.append(address)

    def _refused(self, answer: Any) -> None:
        if answer.url.startswith("http"):  # a file has no status
            self.complaints.append(f"{answer.status}: {answer.url}")

    def _failed(self, request: Any) -> None:
        if request.failure != "net::ERR_ABORTED":  # the reader has left for another page
            self.complaints.append(f"not loaded: {request.url}")

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning", "assert"):
            self.complaints.append(f"console {message.type}: {message.text}")

    def clear(self) -> None:
        self.requests.clear()
        self.complaints.clear()

    def assert_quiet(self, root: str) -> None:
        """Fail if a request left the site that stands under `root`, or anything was complained of."""
        outside = [address for address in self.requests if not address.startswith(root)]
        complaints = [*self.complaints]
        self.clear()
        assert outside == [], f"requests to elsewhere: {outside}"
        assert complaints == []


Opening = Callable[..., tuple[Page, Listener]]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Opening]:
    """A function that opens an address in a context of its own: ``page, listener = open_page(address)``."""
    contexts: list[BrowserContext] = []

    def open_(address: str, **options: Any) -> tuple[Page, Listener]:
        context = browser.new_context(**({"viewport": WINDOW} | options))
        contexts.append(context)
        page = context.new_page()
        listener = Listener(page)
        page.goto(address)
        return page, listener

    yield open_
    for context in contexts:
        context.close()
