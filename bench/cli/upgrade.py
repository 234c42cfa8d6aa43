"""`upgrade`: rewrite records of an older version in the current format."""

import argparse
import sys
from typing import Any

from bench.cli.options import add_results


def add(commands: Any) -> None:
    """Add the subcommand."""
    what = "rewrite records of an older version in the current format"
    parser = commands.add_parser("upgrade", help=what)
    add_results(parser)
    parser.add_argument(
        "--protocol",
        action="append",
        default=[],
        metavar="FILE.toml",
        help="your own protocol, if the records use one; repeatable",
    )
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Rewrite the records and print how many were upgraded."""
    from attacks.core.errors import several
    from bench.config.load import load_protocol
    from bench.records.rewrite import rewrite

    done, left = rewrite(chosen.results, tuple(load_protocol(name) for name in chosen.protocol))
    print(f"{several(done, 'record')} upgraded", file=sys.stderr)
    if left:
        print(
            f"{several(left, 'older record')} left unchanged: for a reason above, or because the protocol, method or "
            "noise is unknown here (name your own protocol with --protocol FILE.toml and install the package of the "
            "method), or as the noise of a victim left unchanged",
            file=sys.stderr,
        )
    return 0
