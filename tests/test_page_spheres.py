"""The spheres of the page, in a real browser and in its HTML."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from browser import Visit, chromium
from matplotlib.image import imread
from test_page import PROVENANCE, SCRIPT
from test_report import Page, make_result

import rebalance
from rebalance._proof import prove
from rebalance._sphere_sampling import SphereSampling
from rebalance._view_agreement import Agreement
from rebalance.pipeline import Result
from rebalance.report import write_report
from rebalance.report.spheres import gaps, sphere_data

N = 24


def with_sphere(result: Result, verdict: str = "trusted", symmetry: str = "C1") -> Result:
    """Views round a belt, so that the poles have none; the second average has no direction."""
    turn = np.pi * np.arange(N) / N
    direction = np.stack([np.cos(turn), np.sin(turn), 0.1 * np.sin(7 * turn)], axis=1)
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    direction[1] = np.nan
    if verdict == "cannot be told":
        direction[:] = np.nan
    left_out = tuple("" if np.isfinite(d[0]) else "lines rarely agree" for d in direction)
    uncertainty = np.where(np.isfinite(direction[:, 0]), 2.5, np.nan)
    uncertainty[5] = 22.0
    sphere = rebalance.ViewSphere(
        direction, uncertainty, verdict, ("halves agree",), left_out, 0.98, symmetry
    )
    foretold = SphereSampling((0.41, 0.63), (0.02, 0.004), 0.3, 0.95)
    if verdict == "cannot be told":
        return dataclasses.replace(result, sphere=sphere, foretold=None)
    return dataclasses.replace(result, sphere=sphere, foretold=foretold)


def with_poses(result: Result) -> Result:
    rng = np.random.default_rng(0)
    poses = rng.normal(size=(len(result.balance.keep), 3)) * [1, 1, 0.2]
    poses /= np.linalg.norm(poses, axis=1, keepdims=True)
    balance = result.balance
    proof = prove(balance.sizes, balance.kept, balance.keep, poses)
    turned = Agreement(N - 1, 0.93, 3.4, np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]))
    return dataclasses.replace(result, proof=proof, agreement=turned)


@pytest.fixture(scope="module")
def result() -> Result:
    labels = [i % 4 for i in range(N)]
    made = make_result(labels, [10 * (i + 1) for i in range(N)], factor="0.9")
    return dataclasses.replace(with_sphere(made), kept=made.particles // 2)


@pytest.fixture(scope="module")
def both(result: Result) -> Result:
    return with_poses(result)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def path(both: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_report(both, path, PROVENANCE)
    return path


@pytest.fixture
def visit(browser: Any, path: Path) -> Iterator[Visit]:
    visit = Visit(browser, path, viewport={"width": 1280, "height": 900})
    yield visit
    visit.close()
    assert visit.complaints == []


def page_of(result: Result, directory: Path) -> str:
    write_report(result, directory / "report.html", PROVENANCE)
    return (directory / "report.html").read_text(encoding="utf-8")


def pixels(visit: Visit, name: str) -> str:
    return str(visit.page.evaluate(f"byId('{name}').toDataURL()"))


# --- what the page is given ---


def test_views_are_turned_like_the_poses_and_carry_their_particles(both: Result) -> None:
    views, poses = sphere_data(both)
    assert both.sphere is not None
    found = [i for i in range(N) if i != 1]
    assert views["average"] == found
    assert views["particles"] == both.particles[found].tolist()
    x, y, z = both.sphere.direction[found].T
    np.testing.assert_allclose(views["direction"], np.stack([-y, x, z], axis=1), atol=6e-4)
    assert sum(poses["particles"]) == len(both.balance.keep)
    assert sum(poses["kept"]) == both.balance.keep.sum()


def test_regions_without_a_view_lie_where_no_view_is_near(result: Result) -> None:
    (views,) = sphere_data(result)
    empty = np.array(views["gap"])
    nearest = np.abs(empty @ np.array(views["direction"]).T).max(axis=1)
    assert (nearest < np.cos(np.radians(14.9))).all()
    assert np.abs(empty[:, 2]).min() > 0.2  # round the poles
    assert np.abs(empty[:, 2]).max() > 0.95
    assert len(gaps(np.zeros((0, 3)), np.eye(3)[None])) == 400  # no view, no region with one


def test_equivalent_directions_of_a_point_group_are_all_there(result: Result) -> None:
    (views,) = sphere_data(with_sphere(result, symmetry="C4"))
    assert len(views["direction"]) == len(views["average"]) == 4 * (N - 1)
    first, second = (np.array(views["direction"][k * (N - 1)]) for k in (0, 1))
    np.testing.assert_allclose(np.sort(np.abs(first)), np.sort(np.abs(second)), atol=1e-3)


def test_directions_that_cannot_be_told_are_not_drawn(result: Result, tmp_path: Path) -> None:
    text = page_of(with_sphere(result, "cannot be told"), tmp_path)
    page = Page(text)
    assert "The directions cannot be told from these averages." in page.text
    assert not any("sphere" in str(canvas["id"]) for canvas in page.of("canvas"))
    assert "Halves agree." in page.text


def test_without_a_sphere_there_is_no_section(result: Result, tmp_path: Path) -> None:
    text = page_of(dataclasses.replace(result, sphere=None), tmp_path)
    assert 'id="spheres"' not in text
    assert "#spheres" not in text


def test_the_verdict_and_the_agreement_stand_in_words(both: Result, tmp_path: Path) -> None:
    text = " ".join(page_of(both, tmp_path).split())
    assert "The directions can be trusted." in text
    assert "1 average without a direction: 1 lines rarely agree." in text
    assert "agree with a rank correlation of 0.93" in text
    assert "are 3.4° apart in the median" in text
    partly = " ".join(page_of(with_sphere(both, "partly"), tmp_path).split())
    assert "The directions can be trusted in part." in partly


def test_the_question_that_everybody_has_is_answered_first(both: Result, tmp_path: Path) -> None:
    page = " ".join(page_of(both, tmp_path).split())
    answer = "<strong>Do I have preferred orientation?</strong> Yes: 30 % of all directions"
    assert answer in page
    assert page.index(answer) < page.index("<nav")
    untold = page_of(with_sphere(both, "cannot be told"), tmp_path)
    assert "orientation?</strong> The class averages cannot tell: halves agree." in untold
    silent = page_of(dataclasses.replace(both, sphere=None, foretold=None), tmp_path)
    assert "preferred orientation?" not in silent


def test_the_sampling_that_views_foretell_stands_beside_that_of_the_poses(
    both: Result, tmp_path: Path
) -> None:
    page = Page(page_of(both, tmp_path))
    rows = page.tables["Sampling compensation factor (SCF) of a 3D map"]
    assert rows[1] == ["foretold by the views", "0.41 ± 0.02", "0.63 ± 0.01"]
    assert both.proof is not None
    assert both.proof.sampling is not None
    assert rows[2] == ["of the 3D poses", *(f"{scf:.2f}" for scf in both.proof.sampling.scf)]


def test_text_of_a_verdict_never_runs(browser: Any, result: Result, tmp_path: Path) -> None:
    assert result.sphere is not None
    hostile = dataclasses.replace(
        result.sphere, reasons=(SCRIPT,), left_out=(SCRIPT, *result.sphere.left_out[1:])
    )
    junk = (SCRIPT, *result.junk[1:])
    hostile_result = dataclasses.replace(result, sphere=hostile, junk=junk)
    write_report(hostile_result, tmp_path / "report.html", PROVENANCE)
    visit = Visit(browser, tmp_path / "report.html")
    assert visit.page.locator("img").count() == 0
    assert visit.page.locator("script").count() == 2
    assert SCRIPT in visit.text("#spheres")
    assert SCRIPT in visit.text("#averages-table")
    visit.close()
    assert visit.complaints == []


# --- as a person would ---


def test_both_globes_turn_together_by_mouse_and_keyboard(visit: Visit) -> None:
    globe = visit.page.locator("#sphere-views")
    globe.scroll_into_view_if_needed()
    seen = [(pixels(visit, "sphere-views"), pixels(visit, "sphere-poses"))]
    box = globe.bounding_box()
    visit.page.mouse.move(box["x"] + 100, box["y"] + 150)
    visit.page.mouse.down()
    visit.page.mouse.move(box["x"] + 180, box["y"] + 190, steps=4)
    visit.page.mouse.up()
    seen.append((pixels(visit, "sphere-views"), pixels(visit, "sphere-poses")))
    visit.page.focus("#sphere-poses")
    visit.page.keyboard.press("ArrowUp")
    seen.append((pixels(visit, "sphere-views"), pixels(visit, "sphere-poses")))
    assert len({views for views, _ in seen}) == len({poses for _, poses in seen}) == 3
    visit.page.click("#turn-back")
    assert visit.page.evaluate("[sphereView.turn, sphereView.tilt]") == [0.6, 0.5]


def test_a_globe_is_turned_by_touch(browser: Any, path: Path) -> None:
    visit = Visit(browser, path, viewport={"width": 800, "height": 900}, has_touch=True)
    globe = visit.page.locator("#sphere-views")
    globe.scroll_into_view_if_needed()
    box, before = globe.bounding_box(), pixels(visit, "sphere-views")
    touch = visit.context.new_cdp_session(visit.page)
    at = {"x": box["x"] + 120, "y": box["y"] + 120}
    for kind, points in [
        ("touchStart", [at]),
        ("touchMove", [{"x": at["x"] + 60, "y": at["y"] + 30}]),
        ("touchEnd", []),
    ]:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert pixels(visit, "sphere-views") != before
    visit.close()
    assert visit.complaints == []


def test_pointing_at_a_spot_names_its_average_and_clicking_chooses_it(
    visit: Visit, both: Result
) -> None:
    globe = visit.page.locator("#sphere-views")
    globe.scroll_into_view_if_needed()
    script = "(() => { const s = spheres[0].spots.at(-1); return [s.at, ...placeOf(s)] })()"
    at, x, y = visit.page.evaluate(script)
    box = globe.bounding_box()
    visit.page.mouse.move(box["x"] + x, box["y"] + y)
    number = both.averages.class_number[sphere_data(both)[0]["average"][at]]
    assert visit.text("#sphere-views-text").startswith(f"Class {number},")
    assert "Direction known to about" in visit.text("#sphere-views-text")
    visit.page.mouse.down()
    visit.page.mouse.up()
    assert visit.text("#selected-text").startswith(f"Class {number},")


def test_the_keyboard_walks_over_all_spots(visit: Visit) -> None:
    visit.page.focus("#sphere-views")
    seen = set()
    for _ in range(N - 1):
        visit.page.keyboard.press("n")
        seen.add(visit.text("#sphere-views-text"))
        front = visit.page.evaluate(
            "(() => { const p = turned(spheres[0].direction[spheres[0].shown]); return p.z })()"
        )
        assert abs(front) == pytest.approx(1, abs=1e-3)  # turned to the eye
    assert len(seen) == N - 1


def test_spots_shrink_to_what_is_kept_and_the_far_side_can_be_hidden(visit: Visit) -> None:
    shown = [pixels(visit, "sphere-views")]
    visit.page.check('input[name="sphere-particles"][value="kept"]')
    shown.append(pixels(visit, "sphere-views"))
    kept = visit.page.evaluate("total(weightsOf(spheres[0], shown))")
    views = visit.page.evaluate("total(data.spheres[0].kept)")
    assert kept == pytest.approx(views)
    visit.page.uncheck("#far-side")
    shown.append(pixels(visit, "sphere-views"))
    assert len(set(shown)) == 3


def test_colours_follow_the_superclasses_on_the_page(visit: Visit, both: Result) -> None:
    before = pixels(visit, "sphere-views")
    visit.page.focus("#sheet")
    visit.page.keyboard.press("ArrowRight")
    label = int(visit.page.input_value("#move"))
    visit.page.select_option("#move", str((label + 1) % 4))
    visit.page.locator("#sphere-views").scroll_into_view_if_needed()
    visit.page.wait_for_function(f"byId('sphere-views').toDataURL() !== {json.dumps(before)}")


# --- saving ---


def test_figures_are_saved_as_svg_and_png(visit: Visit) -> None:
    wanted = {
        "bars": "cap",
        "sheet": "mean",
        "matrix": "",
        "sphere-views": "no view within 15°",
        "sphere-poses": "× the mean",
    }
    for name, word in wanted.items():
        text = visit.download(f'button[data-svg="{name}"]').read_text(encoding="utf-8")
        root = ElementTree.fromstring(text)
        assert word in "".join(root.itertext())
        width = visit.page.evaluate(f"byId('{name}').clientWidth")
        assert float(root.attrib["width"]) == pytest.approx(width, abs=1)
        assert not re.search(r'href="(?!data:image/png)', text)
        assert "NaN" not in text
        picture = visit.download(f'button[data-canvas="{name}"]')
        saved = imread(picture.rename(picture.with_suffix(".png")))
        assert saved.shape[1] == pytest.approx(2 * width, abs=2)
        assert saved.std() > 0


def test_saved_figures_are_light_in_a_dark_page(browser: Any, both: Result, tmp_path: Path) -> None:
    write_report(both, tmp_path / "report.html", PROVENANCE)
    visit = Visit(browser, tmp_path / "report.html", color_scheme="dark")
    before = pixels(visit, "bars")
    text = visit.download('button[data-svg="bars"]').read_text(encoding="utf-8")
    assert 'fill="#ffffff"' in text
    assert pixels(visit, "bars") == before
    visit.close()
    assert visit.complaints == []
