"""A real Chromium for the tests of pages."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.support.required import missing

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
)


def chromium_path() -> str | None:
    """The browser of this machine: HAIDANG_TEST_CHROMIUM, else the one on the path."""
    named = os.environ.get("HAIDANG_TEST_CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Start Chromium for the time of the context."""
    path = chromium_path()
    if path is None:
        missing("chromium", "neither HAIDANG_TEST_CHROMIUM nor the path names one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS])
        try:
            yield browser
        finally:
            browser.close()
