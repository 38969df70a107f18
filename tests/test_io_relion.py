"""RELION jobs: the averages are found, fit the particles, and are written again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import starfile

from rebalance.errors import RebalanceError
from rebalance.io import open_job, open_relion_job, write_stack

OPTICS = "data_optics\n\nloop_\n_rlnImagePixelSize #1\n_rlnImageSize #2\n"
STACK = "Class2D/job002/run_it025_classes.mrcs"


def images(n: int, box: int = 8) -> np.ndarray:
    return np.random.default_rng(n).random((n, box, box), dtype=np.float32)


def data_star(classes: list[int], optics: str = "1.5 8\n") -> str:
    rows = "".join(f"{number} {i:06d}@a.mrcs\n" for i, number in enumerate(classes, start=1))
    head = "data_particles\n\nloop_\n_rlnClassNumber #1\n_rlnImageName #2\n"
    return f"{OPTICS}{optics}\n\n{head}{rows}\n"


def model_star(n: int, block: str = "data_model_classes", stack: str = STACK) -> str:
    rows = "".join(f"{k:06d}@{stack} {[8.5, 999, 'inf'][k % 3]} 0.25\n" for k in range(1, n + 1))
    labels = "_rlnReferenceImage #1\n_rlnEstimatedResolution #2\n_rlnClassDistribution #3\n"
    return f"\n{block}\n\nloop_\n{labels}{rows}\n"


GENERAL = "data_model_general\n\n_rlnPixelSize  2.5\n_rlnNrClasses 4\n"
OPTIMISER = (
    "# RELION optimiser\n\ndata_optimiser_general\n\n_rlnModelStarFile "
    "Class2D/job002/run_it025_model.star\n_rlnExperimentalDataStarFile "
    "Class2D/job002/run_it025_data.star\n"
)


@pytest.fixture
def project(tmp_path):
    """A project with one Class2D job of 4 classes."""
    job = tmp_path / "project" / "Class2D" / "job002"
    job.mkdir(parents=True)
    (job / "run_it025_data.star").write_text(data_star([1, 2, 2, 4]))
    (job / "run_it025_model.star").write_text(GENERAL + model_star(4))
    (job / "run_it025_optimiser.star").write_text(OPTIMISER)
    write_stack(images(4), 3.5, job / "run_it025_classes.mrcs")
    return tmp_path / "project"


@pytest.fixture
def job_dir(project):
    return project / "Class2D" / "job002"


@pytest.fixture
def select_dir(project):
    """A Select job that took classes 2 and 4."""
    folder = project / "Select" / "job003"
    folder.mkdir(parents=True)
    (folder / "particles.star").write_text(data_star([2, 2, 4]))
    rows = f"_rlnReferenceImage #1\n_rlnEstimatedResolution #2\n000002@{STACK} 7\n000004@{STACK} 9"
    (folder / "class_averages.star").write_text(f"\ndata_\n\nloop_\n{rows}\n")
    return folder


def test_data_and_model(job_dir):
    job = open_job(job_dir / "run_it025_data.star")
    np.testing.assert_array_equal(job.averages.images, images(4))
    assert job.averages.class_number.tolist() == [1, 2, 3, 4]
    assert job.averages.class_number.dtype == np.int32
    assert job.averages.name == tuple(f"{k:06d}@{STACK}" for k in (1, 2, 3, 4))
    assert job.averages.selected.all()
    assert job.averages.pixel_size == 2.5
    np.testing.assert_array_equal(job.averages.resolution, [np.nan, np.nan, 8.5, np.nan])
    assert job.warnings == ()
    endings = ("data.star", "model.star", "classes.mrcs")
    assert job.inputs == tuple(job_dir / f"run_it025_{ending}" for ending in endings)
    assert job.found[0] == f"particles: {job.inputs[0]} (4 rows in table data_particles)"
    assert job.found[1] == f"model: {job.inputs[1]} (beside the particles, 4 classes)"
    assert job.found[2].startswith(f"class averages: {job.inputs[2]} (named in ")
    assert job.found[3] == "pixel size: 2.5 A (rlnPixelSize of the model)"


def test_optimiser_alone(job_dir):
    job = open_job(job_dir / "run_it025_optimiser.star")
    assert job.particles.path == job_dir / "run_it025_data.star"
    assert job_dir / "run_it025_optimiser.star" in job.inputs
    assert len(job.averages) == 4


def test_relative_paths_and_links(job_dir, project, tmp_path, monkeypatch):
    monkeypatch.chdir(job_dir)
    assert len(open_job(Path("run_it025_data.star")).averages) == 4
    (tmp_path / "link").symlink_to(job_dir)
    assert len(open_job(tmp_path / "link" / "run_it025_data.star").averages) == 4
    assert len(open_job(job_dir / "run_it025_data.star", project=project).averages) == 4
    with pytest.raises(RebalanceError, match=r"was not found .looked for below /nowhere.; put it"):
        open_job(job_dir / "run_it025_data.star", project=Path("/nowhere"))


@pytest.mark.parametrize("block", ["data_model_classes", "data_", "data_model_other"])
def test_names_of_the_model_table(job_dir, block):
    (job_dir / "run_it025_model.star").write_text(model_star(4, block))
    job = open_job(job_dir / "run_it025_data.star")
    assert job.averages.pixel_size == 1.5  # without model_general: of the particles' images
    assert "pixel size: 1.5 A (images of the particles)" in job.found


def test_pixel_size_of_the_header_comes_last(job_dir):
    (job_dir / "run_it025_model.star").write_text(model_star(4))
    (job_dir / "run_it025_data.star").write_text(data_star([1], "1.5 8\n1.6 8\n"))
    job = open_job(job_dir / "run_it025_data.star")
    assert job.averages.pixel_size == pytest.approx(3.5)
    assert "differ in pixel size (1.5 A, 1.6 A), so that of the class averages" in job.warnings[0]


def test_selection(select_dir, job_dir):
    job = open_relion_job(select_dir / "particles.star")
    np.testing.assert_array_equal(job.averages.images, images(4))
    assert job.averages.class_number.tolist() == [1, 2, 3, 4]
    assert job.averages.selected.tolist() == [False, True, False, True]
    np.testing.assert_array_equal(job.averages.resolution, [np.nan, 7, 8.5, 9])
    assert job.averages.pixel_size == 2.5
    assert job_dir / "run_it025_model.star" in job.inputs
    assert select_dir / "class_averages.star" in job.inputs


def test_selection_with_the_stack_by_hand(select_dir, job_dir, tmp_path):
    write_stack(images(4), 3.5, tmp_path / "copy.mrcs")
    job = open_relion_job(select_dir / "particles.star", classes=tmp_path / "copy.mrcs")
    assert job.averages.selected.tolist() == [False, True, False, True]
    assert tmp_path / "copy.mrcs" in job.inputs
    assert job_dir / "run_it025_classes.mrcs" not in job.inputs


def test_selection_from_several_stacks(select_dir, job_dir):
    write_stack(images(6), 3.5, job_dir / "other.mrcs")
    rows = f"_rlnReferenceImage\n000002@{STACK}\n000006@Class2D/job002/other.mrcs\n"
    (select_dir / "class_averages.star").write_text(f"data_\nloop_\n{rows}")
    (select_dir / "particles.star").write_text(data_star([2, 6]))
    job = open_relion_job(select_dir / "particles.star")
    assert job.averages.class_number.tolist() == [2, 6]
    np.testing.assert_array_equal(job.averages.images, [images(4)[1], images(6)[5]])


@pytest.fixture
def centred(select_dir):
    """A Select job that centred classes 2 and 4: a stack of its own, counted anew."""
    write_stack(images(2), 3.5, select_dir / "class_averages.mrcs")
    rows = "".join(f"00000{k}@Select/job003/class_averages.mrcs\n" for k in (1, 2))
    (select_dir / "class_averages.star").write_text(f"data_\nloop_\n_rlnReferenceImage\n{rows}")
    ticks = "".join(f"{k in (2, 4):12d}\n" for k in (1, 2, 3, 4))
    (select_dir / "backup_selection.star").write_text(f"data_\nloop_\n_rlnSelected #1\n{ticks}")
    return select_dir


def test_centred_selection_counts_in_the_original_stack(centred, tmp_path):
    job = open_relion_job(centred / "particles.star")
    assert job.averages.class_number.tolist() == [2, 4]
    np.testing.assert_array_equal(job.averages.images, images(2))
    assert centred / "backup_selection.star" in job.inputs
    job.write_averages(np.array([False, True]), tmp_path / "class_averages.star")
    written = starfile.read(tmp_path / "class_averages.star")
    assert written["rlnReferenceImage"].tolist() == ["000002@Select/job003/class_averages.mrcs"]
    assert written["rlnClassNumber"].tolist() == [4]  # else the next job would read class 2


def test_centred_selection_with_class_numbers(centred):
    text = (centred / "class_averages.star").read_text().replace("mrcs\n", "mrcs 2\n", 1)
    text = text.replace("rlnReferenceImage", "rlnReferenceImage\n_rlnClassNumber")
    (centred / "class_averages.star").write_text(text.replace("mrcs\n", "mrcs 4\n"))
    for classes in (None, centred / "class_averages.mrcs"):
        job = open_relion_job(centred / "particles.star", classes)
        assert job.averages.class_number.tolist() == [2, 4]
        assert centred / "backup_selection.star" not in job.inputs


@pytest.mark.parametrize("ticks", [None, "data_\nloop_\n_rlnSelected #1\n1\n0\n", "data_x\n_a 1\n"])
def test_centred_selection_without_numbers(centred, ticks):
    (centred / "backup_selection.star").unlink()
    if ticks:
        (centred / "backup_selection.star").write_text(ticks)
    with pytest.raises(RebalanceError, match="counts its class averages anew in Select/job003/cl"):
        open_relion_job(centred / "particles.star")


def test_a_job_copied_out_of_its_project(job_dir, tmp_path):
    for path in job_dir.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
        path.unlink()
    for name in ("run_it025_data.star", "run_it025_optimiser.star"):
        job = open_relion_job(tmp_path / name)
        assert tmp_path / "run_it025_classes.mrcs" in job.inputs
    with pytest.raises(RebalanceError, match="was not found"):
        open_relion_job(tmp_path / "run_it025_data.star", project=tmp_path)


def test_a_data_file_of_no_iteration(job_dir):
    data = (job_dir / "run_it025_data.star").rename(job_dir / "my_data.star")
    job = open_relion_job(data)
    assert job.found[1].startswith(f"model: {job_dir / 'run_it025_model.star'} (beside the part")
    (job_dir / "run_it020_model.star").write_text(model_star(4))
    sentence = (
        "are the models of 2, run_it020_model.star to run_it025_model.star; say which belongs"
    )
    with pytest.raises(RebalanceError, match=sentence):
        open_relion_job(data)
    assert len(open_relion_job(data, model=job_dir / "run_it020_model.star").averages) == 4


def test_classes_by_hand(project, tmp_path):
    (tmp_path / "parts.star").write_text(data_star([1, 3]))
    write_stack(images(3), 3.5, tmp_path / "run_it007_classes.mrcs")
    job = open_relion_job(tmp_path / "parts.star", classes=tmp_path / "run_it007_classes.mrcs")
    assert job.averages.name[0] == f"000001@{tmp_path / 'run_it007_classes.mrcs'}"
    assert np.isnan(job.averages.resolution).all()
    (tmp_path / "run_it007_model.star").write_text(model_star(3))
    job = open_relion_job(tmp_path / "parts.star", classes=tmp_path / "run_it007_classes.mrcs")
    np.testing.assert_array_equal(job.averages.resolution, [np.nan, np.nan, 8.5])


def test_stack_beside_the_particles(job_dir):
    (job_dir / "run_it025_model.star").unlink()
    job = open_job(job_dir / "run_it025_data.star")
    assert job.averages.class_number.tolist() == [1, 2, 3, 4]


def test_the_iteration_of_the_data_is_taken(job_dir):
    (job_dir / "run_it024_model.star").write_text(model_star(7))
    job = open_job(job_dir / "run_it025_data.star")
    assert len(job.averages) == 4


def test_warnings(job_dir):
    rows = data_star([0, 1, 0], "1.5 64\n").rstrip() + "\n0 000003@a.mrcs\n"
    (job_dir / "run_it025_data.star").write_text(rows)
    warnings = open_job(job_dir / "run_it025_data.star").warnings
    assert len(warnings) == 3
    assert "3 of 4 particles in " in warnings[0]
    assert "rlnClassNumber 0, which means no class" in warnings[0]
    assert "1 of 4 rows in " in warnings[1]
    assert "identical to an earlier row" in warnings[1]
    assert "class averages are 8 px wide and the particles of " in warnings[2]
    assert "are 64 px (rlnImageSize)" in warnings[2]


def test_stack_of_another_iteration_is_warned_about(job_dir, tmp_path):
    write_stack(images(4), 3.5, tmp_path / "run_it009_classes.mrcs")
    job = open_relion_job(job_dir / "run_it025_data.star", tmp_path / "run_it009_classes.mrcs")
    assert "is of iteration 25 and " in job.warnings[0]


def refusals():
    """What is changed in the job directory, and the sentence that follows."""
    data, model, stack = (f"run_it025_{end}" for end in ("data.star", "model.star", "classes.mrcs"))
    yield data, data_star([1, 5, 7]), f"Line 15 of .*{data} has rlnClassNumber 5, but .* has 4"
    yield data, data_star([]), f"{data} holds no particles"
    yield data, "data_particles\nloop_\n_rlnImageName\na\n", "has no column rlnClassNumber"
    yield data, None, f"{data} does not exist; check the path"
    yield model, model_star(5), "describes 5 classes and the stack .* holds 4 class averages"
    yield model, "data_x\n_rlnX 1\n", "lists no class averages .no table with rows and the column"
    yield model, model_star(4, stack=""), "Line 8 of .* rlnReferenceImage '000001@'; a class aver"
    yield model, model_star(4).replace("8.5", "x"), "Line 10 .* rlnEstimatedResolution 'x', which"
    yield model, model_star(4).replace(" 8.5 0.25", ""), "Line 10 .*: the value of rlnEstimatedRes"
    yield stack, None, f"{STACK}, which .*{model} names, was not found .looked for below .*project"


@pytest.mark.parametrize(("name", "text", "sentence"), list(refusals()))
def test_jobs_that_are_refused(job_dir, name, text, sentence):
    (job_dir / name).unlink()
    if text is not None:
        (job_dir / name).write_text(text)
    with pytest.raises(RebalanceError, match=sentence):
        open_job(job_dir / "run_it025_data.star")


def test_no_averages_at_all(tmp_path):
    (tmp_path / "parts.star").write_text(data_star([1]))
    with pytest.raises(
        RebalanceError, match=r"No class averages were found for .*parts.star: besi"
    ):
        open_job(tmp_path / "parts.star")
    with pytest.raises(RebalanceError, match=r"end in '.txt'; particles are read from .star files"):
        open_job(tmp_path / "parts.txt")


def test_model_of_another_iteration(job_dir):
    (job_dir / "run_it020_model.star").write_text(model_star(4))
    with pytest.raises(RebalanceError, match=r"is of iteration 25 and .* of iteration 20; give"):
        open_relion_job(job_dir / "run_it025_data.star", model=job_dir / "run_it020_model.star")


def test_optimiser_without_names(job_dir):
    (job_dir / "run_it025_optimiser.star").write_text("data_optimiser_general\n_rlnX 1\n")
    with pytest.raises(RebalanceError, match="names no data and model file"):
        open_job(job_dir / "run_it025_optimiser.star")


def test_selection_that_does_not_fit(select_dir):
    table = f"data_\nloop_\n_rlnReferenceImage\n000009@{STACK}\n"
    (select_dir / "class_averages.star").write_text(table)
    with pytest.raises(
        RebalanceError, match=r"names 000009@.* but that stack holds 4 class averag"
    ):
        open_job(select_dir / "particles.star")
    table += f"000009@{STACK}\n"
    (select_dir / "class_averages.star").write_text(table)
    with pytest.raises(RebalanceError, match="lists class 9 more than once"):
        open_job(select_dir / "particles.star")


def test_written_averages_are_the_rows_of_the_table(job_dir, select_dir, tmp_path):
    mask = np.array([False, True, False, True])
    for particles, table in (
        (job_dir / "run_it025_data.star", job_dir / "run_it025_model.star"),
        (select_dir / "particles.star", select_dir / "class_averages.star"),
    ):
        open_relion_job(particles).write_averages(mask, tmp_path / "class_averages.star")
        written = (tmp_path / "class_averages.star").read_text().splitlines()
        rows = [line for line in table.read_text().splitlines() if "@" in line]
        expected = [line for line in rows if line.startswith(("000002", "000004"))]
        assert [line for line in written if "@" in line] == expected
        read = starfile.read(tmp_path / "class_averages.star")
        assert read["rlnReferenceImage"].tolist() == [f"00000{k}@{STACK}" for k in (2, 4)]


def test_written_averages_without_a_table(tmp_path):
    (tmp_path / "parts.star").write_text(data_star([1, 3]))
    write_stack(images(3), 3.5, tmp_path / "a.mrcs")
    job = open_relion_job(tmp_path / "parts.star", classes=tmp_path / "a.mrcs")
    job.write_averages(np.array([True, False, True]), tmp_path / "class_averages.star")
    read = starfile.read(tmp_path / "class_averages.star")
    assert read["rlnReferenceImage"].tolist() == [f"00000{k}@{tmp_path / 'a.mrcs'}" for k in (1, 3)]
    assert read["rlnClassNumber"].tolist() == [1, 3]
    with pytest.raises(RebalanceError, match=r"mask must be a bool array of shape .3,., one entry"):
        job.write_averages(np.ones(2, dtype=bool), tmp_path / "b.star")


def test_our_own_output_is_an_input(job_dir, project):
    job = open_relion_job(job_dir / "run_it025_data.star")
    out = project / "External" / "job009"
    out.mkdir(parents=True)
    job.particles.write(np.array([True, False, True, True]), out / "particles.star")
    job.write_averages(np.array([True, True, False, False]), out / "class_averages.star")
    again = open_relion_job(out / "particles.star")
    assert len(again.particles) == 3
    assert again.averages.selected.tolist() == [True, True, False, False]


def test_written_selection(select_dir, tmp_path):
    job = open_relion_job(select_dir / "particles.star")
    job.write_selection(np.array([False, True, False, False]), tmp_path)
    read = starfile.read(tmp_path / "backup_selection.star", always_dict=True)
    assert read[""]["rlnSelected"].tolist() == [0, 1, 0, 0]


def test_real_job(test_data, tmp_path):
    job = open_job(test_data / "relion_project/Class2D/job013/run_it100_data.star")
    assert job.averages.images.shape == (100, 64, 64)
    assert len(job.particles) == 9482
    assert job.averages.pixel_size == 3.54
    assert job.warnings == ()
    job.write_averages(np.arange(100) < 3, tmp_path / "class_averages.star")
    names = starfile.read(tmp_path / "class_averages.star")["rlnReferenceImage"]
    assert tuple(names) == job.averages.name[:3]


def test_real_selection_without_its_stack(test_data):
    place = test_data / "relion_project"
    missing = "Class2D/job013/run_it025_classes.mrcs, which .*class_averages.star names, was not"
    with pytest.raises(RebalanceError, match=f"{missing} found .looked for below .*{place}"):
        open_job(place / "Select/job014/particles.star")
