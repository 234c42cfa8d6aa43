"""`plan`: what a grid would do."""

import argparse
from typing import Any

from bench.cli.options import add_grid, add_workers, places_of, plan_of, selection_of


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "plan", help="show the cells a run would compute and its estimated cost", allow_abbrev=False
    )
    add_grid(parser)
    add_workers(parser)
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Print the plan."""
    from bench.run.describe import describe_plan
    from bench.run.devices import workplaces

    plan, results = plan_of(chosen)
    places = workplaces(chosen.device, chosen.jobs, results=results, places=places_of(chosen), by="")
    print(describe_plan(plan, places, selection_of(chosen)))
    return 0
