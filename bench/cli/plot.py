"""`plot`: draw plots from records."""

import argparse
import sys
from typing import Any

from bench.cli.options import add_format, add_places, add_results, check_recorded, path_of, places_of


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("plot", help="plot the results in a folder of records")
    add_results(parser)
    parser.add_argument("--out", type=path_of, metavar="DIR", help="output folder (default: <results>/plots)")
    parser.add_argument("--format", default="pdf,svg,png", metavar="F,...", help="any of pdf, svg, png (default: all)")
    add_format(parser, "figure size and fonts", "column")
    add_places(parser)
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Draw every plot, each with a CSV of its data; contact sheets need the noise in the cache."""
    from bench.report.plots.page import Page
    from bench.report.plots.plot_all import plot_all

    check_recorded(chosen.results)
    out = chosen.out or chosen.results / "plots"
    formats, page = chosen.format.split(","), Page(chosen.style, chosen.width)
    written = 0
    for path in plot_all(chosen.results, out, formats, page, places_of(chosen)):
        print(path, flush=True)
        written += 1
    if not written:
        print(f"nothing to plot: no finished victim in {chosen.results}", file=sys.stderr)
    return 0
