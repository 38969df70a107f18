"""Drawing: figures and the report page."""

from .figures import affinity_figure, bars_figure, save_figures
from .page import write_report
from .sheet import contact_sheet
from .summary import summary_lines

__all__ = [
    "affinity_figure",
    "bars_figure",
    "contact_sheet",
    "save_figures",
    "summary_lines",
    "write_report",
]
