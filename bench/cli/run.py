"""`run`: run a grid."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from attacks.core.errors import RequestError, unknown
from bench.cli.options import (
    add_decide,
    add_grid,
    add_workers,
    install_signal_handlers,
    places_of,
    plan_of,
    selection_of,
    settlings_of,
)
from bench.run.executors import NAMES
from bench.run.selection import Retry

if TYPE_CHECKING:
    from bench.run.executors import Executor
    from bench.run.plan import Plan


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("run", help="run a grid of experiments and print its leaderboard")
    add_grid(parser)
    add_workers(parser)
    add_decide(parser)
    parser.add_argument(
        "--budget",
        metavar="TIME",
        help="with --decide: time to spend, e.g. 5h; no step is started that is known to exceed it",
    )
    parser.add_argument(
        "--retry", choices=get_args(Retry), help="also rerun failed cells, or only those that hit --time-limit"
    )
    parser.add_argument(
        "--time-limit", metavar="TIME", help="stop a cell that runs longer and record it as failed, e.g. 90, 30m, 2h"
    )
    parser.add_argument(
        "--executor", default="local", metavar="|".join(NAMES), help="where to run cells (default: local)"
    )
    parser.add_argument(
        "--resources", action="append", default=[], metavar="KEY=VALUE", help="cluster resources per cell; repeatable"
    )
    parser.add_argument(
        "--by", metavar="NAME", help="your name in the records (default: $UNLEARNABLE_BENCH_BY, else git's user.name)"
    )
    parser.add_argument("--log", choices=["tensorboard"], help="also log finished cells, in the folder of records")
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Run the missing cells; 0: all done, 1: some failed or are still missing."""
    from bench.report.leaderboard import write_and_print
    from bench.run.environment import whoami
    from bench.run.executors import ExecutorRequest, make_executor
    from bench.run.runner import run
    from bench.run.tensorboard import TensorBoard
    from bench.run.time_limit import seconds_of

    install_signal_handlers()
    if chosen.executor not in NAMES:
        raise unknown("executor", chosen.executor, NAMES)
    if chosen.budget is not None and not chosen.decide:
        raise RequestError("--budget works only with --decide; add it or leave --budget out")
    if chosen.decide and (chosen.executor != "local" or chosen.log or chosen.retry):
        raise RequestError("--decide works only with --executor local, without --log and --retry; leave them out")
    if chosen.log and chosen.executor == "slurm":
        raise RequestError(
            "--log does not work with --executor slurm, which submits the cells and returns; leave one of them out"
        )
    plan, results = plan_of(chosen)
    places = places_of(chosen)
    request = ExecutorRequest(
        results=results,
        places=places,
        by=whoami(chosen.by),
        device=chosen.device,
        jobs=chosen.jobs,
        time_limit=seconds_of(chosen.time_limit) if chosen.time_limit is not None else None,
        resources=dict(map(_pair, chosen.resources)),
    )
    executor = make_executor(chosen.executor, request)
    log = TensorBoard(results) if chosen.log else None
    if chosen.decide:
        return _decide(chosen, plan, results, executor)
    return run(
        plan,
        executor,
        results=results,
        places=places,
        selection=selection_of(chosen, chosen.retry),
        conclude=lambda: write_and_print(results, (job.cell.key for job in plan.jobs), places.cache),
        log=log,
    )


def _decide(chosen: argparse.Namespace, plan: "Plan", results: Path, executor: "Executor") -> int:
    """Run what could settle open comparisons, until nothing is left or the budget is spent."""
    from bench.compare.decide import decide, decide_text
    from bench.compare.evidence import Evidence, SharedNoises
    from bench.report.leaderboard import write_and_print
    from bench.run.devices import workplaces
    from bench.run.rates import published_folder
    from bench.run.runner import shows, warn_missing
    from bench.run.time_limit import seconds_of
    from bench.run.todo import partition

    places = places_of(chosen)
    store = SharedNoises(results, (plan.protocol,), Evidence(published_folder(), results))
    budget = seconds_of(chosen.budget, "--budget") if chosen.budget is not None else None
    workers = workplaces(chosen.device, chosen.jobs, results=results, places=places, by="")
    find = settlings_of(chosen, plan, workers)
    done = decide(find, executor, store=store, places=places, budget=budget)
    is_shown = not results.is_dir() or shows(
        lambda: write_and_print(results, (job.cell.key for job in plan.jobs), places.cache)
    )
    print(decide_text(done.left, further=bool(done.attempted)), file=sys.stderr)
    failed, missing = partition(plan.jobs, store, selection_of(chosen)).failed, partition(done.attempted, store).missing
    for job in failed:
        print(f"failed: {job.cell.label}", file=sys.stderr)
    warn_missing(missing)
    return 1 if failed or missing or not is_shown else 0


def _pair(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not (key and separator and value):
        raise RequestError(f"--resources takes KEY=VALUE, not {text!r}")
    return key, value
