"""Figures, page and summary of a result made by hand."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import os
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text
from numpy.typing import NDArray
from scipy import ndimage

from rebalance._affinity import Affinity
from rebalance._balance import Balance
from rebalance._superclasses import Superclasses
from rebalance.config import AffinitySettings, BalanceSettings, RunSettings
from rebalance.io.tables import ClassAverages
from rebalance.pipeline import Result
from rebalance.report import (
    Provenance,
    affinity_figure,
    bars_figure,
    contact_sheet,
    save_figures,
    sheet,
    summary_lines,
    write_report,
)
from rebalance.report.page import page_script
from rebalance.report.sheet import COLUMNS, Block, place
from rebalance.report.summary import (
    affinity_inside,
    affinity_to_superclass,
    answer,
    cap_sentence,
    effective_number,
)
from rebalance.report.tiles import grey_limits, grey_tiles

SCRIPT = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"


def make_result(
    labels: list[int],
    particles: list[int],
    left_out: dict[int, str] | None = None,
    factor: str | None = None,
    warnings: tuple[str, ...] = (),
    n_classless: int = 0,
) -> Result:
    """Averages of one blob each, turned by 90 degrees from one to the next."""
    label, count = np.array(labels, np.int32), np.array(particles, np.int64)
    n, k = len(label), max(labels) + 1
    sizes = np.array([count[label == i].sum() for i in range(k)], np.int64)
    limiting = int(sizes.argmin()) if factor and k else None
    cap = int(sizes[limiting] / Decimal(factor)) if factor and limiting is not None else None
    kept = np.minimum(sizes, cap) if cap is not None else sizes
    keep = np.arange(count.sum() + n_classless) < kept.sum()
    order = np.argsort(np.where(label < 0, k, label), kind="stable").astype(np.int32)
    return Result(
        settings=RunSettings(balance=BalanceSettings(factor=Decimal(factor) if factor else None)),
        averages=ClassAverages(
            images=turned_blobs(n),
            class_number=np.arange(1, n + 1, dtype=np.int32),
            name=tuple(f"{i + 1:06d}@{SCRIPT}.mrcs" for i in range(n)),
            selected=np.ones(n, bool),
            pixel_size=None,
            resolution=np.where(np.arange(n) == 0, 8.25, np.nan),
        ),
        particles=count,
        junk=("",) * n,
        left_out=tuple((left_out or {}).get(i, "") for i in range(n)),
        apart={},
        affinity=turned_affinity(label),
        superclasses=superclasses_of(label, order, k),
        balance=Balance(keep, sizes, kept, cap, limiting, warnings=()),
        kept=count,
        warnings=warnings,
    )


def superclasses_of(label: NDArray[np.int32], order: NDArray[np.int32], k: int) -> Superclasses:
    n = len(label)
    return Superclasses(
        labels=label,
        order=order,
        n_superclasses=k,
        curve={},
        suggested=k,
        plausible=(k, k),
        confidence=np.where(label < 0, 0.0, 1.0),
        runner_up=np.full(n, -1, np.int32),
        superclass_confidence=np.ones(k),
        labels_by_k={k: label},
        confidence_by_k={k: np.where(label < 0, 0.0, 1.0)},
        isolated=np.zeros(n, bool),
        warnings=(),
    )


def turned_blobs(n: int) -> NDArray[np.float32]:
    image = np.zeros((17, 17), np.float32)
    image[8, 12] = image[9, 11] = 1
    image = ndimage.gaussian_filter(image, 1.0)
    return np.stack([np.rot90(image, -i) for i in range(n)])


def turned_affinity(labels: NDArray[np.int32]) -> Affinity:
    n = len(labels)
    index = np.arange(n)
    values = np.where((labels[:, None] == labels) & (labels >= 0), 0.75, 0.25)
    np.fill_diagonal(values, 1)
    return Affinity(
        values=values.astype(np.float32),
        # Average j was turned by 90 j degrees counter-clockwise with axis 0 upward.
        angle=(((index[:, None] - index) * 90 + 180) % 360 - 180).astype(np.float32),
        shift=np.zeros((n, n, 2), np.float32),
        mirror=np.zeros((n, n), bool),
        settings=AffinitySettings(band=(0.02, 0.3), mask_diameter=15.0),
    )


@pytest.fixture
def result() -> Result:
    return make_result(
        labels=[1, 0, 0, -1, 0, -1, 2],
        particles=[300, 1000, 500, 0, 1200, 70, 100],
        left_out={3: "no particles", 5: "blank"},
        factor="0.5",
        warnings=("Superclass 2 costs more than half of the particles: leave it out.",),
        n_classless=5,
    )


CASES = {
    "one average": make_result([0], [10]),
    "nothing left out": make_result([0, 0, 1], [10, 20, 30], factor="1"),
    "all left out": make_result([-1, -1], [0, 5], {0: "blank", 1: "not selected"}),
    "each on its own": make_result(list(range(60)), [10 + i for i in range(60)], factor="0.3"),
    "no particles": make_result([0, 1], [0, 0]),
}


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


# --- numbers ---


def test_effective_number_of_known_sizes() -> None:
    assert effective_number(np.array([5, 5, 5, 5])) == pytest.approx(4)
    assert effective_number(np.array([7, 0])) == pytest.approx(1)
    # entropy of (1/2, 1/4, 1/4) is 1.5 ln 2
    assert effective_number(np.array([2, 1, 1])) == pytest.approx(2**1.5)
    assert effective_number(np.array([0, 0])) == 0
    assert effective_number(np.array([], np.int64)) == 0


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=50))
def test_effective_number_lies_between_one_and_all(sizes: list[int]) -> None:
    assert 1 - 1e-9 <= effective_number(np.array(sizes)) <= len(sizes) + 1e-9


def test_mean_affinities_leave_out_the_diagonal() -> None:
    values = np.array([[1, 0.2, 0.4, 0.9], [0.2, 1, 0.6, 0.9], [0.4, 0.6, 1, 0.9], [0.9] * 4])
    labels = np.array([0, 0, 0, -1])
    np.testing.assert_allclose(affinity_to_superclass(values, labels), [0.3, 0.4, 0.5, np.nan])
    np.testing.assert_allclose(affinity_inside(values, labels, 2), [0.4, np.nan])
    alone = affinity_to_superclass(values, np.array([0, 1, 2, -1]))
    assert np.isnan(alone).all()


def test_answer_and_cap(result: Result) -> None:
    assert answer(result) == (
        "3,100 particles of 3 superclasses spread as evenly as 1.6 superclasses of equal size "
        "would; the largest, superclass 0, holds 87.1 % of them; 500 of 3,175 particles were kept "
        "and 2,675 excluded."
    )
    assert cap_sentence(result) == (
        "A superclass keeps at most 200 particles, set by superclass 2 with its 100 particles."
    )


def with_rule(result: Result, limiting: int | None, **rule: object) -> Result:
    settings = RunSettings(balance=BalanceSettings(**rule))  # type: ignore[arg-type]
    balance = dataclasses.replace(result.balance, limiting=limiting, factor=1 / 8)
    return dataclasses.replace(result, settings=settings, balance=balance)


def test_other_rules_say_what_factor_they_amount_to(result: Result) -> None:
    amounts = "that amounts to a rebalance factor of 0.125."
    assert cap_sentence(with_rule(result, None, max_size=200)) == (
        f"A superclass keeps at most 200 particles, the maximum size given; {amounts}"
    )
    assert cap_sentence(with_rule(result, None, target=500)) == (
        "A superclass keeps at most 200 particles, so that as many stay as were asked for; "
        f"{amounts}"
    )
    assert cap_sentence(with_rule(result, 1, cap_percentile=Decimal(50))) == (
        "A superclass keeps at most 200 particles, set by superclass 1 with its 300 particles; "
        f"{amounts}"
    )


def test_half_sets_in_the_summary(result: Result) -> None:
    halves = np.array([[100, 99, 1], [80, 120, 0], [50, 50, 0]])
    balance = dataclasses.replace(result.balance, halves_kept=halves)
    lines = summary_lines(dataclasses.replace(result, balance=balance), ())
    line = next(line for line in lines if line.startswith("  half sets"))
    assert " ".join(line.split()) == (
        "half sets 230 and 269, 1 of neither; in a superclass they differ by at most 40"
    )
    assert not any("half sets" in line for line in summary_lines(result, ()))


def test_answer_without_superclasses() -> None:
    assert answer(CASES["all left out"]) == (
        "No particle belongs to a superclass; 0 of 5 particles were kept and 5 excluded."
    )
    assert cap_sentence(CASES["one average"]).startswith("There is no cap")


def test_compared_in_px_and_in_angstrom_where_the_pixel_size_is_known(result: Result) -> None:
    used = AffinitySettings(band=(0.02, 0.125), mask_diameter=58.9, max_shift=6.0)
    result = dataclasses.replace(
        result, affinity=dataclasses.replace(result.affinity, settings=used)
    )
    line = "compared: circle of 58.9 px, detail of 8 to 50 px, shifts to 6 px"
    assert line in summary_lines(result, ())
    averages = dataclasses.replace(result.averages, pixel_size=3.0)
    line = (
        "compared: circle of 177 A (58.9 px), detail of 24 to 150 A (8 to 50 px), "
        "shifts to 18 A (6 px)"
    )
    assert line in summary_lines(dataclasses.replace(result, averages=averages), ())
    used = dataclasses.replace(used, band=(0.0, 0.125))
    result = dataclasses.replace(
        result, affinity=dataclasses.replace(result.affinity, settings=used)
    )
    assert any("detail of 8 px and coarser," in line for line in summary_lines(result, ()))


def test_summary_lines(result: Result) -> None:
    lines = summary_lines(result, ["7 averages in x.mrcs"])
    words = [line.split() for line in lines]
    assert lines[0] == "7 averages in x.mrcs"
    assert [
        "class",
        "averages",
        "7",
        "left",
        "out:",
        "1",
        "no",
        "particles,",
        "1",
        "blank",
    ] in words
    assert ["particles", "3,175", "5", "in", "no", "class"] in words
    assert ["kept", "500", "15.7", "%"] in words
    assert ["excluded", "2,675", "84.3", "%"] in words
    assert ["0", "3", "2,700", "200"] in words
    assert ["2", "1", "100", "100", "sets", "the", "cap"] in words
    assert lines[-1].startswith("warning: Superclass 2 costs")


# --- figures ---


def test_matrix_stands_in_both_orders(result: Result) -> None:
    by_input, by_superclass, bar = affinity_figure(result).axes
    order = result.superclasses.order
    np.testing.assert_array_equal(by_input.images[0].get_array(), result.affinity.values)
    np.testing.assert_array_equal(
        by_superclass.images[0].get_array(), result.affinity.values[np.ix_(order, order)]
    )
    assert [t.get_text() for t in by_superclass.get_yticklabels()] == ["0", "1", "2", "left out"]
    corners = [path.vertices[0] for path in by_superclass.collections[0].get_paths()]
    np.testing.assert_allclose(np.array(corners)[:, 0], [-0.5, 2.5, 3.5, 4.5])
    assert bar.get_ylabel() == "affinity"
    assert bar.get_ylim() == (0, 1)


def test_sheet_shows_every_average_once_in_the_pose_of_its_superclass(result: Result) -> None:
    figure = contact_sheet(result)
    shown = [image.get_array() for image in figure.axes[0].images]
    images = result.averages.images
    assert len(shown) == len(images)
    for k in range(3):  # superclass 0: averages 1, 2 and 4 lie on average 1
        np.testing.assert_allclose(shown[k], images[1], atol=1e-4)
    np.testing.assert_allclose(shown[5], images[3], atol=1e-4)
    words = texts(figure)
    assert "superclass 0" in words
    assert "3 averages, 2,700 particles" in words
    assert "left out: no particles" in words
    assert words.index("left out: no particles") > words.index("superclass 2")
    numbers = {t.get_text() for t in figure.axes[0].texts if t.get_weight() == "bold"}
    assert {"2", "1", "7"} <= numbers  # the medoids
    assert "4" not in numbers


def test_bars_are_kept_over_excluded(result: Result) -> None:
    ax = bars_figure(result).axes[0]
    kept, excluded, outside = ax.containers
    assert [bar.get_height() for bar in kept] == [200, 200, 100]
    assert [bar.get_y() + bar.get_height() for bar in excluded] == [2700, 300, 100]
    assert [bar.get_height() for bar in outside] == [70]
    assert ax.lines[0].get_ydata()[0] == 200
    assert "sets the cap" in [t.get_text() for t in ax.texts]


def test_no_cap_no_line() -> None:
    ax = bars_figure(make_result([0, 1], [10, 20])).axes[0]
    assert not ax.lines
    assert len(ax.containers) == 1


@pytest.mark.parametrize("case", CASES)
def test_every_case_can_be_drawn(case: str, tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    paths = save_figures(CASES[case], tmp_path)
    assert [p.name for p in paths] == ["affinity.png", "class_averages.png", "particles.png"]
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    for path in paths:
        assert imread(path).std() > 0
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("width_mm", [85, 180])
def test_figures_for_print_keep_their_text_and_their_width(
    result: Result, width_mm: float, tmp_path: Path
) -> None:
    curve = {"n_superclasses": np.array([2.0, 3, 4]), "silhouette": np.array([0.1, 0.4, 0.2])}
    found = dataclasses.replace(result.superclasses, curve=curve)
    result = dataclasses.replace(result, superclasses=found)
    paths = save_figures(result, tmp_path, formats=("pdf", "svg"), width_mm=width_mm)
    assert {p.stem for p in paths} == {"affinity", "class_averages", "particles", "number"}
    for path in paths:
        if path.suffix == ".svg":
            text = path.read_text(encoding="utf-8")
            assert "<text" in text
            width = re.search(r'<svg[^>]* width="([\d.]+)pt"', text)
            assert width is not None
            assert float(width[1]) == pytest.approx(width_mm / 25.4 * 72, rel=0.01)
        else:
            assert path.read_bytes().startswith(b"%PDF")


def test_no_text_of_a_figure_is_smaller_than_five_points(result: Result) -> None:
    for width_mm in (85, 180):
        for draw in (affinity_figure, bars_figure, contact_sheet):
            sizes = [t.get_fontsize() for t in draw(result, width_mm=width_mm).findobj(Text)]
            assert min(sizes) >= 5


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30), st.integers(0, 30))
def test_blocks_never_overlap_nor_leave_the_sheet(sizes: list[int], n_left_out: int) -> None:
    blocks = [
        Block(f"superclass {i}", "1,234 particles", np.arange(n), left_out=i >= n_left_out)
        for i, n in enumerate(sizes)
    ]
    placed = place(blocks)
    assert [p.block for p in placed] == blocks
    assert all(p.x >= 0 and p.x + p.block.width <= COLUMNS + 1e-9 for p in placed)
    for a, b in pairwise(placed):
        beside = b.y == a.y and b.x >= a.x + a.block.width
        below = b.x == 0 and b.y >= a.y + a.block.height
        assert beside or below


def test_a_long_sheet_shrinks_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    result = CASES["each on its own"]
    full = contact_sheet(result)
    monkeypatch.setattr(sheet, "MOST_INCHES", full.get_figheight() / 2)
    small = contact_sheet(result)
    np.testing.assert_allclose(small.get_size_inches(), full.get_size_inches() / 2)
    half = [t.get_fontsize() / 2 for t in full.axes[0].texts if t.get_text() == "7"]
    assert [t.get_fontsize() for t in small.axes[0].texts if t.get_text() == "7"] == half


def test_grey_limits_of_a_blank_average_are_a_range() -> None:
    assert grey_limits(np.zeros((8, 8))) == (-1, 1)


# --- page ---


class Page(HTMLParser):
    """Collects tags with attributes, and the rows of every table by its caption."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.text: list[str] = []
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag
        if tag == "tr":
            list(self.tables.values())[-1].append([])
        if tag in ("td", "th"):
            list(self.tables.values())[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self._open == "caption":
            self.tables[data] = []
        if self._open in ("td", "th"):
            list(self.tables.values())[-1][-1][-1] += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def write_page(result: Result, directory: Path, text: str = "plain") -> str:
    provenance = Provenance(
        command=f"rebalance run --particles {text}",
        words=["rebalance", "run", "--particles", text],
        constraints=[],
        output=text,
        found=[f"found {text}"],
        inputs={text: "ab" * 32},
        versions={text: text},
        seconds={text: 1.25},
    )
    write_report(result, directory / "report.html", provenance)
    return (directory / "report.html").read_text(encoding="utf-8")


def test_page_tables_say_what_the_result_says(result: Result, tmp_path: Path) -> None:
    page = Page(write_page(result, tmp_path))
    superclasses = page.tables["Superclasses, by falling number of averages"]
    assert superclasses[1:] == [
        ["0", "3", "2,700", "87.1 %", "200", "0.75", "capped"],
        ["1", "1", "300", "9.7 %", "200", "–", "capped"],
        ["2", "1", "100", "3.2 %", "100", "–", "sets the cap"],
    ]
    averages = page.tables["Class averages, by superclass"]
    assert len(averages) == 1 + len(result.averages)
    assert averages[1] == ["2", "0", "1,000", "–", "1.00", ""]
    assert averages[4] == ["1", "1", "300", "8.2", "1.00", ""]
    assert averages[6] == ["4", "left out", "0", "–", "–", "no particles"]
    settings = page.tables["Settings (lengths in px, frequencies in cycles/px)"]
    assert ["affinity.band", "–", "0.02 to 0.3"] in settings
    assert ["balance.factor", "0.5", "0.5"] in settings
    assert answer(result) in page.text
    assert result.warnings[0] in page.text


def test_page_needs_nothing_from_outside(result: Result, tmp_path: Path) -> None:
    page = Page(write_page(result, tmp_path))
    addresses = [a[k] or "" for _, a in page.tags for k in ("src", "href", "action") if k in a]
    assert len(addresses) > 3
    assert all(a.startswith("#") for a in addresses)
    assert not page.of("link")
    policy = next(m for m in page.of("meta") if "http-equiv" in m)
    assert str(policy["content"]).startswith("default-src 'none'")


def test_no_script_but_the_page_s_own_may_run(result: Result, tmp_path: Path) -> None:
    text = write_page(result, tmp_path)
    digest = hashlib.sha256(page_script().encode()).digest()
    assert f"script-src 'sha256-{base64.b64encode(digest).decode()}'\"" in text
    assert f"<script>{page_script()}</script>" in text
    assert [tag.get("type") for tag in Page(text).of("script")] == ["application/json", None]


def test_page_can_be_read_without_seeing(result: Result, tmp_path: Path) -> None:
    page = Page(write_page(result, tmp_path))
    assert all(canvas["aria-label"] for canvas in page.of("canvas"))
    assert len(page.of("caption")) == len(page.of("table"))
    assert {th.get("scope") for th in page.of("th")} == {"row", "col"}
    targets = {a["id"] for _, a in page.tags if "id" in a}
    assert all(str(a["href"])[1:] in targets for a in page.of("a"))
    labelled = {label.get("for") for label in page.of("label")}
    fields = [a for tag in ("input", "select") for a in page.of(tag) if a.get("type") != "radio"]
    assert {a["id"] for a in fields} <= labelled


def test_text_of_input_files_never_runs(tmp_path: Path) -> None:
    result = make_result([0, -1], [3, 4], {1: SCRIPT}, warnings=(SCRIPT,))
    text = write_page(result, tmp_path, SCRIPT)
    page = Page(text)
    assert len(page.of("script")) == 2
    assert not page.of("img")
    assert not any(name.startswith("on") for _, a in page.tags for name in a)
    assert SCRIPT in page.tables["Input files"][1]  # it is shown, as text
    assert SCRIPT not in text


@pytest.mark.parametrize(("n", "most"), [(200, 2_000_000), (1000, 10_000_000)])
def test_pages_of_many_averages_stay_small(n: int, most: int, tmp_path: Path) -> None:
    result = make_result([i % 20 for i in range(n)], [5] * n)
    noise = np.random.default_rng(0).normal(size=(n, 80, 80)).astype(np.float32)
    labels = {k: np.arange(n, dtype=np.int32) % k for k in range(2, 61)}
    result = dataclasses.replace(
        result,
        averages=dataclasses.replace(result.averages, images=noise),
        superclasses=dataclasses.replace(
            result.superclasses,
            labels_by_k=labels,
            confidence_by_k={k: np.linspace(0, 1, n) for k in labels},
        ),
    )
    assert len(write_page(result, tmp_path)) < most


def test_the_script_is_clean(tmp_path: Path) -> None:
    linter = shutil.which("oxlint", path=f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}")
    if linter is None:
        pytest.skip("oxlint is not installed")
    script = tmp_path / "page.js"
    script.write_text(page_script(), encoding="utf-8")
    settings = Path(__file__).parents[1] / ".oxlintrc.json"
    said = subprocess.run(
        [linter, "-c", settings, script], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stdout


def test_dollar_signs_in_text_stay(tmp_path: Path) -> None:
    page = Page(write_page(CASES["one average"], tmp_path, "$style ${answer} $$"))
    assert page.tables["Input files"][1][0] == "$style ${answer} $$"


@pytest.mark.parametrize("case", CASES)
def test_every_case_has_a_page(case: str, tmp_path: Path) -> None:
    text = write_page(CASES[case], tmp_path)
    assert text.rstrip().endswith("</html>")
    assert ("Warnings" in text) == bool(CASES[case].warnings)
    assert "nan" not in " ".join(Page(text).text)


def test_tiles_keep_the_view_and_stay_small() -> None:
    y, x = np.mgrid[:200, :200] / 200
    images = np.stack([x, y]).astype(np.float32)
    tiles = grey_tiles(images)
    assert tiles.shape == (2, 64, 64)
    assert np.ptp(tiles[0].astype(int), axis=0).max() <= 1  # x rises along the last axis alone
    assert (np.diff(tiles[0][32].astype(int)) >= 0).all()
    assert grey_tiles(images[:, :40, :40]).shape == (2, 40, 40)
    assert grey_tiles(np.repeat(images, 200, axis=0)).shape == (400, 48, 48)
