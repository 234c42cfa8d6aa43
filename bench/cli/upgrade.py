"""`upgrade`: rewrite the records of an older version of this project."""

import argparse
import sys
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Add the subcommand."""
    what = "rewrite records of an older version (they are read as they are, too)"
    parser = commands.add_parser("upgrade", help=what, allow_abbrev=False)
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="default: results")
    parser.add_argument(
        "--protocol", action="append", default=[], metavar="FILE.toml", help="a protocol of your own in the records"
    )
    parser.set_defaults(act=act)


def act(chosen: argparse.Namespace) -> int:
    """Rewrite them and count them."""
    from bench.config.load import load_protocol
    from bench.records.rewrite import rewrite

    done, left = rewrite(chosen.results, tuple(load_protocol(name) for name in chosen.protocol))
    print(f"{done} records upgraded", file=sys.stderr)
    if left:
        print(
            f"{left} older ones stay as they are, since their protocol, method or noise is not known here; they are "
            "shown as before. For a protocol of your own give --protocol FILE.toml, and install the method's package",
            file=sys.stderr,
        )
    return 0
