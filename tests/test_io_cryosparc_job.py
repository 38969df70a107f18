"""CryoSPARC jobs as they lie on disk: what is found, and how classes and templates are matched."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from rebalance import RebalanceError, SimulationSettings, simulate
from rebalance._simulate import Simulation
from rebalance.io import (
    CryosparcJob,
    open_cryosparc_directory,
    open_cryosparc_job,
    open_job,
)
from rebalance.io.cryosparc_find import job_sources
from rebalance.io.cryosparc_plain import save_rows
from rebalance.io.csg import read_csg
from rebalance.io.simulated_cryosparc import ROOT, write_cryosparc_job

SMALL = SimulationSettings(averages=12, views=3, box=32, particles=300, junk=0.2, empty=1)
PARTICLES, AVERAGES = f"{ROOT}_particles.cs", f"{ROOT}_class_averages.cs"
PASSED = "P1_J1_passthrough_particles.cs"


def load(path: Path) -> np.ndarray:
    return np.load(path, allow_pickle=False)


def open_directory(directory: Path, job: str | None = None) -> CryosparcJob:
    return open_cryosparc_directory(directory, job)


def names(job: CryosparcJob) -> list[str]:
    return [path.name for path in job.inputs]


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate(SMALL)


@pytest.fixture(scope="module")
def original(simulation, tmp_path_factory) -> Path:
    return write_cryosparc_job(simulation, tmp_path_factory.mktemp("cryosparc") / "project")


@pytest.fixture
def project(original, tmp_path) -> Path:
    """A project that a test may change."""
    return shutil.copytree(original, tmp_path / "project")


def change(path: Path, **columns: object) -> None:
    """Give columns of a file other values; '/' is written as '__'."""
    rows = load(path)
    for name, values in columns.items():
        rows[name.replace("__", "/")] = values
    save_rows(rows, path)


# ------------------------------------------------------------------------ what is found


def test_a_file_of_particles_finds_the_rest(simulation, project):
    job = open_job(project / "J1" / PARTICLES)
    assert (
        names(job)
        == ["P1_J1_particles.csg", PARTICLES, PASSED, AVERAGES, AVERAGES[:-2] + "mrc"][1:]
    )
    assert job.found[0] == f"particles: {project / 'J1' / PARTICLES} (given, 300 rows, NumPy form)"
    assert job.found[1].startswith(
        f"particles, passed through: {project / 'J1' / PASSED} (joined on"
    )
    assert job.found[-1] == "pixel size: 3 A (blob/psize_A)"
    assert job.warnings == ()
    assert job.particles.class_number.tolist() == simulation.particle_average.tolist()
    assert np.array_equal(job.averages.images, simulation.images)
    assert job.averages.class_number.tolist() == list(range(12))
    assert job.averages.selected.all()
    assert job.averages.pixel_size == 3.0
    good = np.isfinite(simulation.resolution)
    assert np.allclose(job.averages.resolution[good], simulation.resolution[good])
    assert np.isnan(job.averages.resolution[~good]).all()


def test_a_group_is_all_that_is_needed(project):
    job = open_job(project / "J2" / "P1_J2_particles_selected.csg")
    assert names(job) == [
        "P1_J2_particles_selected.csg",
        "particles_selected.cs",
        "P1_J2_passthrough_particles_selected.cs",
        "P1_J2_templates_selected.csg",
        "templates_selected.cs",
        AVERAGES[:-2] + "mrc",
    ]
    both = open_job(
        project / "J2" / "P1_J2_particles_selected.csg",
        project / "J2" / "P1_J2_templates_selected.csg",
    )
    assert names(both) == names(job)
    assert job.particles.column("ctf/df1_A") is not None


def test_selected_templates_are_matched_by_place_in_the_stack(simulation, project):
    job = open_job(project / "J2" / "particles_selected.cs")
    chosen = ~simulation.junk & (simulation.particles > 0)
    rows = load(project / "J2" / "templates_selected.cs")["blob/idx"]
    assert rows.tolist() != sorted(rows)  # shuffled
    assert job.averages.selected.tolist() == chosen.tolist()
    assert np.array_equal(job.averages.images, simulation.images)
    kept = chosen[simulation.particle_average]
    assert job.particles.class_number.tolist() == simulation.particle_average[kept].tolist()


@pytest.mark.parametrize("job", ["J1", "J2"])
def test_a_project_and_a_job_number(project, job):
    opened = open_directory(project, job)
    assert opened.particles.path.name == {"J1": PARTICLES, "J2": "particles_selected.cs"}[job]
    assert len(opened.particles.table.files) == 2


def add_iteration(job: Path, number: int) -> None:
    for name in (PARTICLES, AVERAGES, AVERAGES[:-2] + "mrc"):
        shutil.copy(job / name, job / name.replace("_020_", f"_{number:03d}_"))
    stack = f"J1/{AVERAGES[:-2]}mrc".replace("_020_", f"_{number:03d}_")
    change(job / AVERAGES.replace("_020_", f"_{number:03d}_"), blob__path=stack.encode())


def test_the_latest_whole_iteration(project):
    add_iteration(project / "J1", 5)
    assert (
        open_directory(project, "J1")
        .found[1]
        .endswith("(named in the group, 300 rows, NumPy form)")
    )
    add_iteration(project / "J1", 40)
    shutil.copy(project / "J1" / PARTICLES, project / "J1" / PARTICLES.replace("_020_", "_041_"))
    job = open_directory(project, "J1")
    assert names(job) == [
        PARTICLES.replace("_020_", "_040_"),
        PASSED,
        AVERAGES.replace("_020_", "_040_"),
        AVERAGES.replace("_020_", "_040_")[:-2] + "mrc",
    ]
    assert "(latest iteration, 40, 300 rows" in job.found[0]
    assert "(latest iteration, 40, 12 rows" in job.found[2]


def test_a_group_whose_averages_are_not_of_its_iteration(project):
    add_iteration(project / "J1", 5)
    (project / "J1" / AVERAGES).rename(project / "J1" / "class_averages.cs")
    group = project / "J1" / "P1_J1_class_averages.csg"
    group.write_text(group.read_text().replace(AVERAGES, "class_averages.cs"))
    assert PARTICLES in names(open_cryosparc_directory(project, "J1"))


@pytest.mark.parametrize("prefix", ["cryosparc_P1_J1_", "J1_", "P1_J1_"])
def test_iterations_without_groups_under_all_names(project, prefix):
    for path in sorted((project / "J1").iterdir()):
        if path.suffix == ".csg":
            path.unlink()
        elif path.name.startswith("cryosparc_P1_J1_") and path.suffix == ".cs":
            path.rename(path.with_name(path.name.replace("cryosparc_P1_J1_", prefix)))
    job = open_directory(project, "J1")
    assert names(job)[:3] == [f"{prefix}020_particles.cs", PASSED, f"{prefix}020_class_averages.cs"]


def export(project: Path, to: Path) -> Path:
    """The job as CryoSPARC exports it: all slots of a group in one file, each in a directory."""
    for name, rows in (
        ("particles", load(project / "J1" / PARTICLES)),
        ("class_averages", load(project / "J1" / AVERAGES)),
    ):
        place = to / f"J1_{name}"
        place.mkdir(parents=True)
        save_rows(rows, place / f"J1_{name}_exported.cs")
        text = (project / "J1" / f"P1_J1_{name}.csg").read_text()
        for old in (PARTICLES, PASSED, AVERAGES):
            text = text.replace(old, f"J1_{name}_exported.cs")
        (place / f"J1_{name}_exported.csg").write_text(text)
    stack = to / "J1_class_averages" / "J1" / (AVERAGES[:-2] + "mrc")
    stack.parent.mkdir()
    shutil.copy(project / "J1" / stack.name, stack)
    averages = to / "J1_class_averages" / "J1_class_averages_exported.cs"
    rows = load(averages)
    wider = [
        (name, "S99" if name == "blob/path" else rows.dtype[name]) for name in rows.dtype.names
    ]
    save_rows(rows.astype(wider), averages)
    change(averages, blob__path=f">J1/{stack.name}".encode())
    return to


def test_an_exported_job(project, tmp_path):
    exported = export(project, tmp_path / "P1_J1_class_2D")
    job = open_directory(exported)
    assert names(job)[1] == "J1_particles_exported.cs"
    assert names(job)[3] == "J1_class_averages_exported.cs"
    given = exported / "J1_particles" / "J1_particles_exported.csg"
    assert names(open_job(given)) == names(job)
    for group in exported.glob("*/*.csg"):
        group.unlink()
    assert len(open_directory(exported).particles) == 300


def test_our_own_output_is_an_input(project, tmp_path):
    job = open_job(project / "J2" / "P1_J2_particles_selected.csg")
    out = project / "J3"
    out.mkdir()
    job.particles.write(np.arange(len(job.particles)) % 2 == 0, out / "particles.cs")
    job.write_averages(job.averages.selected, out / "class_averages.cs")
    assert read_csg(out / "class_averages.csg").slots["blob"].type == "template.blob"
    for again in (
        open_job(out / "particles.cs"),
        open_job(out / "particles.csg"),
        open_directory(out),
    ):
        assert len(again.particles) == (len(job.particles) + 1) // 2
        assert len(again.particles.table.files) == 2
        assert again.averages.selected.tolist() == job.averages.selected.tolist()
    templates = project / "J2" / "templates_selected.cs"
    assert (out / "class_averages.cs").read_bytes() == templates.read_bytes()


def test_averages_that_took_no_part_are_not_selected_in_a_further_run(project):
    job = open_job(project / "J1" / PARTICLES)
    out = project / "J3"
    out.mkdir()
    job.particles.write(np.ones(300, bool), out / "particles.cs")
    takes_part = np.arange(12) % 3 > 0
    job.write_averages(takes_part, out / "class_averages.cs")
    again = open_job(out / "particles.cs")
    assert again.averages.selected.tolist() == takes_part.tolist()
    assert again.particles.class_number.tolist() == job.particles.class_number.tolist()
    (out / "class_averages.csg").unlink()
    with pytest.raises(RebalanceError, match="of classes without a template"):
        open_job(out / "particles.cs")


def test_superclasses_are_written_and_a_selection_says_nothing_more(project, tmp_path):
    superclass = np.arange(300) % 7 - 1
    job = open_job(project / "J1" / PARTICLES).with_superclasses(superclass)
    part = (np.arange(300) % 3).astype(np.uint8)
    job.particles.write_parts(part, [tmp_path / "one.cs", tmp_path / "two.cs"])
    for number, name in ((1, "one"), (2, "two")):
        rows = load(tmp_path / f"{name}.cs")
        assert rows["rebalance/superclass"].tolist() == superclass[part == number].tolist()
        assert read_csg(tmp_path / f"{name}.csg").slots["ctf"].num_items == 100
    before = set(tmp_path.iterdir())
    job.write_selection(job.averages.selected, tmp_path)
    assert set(tmp_path.iterdir()) == before


def test_passthrough_given_by_hand(project, tmp_path):
    moved = tmp_path / "other.cs"
    (project / "J1" / PASSED).rename(moved)
    assert open_job(project / "J1" / PARTICLES).particles.column("ctf/df1_A") is None
    job = open_cryosparc_job(project / "J1" / PARTICLES, passthrough=[moved])
    assert job.particles.column("ctf/df1_A") is not None


def test_the_stack_beside_the_templates_or_in_the_project(project, tmp_path):
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in (project / "J1").iterdir():
        shutil.copy(path, flat)
    assert open_job(flat / PARTICLES).inputs[-1].parent == flat
    (flat / (AVERAGES[:-2] + "mrc")).unlink()
    with pytest.raises(
        RebalanceError, match=r"The stack J1/.*mrc, which .*_class_averages.cs names, "
    ):
        open_job(flat / PARTICLES)
    assert open_job(flat / PARTICLES, project=project).inputs[-1].parent == project / "J1"


# ---------------------------------------------------------------- classes and templates


def test_classes_without_a_template_are_named(simulation, project):
    chosen = ~simulation.junk & (simulation.particles > 0)
    lost = np.flatnonzero(~chosen & (simulation.particles > 0))
    listed = ", ".join(str(number) for number in lost)
    n = int(simulation.particles[lost].sum())
    sentence = (
        rf"{n} particles of .*_particles.cs are of classes without a template in .*templates_"
    )
    with pytest.raises(
        RebalanceError, match=rf"{sentence}selected.cs \({listed}, counted from 0\); give pa"
    ):
        open_job(project / "J1" / PARTICLES, project / "J2" / "templates_selected.cs")


def test_particles_of_class_minus_one(project):
    rows = load(project / "J1" / PARTICLES)
    signed = [
        (name, "<i4" if name.endswith("2D/class") else rows.dtype[name])
        for name in rows.dtype.names
    ]
    rows = rows.astype(np.dtype(signed))
    rows["alignments2D/class"][:3] = -1
    save_rows(rows, project / "J1" / PARTICLES)
    job = open_job(project / "J1" / PARTICLES)
    assert job.warnings == (
        f"3 of 300 particles in {project / 'J1' / PARTICLES} have a class below 0: they belong to "
        "no superclass.",
    )


def faults():
    """What is done to the job, and the sentence that follows."""

    def no_particles(job):
        save_rows(load(job / PARTICLES)[:0], job / PARTICLES)
        save_rows(load(job / PASSED)[:0], job / PASSED)

    def without(name, file):
        def drop(job):
            rows = load(job / file)
            save_rows(rows[[field for field in rows.dtype.names if field != name]], job / file)

        return drop

    yield no_particles, r"_particles.cs holds no particles; give a file with particle rows"
    yield (
        without("blob/idx", AVERAGES),
        "must have the column blob/idx, which says where each class",
    )
    yield without("blob/path", AVERAGES), "must have the column blob/path"
    yield without("uid", AVERAGES), "has no column uid"
    yield without("alignments2D/class", PARTICLES), "must have the column alignments2D/class"
    yield (
        lambda job: change(job / AVERAGES, blob__idx=range(1, 13)),
        "names image 12 of J1/.*mrc, but that stack holds 12 class averages, counted from 0",
    )
    yield (
        lambda job: change(job / AVERAGES, blob__idx=3),
        "lists image 3 of J1/.*mrc more than once",
    )
    yield (
        lambda job: change(job / AVERAGES, blob__path=[b"J%d/a.mrc" % (k % 2) for k in range(12)]),
        r"names 2 stacks \(J0/a.mrc, J1/a.mrc\), so that the classes",
    )
    yield (
        lambda job: change(job / PARTICLES, alignments2D__class=2**32 - 1),
        r"300 particles of .* are of classes without a template in .* \(2147483646, counted",
    )
    yield (
        lambda job: (job / AVERAGES).unlink(),
        r"No class averages were found for .*: beside it are none",
    )
    yield (
        lambda job: save_rows(load(job / AVERAGES)[:0], job / AVERAGES),
        "lists no class averages; gi",
    )


@pytest.mark.parametrize(("damage", "sentence"), list(faults()))
def test_jobs_that_are_refused(project, damage, sentence):
    for group in (project / "J1").glob("*.csg"):
        group.unlink()
    damage(project / "J1")
    with pytest.raises(RebalanceError, match=sentence):
        open_job(project / "J1" / PARTICLES)


def test_directories_that_are_refused(project, tmp_path):
    for given, sentence in (
        ((tmp_path / "no",), "no is no directory; give a CryoSPARC project or job"),
        ((project,), r"is a project with 2 jobs \(J1, J2\); name one behind it, as in --cryosparc"),
        ((project, "J7"), "project has no job J7; give the project directory that holds J7"),
        ((project, "P1"), "The job must be named as in CryoSPARC, J42, not 'P1'"),
    ):
        with pytest.raises(RebalanceError, match=sentence):
            job_sources(*given)
    (project / "J3").mkdir()
    with pytest.raises(
        RebalanceError, match=r"J3 holds no particles of a 2D classification \(found: n"
    ):
        job_sources(project, "J3")
    shutil.copy(project / "J1" / PARTICLES, project / "J3" / "J3_particles.cs")
    with pytest.raises(
        RebalanceError, match=r"J3 holds no class averages .*\(found: J3_particles.cs\)"
    ):
        job_sources(project, "J3")


def test_groups_that_count_wrong_or_point_nowhere(project):
    group = project / "J2" / "P1_J2_particles_selected.csg"
    count = len(load(project / "J2" / "particles_selected.cs"))
    group.write_text(group.read_text().replace(f"num_items: {count}", "num_items: 7", 1))
    assert open_job(group).warnings == (
        f"The group says 7 items for its slot blob, and {project / 'J2/particles_selected.cs'} has "
        f"{count} rows: the rows count.",
    )
    (project / "J2" / "P1_J2_passthrough_particles_selected.cs").unlink()
    with pytest.raises(
        RebalanceError, match=r"its slot ctf stands in '>P1_J2_pass.*', and there is no"
    ):
        open_job(group)
    with pytest.raises(
        RebalanceError, match=r"names all files of its particles, so --passthrough x.cs"
    ):
        open_cryosparc_job(group, passthrough=[Path("x.cs")])


def test_masks_of_another_length(project, tmp_path):
    job = open_job(project / "J1" / PARTICLES)
    with pytest.raises(RebalanceError, match=r"mask must be a bool array of shape \(12,\), one"):
        job.write_averages(np.ones(3, bool), tmp_path / "a.cs")


# --------------------------------------------------------------------- what is simulated


def test_simulated_columns_are_those_of_real_files(original, test_data):
    real = load(test_data / "cs" / "cryosparc_J2_particles_exported.cs").dtype
    more = load(test_data / "cs" / "empty_106_fields.cs").dtype
    main, passed = (load(original / "J1" / name).dtype for name in (PARTICLES, PASSED))
    known = {
        **{name: more[name] for name in more.names},
        **{name: real[name] for name in real.names},
    }
    for dtype in (main, passed):
        for name in dtype.names:
            wanted = known[name]
            assert dtype[name] == wanted or (dtype[name].kind, wanted.kind) == ("S", "S"), name
    wanted = {
        name
        for name in (*real.names, *more.names)
        if name.split("/")[0] in ("uid", "blob", "ctf", "alignments2D", "location", "pick_stats")
    }
    assert set(main.names) | set(passed.names) == wanted


def test_the_same_seed_gives_the_same_files(simulation, original, tmp_path):
    again = write_cryosparc_job(simulation, tmp_path / "again")
    for path in sorted(again.rglob("*.*")):
        assert path.read_bytes() == (original / path.relative_to(again)).read_bytes(), path.name
    with pytest.raises(RebalanceError, match=r"The CryoSPARC project .*again exists: name another"):
        write_cryosparc_job(simulation, tmp_path / "again")
