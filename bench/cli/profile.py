"""`profile`: image-passes per second against this machine's own limit."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from attacks.core.errors import RequestError
from bench.cli.options import add_places, places_of


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "profile", help="measure throughput relative to this machine's peak", allow_abbrev=False
    )
    parser.add_argument("--victim", default="resnet18", metavar="NAME", help="network to measure (default: resnet18)")
    parser.add_argument(
        "--method", default="sem-liu24", metavar="NAME", help="method whose step is timed (default: sem-liu24)"
    )
    parser.add_argument("--protocol", default="paper-v1", metavar="NAME|FILE.toml", help="protocol (default: paper-v1)")
    parser.add_argument(
        "--dataset",
        default="cifar10",
        metavar="NAME",
        help="dataset whose image size and classes are used (default: cifar10)",
    )
    parser.add_argument("--size", type=int, metavar="N", help="side of the images in pixels (default: the dataset's)")
    parser.add_argument("--device", default="auto", metavar="auto|cpu|cuda:N", help="device to measure (default: auto)")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: those of one worker of `run`)")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="also write CSV, JSON and a roofline plot to this folder"
    )
    add_places(parser)
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Measure, print, and store the rate for `plan`."""
    from bench.profile.subject import subject
    from bench.run.devices import workplaces

    if chosen.threads is not None and chosen.threads < 1:
        raise RequestError(f"--threads takes a whole number of at least 1, not {chosen.threads}")
    places = places_of(chosen)
    place, *_ = workplaces(chosen.device, None, results=Path(), places=places, by="")
    wanted = subject(
        chosen.victim,
        chosen.method,
        protocol=chosen.protocol,
        dataset=chosen.dataset,
        size=chosen.size,
        places=places,
    )
    from bench.profile.session import run_profile

    for line in run_profile(wanted, replace(place, threads=chosen.threads or place.threads), chosen.out):
        print(line)
    return 0
