"""The plan of the house: who may import whom, touch files, print and draw."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import rebalance
from rebalance import _core

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "rebalance"
SOURCES = sorted(PACKAGE.rglob("*.py"))

BASE = {"checks", "config", "errors", "_version"}
STAGES = {"_images", "_affinity", "_junk", "_superclasses", "_balance", "_density", "_align"}
STAGES |= {"_simulate", "_take_part", "_view_sphere"}
FACE = "__init__"

# What a module, or a package below rebalance, may import at run time.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "config": set(),
    "_version": set(),
    "checks": {"errors"},
    "metrics": BASE | {"_axis_scores"},
    "_axis_scores": BASE | {"_symmetry"},
    "sampling": BASE,
    "_images": BASE,
    "_signal": BASE | {"_core", "_images", "_result_arrays"},
    "_defaults": BASE | {"_images", "_signal"},
    "_scan": BASE | {"_core", "_images"},
    "_rings": BASE | {"_core", "_images", "_scan"},
    "_tiles": BASE | {"_core", "_result_arrays", "_rings", "_scan"},
    "_nearest_tiles": BASE | {"_result_arrays", "_tiles"},
    "_ring_file": BASE,
    "_extend": BASE | {"_core", "_affinity_results", "_result_arrays", "_rings", "_tiles"},
    "_stable_numbers": BASE,
    "_shards": BASE | {"_affinity_results", "_defaults", "_result_arrays", "_tiles"},
    "_executor": BASE
    | {"_core", "_affinity_results", "_nearest_tiles", "_result_arrays", "_ring_file", "_tiles"},
    "_affinity": BASE
    | {"_core", "_defaults", "_rings", "_affinity_results", "_result_arrays"}
    | {"_executor", "_tiles"},
    "_affinity_results": BASE | {"_notebook"},
    "_notebook": BASE,
    "_result_arrays": BASE,
    "_appearance": BASE,
    "_junk": BASE | {"_appearance"},
    "_superclasses": BASE
    | {"_many_superclasses"}
    | {"_superclass_tree", "_superclass_number", "_superclass_fit", "_superclass_witness"}
    | {"_superclass_choice", "_display_order", "_notebook"},
    "_diffusion": set(),
    "_landmarks": BASE,
    "_many_superclasses": BASE | {"_diffusion", "_landmarks", "_superclass_tree"},
    "_superclass_tree": BASE | {"_core"},
    "_superclass_number": BASE | {"_superclass_tree", "_superclass_fit", "metrics"},
    "_superclass_fit": BASE,
    "_superclass_choice": {"_superclass_fit", "_superclass_number", "_superclass_tree"},
    "_superclass_witness": BASE | {"_symmetry"},
    "_display_order": set(),
    "_rules": BASE,
    "_halves": BASE,
    "_draw": BASE | {"_core", "_halves"},
    "_balance": BASE | {"_core", "_draw", "_rules", "_notebook"},
    "_take_part": BASE,
    "_density": BASE | {"_density_angles", "_view_verdict"},
    "_density_angles": {"_symmetry"},
    "_spread": BASE | {"_rules"},
    "_viewing": BASE | {"_symmetry", "sampling"},
    "_proof": BASE | {"_spread", "_symmetry", "_viewing", "sampling"},
    "_job_balance": BASE
    | {"_balance", "_core", "_density", "_draw", "_job_sphere", "_rules", "_viewing"},
    "_job_sphere": BASE | {"_view_sphere", "_view_verdict"},
    "_sphere_sampling": BASE | {"_symmetry", "_viewing", "sampling"},
    "_view_agreement": BASE | {"_axis_scores", "_viewing"},
    "_align": BASE,
    "_symmetry": BASE,
    "_line_rays": BASE | {"_core", "_align", "_images"},
    "_view_angles": set(),
    "_view_refine": {"_view_angles"},
    "_view_solver": {"_core", "_view_angles", "_view_refine"},
    "_view_verdict": set(),
    # The only stage that calls another: the affinity is wanted for hard sets alone.
    "_view_sphere": BASE
    | {"_affinity", "_core", "_line_rays", "_symmetry", "_view_solution", "_view_solver"}
    | {"_view_verdict"},
    "_view_solution": {"_view_solver", "_view_verdict"},
    "_directions": set(),
    "_phantom": {"_directions"},
    "_map": BASE,
    "_map_projection": BASE | {"_map", "_phantom"},
    "_junk_averages": set(),
    "_simulation_settings": BASE | {"_junk_averages", "_map", "_symmetry"},
    "_memory": set(),
    "_simulate": BASE
    | {"_directions", "_junk_averages", "_map", "_map_projection", "_phantom", "_symmetry"}
    | {"_simulation_settings"},
    "pipeline": BASE
    | STAGES
    | {
        "_many_superclasses",
        "_stable_numbers",
        "_job_balance",
        "_job_sphere",
        "_proof",
        "_sphere_sampling",
        "_view_agreement",
    },
    "io": BASE | {"_core", "_map", "_viewing", "_result_arrays", "_shards", "_tiles"},
    "report": BASE
    | {"_align", "_display_order", "_job_sphere", "_proof", "_sphere_sampling", "_spread"}
    | {"_symmetry", "_viewing", "sampling"},
    "cli": BASE
    | {"io", "pipeline", "report", "metrics", "_core", "_memory", "_rules", "_symmetry", FACE}
    | {"_simulate", "_simulation_settings", "_junk_averages", "_shards", "_tiles", "_extend"},
    FACE: BASE
    | STAGES
    | {"_extend", "_stable_numbers"}
    | {"_superclass_tree", "_affinity_results", "_map", "_simulation_settings", "_view_verdict"},
    "__main__": {"cli"},
    "_pipeliner": BASE,
}
THIRD_PARTY = {
    "numpy",
    "scipy",
    "mrcfile",
    "starfile",
    "tqdm",
    "matplotlib",
    "mpl_toolkits",
    "cryosparc",
}
OPTIONAL = {"pipeliner"}
ONLY_IN = {
    "mrcfile": {"io"},
    "starfile": {"io"},
    "cryosparc": {"io"},
    "shutil": {"io", "cli"},
    "tempfile": {"io", "cli", "_result_arrays", "_ring_file"},
    "tqdm": {"cli"},
    "argparse": {"cli"},
    "matplotlib": {"report", "_notebook"},
    "pipeliner": {"_pipeliner"},
    "pickle": set(),
}
FILE_CALLS = {
    *("open", "memmap", "load", "loadtxt", "save", "savez", "savez_compressed", "savetxt"),
    *("read_text", "read_bytes", "write_text", "write_bytes", "fromfile", "tofile", "savefig"),
    *("mkdir", "makedirs", "rmdir", "touch", "unlink", "rename", "symlink_to", "hardlink_to"),
}


def part_of(path: Path) -> str:
    """Module, or package below rebalance, that a file belongs to."""
    below = path.relative_to(PACKAGE)
    return below.parts[0] if len(below.parts) > 1 else below.stem


def run_time(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only type checkers see."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from run_time(child)


def nodes(path: Path) -> Iterator[ast.AST]:
    return run_time(ast.parse(path.read_text(encoding="utf-8")))


def imports(path: Path) -> Iterator[str]:
    """Full names of what a file imports, attributes included."""
    package = ["rebalance", *path.relative_to(PACKAGE).parent.parts]
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            module = [*base, *(node.module or "").split(".")]
            yield from (".".join([*filter(None, module), alias.name]) for alias in node.names)


def own_part(name: str) -> str | None:
    """Part of rebalance that an imported name belongs to."""
    first, *rest = name.split(".")
    if first != "rebalance":
        return None
    known = {part_of(path) for path in SOURCES} | {"_core"}
    return rest[0] if rest and rest[0] in known else FACE


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in nodes(path) if isinstance(node, ast.Call))


def called(call: ast.Call) -> str:
    """Last name of what is called."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)


