"""Output appears whole or not at all, and never on an input."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from rebalance.errors import RebalanceError
from rebalance.io import OutputDirectory, left_over, whole_file
from rebalance.io.left_over import clear_left_over


def fill(folder: Path, text: str = "new") -> None:
    (folder / "settings.json").write_text(text)
    (folder / "figures").mkdir()
    (folder / "figures" / "a.png").write_text(text)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def results(tmp_path):
    """A directory that holds earlier results."""
    (tmp_path / "out").mkdir()
    fill(tmp_path / "out", "earlier")
    return tmp_path / "out"


def test_results_appear_at_the_end(tmp_path):
    out = tmp_path / "out"
    with OutputDirectory(out) as hidden:
        fill(hidden)
        assert not out.exists()
        assert hidden.parent == tmp_path
        assert hidden.name.startswith(".out.rebalance-")
    assert names(tmp_path) == ["out"]
    assert names(out) == ["figures", "settings.json"]


def test_permissions_follow_the_umask(tmp_path):
    before = os.umask(0o022)
    try:
        with OutputDirectory(tmp_path / "out") as hidden:
            fill(hidden)
    finally:
        os.umask(before)
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("error", [RebalanceError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_after_an_exception(tmp_path, error):
    def fail() -> None:
        with OutputDirectory(tmp_path / "out") as hidden:
            fill(hidden)
            raise error("stop")

    with pytest.raises(error, match="stop"):
        fail()
    assert names(tmp_path) == []


def test_an_empty_directory_is_used(tmp_path):
    (tmp_path / "out").mkdir()
    with OutputDirectory(tmp_path / "out") as hidden:
        fill(hidden)
    assert names(tmp_path / "out") == ["figures", "settings.json"]


def test_earlier_results_are_kept_unless_overwritten(results):
    with pytest.raises(RebalanceError, match="is not empty; choose another one, or add --overwri"):
        OutputDirectory(results).__enter__()
    with OutputDirectory(results, overwrite=True) as hidden:
        fill(hidden)
        assert (results / "settings.json").read_text() == "earlier"
    assert (results / "settings.json").read_text() == "new"
    assert names(results.parent) == ["out"]


def test_other_files_are_never_overwritten(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(RebalanceError, match=r"holds files that are no earlier results .there is"):
        OutputDirectory(tmp_path, overwrite=True).__enter__()


def test_earlier_results_come_back_when_the_swap_fails(results, monkeypatch):
    rename = Path.rename

    def failing(self, target):
        if self.name.startswith(".out") and (self / "settings.json").read_text() == "new":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    def overwrite() -> None:
        with OutputDirectory(results, overwrite=True) as hidden:
            fill(hidden)
            monkeypatch.setattr(left_over, "_exchange_in_one_step", not_known)
            monkeypatch.setattr(Path, "rename", failing)

    with pytest.raises(RebalanceError, match="out cannot be written: No space left on device"):
        overwrite()
    assert (results / "settings.json").read_text() == "earlier"
    assert names(results.parent) == ["out"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_inputs_inside_the_directory_are_safe(results, overwrite):
    particles = results / "figures" / "a.png"
    with pytest.raises(RebalanceError, match=r"out holds the input .*a.png; choose another"):
        OutputDirectory(results, overwrite, [particles]).__enter__()
    link = results.parent / "link.star"
    link.symlink_to(particles)
    with pytest.raises(RebalanceError, match=r"out holds the input .*link.star; choose another"):
        OutputDirectory(results, overwrite, [link]).__enter__()
    with pytest.raises(RebalanceError, match="holds the input"):
        OutputDirectory(particles, overwrite, [particles]).__enter__()


def test_places_that_cannot_be_used(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    with pytest.raises(RebalanceError, match="file is a file; choose another output directory"):
        OutputDirectory(tmp_path / "file").__enter__()
    with pytest.raises(RebalanceError, match=r"cannot be made: .*none is no directory; make it"):
        OutputDirectory(tmp_path / "none" / "out").__enter__()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(RebalanceError, match=r"cannot be made: .* is not writable; choose another"):
        OutputDirectory(tmp_path / "out").__enter__()


@pytest.mark.parametrize("earlier", [False, True])
def test_of_two_runs_at_once_the_second_fails(tmp_path, earlier):
    out = tmp_path / "out"
    if earlier:
        out.mkdir()
        fill(out, "earlier")

    def slower_run() -> None:
        with OutputDirectory(out, overwrite=earlier) as slow:
            fill(slow, "slow")
            with OutputDirectory(out, overwrite=earlier) as fast:
                fill(fast, "fast")

    with pytest.raises(RebalanceError, match="was made by another run meanwhile; this run's"):
        slower_run()
    assert (out / "settings.json").read_text() == "fast"
    assert names(tmp_path) == ["out"]


def test_a_file_is_whole_or_absent(tmp_path):
    def fail() -> None:
        with whole_file(tmp_path / "a.csv") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert names(tmp_path) == []
    with whole_file(tmp_path / "a.csv") as file:
        file.write(b"whole")
    assert names(tmp_path) == ["a.csv"]


def not_known(*_: Path) -> None:
    """What a system without a call says."""
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


def make_left_over(path: Path) -> Path:
    """What a run that was killed leaves beside `path`."""
    dead = path.with_name(f".{path.name}.rebalance-dead")
    dead.mkdir()
    fill(dead)
    return dead


def test_what_killed_runs_left_is_cleared_away(tmp_path):
    dead = [make_left_over(tmp_path / name) for name in ("out", "out[1]", "other")]
    for name in ("out", "out[1]"):
        with OutputDirectory(tmp_path / name) as hidden:
            fill(hidden)
    assert [path.exists() for path in dead] == [False, False, True]


def test_runs_that_live_keep_their_hidden_directory(tmp_path):
    with OutputDirectory(tmp_path / "out", overwrite=True) as slow:
        fill(slow)
        clear_left_over(tmp_path, ".out")
        assert slow.exists()


def test_a_hidden_directory_cleared_away_too_early_is_made_again(tmp_path, monkeypatch):
    opened = os.open

    def late(path, flags, **more):
        monkeypatch.setattr(os, "open", opened)
        Path(path).rmdir()
        return opened(path, flags, **more)

    monkeypatch.setattr(os, "open", late)
    with OutputDirectory(tmp_path / "out") as hidden:
        fill(hidden)
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("in_one_step", [True, False])
def test_directories_are_exchanged(results, monkeypatch, in_one_step):
    if not in_one_step:
        monkeypatch.setattr(left_over, "_exchange_in_one_step", not_known)
    with OutputDirectory(results, overwrite=True) as hidden:
        fill(hidden)
    assert (results / "settings.json").read_text() == "new"
    assert names(results.parent) == ["out"]


def test_removing_that_is_cut_short_begins_anew(results, monkeypatch):
    rmtree = shutil.rmtree

    def stopped(*args, **options):
        monkeypatch.setattr(shutil, "rmtree", rmtree)
        raise KeyboardInterrupt

    def overwrite() -> None:
        with OutputDirectory(results, overwrite=True) as hidden:
            fill(hidden)
            monkeypatch.setattr(shutil, "rmtree", stopped)

    with pytest.raises(KeyboardInterrupt):
        overwrite()
    assert (results / "settings.json").read_text() == "new"
    assert names(results.parent) == ["out"]


def test_stopped_while_the_hidden_directory_is_made(tmp_path, monkeypatch):
    def stopped(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(left_over, "_locked", stopped)
    with pytest.raises(KeyboardInterrupt):
        OutputDirectory(tmp_path / "out").__enter__()
    assert names(tmp_path) == []
