"""Drawing: figures and the report page."""

from .contact_sheet import contact_sheet
from .figures import affinity_figure, bars_figure, save_figures

__all__ = ["affinity_figure", "bars_figure", "contact_sheet", "save_figures"]
