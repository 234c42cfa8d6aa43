"""`run`: carry out a grid."""

import argparse
from typing import Any, get_args

from attacks.core.errors import RequestError, unknown
from bench.cli.options import add_grid, add_workers, places_of, plan_of, selection_of
from bench.cli.signals import install_signal_handlers
from bench.run.executors import NAMES
from bench.run.selection import Retry


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("run", help="carry out a grid and print its leaderboard", allow_abbrev=False)
    add_grid(parser)
    add_workers(parser)
    parser.add_argument("--retry", choices=get_args(Retry), help="also redo the cells that failed, or took too long")
    parser.add_argument(
        "--time-limit", metavar="TIME", help="fail a cell that takes longer in one go, e.g. 90, 30m, 2h"
    )
    parser.add_argument("--executor", default="local", metavar="|".join(NAMES), help="what carries cells out")
    parser.add_argument(
        "--resources", action="append", default=[], metavar="KEY=VALUE", help="what a cell takes of a cluster"
    )
    parser.add_argument(
        "--by", metavar="NAME", help="name in the records (default: $UNLEARNABLE_BENCH_BY, else git's user.name)"
    )
    parser.add_argument("--log", choices=["tensorboard"], help="also log cells as they end, below the results")
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Carry out what is missing; 0: all done, 1: some failed."""
    from bench.report.leaderboard import conclude
    from bench.run.environment import whoami
    from bench.run.executors import Request, make_executor
    from bench.run.runner import run
    from bench.run.tensorboard import TensorBoard
    from bench.run.time_limit import seconds_of

    install_signal_handlers()
    if chosen.executor not in NAMES:
        raise unknown("executor", chosen.executor, NAMES)
    if chosen.log and chosen.executor == "slurm":
        raise RequestError("--log needs a run that waits for its cells; --executor slurm submits them and returns")
    plan, results = plan_of(chosen)
    places = places_of(chosen)
    request = Request(
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
    return run(
        plan,
        executor,
        results=results,
        places=places,
        selection=selection_of(chosen, chosen.retry),
        conclude=lambda: conclude(results, (job.cell.key for job in plan.jobs)),
        log=log,
    )


def _pair(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not (key and separator and value):
        raise RequestError(f"--resources takes KEY=VALUE, not {text!r}")
    return key, value
