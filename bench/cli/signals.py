"""Signals that end a command."""

import signal
from types import FrameType


def install_signal_handlers() -> None:
    """Have SIGTERM and Ctrl-C raise KeyboardInterrupt, so that running work is kept."""
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts us with & sets it to be ignored


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """Treat SIGTERM as Ctrl-C."""
    raise KeyboardInterrupt
