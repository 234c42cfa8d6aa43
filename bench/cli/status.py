"""`status`: show the progress of a grid."""

import argparse
import sys
import time
from typing import Any

from attacks.core.errors import RequestError
from bench.cli.options import add_grid, install_signal_handlers, places_of, plan_of, selection_of


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("status", help="show progress of a run, including other machines' work")
    add_grid(parser)
    parser.add_argument(
        "--watch",
        nargs="?",
        type=float,
        const=5.0,
        metavar="SECONDS",
        help="refresh continuously (default: every 5 seconds)",
    )
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Print the progress of every method and victim; 0: nothing failed, 1: something did."""
    from bench.config.cells import ABSENT
    from bench.records.store import Store
    from bench.run.pretraining import pretrainings
    from bench.run.status import describe_status
    from bench.run.todo import partition

    if chosen.watch is not None and not 0.1 <= chosen.watch <= 86400:
        raise RequestError(f"--watch takes 0.1 to 86400 seconds, not {chosen.watch:g}")
    plan, results = plan_of(chosen)
    store, selection = Store(results, (plan.protocol,)), selection_of(chosen)
    install_signal_handlers()
    if not results.is_dir():
        print(f"no folder {results} yet: nothing has been run there", file=sys.stderr)
    if any(ABSENT in job.cell.inputs.values() for job in (*plan.jobs, *pretrainings(plan.jobs))):
        print(
            "images or weights are missing here, so finished cells may be listed as to do; `plan` says which",
            file=sys.stderr,
        )
    while True:
        todo = partition(plan.jobs, store, selection)
        text = describe_status(todo, results, places_of(chosen))
        print(f"\x1b[2J\x1b[H{text}" if chosen.watch and sys.stdout.isatty() else text, flush=True)
        if not (chosen.watch and todo.missing):
            return 1 if todo.failed else 0
        time.sleep(chosen.watch)
