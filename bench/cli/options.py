"""Options shared by several commands."""

import argparse
import os
import signal
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from platformdirs import user_cache_path

from attacks.core.errors import RequestError
from bench.config.load import load_grid, parsed_change
from bench.config.suite import grids_of
from bench.data.dataset import Places
from bench.run.plan import Plan, join_plans, make_plan
from bench.run.selection import Retry, Selection, shard_of

if TYPE_CHECKING:
    from bench.compare.decide import Settling
    from bench.run.workplace import Workplace

CACHE = "UNLEARNABLE_BENCH_CACHE"


def path_of(text: str) -> Path:
    """Return the path in an argument; a leading ~ is the home folder, also after `=`, where shells leave it alone.

    Raises:
        ArgumentTypeError: if it is empty.
    """
    if not text:  # as from an unset variable; it would be the working folder
        raise argparse.ArgumentTypeError("the path is empty; give one or leave the option out")
    return Path(text).expanduser() if text == "~" or text.startswith("~/") else Path(text)


def name_of(text: str) -> str:
    """Return the name in an argument.

    Raises:
        ArgumentTypeError: if it is empty.
    """
    if not text:  # as from an unset variable; it would be the default
        raise argparse.ArgumentTypeError("the name is empty; give one or leave the option out")
    return text


class _Changes(argparse.Action):
    """Collect the values of `--set`; refuse a wrong one at once, before any words that the shell has split off it."""

    def __call__(  # as argparse calls it
        self,
        parser: object,  # noqa: ARG002
        namespace: argparse.Namespace,
        values: Any,
        option_string: object = None,  # noqa: ARG002
    ) -> None:
        parsed_change(values)
        setattr(namespace, self.dest, [*getattr(namespace, self.dest), values])


def add_results(parser: argparse.ArgumentParser, what: str = "folder of records") -> None:
    """Add `--results` for a folder that exists, with a help text that says what it is."""
    parser.add_argument(
        "--results", type=path_of, default=Path("results"), metavar="DIR", help=f"{what} (default: results)"
    )


def check_recorded(results: Path) -> None:
    """Refuse a folder of something else.

    Raises:
        RequestError: if there is no such folder, or it has records neither of victims nor of noises.
    """
    from bench.records.store import records_folder

    records_folder(results)
    if not any((results / name).is_dir() for name in ("records", "noise")):
        raise RequestError(f"{results} has no records; give a folder in which `run` has finished a cell")


def add_grid(parser: argparse.ArgumentParser) -> None:
    """Add the options that name a grid and its folders."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--grid",
        type=name_of,
        metavar="NAME|FILE.toml",
        help="grid to run: a built-in name or a TOML file (default: smoke)",
    )
    what.add_argument(
        "--suite",
        type=name_of,
        metavar="NAME|FILE.toml",
        help="suite of trainers to run instead: a built-in name or a TOML file",
    )
    add_changes(parser, "override a grid key (seeds=[0,1]) or a protocol number (setup.noise.steps=20)")
    parser.add_argument(
        "--results", type=path_of, metavar="DIR", help="folder of records (default: runs/<grid or suite>)"
    )
    parser.add_argument("--only", metavar="REGEX", help="only cells whose name matches this regular expression")
    parser.add_argument("--shard", metavar="I/N", help="only part I of N; each noise stays with its victims")
    add_places(parser)


def add_changes(parser: argparse.ArgumentParser, what: str) -> None:
    """Add `--set`, with a help text that says what it changes."""
    more = f"{what}; repeatable"
    parser.add_argument("--set", dest="changes", action=_Changes, default=[], metavar="KEY=VALUE", help=more)


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add `--device`."""
    parser.add_argument(
        "--device", default="auto", metavar="auto|cpu|cuda:N", help="device to compute on (default: auto)"
    )


def add_format(parser: argparse.ArgumentParser, what: str, width: str) -> None:
    """Add the options for the venue and width of figures or tables."""
    parser.add_argument(
        "--style",
        default="default",
        metavar="NAME",
        help=f"{what} for a venue: iclr, neurips, cvpr, icml, aaai or default",
    )
    parser.add_argument(
        "--width",
        default=width,
        metavar="column|full",
        help=f"one column or the full text width; the same for iclr and neurips (default: {width})",
    )


