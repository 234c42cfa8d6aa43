"""`plan`: what a run would compute, and at what cost."""

import argparse
from typing import Any

from attacks.core.errors import RequestError
from bench.cli.options import (
    add_decide,
    add_grid,
    add_workers,
    folder_words,
    places_of,
    plan_of,
    selection_of,
    settlings_of,
)


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("plan", help="show the cells a run would compute and its estimated cost")
    add_grid(parser)
    add_workers(parser)
    parser.add_argument("--rows", action="store_true", help="also list every cell with its image-passes and state")
    add_decide(parser)
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Print the plan, which needs no data, then refuse it if `run` would."""
    from bench.records.store import Store
    from bench.run.describe import describe_plan
    from bench.run.devices import workplaces
    from bench.run.preflight import check_prerequisites
    from bench.run.todo import partition

    if chosen.decide and chosen.rows:
        raise RequestError("--rows lists the cells of a plan without --decide; leave one of them out")
    plan, results = plan_of(chosen)
    places = places_of(chosen)
    workers = workplaces(chosen.device, chosen.jobs, results=results, places=places, by="")
    if chosen.decide:
        from bench.compare.decide import decide_text

        steps = settlings_of(chosen, plan, workers)(())
        print(decide_text(steps), flush=True)
        if steps:
            check_prerequisites([job for step in steps for job in step.jobs], results, places)
        return 0
    todo = partition(plan.jobs, Store(results, (plan.protocol,)), selection_of(chosen))
    print(describe_plan(plan, todo, workers, rows=chosen.rows, folders=folder_words(chosen)), flush=True)
    if todo.missing:
        check_prerequisites(todo.work, results, places)
    return 0
