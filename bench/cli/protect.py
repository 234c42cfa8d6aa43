"""`protect`: add noise to a folder of images."""

import argparse
import sys
from typing import Any

from attacks.core.errors import RequestError
from bench.cli.options import add_cache, add_changes, add_device, cache_of, install_signal_handlers, path_of
from bench.data.dataset import Places
from bench.data.decode import MOST_PIXELS
from bench.protect.fits import FITS

METHOD = "sem-liu24"  # recommended by the committed tables, as a test checks
PROTOCOL = "lite-v1"
SIZE = 32


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser("protect", help="protect a folder of images; writes PNG files")
    parser.add_argument(
        "images", type=path_of, metavar="IMAGES", help="one folder per class, or any layout with --labels"
    )
    parser.add_argument("out", type=path_of, metavar="OUT", help="output folder; must not exist or must be empty")
    parser.add_argument(
        "--labels", type=path_of, metavar="FILE.csv", help="labels of the images, with columns file,label"
    )
    parser.add_argument(
        "--method",
        default=METHOD,
        metavar="NAME",
        help=f"noise method within the bound (default: {METHOD}, which so far leaves the lowest accuracy against "
        "adversarial training at radius 4; `list methods` shows what each costs)",
    )
    parser.add_argument(
        "--protocol", default=PROTOCOL, metavar="NAME|FILE.toml", help=f"protocol (default: {PROTOCOL})"
    )
    parser.add_argument(
        "--fit",
        choices=list(FITS),
        default="tile",
        help="tile: native-resolution tiles (default); resize: each image resized",
    )
    parser.add_argument(
        "--size",
        type=int,
        default=SIZE,
        metavar="N",
        help=f"side of a tile or resized image in pixels (default: {SIZE})",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="random seed (default: 0)")
    parser.add_argument(
        "--max-pixels",
        type=int,
        default=MOST_PIXELS,
        metavar="N",
        help=f"largest image to read, a guard against decompression bombs; raise it for scans (default: {MOST_PIXELS})",
    )
    add_changes(parser, "override a protocol number (setup.noise.steps=500)")
    parser.add_argument(
        "--results",
        type=path_of,
        metavar="DIR",
        help="records used to estimate protection (default: results, or this checkout's)",
    )
    add_device(parser)
    add_cache(parser)
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Protect the folder and print a report."""
    from bench.config.load import load_protocol
    from bench.protect.protect import protect
    from bench.protect.report import expected_protection, report
    from bench.protect.request import ProtectRequest
    from bench.run.devices import workplaces
    from bench.run.rates import published_folder

    install_signal_handlers()
    if chosen.results and not chosen.results.is_dir():
        raise RequestError(f"--results {chosen.results} is not a folder; check the path")
    request = ProtectRequest(
        images=chosen.images,
        out=chosen.out,
        labels=chosen.labels,
        method=chosen.method,
        protocol=load_protocol(chosen.protocol, chosen.changes),
        fit=chosen.fit,
        size=chosen.size,
        seed=chosen.seed,
        most_pixels=chosen.max_pixels,
    )
    cache = cache_of(chosen)
    places = Places(data=cache / "data", cache=cache)  # no dataset is read
    (workplace,) = workplaces(chosen.device, 1, results=chosen.out, places=places, by="")
    expected = expected_protection(request, chosen.results or published_folder())  # if it fails, then before the work
    try:
        done = protect(request, workplace)
    except KeyboardInterrupt:
        print(
            "interrupted: nothing was written; repeat the command to resume from the last state saved (at most one a "
            "minute)",
            file=sys.stderr,
        )
        raise
    print(report(done, request, expected))
    return 0