def add_decide(parser: argparse.ArgumentParser) -> None:
    """Add `--decide`, which leaves out cells that would settle nothing."""
    parser.add_argument(
        "--decide",
        action="store_true",
        help="only cells that could settle a tied rank or an undecided claim, judging by this folder's and the "
        "published records; cheapest first",
    )


def add_workers(parser: argparse.ArgumentParser) -> None:
    """Add `--device` and `--jobs`."""
    add_device(parser)
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="cells run in parallel (default: one per GPU, or one per core, at most 8)"
    )


def add_places(parser: argparse.ArgumentParser) -> None:
    """Add the options for the cache and data folders."""
    add_cache(parser)
    parser.add_argument("--data", type=path_of, metavar="DIR", help="folder with datasets (default: <cache>/data)")


def add_cache(parser: argparse.ArgumentParser) -> None:
    """Add `--cache`."""
    parser.add_argument(
        "--cache",
        type=path_of,
        metavar="DIR",
        help="cache of noise, decoded images and read records (default: user cache)",
    )


def places_of(chosen: argparse.Namespace) -> Places:
    """Return the folders that the arguments name."""
    cache = cache_of(chosen)
    return Places(data=chosen.data or cache / "data", cache=cache)


def folder_words(chosen: argparse.Namespace) -> list[str]:
    """Return the cache and data folders as the user gave them, as arguments for another command."""
    given = {"--cache": chosen.cache, "--data": chosen.data}
    return [word for option, folder in given.items() if folder for word in (option, str(folder))]


def cache_of(chosen: argparse.Namespace) -> Path:
    """Return the cache folder that the arguments name."""
    return chosen.cache or path_of(os.environ.get(CACHE) or str(user_cache_path("unlearnable-bench")))


def selection_of(chosen: argparse.Namespace, retry: Retry | None = None) -> Selection:
    """Return the selection of cells that the arguments name."""
    shard = shard_of(chosen.shard) if chosen.shard is not None else None
    return Selection(only=chosen.only, shard=shard, retry=retry)


def plan_of(chosen: argparse.Namespace) -> tuple[Plan, Path]:
    """Return the plan that the arguments name, and the folder of its records."""
    if chosen.suite is None:
        grid, protocol = load_grid("smoke" if chosen.grid is None else chosen.grid, chosen.changes)
        plan = make_plan(grid, protocol, places_of(chosen))
    else:
        plan = join_plans(*grids_of(chosen.suite, chosen.changes), places_of(chosen))
    return plan, results_of(chosen.results, plan.name)


def settlings_of(
    chosen: argparse.Namespace, plan: Plan, workplaces: "Sequence[Workplace]"
) -> "Callable[[Collection[str]], list[Settling]]":
    """Return a function that finds the steps, among the selected cells, that could settle an open comparison.

    Its argument is the keys of noises that could not be regenerated.
    """
    from bench.compare.decide import settlings
    from bench.compare.evidence import Evidence
    from bench.records.store import Store
    from bench.report.claims import load_claims
    from bench.run.rates import Rates, published_folder, published_records
    from bench.run.todo import partition

    known, results = published_folder(), workplaces[0].results
    rates = Rates(workplaces[0])
    rates.borrow(published_records())
    chosen_jobs = {job.cell.key for job in selection_of(chosen).of(plan.jobs)}
    noises = {job.noise.key for job in plan.jobs if job.cell.key in chosen_jobs}
    part = replace(plan, jobs=tuple(job for job in plan.jobs if job.cell.key in chosen_jobs | noises))
    claims = load_claims(known) if known else None

    def find(broken: Collection[str]) -> "list[Settling]":
        todo = partition(part.jobs, Store(results, (part.protocol,)))
        rates.learn(todo.done, todo.records)
        return settlings(part, Evidence(known, results), claims, rates, workplaces, broken=broken)

    return find


def results_of(given: Path | None, name: str) -> Path:
    """Return the folder of records: the one given, or else `runs/<name>`.

    Raises:
        RequestError: if it is a file.
    """
    results = given or Path("runs") / name
    if results.exists() and not results.is_dir():
        raise RequestError(f"--results {results} is a file; name a folder")
    return results


def install_signal_handlers() -> None:
    """Make SIGTERM and Ctrl-C raise KeyboardInterrupt, so that running work is saved."""
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts us with & has it ignored


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Treat SIGTERM as Ctrl-C."""
    raise KeyboardInterrupt
