"""The server path, against a stand-in that holds every call against the package's signatures."""

from __future__ import annotations

import inspect
import shutil
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from rebalance import RebalanceError, SimulationSettings, simulate
from rebalance.cli import main
from rebalance.io import open_job, open_server_job, save_to_server
from rebalance.io.simulated_cryosparc import ROOT, STACK, write_cryosparc_job

URL = "http://host:39000"
SMALL = SimulationSettings(averages=12, views=3, box=32, particles=240)


@pytest.fixture
def package(monkeypatch):
    """The package, its client replaced by the stand-in."""
    reason = "cryosparc-tools is not installed"
    tools = pytest.importorskip("cryosparc.tools", reason=reason)
    stand_in = make_stand_in(tools)
    monkeypatch.setattr(tools, "CryoSPARC", stand_in)
    return stand_in


@pytest.fixture
def project(tmp_path, package) -> Path:
    package.directory = write_cryosparc_job(simulate(SMALL), tmp_path / "project")
    return package.directory


def checked(real):
    """Hold the call of a stand-in's method against the signature of the package's own."""

    def wrap(method):
        def call(self, *args, **words):
            bound = inspect.signature(real).bind(self, *args, **words)
            bound.apply_defaults()
            return method(self, **{k: v for k, v in bound.arguments.items() if k != "self"})

        return call

    return wrap


def make_stand_in(tools):
    """A client of a server with one project, P3, that lies in a directory."""
    from cryosparc.controllers.job import JobController
    from cryosparc.dataset import Dataset
    from cryosparc.models.external import ExternalOutputSpec
    from cryosparc.models.job_spec import Output, OutputRef, OutputSpec
    from cryosparc.spec import Datatype

    real = tools.CryoSPARC
    files = {
        ("J1", "particles"): (f"{ROOT}_particles.cs", "P1_J1_passthrough_particles.cs"),
        ("J1", "class_averages"): (f"{ROOT}_class_averages.cs",),
        ("J2", "particles_selected"): (
            "particles_selected.cs",
            "P1_J2_passthrough_particles_selected.cs",
        ),
        ("J2", "templates_selected"): ("templates_selected.cs",),
        ("J2", "particles_excluded"): ("particles_excluded.cs",),
        ("J9", "exposures"): (),
    }
    kinds = {"p": "particle", "c": "template", "t": "template", "e": "exposure"}

    class Job:
        def __init__(self, client, uid):
            self.client, self.uid = client, uid

        @property
        def outputs(self):
            return {
                name: Output(type=kinds[name[0]], title=name)
                for job, name in files
                if job == self.uid
            }

        @checked(JobController.load_output)
        def load_output(self, name, slots, version):
            assert slots == "all"
            place = self.client.directory / self.uid
            rows = [Dataset.load(str(place / file)) for file in files[self.uid, name]]
            return Dataset.innerjoin_many(*rows)

    class CryoSPARC:
        directory: Path

        @checked(real.__init__)
        def __init__(self, base_url, host, base_port, email, password, license, timeout):
            assert base_url == URL, "Could not connect"
            assert (host, base_port, email, password, license) == (None,) * 5

        @checked(real.find_job)
        def find_job(self, project_uid, job_uid):
            assert project_uid == "P3"
            assert any(job == job_uid for job, _ in files), f"no job {job_uid}"
            return Job(self, job_uid)

        @checked(real.download_file)
        def download_file(self, project_uid, path, target):
            shutil.copy(self.directory / path, target)
            return target

        @checked(real.save_external_result)
        def save_external_result(self, **given):
            rows, kind, (job, output) = given["dataset"], given["type"], given["passthrough"]
            assert isinstance(rows, Dataset)
            assert kind in get_args(Datatype)
            assert set(given["slots"]) <= set(rows.prefixes())
            assert (job, output) in files
            assert kinds[output[0]] == kind
            ExternalOutputSpec(
                name=given["name"],
                spec=OutputSpec(
                    type=kind,
                    title=given["title"],
                    description=given["desc"],
                    slots=given["slots"],
                ),
                connection=OutputRef(job_uid=job, output=output),
            )
            self.saved.append(given)
            return f"J{50 + len(self.saved)}"

    CryoSPARC.saved = []
    return CryoSPARC


@pytest.mark.parametrize("job", ["J1", "J2"])
def test_a_loaded_job_is_that_on_disk(package, project, job):
    given = {"J1": "P1_J1_particles.csg", "J2": "P1_J2_particles_selected.csg"}[job]
    here, there = open_job(project / job / given), open_server_job(URL, "P3", job)
    assert there.found[0] == f"loaded: P3 {job} from {URL}"
    assert there.particles.identity.tolist() == here.particles.identity.tolist()
    assert there.particles.class_number.tolist() == here.particles.class_number.tolist()
    assert np.array_equal(there.averages.images, here.averages.images)
    assert there.averages.selected.tolist() == here.averages.selected.tolist()
    name = "location/micrograph_path"
    assert there.particles.column(name).tolist() == here.particles.column(name).tolist()
    folder = there.server.files.top
    assert (folder / STACK).is_file()
    del there
    assert not folder.exists()


