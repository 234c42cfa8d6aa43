"""`publish`: copy the records of a run into the published ones."""

import argparse
import sys
from shlex import quote
from typing import Any

from bench.cli.options import add_results, path_of


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("publish", help="check a run's records and copy them into the published records")
    parser.add_argument("run", type=path_of, metavar="RUN_DIR", help="folder that `run` wrote to, e.g. runs/lite")
    add_results(parser, "folder of published records")
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Copy the records and print the next step; 0: done, 1: there are problems and nothing was copied."""
    from attacks.core.errors import several
    from bench.validation.finding import excerpt
    from bench.validation.publish import publish

    done = publish(chosen.run, chosen.results)
    for finding in done.findings:
        print(finding)
    for path in done.failed:
        print(f"{excerpt(str(path))}: failed cell, skipped")
    for path in done.copied:
        print(path)
    if any(not finding.warning for finding in done.findings):
        print("nothing was published; fix these and publish again", file=sys.stderr)
        return 1
    print(f"{several(len(done.copied), 'record')} published, {done.known} already published", file=sys.stderr)
    folder = quote(str(chosen.results))
    print(f"next: python -m bench leaderboard --results {folder}\n      python -m bench plot --results {folder}")
    return 0
