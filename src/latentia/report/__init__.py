"""The report of a fit: pictures (matplotlib) and one self-contained HTML page (Jinja2)."""

from latentia.report.page import Figure, ReportInput, render
from latentia.report.run import report_run, write_items

__all__ = ["Figure", "ReportInput", "render", "report_run", "write_items"]