each_source = pytest.mark.parametrize(
    "path", SOURCES, ids=[path.relative_to(PACKAGE).as_posix() for path in SOURCES]
)


@each_source
def test_imports_point_one_way(path: Path) -> None:
    part = part_of(path)
    assert part in MAY_IMPORT, f"say in MAY_IMPORT where {part} stands"
    wanted = {own_part(name) for name in imports(path)} - {None, part}
    assert wanted <= MAY_IMPORT[part]


@each_source
def test_imports_from_elsewhere_are_few_and_in_their_place(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    assert roots <= {"rebalance"} | THIRD_PARTY | OPTIONAL | sys.stdlib_module_names
    for root in roots & set(ONLY_IN):
        assert part_of(path) in ONLY_IN[root], f"{root} does not belong here"


@each_source
def test_only_io_and_cli_touch_files_and_report_writes_its_pages(path: Path) -> None:
    # Result arrays too large for memory stand in files without names, and workers share rings.
    if part_of(path) not in ("io", "cli", "report", "_result_arrays", "_ring_file"):
        assert not {called(call) for call in calls(path)} & FILE_CALLS


@each_source
def test_only_cli_prints(path: Path) -> None:
    if part_of(path) == "cli":
        return
    assert "print" not in {called(call) for call in calls(path)}
    spoken = {ast.unparse(n) for n in nodes(path) if isinstance(n, ast.Attribute)}
    assert not spoken & {"sys.stdout", "sys.stderr"}


@each_source
def test_nothing_is_unpickled(path: Path) -> None:
    for call in calls(path):
        if ast.unparse(call.func) in ("np.load", "numpy.load"):
            given = {word.arg: ast.unparse(word.value) for word in call.keywords}
            assert given.get("allow_pickle") == "False"


def test_the_checks_above_see_something() -> None:
    assert len(SOURCES) > 30
    assert "io" in {own_part(name) for name in imports(PACKAGE / "cli" / "run.py")}
    assert "_core" in {own_part(name) for name in imports(PACKAGE / "_balance.py")}
    assert "pipeline" not in {own_part(name) for name in imports(PACKAGE / "report" / "page.py")}
    assert FILE_CALLS & {
        called(call) for path in SOURCES if part_of(path) == "io" for call in calls(path)
    }
    assert "print" in {
        called(call) for path in SOURCES if part_of(path) == "cli" for call in calls(path)
    }


# Public names.

PUBLIC = sorted(set(rebalance.__all__) - {"__version__"})
FUNCTIONS = [name for name in PUBLIC if inspect.isfunction(getattr(rebalance, name))]
RESULTS = [
    *("Affinity", "AffinityBetween", "Balance", "DensityMap", "Simulation", "SparseAffinity"),
    *("Superclasses", "ViewSphere"),
]


def sections(docstring: str) -> dict[str, str]:
    """Text of each NumPy section."""
    parts = re.split(r"^(\w+)\n-+$", docstring, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_explained(name: str) -> None:
    text = inspect.getdoc(getattr(rebalance, name)) or ""
    first = text.split("\n\n")[0]
    assert first.endswith(".")
    assert len(first) > 15


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_name_parameters_results_and_refusals(name: str) -> None:
    function = getattr(rebalance, name)
    found = sections(inspect.getdoc(function) or "")
    assert {"Parameters", "Returns", "Raises"} <= set(found)
    assert "RebalanceError" in found["Raises"]
    for parameter in inspect.signature(function).parameters:
        assert re.search(rf"^(\w+, )*{parameter}(, \w+)* : ", found["Parameters"], re.MULTILINE)


@pytest.mark.parametrize("name", RESULTS)
def test_results_explain_every_attribute(name: str) -> None:
    result = getattr(rebalance, name)
    found = sections(inspect.getdoc(result) or "")["Attributes"]
    for attribute in result.__dataclass_fields__:
        assert re.search(rf"^{attribute} : ", found, re.MULTILINE)


def test_every_public_name_is_there_and_listed_in_order() -> None:
    assert rebalance.__all__ == sorted(rebalance.__all__)
    for name in rebalance.__all__:
        assert hasattr(rebalance, name)


# The compiled core.


def stub() -> ast.Module:
    return ast.parse((PACKAGE / "_core.pyi").read_text(encoding="utf-8"))


def public(names: list[str]) -> set[str]:
    return {name for name in names if not name.startswith("_")}


def test_stub_names_what_the_core_has() -> None:
    defined = [n.name for n in stub().body if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    assert public(defined) == public(dir(_core))


def test_stub_names_the_members_of_every_class() -> None:
    classes = [node for node in stub().body if isinstance(node, ast.ClassDef)]
    assert classes
    for node in classes:
        methods = [n.name for n in node.body if isinstance(n, ast.FunctionDef)]
        values = [ast.unparse(n.targets[0]) for n in node.body if isinstance(n, ast.Assign)]
        enum = {"name", "value"} if values else set()
        assert public(methods + values) | enum == public(dir(getattr(_core, node.name)))


def test_stub_names_the_parameters_of_every_function() -> None:
    for node in stub().body:
        if not isinstance(node, ast.FunctionDef):
            continue
        signature = getattr(_core, node.name).__doc__.splitlines()[0]
        for argument in (*node.args.args, *node.args.kwonlyargs):
            assert re.search(rf"[(, ]{argument.arg}: ", signature), (node.name, argument.arg)


def included(path: Path) -> set[str]:
    return set(re.findall(r"#include\s*[<\"]([^>\"]+)", path.read_text(encoding="utf-8")))


def test_the_core_knows_no_python_and_no_files() -> None:
    sources = [*(ROOT / "cpp/src").iterdir(), *(ROOT / "cpp/include/rebalance").iterdir()]
    assert len(sources) > 10
    for path in sources:
        for name in included(path):
            assert "Python" not in name, path
            assert not name.startswith("pybind11"), path
            assert name not in ("fstream", "iostream", "cstdio", "stdio.h", "filesystem"), path


def test_kernel_sources_include_no_library_of_cpp() -> None:
    for name in ("kernels", "line_kernels"):
        assert included(ROOT / f"cpp/src/{name}_isa.cpp") == {f"rebalance/{name}.hpp"}
        assert included(ROOT / f"cpp/include/rebalance/{name}.hpp") == {"stdint.h"}
