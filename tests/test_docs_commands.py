"""Every command and snippet of the documentation runs, on simulated files of the same names."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from documented import PAGES, ROOT, SMALL, blocks, make_world

import rebalance
from rebalance.cli import build_parser, main, parse
from rebalance.report import style

# What cannot run in a test, by page. A block more needs a reason beside it, and a number here.
NOT_RUN = {
    "README.md": 2,  # installs the package
    "CONTRIBUTING.md": 1,  # installs the package
    "get-started.md": 2,  # installs the package; the demo, which has a test of its own
    "cryosparc.md": 1,  # needs a server
    "clusters.md": 6,  # need Slurm, dask, MPI, a main module, images of before
}
LANGUAGES = {"sh", "python", "text", "csv"}
# Words that snippets take as given, as the text around them says.
GIVEN = {"README.md": ("images", "average_of_particle", "uid")}
# Options of other programs that the documentation names.
OTHER_OPTIONS = {
    *("--benchmark-only", "--only", "--strict", "--check", "--test-dir", "--build"),
    *("--builtin-schema", "--validate", "--shard"),
}
WITH_BLOCKS = [page for page in PAGES if blocks(page)]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_world(tmp_path_factory.mktemp("documented") / "project")


def run_commands(commands: list[str], here: Path) -> None:
    """Run commands as a shell would, `here` at first, where also /data/ lies."""
    os.chdir(here)
    for command in commands:
        command = command.replace(" /data/", f" {here}/data/")
        name, *words = shlex.split(command)
        if name == "rebalance":
            assert main(words) == 0, command
        elif name == "cd":
            os.chdir(words[0])
        else:
            subprocess.run(["bash", "-ec", command], check=True)


def given(page: Path) -> dict[str, object]:
    """What a snippet of this page takes as given."""
    simulation = rebalance.simulate(SMALL)
    known = {
        "images": simulation.images,
        "average_of_particle": simulation.particle_average,
        "uid": np.arange(len(simulation.particle_average), dtype=np.uint64),
    }
    return {name: known[name] for name in GIVEN.get(page.name, ())}


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=lambda page: page.name)
def test_what_is_shown_runs(
    page: Path, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(style, "DPI", 20)  # figures are judged elsewhere
    here = shutil.copytree(world, tmp_path / "project")
    monkeypatch.chdir(here)  # and back to where we were, in the end
    names = given(page)
    for block in blocks(page):
        if block.language == "sh" and not block.why:
            run_commands(block.commands, here)
        if block.language == "python" and not block.why:
            exec(compile(block.text, page.name, "exec"), names)


def test_what_is_not_run_is_counted() -> None:
    counted = Counter(page.name for page in PAGES for block in blocks(page) if block.why)
    assert counted == NOT_RUN


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=lambda page: page.name)
def test_no_block_hides_a_command(page: Path) -> None:
    for block in blocks(page):
        assert block.language in LANGUAGES
        if block.language in ("text", "csv"):
            assert not re.search(r"^\s*(\$|rebalance |pip |python )", block.text, re.M)


def test_every_option_named_is_one() -> None:
    known = options_of_all_commands() | OTHER_OPTIONS
    for page in PAGES:
        text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)
        for code in re.findall(r"`([^`]+)`", text):
            named = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", code))
            assert named <= known, f"{page.name}: {named - known}"


def options_of_all_commands() -> set[str]:
    of_each = (command._option_string_actions for command in commands().values())
    return {"--version", "--help"}.union(*of_each)


def commands() -> dict[str, argparse.ArgumentParser]:
    """The parser of every command."""
    (choices,) = (a.choices for a in build_parser()._actions if isinstance(a.choices, dict))
    return choices


@pytest.mark.parametrize("name", commands())
def test_help_shows_an_example_that_is_run(name: str) -> None:
    _, found, after = commands()[name].description.partition("\n\n    rebalance ")
    assert found
    shown = f"rebalance {after}".partition("\n\n")[0].replace("\\\n", " ")
    documented = {words_of(c) for page in PAGES for b in blocks(page) for c in b.commands}
    for line in shown.splitlines():
        words = words_of(line)
        parse(words[1:])
        assert words in documented, f"{shlex.join(words)} is in no page of the documentation"


def words_of(command: str) -> tuple[str, ...]:
    return tuple(shlex.split(command))


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            if link.startswith("http"):
                continue
            name, _, anchor = link.partition("#")
            target = page.parent / name if name else page
            assert target.exists(), f"{page.name}: {link}"
            if anchor:
                assert anchor in anchors(target), f"{page.name}: {link}"


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", head.lower()).strip()) for head in heads}


def test_every_page_is_in_the_menu() -> None:
    menu = re.findall(r": ([\w-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.M)
    assert sorted(menu) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def test_every_public_name_is_in_the_reference() -> None:
    shown = re.findall(r"^::: rebalance\.(\w+)$", (ROOT / "docs" / "api.md").read_text(), re.M)
    assert set(rebalance.__all__) - {"__version__"} <= set(shown)
