"""Size of the report page, and how long a step of its slider takes, in a real browser.

python benchmarks/report_page.py
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import sync_playwright

from rebalance._simulate import SimulationSettings, simulate
from rebalance.config import RunSettings
from rebalance.io import open_job
from rebalance.io.simulated import write_relion_job
from rebalance.pipeline import run
from rebalance.report import Provenance, write_report

SETS = {200: 30, 1000: 60}  # averages, views
BOX = 64
STEPS = 15
NO_ORIGIN = Provenance("rebalance run", ["rebalance", "run"], [], "out", [], {}, {}, {})
# A step to the next number of superclasses: what was drawn at once, and until the frame is there.
STEP = """async () => {
  const numbers = [...groupings.keys()];
  const next = numbers[(numbers.indexOf(state.k) + 1) % numbers.length];
  const before = performance.now();
  setNumber(next);
  const drawn = performance.now() - before;
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const frame = performance.now() - before;
  await new Promise((done) => setTimeout(done, 300)); // what is out of sight
  return [drawn, frame];
}"""


def main() -> None:
    """Print a table."""
    print(
        "| averages | MB | in sight | drawn, ms | until the next frame, ms |\n|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for n, views in SETS.items():
            path = Path(name) / f"report{n}.html"
            write_page(n, views, path)
            for section in ("particles", "averages", "affinity"):
                drawn, frame = steps(browser, path, section)
                size = f"{path.stat().st_size / 1e6:.1f}"
                print(f"| {n} | {size} | {section} | {drawn} | {frame} |", flush=True)
        browser.close()


def write_page(n: int, views: int, path: Path) -> None:
    """Write the report of a simulated job."""
    settings = SimulationSettings(averages=n, views=views, box=BOX, seed=3)
    data = write_relion_job(simulate(settings), path.with_suffix(""))
    write_report(run(open_job(data, None, None, None), RunSettings()), path, NO_ORIGIN)


def steps(browser: Any, path: Path, section: str) -> tuple[str, str]:
    """Times of steps of the slider with this section in the window, ms."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(path.as_uri())
    page.evaluate("id => byId(id).scrollIntoView()", section)
    page.wait_for_timeout(1000)
    found = [page.evaluate(STEP) for _ in range(STEPS)]
    page.close()
    drawn, frame = zip(*found, strict=True)
    return _times(drawn), _times(frame)


def _times(times: Sequence[float]) -> str:
    return f"{median(times):.0f} ({min(times):.0f})"


if __name__ == "__main__":
    main()
