"""Fixtures that several kinds of tests share."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, sync_playwright


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium: the one that CHROMIUM names, the system's, or Playwright's own. CI must have one."""
    installed = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    executable = os.environ.get("CHROMIUM") or next(filter(None, installed), None)
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(
                executable_path=executable, args=["--disable-gpu", "--disable-background-networking"]
            )
        except Error as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"no browser: install Chromium, or name one in CHROMIUM ({str(error).splitlines()[0]})")
        yield chromium
        chromium.close()
