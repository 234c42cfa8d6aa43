"""`run`: carry out a grid."""

import argparse
from typing import Any

from bench.cli.options import add_grid, add_workers, places_of, plan_of
from bench.cli.signals import heed_signals


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("run", help="carry out a grid and print its leaderboard", allow_abbrev=False)
    add_grid(parser)
    add_workers(parser)
    parser.add_argument("--retry", choices=["failed"], help="also redo the cells that failed")
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Carry out what is missing; 0: all done, 1: some failed."""
    from bench.run.devices import workplaces
    from bench.run.environment import whoami
    from bench.run.runner import run

    heed_signals()
    plan, results = plan_of(chosen)
    return run(
        plan,
        workplaces(chosen.device, chosen.jobs, results=results, places=places_of(chosen), by=whoami()),
        only=chosen.only,
        retry_failed=chosen.retry == "failed",
    )
