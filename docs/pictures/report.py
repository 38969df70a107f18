"""Draw docs/pictures/report.png: the report of `rebalance demo` in a browser.

rebalance demo && python docs/pictures/report.py rebalance_demo/balanced/report.html
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

SIZE = {"width": 1100, "height": 960}
COLOURS = 256  # enough for grey averages and a few colours, a third of the size
# Words and tables are for readers of the page: the picture shows what they explain.
HIDDEN = "header, section:not(.controls) > p, .verdict, #spheres table, #particles"
WITHOUT_WORDS = HIDDEN + "{ display: none !important } h2 { margin-top: 1rem; border: 0 }"


def main() -> None:
    """Open the page named on the command line, and write the picture beside this file."""
    page_file = Path(sys.argv[1]).resolve()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(page_file.as_uri())
        page.evaluate(
            "css => document.head.appendChild(document.createElement('style')).textContent = css",
            WITHOUT_WORDS,
        )
        page.wait_for_timeout(1000)  # what is out of sight is drawn a little later
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        browser.close()
    picture.quantize(COLOURS).save(Path(__file__).with_suffix(".png"), optimize=True)


if __name__ == "__main__":
    main()
