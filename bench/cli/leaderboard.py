"""`leaderboard`: tables from records."""

import argparse
from pathlib import Path
from typing import Any

from bench.cli.options import add_cache, add_format, add_results, cache_of, check_recorded, path_of


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("leaderboard", help="build the leaderboard (md, csv, json, tex, html) from records")
    add_results(parser)
    parser.add_argument("--out", type=path_of, metavar="DIR", help="output folder (default: same as --results)")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; print a diff and exit 1 if files are out of date"
    )
    add_cache(parser)
    add_format(parser, "LaTeX tables", "full")
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Write the tables, or check that they are up to date; 1: they are not."""
    from bench.report.leaderboard import check_leaderboard, write_leaderboard
    from bench.report.venues import Format

    check_recorded(chosen.results)
    out, form = chosen.out or chosen.results, Format(chosen.style, chosen.width)
    if chosen.check:
        difference = check_leaderboard(chosen.results, out, form)
        print(difference, end="")
        return 1 if difference else 0
    for path in write_leaderboard(chosen.results, out, form, cache=_cache(chosen)):
        print(path)
    return 0


def _cache(chosen: argparse.Namespace) -> Path | None:
    """Return the cache folder; None if there is no home folder, since the cache only saves time here."""
    try:
        return cache_of(chosen)
    except RuntimeError:
        return None
