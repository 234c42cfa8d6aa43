"""The command line: one file per subcommand, argument parsing only."""

import argparse
import contextlib
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from attacks.core.errors import RequestError, escaped, unknown
from bench import __version__
from bench.cli import (
    cite,
    compare,
    leaderboard,
    listing,
    noise,
    plan,
    plot,
    profile,
    protect,
    publish,
    release,
    run,
    status,
    upgrade,
    validate,
)
from bench.cli.output import discard, replace_unknown
from bench.run.devices import PACKAGES, missing_extra

COMMANDS = (
    run,
    plan,
    status,
    compare,
    leaderboard,
    plot,
    validate,
    publish,
    release,
    upgrade,
    noise,
    protect,
    profile,
    listing,
    cite,
)
COMMAND = "unlearnable-bench"  # the name of the installed command
CUT_OFF = 141  # as of programs that end by SIGPIPE
NO_HOME = "cannot find your home folder; set HOME, or give --cache DIR and absolute paths"


class _Parser(argparse.ArgumentParser):
    """A parser that raises `RequestError` with one line, like all our errors; its subparsers are of the same class.

    It takes no abbreviations: an option that is added later would change their meaning.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise RequestError(f"{message}; see {self.prog} --help")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse a value that is not among an argument's choices, and name the nearest one."""
        if action.choices is not None and value not in action.choices:
            what = (action.option_strings or [action.dest])[0]
            self.error(str(unknown(what, str(value), map(str, action.choices))))

    def check_order(self, words: Sequence[str]) -> None:
        """Refuse an option of a subcommand that comes before it.

        Raises:
            RequestError: if there is one.
        """
        first, *others = words or [""]
        for action in self._actions:
            if not isinstance(action.choices, dict):
                continue
            if first.startswith("-") and first != "--" and first.partition("=")[0] not in self._option_string_actions:
                what = action.dest  # `command` or `action`
                self.error(f"options come after the {what}, as in {self.prog} {what.upper()} {first}")
            if first in action.choices:
                below: _Parser = action.choices[first]
                below.check_order(others)

    def refuse(self, chosen: argparse.Namespace, left: str) -> NoReturn:
        """Refuse an unrecognised argument, in the name of the chosen subcommand."""
        for action in self._actions:
            if isinstance(action.choices, dict):  # subcommands with their parsers
                below: _Parser = action.choices[getattr(chosen, action.dest)]
                below.refuse(chosen, left)
        if not left.startswith("-"):
            self.error(f"{self.prog} does not take {left!r}")
        options = [option for action in self._actions for option in action.option_strings if option.startswith("--")]
        self.error(str(unknown("option", left.partition("=")[0], options)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0: done. 1: some cells of a run failed or are missing after it, or its results cannot be shown; or a check found
    problems, or committed files differ. 2: the request was wrong, or cannot be fulfilled here. 130: interrupted. 141:
    whoever read the output stopped before its end.
    """
    replace_unknown()
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        status = _carry_out(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has gone, e.g. `| head`
        return CUT_OFF
    except Exception as error:
        if (reason := _reason(error)) is None:
            raise
        with contextlib.suppress(OSError):
            print(f"error: {escaped(reason)}", file=sys.stderr)
        return 2
    finally:
        discard()
    return status


def parser() -> _Parser:
    """Return the parser of the whole command line, which raises `RequestError` for wrong arguments."""
    name = Path(sys.argv[0]).name
    prog = name if name == COMMAND else "python -m bench"
    whole = _Parser(prog=prog, description="A benchmark of unlearnable examples.")
    whole.add_argument("--version", action="version", version=f"{COMMAND} {__version__}")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return whole


def _carry_out(arguments: Sequence[str] | None) -> int:
    whole, words = parser(), sys.argv[1:] if arguments is None else list(arguments)
    whole.check_order(words)
    chosen, left = whole.parse_known_args(words)
    if left:
        whole.refuse(chosen, left[0])
    try:
        Path.cwd()
    except OSError as error:
        raise RequestError("the working folder no longer exists; change to another one") from error
    status: int = chosen.act(chosen)
    return status


def _reason(error: Exception) -> str | None:
    """Return in one line why a request cannot be fulfilled; None for a bug in this program."""
    if isinstance(error, RequestError):
        return str(error)
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in PACKAGES:
        return str(missing_extra())
    if isinstance(error, OSError):  # a full disk, a limit, a folder that is gone: anything not handled where it arose
        return f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
    if isinstance(error, RuntimeError) and "home directory" in str(error):
        return NO_HOME
    return None
