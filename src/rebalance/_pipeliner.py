"""A job of ccpem-pipeliner (Doppio), found through its entry point.

Nothing here is loaded unless ccpem-pipeliner asks for it: ``pip install 'rebalance2d[pipeliner]'``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeliner.display_tools import create_results_display_object
from pipeliner.job_options import (
    EXT_STARFILE,
    BooleanJobOption,
    FileDescription,
    InputNodeJobOption,
    IntJobOption,
    StringJobOption,
)
from pipeliner.nodes import (
    NODE_IMAGE2DGROUPMETADATA,
    NODE_LOGFILE,
    NODE_PARTICLEGROUPMETADATA,
)
from pipeliner.pipeliner_job import PipelinerCommand, PipelinerJob
from pipeliner.results_display_objects import ResultsDisplayObject

from ._version import __version__

LENGTH = r"^$|^\d*\.?\d+ *(px|A)?$"
FIGURES = {
    "affinity.png": "Affinity of the class averages",
    "class_averages.png": "Class averages by superclass",
    "particles.png": "Particles per superclass",
    "number.png": "Quality of every number of superclasses",
}
# Option of the job: parameter of rebalance external.
PARAMETERS = {
    "factor": "--factor",
    "max_size": "--max-size",
    "n_superclasses": "--k",
    "mask_diameter": "--mask-diameter",
    "max_shift": "--max-shift",
    "seed": "--seed",
    "model": "--model",
}


class RebalanceJob(PipelinerJob):
    """Balance particles over the views of their 2D class averages."""

    PROCESS_NAME = "rebalance.select.particles"
    OUT_DIR = "Select"
    CATEGORY_LABEL = "Subset Selection"

    def __init__(self) -> None:
        super().__init__()
        self.jobinfo.display_name = "Rebalance 2D classes"
        self.jobinfo.short_desc = "Balance particles over the views of 2D class averages"
        self.jobinfo.long_desc = (
            "Compares the class averages of a 2D classification over in-plane angle, shift and "
            "mirror image, groups those that show one view into superclasses, shows how the "
            "particles spread over them and, when asked, draws a balanced particle set."
        )
        self.jobinfo.version = __version__
        self.jobinfo.job_author = "The rebalance developers"
        self.can_continue = True
        self._add_inputs()
        self._add_balance()
        self._add_comparison()
        self.get_runtab_options(threads=True, addtl_args=True)

    def _add_inputs(self) -> None:
        self.joboptions["in_parts"] = InputNodeJobOption(
            label="Particles after 2D classification:",
            node_type=NODE_PARTICLEGROUPMETADATA,
            pattern=FileDescription("Particles STAR file", EXT_STARFILE),
            help_text="run_itNNN_data.star of a Class2D job, or particles.star of a Select job. "
            "The class averages are found beside it.",
            is_required=True,
        )
        self.joboptions["model"] = StringJobOption(
            label="Model file (optional):",
            help_text="run_itNNN_model.star, when it does not stand beside the particles",
        )

    def _add_balance(self) -> None:
        self.joboptions["factor"] = StringJobOption(
            label="Rebalance factor:",
            help_text="Smallest / largest superclass after, 0 (drop nothing) to 1 (all equal). "
            "Empty: nothing is dropped.",
            validation_regex=r"^$|^0*(\.\d*)?$|^1(\.0*)?$",
            regex_error_message="A number from 0 to 1",
            in_continue=True,
        )
        self.joboptions["max_size"] = IntJobOption(
            label="Maximum superclass size:",
            help_text="Most particles that a superclass keeps, instead of what the factor gives",
            hard_min=1,
            in_continue=True,
        )
        self.joboptions["n_superclasses"] = StringJobOption(
            label="Number of superclasses:",
            default_value="auto",
            validation_regex=r"^(auto|[1-9]\d*)$",
            regex_error_message="A whole number, or auto",
            in_continue=True,
        )
        self.joboptions["no_superclassification"] = BooleanJobOption(
            label="Every class average is its own superclass?",
            default_value=False,
            in_continue=True,
        )
        self.joboptions["seed"] = IntJobOption(
            label="Random seed:",
            default_value=0,
            hard_min=0,
            help_text="Another seed draws other particles",
            in_continue=True,
        )

    def _add_comparison(self) -> None:
        for name, label in (("mask_diameter", "Mask diameter:"), ("max_shift", "Largest shift:")):
            self.joboptions[name] = StringJobOption(
                label=label,
                help_text="A, or pixels with px behind the number. Empty: chosen from the data.",
                validation_regex=LENGTH,
                regex_error_message="A number, such as 180 or 60px",
                in_continue=True,
            )

    def create_output_nodes(self) -> None:
        """Name the results that other jobs may take."""
        self.add_output_node("particles.star", NODE_PARTICLEGROUPMETADATA, ["relion"])
        self.add_output_node(
            "class_averages.star", NODE_IMAGE2DGROUPMETADATA, ["relion", "classaverages"]
        )
        self.add_output_node("logfile.pdf", NODE_LOGFILE, ["relion"])

    def get_commands(self) -> list[PipelinerCommand]:
        """The call of rebalance external."""
        words: list[str] = ["python3", "-m", "rebalance", "external", "--o", self.output_dir]
        words += ["--in_parts", self.joboptions["in_parts"].get_string()]
        for name, label in PARAMETERS.items():
            value = self.joboptions[name].value_string.strip()
            words += [label, value] if value not in ("", "None") else []
        if self.joboptions["no_superclassification"].get_boolean():
            words.append("--no-superclassification")
        words += ["--j", str(self.get_nr_threads())]
        return [PipelinerCommand([*words, *self.parse_additional_args()])]

    def create_results_display(self) -> Sequence[ResultsDisplayObject]:
        """The three figures and the report."""
        folder = Path(self.output_dir)
        figures = [
            create_results_display_object(
                "image",
                title=title,
                image_path=str(folder / name),
                image_desc=title,
                associated_data=[str(folder / "superclasses.csv")],
            )
            for name, title in FIGURES.items()
        ]
        report = create_results_display_object(
            "html",
            title="Report",
            html_file=str(folder / "report.html"),
            associated_data=[str(folder / "report.html")],
        )
        return [*figures, report]
