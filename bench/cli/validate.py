"""`validate`: check a folder of records."""

import argparse
import sys
from typing import Any

from attacks.core.errors import several
from bench.cli.options import add_results, check_recorded


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("validate", help="check a folder of records, as CI does")
    add_results(parser)
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Print the findings, one per line; 0: at most warnings, 1: problems."""
    from bench.validation.validate import validate

    check_recorded(chosen.results)
    found = validate(chosen.results)
    for finding in found.findings:
        print(finding)
    warnings = len(found.findings) - found.problems
    counts = (several(len(found.subjects), "record"), several(found.problems, "problem"), several(warnings, "warning"))
    print(", ".join(counts), file=sys.stderr)
    return 1 if found.problems else 0
