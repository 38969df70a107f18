"""What is written down in several places for those who package is the same everywhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import rebalance

ROOT = Path(__file__).parents[1]
tomllib = pytest.importorskip("tomllib", reason="tomllib came with Python 3.11")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    settings: dict[str, Any] = tomllib.loads(text_of("pyproject.toml"))
    return settings


def text_of(name: str) -> str:
    return (ROOT / name).read_text()


def requirement(line: str) -> tuple[str, str]:
    """Name and least version of ``numpy>=1.24``."""
    name, least = re.fullmatch(r"([\w-]+) ?>=([\d.]+)", line).groups()  # type: ignore[union-attr]
    return {"matplotlib-base": "matplotlib"}.get(name, name), least


def test_one_version(project: dict[str, Any]) -> None:
    version = project["project"]["version"]
    assert rebalance.__version__ == version
    assert re.search(r"^version: (.+)$", text_of("CITATION.cff"), re.M)[1] == version  # type: ignore[index]
    assert f'version: "{version}"' in text_of("recipe/recipe.yaml")
    assert f"## {version}" in text_of("CHANGELOG.md")


def test_one_list_of_pythons(project: dict[str, Any]) -> None:
    wanted = [f"3.{minor}" for minor in range(10, 15)]
    assert project["project"]["requires-python"] == f">={wanted[0]}"
    named = [line.rpartition(" ")[2] for line in project["project"]["classifiers"]]
    assert [word for word in named if re.fullmatch(r"3\.\d+", word)] == wanted
    built = project["tool"]["cibuildwheel"]["build"].split()
    assert built == [f"cp{python.replace('.', '')}-*" for python in wanted]
    tested = re.search(r"python: \[(.+)\]", text_of(".github/workflows/tests.yml"))
    assert re.findall(r'"([\d.]+)"', tested[1]) == wanted  # type: ignore[index]


def test_the_recipe_needs_what_the_package_needs(project: dict[str, Any]) -> None:
    _, _, after = text_of("recipe/recipe.yaml").partition("  run:\n")
    lines = re.findall(r"^    - ([\w-]+ >=.+)$", after.partition("\ntests:")[0], re.M)
    needed = map(requirement, project["project"]["dependencies"])
    assert sorted(map(requirement, lines)) == sorted(needed)


def test_build_requirements_agree(project: dict[str, Any]) -> None:
    _, _, host = text_of("recipe/recipe.yaml").partition("  host:\n")
    for line in project["build-system"]["requires"]:
        name, least = requirement(line)
        assert f"- {name} >={least}\n" in host


@pytest.mark.parametrize("name", ["aarch64-linux-gnu", "baseline-x86_64"])
def test_processors_that_are_not_at_hand_are_tested(name: str) -> None:
    assert (ROOT / "cmake" / f"{name}.cmake").is_file()
    assert name in text_of(".github/workflows/tests.yml")
    assert f"cmake/{name}.cmake" in text_of("CONTRIBUTING.md")


def test_no_place_of_one_machine_is_named() -> None:
    for path in [*ROOT.glob(".github/workflows/*.yml"), *ROOT.glob("recipe/*")]:
        assert not re.search(r"/(work|root|home)/", path.read_text()), path
