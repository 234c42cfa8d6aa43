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
        "profile", help="measure a network and a method against this machine's own limit", allow_abbrev=False
    )
    parser.add_argument("--victim", default="resnet18", metavar="NAME", help="the network (default: resnet18)")
    parser.add_argument("--method", default="sem-liu24", metavar="NAME", help="whose step (default: sem-liu24)")
    parser.add_argument("--protocol", default="paper-v1", metavar="NAME|FILE.toml", help="default: paper-v1")
    parser.add_argument("--dataset", default="cifar10", metavar="NAME", help="whose numbers (default: cifar10)")
    parser.add_argument("--size", type=int, metavar="N", help="side of the images (default: the dataset's)")
    parser.add_argument("--device", default="auto", metavar="auto|cpu|cuda:N", help="where to compute")
    parser.add_argument("--threads", type=int, metavar="N", help="on a CPU (default: those of one worker of `run`)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="also write CSV, JSON and a roofline plot there")
    add_places(parser)
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Measure, print, and keep the rate for plans."""
    from bench.profile.subject import subject
    from bench.run.devices import workplaces

    if chosen.threads is not None and chosen.threads < 1:
        raise RequestError(f"--threads takes a whole number from 1, not {chosen.threads}")
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
