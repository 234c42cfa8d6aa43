"""`profile`: throughput relative to this machine's peak, or the time of a grid's cells by phase."""

import argparse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attacks.core.errors import RequestError
from bench.cli.options import add_changes, add_device, add_places, name_of, path_of, places_of

if TYPE_CHECKING:
    from bench.run.workplace import Workplace

# The options of a profile without a grid: default, metavar and help.
_SUBJECT = {
    "victim": ("resnet18", "NAME", "network to measure"),
    "method": ("sem-liu24", "NAME", "method whose step is timed"),
    "protocol": ("paper-v1", "NAME|FILE.toml", "protocol"),
    "dataset": ("cifar10", "NAME", "dataset whose image size and classes are used"),
}


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("profile", help="measure throughput relative to this machine's peak")
    parser.add_argument(
        "--grid",
        type=name_of,
        metavar="NAME|FILE.toml",
        help="show where the time of this grid's cells goes, phase by phase, instead of profiling one network",
    )
    add_changes(parser, "with --grid: override a grid key (datasets=[...]) or a protocol number")
    for name, (usual, metavar, what) in _SUBJECT.items():
        parser.add_argument(f"--{name}", type=name_of, metavar=metavar, help=f"{what} (default: {usual})")
    parser.add_argument("--size", type=int, metavar="N", help="side of the images in pixels (default: the dataset's)")
    add_device(parser)
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: those of one worker of `run`)")
    parser.add_argument(
        "--out", type=path_of, metavar="DIR", help="also write CSV, JSON and a roofline plot to this folder"
    )
    add_places(parser)
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Measure and print the results; without a grid, also store the rate for `plan`."""
    from bench.run.devices import check_parallel, workplaces

    check_parallel("--threads", chosen.threads)
    _check_together(chosen)
    place, *_ = workplaces(chosen.device, None, results=Path(), places=places_of(chosen), by="")
    place = replace(place, threads=chosen.threads or place.threads)
    for line in _lines(chosen, place):
        print(line)
    return 0


def _check_together(chosen: argparse.Namespace) -> None:
    """Refuse options that have no effect in combination."""
    if chosen.grid is None and chosen.changes:
        raise RequestError("--set changes a grid; give --grid too")
    given = [name for name in (*_SUBJECT, "size", "out") if getattr(chosen, name) is not None]
    if chosen.grid is not None and given:
        raise RequestError(f"--grid cannot be combined with --{given[0]}; drop one of them")


def _lines(chosen: argparse.Namespace, place: "Workplace") -> Iterable[str]:
    if chosen.grid is not None:
        from bench.config.load import load_grid
        from bench.profile.session import run_grid_profile

        grid = load_grid(chosen.grid, chosen.changes)
        return [run_grid_profile(*grid, place)]
    from bench.profile.subject import subject

    named = {name: getattr(chosen, name) or usual for name, (usual, _, _) in _SUBJECT.items()}
    wanted = subject(
        named["victim"],
        named["method"],
        protocol=named["protocol"],
        dataset=named["dataset"],
        size=chosen.size,
        places=place.places,
    )
    from bench.profile.session import run_profile

    return run_profile(wanted, place, chosen.out)
