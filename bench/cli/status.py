"""`status`: how far a grid is."""

import argparse
from typing import Any

from bench.cli.options import add_grid, plan_of, selection_of


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("status", help="show what is done, missing and failed", allow_abbrev=False)
    add_grid(parser)
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Print the state of every method and victim; 0: nothing failed, 1: something did."""
    from bench.records.store import Store
    from bench.run.describe import describe_status
    from bench.run.todo import sort_out

    plan, results = plan_of(chosen)
    store = Store(results)
    todo = sort_out(plan.jobs, store, selection_of(chosen))
    print(describe_status(todo, store))
    return 1 if todo.failed else 0
