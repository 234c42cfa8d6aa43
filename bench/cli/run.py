"""`run`: run a grid."""

import argparse
from typing import Any, get_args

from attacks.core.errors import RequestError, unknown
from bench.cli.options import add_grid, add_workers, install_signal_handlers, places_of, plan_of, selection_of
from bench.run.executors import NAMES
from bench.run.selection import Retry


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("run", help="run a grid of experiments and print its leaderboard", allow_abbrev=False)
    add_grid(parser)
    add_workers(parser)
    parser.add_argument("--retry", choices=get_args(Retry), help="also rerun cells that failed or hit --time-limit")
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
    """Run what is missing; 0: all done, 1: some failed."""
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
        raise RequestError(
            "--log does not work with --executor slurm, which submits the cells and returns; leave one of them out"
        )
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
