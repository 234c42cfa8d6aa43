"""Plots, one per file, each a function that takes records and returns a figure; also for notebooks.

    from bench.report.plots import Page, accuracy_vs_radius
    accuracy_vs_radius(bench.load_records("runs/smoke"), Page("iclr"), victim="resnet18-w8")

`<name>_table` in the same file returns the numbers that the plot shows.
"""

from bench.report.plots.accuracy_vs_radius import accuracy_vs_radius
from bench.report.plots.claims_forest import claims_forest
from bench.report.plots.contact_sheet import contact_sheet
from bench.report.plots.cost_vs_protection import cost_vs_protection
from bench.report.plots.countermeasure_bars import countermeasure_bars
from bench.report.plots.page import Page
from bench.report.plots.protection_share import protection_share
from bench.report.plots.rank_diagram import rank_diagram
from bench.report.plots.save import save
from bench.report.plots.strongest_trainer import strongest_trainer
from bench.report.plots.training_cost import training_cost
from bench.report.plots.training_curves import training_curves
from bench.report.plots.transfer_heat_map import transfer_heat_map
from bench.report.venues import STYLES, WIDTHS

__all__ = [
    "STYLES",
    "WIDTHS",
    "Page",
    "accuracy_vs_radius",
    "claims_forest",
    "contact_sheet",
    "cost_vs_protection",
    "countermeasure_bars",
    "protection_share",
    "rank_diagram",
    "save",
    "strongest_trainer",
    "training_cost",
    "training_curves",
    "transfer_heat_map",
]
