"""The command line: one file per subcommand, argument parsing only."""

import argparse
import io
import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from attacks.core.errors import RequestError, shown
from bench.cli import leaderboard, listing, noise, plan, plot, profile, protect, publish, run, status, upgrade, validate
from bench.run.devices import PACKAGES, missing_extra

COMMANDS = (run, plan, status, leaderboard, plot, validate, publish, upgrade, noise, protect, profile, listing)
COMMAND = "unlearnable-bench"  # as it is installed


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, like all others; its subparsers are of its kind."""

    def error(self, message: str) -> NoReturn:
        raise RequestError(f"{message}; see {self.prog} --help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0: done. 1: some cells failed, or committed files differ. 2: the request was wrong. 130: interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that is not valid text must not stop a report
    name = os.path.basename(sys.argv[0])  # noqa: PTH119
    parser = _Parser(
        prog=name if name == COMMAND else "python -m bench",
        description="A benchmark of unlearnable examples.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        chosen = parser.parse_args(arguments)
        status: int = chosen.act(chosen)
        sys.stdout.flush()
    except RequestError as error:
        return _refuse(error)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in PACKAGES:
            raise
        return _refuse(missing_extra())
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has gone, e.g. `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _refuse(error: RequestError) -> int:
    """Say in one line what was wrong with the request, and return the exit status of that."""
    print(f"error: {shown(str(error))}", file=sys.stderr)
    return 2
