"""`cite`: BibTeX for the methods, trainers and datasets behind results."""

import argparse
import sys
from typing import Any


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("cite", help="print BibTeX for methods, countermeasures, datasets, ...")
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="methods, countermeasures, trainings and datasets; this benchmark's own entry comes last",
    )
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Print the BibTeX entries, and on standard error the names that have none."""
    from bench.report.citations import cite

    text, without = cite(chosen.names)
    print(text)
    for name in without:
        print(f"{name}: no publication to cite", file=sys.stderr)
    return 0
