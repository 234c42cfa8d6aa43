"""Running an authors' script that does everything when it is imported, up to where a comparison needs it."""

import importlib.util
from types import ModuleType
from typing import Any


class EndError(BaseException):
    """Ends a script; no `except Exception` of its own catches it."""


def end(*_: Any, **__: Any) -> None:
    """Take the place of the first function that is called after what is wanted."""
    raise EndError


def run(name: str) -> ModuleType:
    """Run a script until it calls `end`; return the module with what it has computed.

    Raises:
        RuntimeError: where it does not call it.
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
