"""A real browser for the tests of the page; what needs one is skipped by name where none is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """One page, opened from disk, and everything it complained about.

    Attributes
    ----------
    page : playwright Page
    complaints : list of str
        Errors, warnings on the console, requests and dialogs.
    """

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.context = browser.new_context(accept_downloads=True, **options)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._dialog)
        self.page.on("request", self._request)
        self.page.goto(path.as_uri())

    def _dialog(self, dialog: Any) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            self.complaints.append(f"request: {request.url}")

    def text(self, selector: str) -> str:
        return str(self.page.locator(selector).inner_text())

    def rows(self, table: str) -> list[list[str]]:
        """Cells of the rows of a table, as they stand in the page."""
        script = "rows => rows.map(r => [...r.cells].map(c => c.textContent))"
        found: list[list[str]] = self.page.locator(f"#{table} tbody tr").evaluate_all(script)
        return found

    def download(self, button: str) -> Path:
        with self.page.expect_download() as waiting:
            self.page.click(button)
        return Path(waiting.value.path())

    def close(self) -> None:
        self.context.close()
