"""Drawing: figures and the report page."""
