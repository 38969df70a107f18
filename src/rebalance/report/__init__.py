"""Drawing: figures and the report page."""

from .figures import affinity_figure, bars_figure, curve_figure, save_figures, save_pdf
from .orientation import orientation_data
from .page import Provenance, write_report
from .proof import factor_lines, proof_lines
from .sheet import contact_sheet
from .summary import summary_lines
from .summary_data import summary_data
from .views import views_figure

__all__ = [
    "Provenance",
    "affinity_figure",
    "bars_figure",
    "contact_sheet",
    "curve_figure",
    "factor_lines",
    "orientation_data",
    "proof_lines",
    "save_figures",
    "save_pdf",
    "summary_data",
    "summary_lines",
    "views_figure",
    "write_report",
]
