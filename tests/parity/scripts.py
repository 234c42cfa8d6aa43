"""Runs an authors' script that does everything on import, up to the point that a comparison needs."""

import importlib.util
from types import ModuleType
from typing import Any


class EndError(BaseException):
    """Ends a script; its own `except Exception` does not catch it."""


def end(*_: Any, **__: Any) -> None:
    """Replace the first function that a script calls after it has computed what is wanted."""
    raise EndError


def run(name: str) -> ModuleType:
    """Run a script until it calls `end`; return the module with its results.

    Raises:
        RuntimeError: if the script does not call `end`.
    """
    specification = importlib.util.find_spec(name)
    assert specification
    assert specification.loader
    script = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(script)
    except EndError:
        return script
    raise RuntimeError(f"{name} ran to its end")