def test_run_and_save(package, project, tmp_path, capsys):
    words = ["run", "--cryosparc", "P3", "J2", "--cryosparc-url", URL, "--output", tmp_path / "out"]
    words += ["--cryosparc-workspace", "W4", "-k", "3", "--max-size", "20", "-j", "1"]
    assert main([str(word) for word in words]) == 0
    printed = capsys.readouterr().out
    assert f"loaded: P3 J2 from {URL}\n" in printed
    places = "particles in J51, particles_excluded in J52, class_averages in J53"
    assert f"Saved in P3 on {URL}: {places}.\n" in printed
    assert [each["workspace_uid"] for each in package.saved] == ["W4"] * 3
    sources = ["particles_selected", "particles_selected", "templates_selected"]
    assert [each["passthrough"] for each in package.saved] == [("J2", name) for name in sources]
    for each in package.saved:
        written = np.load(tmp_path / "out" / f"{each['name']}.cs", allow_pickle=False)
        assert each["dataset"]["uid"].tolist() == written["uid"].tolist()
        slots = ["alignments2D"] if each["type"] == "particle" else ["blob"]
        assert each["dataset"].prefixes() == each["slots"] == slots


def test_results_stay_when_the_server_fails(package, project, tmp_path, capsys, monkeypatch):
    def fail(*_args, **_words):
        raise ValueError("no disk left")

    monkeypatch.setattr(package, "save_external_result", fail)
    words = ["run", "--cryosparc", "P3", "J2", "--cryosparc-url", URL, "--output", tmp_path / "out"]
    assert main([str(word) for word in [*words, "-k", "3", "-j", "1"]]) == 2
    error = capsys.readouterr().err
    assert (
        f"The results in {tmp_path / 'out'} are whole, but were not saved on the server: " in error
    )
    assert (tmp_path / "out" / "particles.csg").exists()


def test_nothing_excluded_is_not_saved(package, project, tmp_path):
    job = open_server_job(URL, "P3", "J1")
    everything = np.ones(len(job.particles), np.bool_)
    job.particles.write(everything, tmp_path / "particles.cs")
    job.particles.write(~everything, tmp_path / "particles_excluded.cs")
    job.write_averages(job.averages.selected, tmp_path / "class_averages.cs")
    saved = save_to_server(job.server, tmp_path)
    assert saved == {"particles": "J51", "class_averages": "J52"}
    assert package.saved[0]["workspace_uid"] is None


@pytest.mark.parametrize(
    ("url", "job", "sentence"),
    [
        (
            "http://other:1",
            "J1",
            "The CryoSPARC server http://other:1 cannot be used: Could not conn",
        ),
        (
            URL,
            "J7",
            "cannot be used: no job J7.*; check the address, and log in with python -m",
        ),
        (
            URL,
            "J9",
            r"J9 on .* has no output particles_selected or particles \(it has: exposures\); ",
        ),
        (URL, "42", "project and job are named as P3 and J42, not 'P3' and '42'"),
    ],
)
def test_servers_and_jobs_that_are_refused(package, project, url, job, sentence):
    with pytest.raises(RebalanceError, match=sentence):
        open_server_job(url, "P3", job)


def test_stacks_outside_of_the_project(package, project):
    path = project / "J1" / "cryosparc_P1_J1_020_class_averages.cs"
    rows = np.load(path, allow_pickle=False)
    rows["blob/path"] = b"../../stack.mrc"
    with path.open("wb") as file:
        np.save(file, rows)
    with pytest.raises(
        RebalanceError, match=r"The stack ../../stack.mrc lies outside of the project P3"
    ):
        open_server_job(URL, "P3", "J1")


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryosparc.tools", None)
    with pytest.raises(
        RebalanceError, match=r"install it \(pip install 'rebalance2d\[cryosparc\]'\)"
    ):
        open_server_job(URL, "P3", "J1")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--particles a.cs --cryosparc-url U", "--cryosparc-url U needs a job of that server: add"),
        (
            "--particles a.cs --cryosparc-workspace W1",
            "--cryosparc-workspace W1 is a place on a serv",
        ),
        (
            "--cryosparc P3 --cryosparc-url U",
            "takes a project and a job, not P3: write --cryosparc P3",
        ),
        (
            "--cryosparc P3 J1 --cryosparc-url U --classes c.cs",
            "all files come from the server: leave",
        ),
    ],
)
def test_options_that_are_refused(words, sentence, capsys):
    assert main(["run", *words.split(), "--output", "o"]) == 2
    assert sentence in capsys.readouterr().err
