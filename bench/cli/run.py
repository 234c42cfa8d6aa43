"""`run`: carry out a grid."""

import argparse
import signal
from types import FrameType
from typing import Any

from bench.cli.options import add_device, add_grid, places_of, plan_of


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("run", help="carry out a grid and print its leaderboard", allow_abbrev=False)
    add_grid(parser)
    add_device(parser)
    parser.add_argument("--retry", choices=["failed"], help="also redo the cells that failed")
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Carry out what is missing; 0: all done, 1: some failed."""
    from bench.run.devices import workplaces
    from bench.run.environment import whoami
    from bench.run.runner import run

    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts us with & has it ignored
    plan, results = plan_of(chosen)
    return run(
        plan,
        workplaces(chosen.device, chosen.jobs, results=results, places=places_of(chosen), by=whoami()),
        only=chosen.only,
        retry_failed=chosen.retry == "failed",
    )


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Treat SIGTERM as Ctrl-C."""
    raise KeyboardInterrupt
