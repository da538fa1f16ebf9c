"""One page per judgement and per comparison of models: a single HTML file that asks for nothing from anywhere."""

from training.report.page import Page, Table, render

__all__ = ["Page", "Table", "render"]
