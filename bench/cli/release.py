"""`release`: freeze the leaderboard under a name."""

import argparse
import sys
from typing import Any

from bench.cli.options import add_results


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("release", help="freeze the leaderboard under a name, with the digests of its records")
    parser.add_argument("name", metavar="results-YYYY.MM", help="name of the release")
    add_results(parser)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if the release or one of its records has changed"
    )
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Write a release, or check one against its digests; 1: it has changed."""
    from attacks.core.errors import escaped
    from bench.report.release import changed, freeze

    if chosen.check:
        found = changed(chosen.results, chosen.name)
        for line in found:
            print(escaped(line), file=sys.stderr)
        return 1 if found else 0
    for path in freeze(chosen.results, chosen.name):
        print(path)
    return 0
