"""`compare`: rank a method or a noise file among everything published."""

import argparse
import json
import shlex
import sys
from typing import TYPE_CHECKING, Any, get_args

from bench.cli.options import (
    add_changes,
    add_places,
    add_workers,
    folder_words,
    install_signal_handlers,
    name_of,
    path_of,
    places_of,
    results_of,
)
from bench.run.selection import Retry

if TYPE_CHECKING:
    from bench.compare.compare import Comparison


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "compare",
        help="run a suite's missing cells for a method or noise file, and rank it among published methods",
    )
    parser.add_argument(
        "method", metavar="METHOD|NOISE.safetensors", help="a method of `list methods`, or a noise file"
    )
    parser.add_argument(
        "--suite", type=name_of, default="strong-v1", metavar="NAME|FILE.toml", help="suite (default: strong-v1)"
    )
    parser.add_argument(
        "--protocol", type=name_of, metavar="NAME", help="protocol (default: the suite's, lite-v1 for strong-v1)"
    )
    parser.add_argument(
        "--dataset", type=name_of, metavar="NAME|folder:PATH", help="images (default: the suite's for the protocol)"
    )
    add_changes(parser, "override seeds (seeds=[0,1,2]) or a protocol number (setup.victim.steps=20)")
    parser.add_argument("--plan", action="store_true", help="show the missing cells and their cost; run nothing")
    parser.add_argument(
        "--cheap", action="store_true", help="cheapest trainers first, until no other trainer can change the rank"
    )
    parser.add_argument(
        "--published",
        type=path_of,
        metavar="DIR",
        help="records to compare with (default: results, or this checkout's)",
    )
    parser.add_argument("--results", type=path_of, metavar="DIR", help="folder of new records (default: runs/compare)")
    parser.add_argument("--retry", choices=get_args(Retry), help="also rerun failed cells, or only timeouts")
    parser.add_argument("--by", metavar="NAME", help="your name in the records (default: as for `run`)")
    add_workers(parser)
    add_places(parser)
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Show what is missing, or run it and print the comparison; 0: all done, 1: some failed or are missing."""
    from attacks.core.errors import RequestError, several
    from bench.compare.compare import by_cost, comparison, measure
    from bench.compare.text import comparison_text
    from bench.report.summary import REFERENCES
    from bench.run.describe import describe_plan
    from bench.run.devices import workplaces
    from bench.run.environment import whoami
    from bench.run.executors import ExecutorRequest, make_executor
    from bench.run.preflight import check_prerequisites
    from bench.run.rates import Rates, published_folder, published_records
    from bench.run.runner import warn_missing

    places, results = places_of(chosen), results_of(chosen.results, "compare")
    found = comparison(
        chosen.method,
        suite=chosen.suite,
        protocol=chosen.protocol,
        dataset=chosen.dataset,
        changes=chosen.changes,
        results=results,
        published=chosen.published or published_folder(),
        places=places,
    )
    workers = workplaces(chosen.device, chosen.jobs, results=results, places=places, by="")
    todo = found.todo(chosen.retry)
    found.store.check(job.noise for job in found.plan.jobs if job.cell is job.noise)
    if not found.has_rivals:
        print(_without_rivals(chosen, found), file=sys.stderr)
    if chosen.cheap and (not found.has_rivals or found.method in REFERENCES):
        raise RequestError("--cheap stops when the rank is settled, but there will be no rank; leave it out")
    if chosen.plan:
        print(describe_plan(found.plan, todo, workers, rows=True, folders=folder_words(chosen)), flush=True)
        if todo.missing:
            check_prerequisites(todo.work, results, places)
        return 0
    install_signal_handlers()
    request = ExecutorRequest(
        results=results, places=places, by=whoami(chosen.by), device=chosen.device, jobs=chosen.jobs
    )
    rates = Rates(workers[0])
    rates.learn(todo.done, todo.records)
    rates.borrow(published_records())
    steps = by_cost(found, rates, workers) if chosen.cheap else [found.plan.jobs]
    spared = measure(found, make_executor("local", request), places, retry=chosen.retry, steps=steps)
    print(comparison_text(found))
    todo, skipped = found.todo(), {job.cell.key for job in spared}
    missing = [job for job in todo.missing if job.cell.key not in skipped]
    for job in todo.failed:
        print(f"failed: {job.cell.label}; --retry failed reruns it", file=sys.stderr)
    warn_missing(missing)
    if spared:
        print(f"skipped {several(len(spared), 'cell')} that cannot change the rank", file=sys.stderr)
    return 1 if todo.failed or missing else 0


def _without_rivals(chosen: argparse.Namespace, found: "Comparison") -> str:
    """Say that there will be no rank, and how to measure the best-known methods on the same images."""
    given = {"protocol": chosen.protocol, "datasets": chosen.dataset and [chosen.dataset]}
    values = {"methods": ["clean", "em-fu22", "rem", "sem"]} | {key: value for key, value in given.items() if value}
    changes = [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    words = ["--suite", chosen.suite]
    words += [word for change in (*changes, *chosen.changes) for word in ("--set", change)]
    words += ["--results", str(found.results), *folder_words(chosen)]
    return (
        f"note: the records have no other method on {found.noise.cell.dataset} at {found.plan.protocol.name}, so there "
        f"will be no rank; to measure others too: python -m bench run {shlex.join(words)}"
    )
