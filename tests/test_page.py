"""The report page in a real browser: every control used as a person would."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Visit, chromium
from matplotlib.image import imread

import rebalance
from rebalance._align import transform_image
from rebalance._simulate import SimulationSettings, simulate
from rebalance.config import AffinitySettings, BalanceSettings, RunSettings, TakePartSettings
from rebalance.io import open_job
from rebalance.io.constraints import read_constraints
from rebalance.io.simulated import write_relion_job
from rebalance.pipeline import Result, run
from rebalance.report import Provenance, write_report
from rebalance.report.tiles import grey_tiles

FACTOR = "0.35"
SCRIPT = "</script><script>alert('x')</script>\"><img src=x onerror=alert(1)>"
PROVENANCE = Provenance(
    command="rebalance run --particles 'my data.star' --output out --factor 0.35",
    words=["rebalance", "run", "--particles", "my data.star"],
    constraints=[],
    output="out",
    found=["found"],
    inputs={"my data.star": "ab" * 32},
    versions={"rebalance": "0"},
    seconds={"reading": 0.25},
)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    settings = SimulationSettings(averages=40, views=6, box=48, seed=5)
    data = write_relion_job(simulate(settings), tmp_path_factory.mktemp("job"))
    return run(
        open_job(data, None, None, None),
        RunSettings(
            affinity=AffinitySettings(max_shift=4.0),
            balance=BalanceSettings(factor=Decimal(FACTOR)),
        ),
    )


@pytest.fixture(scope="module")
def path(result: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_report(result, path, PROVENANCE)
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture
def visit(browser: Any, path: Path) -> Iterator[Visit]:
    visit = Visit(browser, path, viewport={"width": 1280, "height": 900})
    yield visit
    visit.close()
    assert visit.complaints == []


def expected(result: Result, k: int, factor: str | None, max_size: int | None = None) -> Any:
    """Sizes and kept particles that the library gives."""
    inside = result.superclasses.labels >= 0
    labels = rebalance.superclassify(result.affinity, k, leave_out=~inside).labels
    of_particle = np.repeat(labels, result.particles)
    return labels, rebalance.balance(of_particle, factor=factor, max_size=max_size)


def check_tables(visit: Visit, result: Result, labels: Any, balanced: Any) -> None:
    rows = visit.rows("superclasses")
    assert [int(row[2].replace(",", "")) for row in rows] == balanced.sizes.tolist()
    assert [int(row[4].replace(",", "")) for row in rows] == balanced.kept.tolist()
    assert [int(row[1]) for row in rows] == np.bincount(labels[labels >= 0]).tolist()
    shown = {int(row[0]): row[1] for row in visit.rows("averages-table")}
    names = ["left out" if label < 0 else str(label) for label in labels]
    assert shown == dict(zip(result.averages.class_number.tolist(), names, strict=True))


def test_it_opens_with_what_the_run_found(visit: Visit, result: Result) -> None:
    check_tables(visit, result, result.superclasses.labels, result.balance)
    kept = int(result.balance.keep.sum())
    assert f"{kept:,} of {len(result.balance.keep):,} particles kept" in visit.text("#status")


def test_the_number_slides_over_what_the_library_gives(visit: Visit, result: Result) -> None:
    visit.page.focus("#k")
    start = int(visit.page.input_value("#k"))
    assert start == result.superclasses.n_superclasses
    for step, key in enumerate(["ArrowRight", "ArrowRight", "ArrowRight"], start=1):
        visit.page.keyboard.press(key)
        assert visit.text("#k-shown") == str(start + step)
        check_tables(visit, result, *expected(result, start + step, FACTOR))
    visit.page.keyboard.press("Home")
    check_tables(visit, result, *expected(result, int(visit.text("#k-shown")), FACTOR))
    visit.page.click("#suggested")
    assert visit.text("#k-shown") == str(start)
    visit.page.keyboard.press("Tab")
    visit.page.click("#reset")
    check_tables(visit, result, result.superclasses.labels, result.balance)


def test_the_factor_slides_over_what_the_library_gives(visit: Visit, result: Result) -> None:
    k = result.superclasses.n_superclasses
    visit.page.focus("#factor")
    for key, factor in [("End", "1"), ("ArrowLeft", "0.99"), ("ArrowLeft", "0.98")]:
        visit.page.keyboard.press(key)
        assert visit.text("#factor-shown") == factor
        check_tables(visit, result, *expected(result, k, factor))
    visit.page.keyboard.press("Home")
    assert visit.text("#factor-shown") == "none"
    check_tables(visit, result, *expected(result, k, None))


def test_a_maximum_size_caps_and_nonsense_is_marked(visit: Visit, result: Result) -> None:
    k = result.superclasses.n_superclasses
    visit.page.fill("#max-size", "25")
    check_tables(visit, result, *expected(result, k, FACTOR, 25))
    assert "--max-size 25" in visit.text("#command")
    visit.page.fill("#max-size", "-3")
    assert visit.page.get_attribute("#max-size", "aria-invalid") == "true"
    check_tables(visit, result, *expected(result, k, FACTOR, 25))


def test_the_cap_is_exact(visit: Visit) -> None:
    for size in (1, 7, 1001, 987_654_321_012):
        for factor in ("0.07", "0.35", "1", "1.00", "0.333333333333", "0.1"):
            exact = int(Decimal(size) / Decimal(factor))
            assert visit.page.evaluate(f"capOfFactor({size}, '{factor}')") == exact


def test_pointing_at_a_cell_names_the_pair(visit: Visit, result: Result) -> None:
    visit.page.locator("#matrix").scroll_into_view_if_needed()
    box = visit.page.locator("#matrix").bounding_box()
    cell = box["width"] / len(result.averages)
    order = result.superclasses.order
    visit.page.mouse.move(box["x"] + 3.5 * cell, box["y"] + 7.5 * cell)
    check_pair(visit, result, order[7], order[3])
    visit.page.check('input[name="matrix-order"][value="input"]')
    visit.page.mouse.move(box["x"] + 3.5 * cell, box["y"] + 7.6 * cell)
    check_pair(visit, result, 7, 3)


def check_pair(visit: Visit, result: Result, i: int, j: int) -> None:
    text = visit.text("#pair-text")
    number, aff = result.averages.class_number, result.affinity
    assert text.startswith(f"class {number[i]} ")
    assert f" and class {number[j]} " in text
    values = [float(v) for v in re.findall(r"-?\d+\.\d+", text)]
    affinity, angle, y, x = values
    assert abs(affinity - aff.values[i, j]) < 0.01
    assert abs((angle - aff.angle[i, j] + 180) % 360 - 180) < 0.1
    np.testing.assert_allclose([y, x], aff.shift[i, j], atol=0.12)
    assert ("not mirrored" not in text) == aff.mirror[i, j]


def test_the_matrix_is_walked_and_zoomed_by_keyboard(visit: Visit, result: Result) -> None:
    order = result.superclasses.order
    visit.page.focus("#matrix")
    for key in ["ArrowDown", "ArrowDown", "ArrowRight"]:
        visit.page.keyboard.press(key)
    check_pair(visit, result, order[2], order[1])
    visit.page.keyboard.press("+")
    assert visit.page.evaluate("matrixView.zoom") > 1
    check_pair(visit, result, order[2], order[1])
    visit.page.click("#zoom-all")
    assert visit.page.evaluate("matrixView.zoom") == 1


def test_every_colour_scale_paints_the_matrix(visit: Visit) -> None:
    seen = set()
    for name in ("cividis", "viridis", "gray"):
        visit.page.select_option("#colours", name)
        seen.add(visit.page.evaluate("byId('matrix').toDataURL()"))
    assert len(seen) == 3


def test_matrix_pixels_are_the_affinities(visit: Visit, result: Result) -> None:
    visit.page.select_option("#colours", "gray")
    visit.page.check('input[name="matrix-order"][value="input"]')
    n = len(result.averages)
    pixels = visit.page.evaluate(
        f"[...matrixImage.getContext('2d').getImageData(0, 0, {n}, {n}).data]"
        ".filter((_, i) => i % 4 === 0)"
    )
    grey = np.array(pixels).reshape(n, n)
    np.testing.assert_allclose(grey / 255, result.affinity.values, atol=0.006)


def test_an_average_laid_on_another_is_drawn_as_the_library_lays_it(
    visit: Visit, result: Result
) -> None:
    # Both orders of pairs, so that inverses are drawn too.
    for i, j in [(2, 9), (9, 2), (5, 30), (31, 4)]:
        pixels = visit.page.evaluate(
            f"(() => {{ const c = document.createElement('canvas'); c.width = c.height = TILE;"
            f"const x = c.getContext('2d'); drawTile(x, {j}, 0, 0, TILE, {i});"
            "return [...x.getImageData(0, 0, TILE, TILE).data].filter((_, p) => p % 4 === 0) })()"
        )
        side = result.averages.images.shape[1]
        drawn = np.array(pixels).reshape(side, side)[::-1]
        laid = rebalance.align(result.averages.images, result.affinity, reference=i)[j]
        away = np.arange(side) - side // 2
        inside = np.hypot(away[:, None], away) < 0.35 * side
        assert np.corrcoef(drawn[inside], laid[inside])[0, 1] > 0.98


def test_moving_an_average_by_hand_gives_the_file_that_repeats_it(
    visit: Visit, result: Result
) -> None:
    visit.page.focus("#sheet")
    visit.page.keyboard.press("ArrowRight")
    first = int(result.superclasses.order[0])
    number = int(result.averages.class_number[first])
    assert visit.text("#selected-text").startswith(f"Class {number},")
    label = int(result.superclasses.labels[first])
    other = (label + 1) % result.superclasses.n_superclasses
    visit.page.select_option("#move", str(other))
    assert dict((int(row[0]), row[1]) for row in visit.rows("averages-table"))[number] == str(other)
    assert "--constraints constraints.csv" in visit.text("#command")
    constraints = visit.download("#save-constraints").read_text()
    assert constraints == f"class_number,action,value\n{number},move,{other}\n"
    visit.page.select_option("#move", "-1")
    constraints = visit.download("#save-constraints").read_text()
    assert constraints == f"class_number,action,value\n{number},leave_out,\n"
    visit.page.select_option("#move", str(label))
    assert "--constraints" not in visit.text("#command")
    assert visit.page.is_disabled("#save-constraints")


def test_the_mean_of_a_superclass_is_that_of_its_aligned_averages(
    visit: Visit, result: Result
) -> None:
    labels = result.superclasses.labels
    members = np.flatnonzero(labels == 0)
    i = int(visit.page.evaluate("referenceOf(shown.members[0][0], shown)"))
    drawn = np.array(
        visit.page.evaluate(
            f"(() => {{ const c = meanOf(shown.members[0], {i}).getContext('2d');"
            "return [...c.getImageData(0, 0, TILE, TILE).data].filter((_, p) => p % 4 === 0) })()"
        )
    )
    tiles = grey_tiles(result.averages.images)[members].astype(np.float32)
    laid = [
        transform_image(
            tile,
            result.affinity.angle[i, j],
            result.affinity.shift[i, j],
            result.affinity.mirror[i, j],
        )
        for tile, j in zip(tiles, members, strict=True)
    ]
    side = tiles.shape[1]
    away = np.arange(side) - side // 2
    inside = np.hypot(away[:, None], away) < 0.35 * side
    mean = np.mean(laid, axis=0)
    assert np.corrcoef(drawn.reshape(side, side)[::-1][inside], mean[inside])[0, 1] > 0.99


def test_corrections_by_hand_come_on_top_of_the_constraints_of_the_run(
    browser: Any, result: Result, tmp_path: Path
) -> None:
    order, labels = result.superclasses.order, result.superclasses.labels
    chosen, grouped, moved, left = (int(i) for i in order[[0, 1, 2, -1]])
    number = result.averages.class_number
    asked = TakePartSettings(
        leave_out=(int(number[left]),),
        groups=((int(number[grouped]), 'ring, "A"'), (int(number[chosen]), "B")),
        moves=((int(number[moved]), int(labels[moved])),),
    )
    ours = dataclasses.replace(
        result, settings=dataclasses.replace(result.settings, take_part=asked)
    )
    provenance = dataclasses.replace(PROVENANCE, constraints=["--constraints", "mine.csv"])
    write_report(ours, tmp_path / "report.html", provenance)
    visit = Visit(browser, tmp_path / "report.html")
    assert "--constraints mine.csv" in visit.text("#command")
    visit.page.focus("#sheet")
    visit.page.keyboard.press("ArrowRight")
    visit.page.select_option("#move", str((int(labels[chosen]) + 1) % 6))
    assert "--constraints constraints.csv" in visit.text("#command")
    assert "mine.csv" not in visit.text("#command")
    (tmp_path / "c.csv").write_bytes(visit.download("#save-constraints").read_bytes())
    merged = read_constraints(tmp_path / "c.csv")
    assert merged.leave_out == asked.leave_out
    assert merged.groups == asked.groups[:1]
    target = (int(number[chosen]), (int(labels[chosen]) + 1) % 6)
    assert set(merged.moves) == {*asked.moves, target}
    # Moves of the run name superclasses of its own number: elsewhere they are dropped.
    visit.page.focus("#k")
    visit.page.keyboard.press("ArrowRight")
    assert "--constraints constraints.csv" in visit.text("#command")
    (tmp_path / "c.csv").write_bytes(visit.download("#save-constraints").read_bytes())
    assert read_constraints(tmp_path / "c.csv").moves == ()
    assert read_constraints(tmp_path / "c.csv").groups == asked.groups
    visit.close()
    assert visit.complaints == []


def test_an_average_is_chosen_with_the_mouse(visit: Visit, result: Result) -> None:
    visit.page.locator("#sheet").scroll_into_view_if_needed()
    place = visit.page.evaluate("places[5]")
    visit.page.locator("#sheet").click(position={"x": place["x"] + 9, "y": place["y"] + 9})
    number = result.averages.class_number[place["average"]]
    assert visit.text("#selected-text").startswith(f"Class {number},")


def test_every_average_stands_once_on_the_sheet_in_every_order(
    visit: Visit, result: Result
) -> None:
    for sort in ("typical", "particles", "number", "confidence", "resolution"):
        visit.page.select_option("#sort", sort)
        places = visit.page.evaluate("places")
        assert sorted(p["average"] for p in places) == list(range(len(result.averages)))
        corners = {(p["x"], p["y"]) for p in places}
        assert len(corners) == len(places)
        width = visit.page.evaluate("byId('sheet').clientWidth")
        assert all(p["x"] + 64 <= width for p in places)


def test_the_command_repeats_what_is_shown(visit: Visit, result: Result) -> None:
    k = result.superclasses.n_superclasses
    assert visit.text("#command") == (
        f"rebalance run --particles 'my data.star' -k {k} --factor 0.35 --seed 0 "
        f"--output out_k{k}_f0.35"
    )


def test_assignment_and_pictures_are_saved(visit: Visit, result: Result, tmp_path: Path) -> None:
    lines = visit.download("#save-assignment").read_text().splitlines()
    assert lines[0] == "class_number,superclass,particles"
    columns = (result.averages.class_number, result.superclasses.labels, result.particles)
    wanted = [",".join(map(str, row)) for row in zip(*columns, strict=True)]
    assert lines[1:] == wanted
    for name in ("bars", "sheet", "matrix"):
        picture = visit.download(f'button[data-canvas="{name}"]').rename(tmp_path / f"{name}.png")
        assert imread(picture).std() > 0


def test_touch_chooses_a_pair(browser: Any, path: Path, result: Result) -> None:
    visit = Visit(browser, path, viewport={"width": 800, "height": 900}, has_touch=True)
    visit.page.locator("#matrix").scroll_into_view_if_needed()
    box = visit.page.locator("#matrix").bounding_box()
    cell = box["width"] / len(result.averages)
    visit.page.touchscreen.tap(box["x"] + 5.5 * cell, box["y"] + 2.5 * cell)
    order = result.superclasses.order
    check_pair(visit, result, order[2], order[5])
    visit.close()
    assert visit.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 800])
def test_nothing_serious_stands_between_the_page_and_its_readers(
    browser: Any, path: Path, scheme: str, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not there")
    visit = Visit(
        browser,
        path,
        color_scheme=scheme,
        viewport={"width": width, "height": 900},
        bypass_csp=True,
    )
    visit.page.focus("#sheet")
    visit.page.keyboard.press("ArrowRight")
    found = axe.Axe().run(visit.page).response["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
    visit.close()


def test_nothing_runs_from_text_of_the_input(browser: Any, result: Result, tmp_path: Path) -> None:
    hostile = dataclasses.replace(
        result,
        left_out=tuple(SCRIPT for _ in result.left_out),
        warnings=(SCRIPT,),
    )
    provenance = dataclasses.replace(
        PROVENANCE,
        command=SCRIPT,
        words=[SCRIPT],
        output=SCRIPT,
        found=[SCRIPT],
        inputs={SCRIPT: SCRIPT},
        versions={SCRIPT: SCRIPT},
    )
    write_report(hostile, tmp_path / "report.html", provenance)
    visit = Visit(browser, tmp_path / "report.html")
    assert visit.page.locator("img").count() == 0
    assert visit.page.locator("script").count() == 2
    assert SCRIPT in visit.text("#average-table")
    visit.page.wait_for_timeout(100)
    visit.close()
    assert visit.complaints == []


def test_without_scripts_the_tables_are_there(browser: Any, path: Path, result: Result) -> None:
    visit = Visit(browser, path, java_script_enabled=False)
    assert visit.page.locator("#superclasses tbody tr").count() == len(result.balance.sizes)
    assert not visit.page.locator(".controls").is_visible()
    visit.close()
