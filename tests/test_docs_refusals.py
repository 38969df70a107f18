"""The page of refusals names sentences that the package really refuses with."""

from __future__ import annotations

import html
import importlib.util
import re
from types import ModuleType

import pytest
from documented import ROOT

PAGE = ROOT / "docs" / "troubleshooting.md"


@pytest.fixture(scope="module")
def fill_in() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fill_in", ROOT / "docs" / "fill_in.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def known(fill_in: ModuleType) -> set[str]:
    """Every sentence of the package."""
    found = fill_in.sentences(fill_in.modules("**/*.py"))
    assert len(found) > 200
    return set(map(plain, found))


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().removesuffix(".")


def test_every_sentence_explained_is_one_of_the_package(known: set[str]) -> None:
    quotes = re.findall(r"(?:^> .*\n)+", PAGE.read_text(), re.MULTILINE)
    explained = [plain(re.sub(r"^> ", "", quote, flags=re.MULTILINE)) for quote in quotes]
    assert len(explained) >= 12
    assert [sentence for sentence in explained if sentence not in known] == []


def test_the_page_holds_every_sentence(fill_in: ModuleType, known: set[str]) -> None:
    filled = fill_in.on_page_markdown(PAGE.read_text())
    assert "<!--" not in filled
    listed = set(re.findall(r'<li class="sentence">(.+)</li>', filled))
    assert {plain(html.unescape(re.sub("</?var>", "", item))) for item in listed} == known


def test_each_group_finds_sentences(fill_in: ModuleType) -> None:
    for globs in fill_in.REFUSALS.findall(PAGE.read_text()):
        if globs != "rest":
            assert fill_in.sentences(fill_in.modules(globs)), globs


def test_parts_of_the_readme_are_there(fill_in: ModuleType) -> None:
    assert "| `--factor F` |" in fill_in.part_of_readme("options")
    assert "(report.md)" in fill_in.part_of_readme("outputs")
