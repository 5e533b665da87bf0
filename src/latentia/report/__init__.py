"""How pages are made: pictures (matplotlib) and one self-contained HTML page (Jinja2)."""

from latentia.report.page import Figure, ReportInput, render

__all__ = ["Figure", "ReportInput", "render"]
