"""`python -m bench`, and the command `unlearnable-bench`.

Corrects what a shell, notebook, scheduler, container or service has set or left unset, before any third-party import.
Python 3.8 can read this file, so that it can say which Python is needed.
"""

import os
import sys
import warnings
from pathlib import Path


def start() -> int:
    """Run one command and return its exit status."""
    if sys.version_info < (3, 11):  # noqa: UP036 - as where the environment of the benchmark is not active
        found = "{}.{}".format(*sys.version_info)
        return _refuse(
            f"needs Python 3.11 or newer, not {found}; "
            "activate the environment of the benchmark (source .venv/bin/activate)"
        )
    _open_closed_streams()
    if _is_module() and not sys.flags.safe_path and sys.path[0] != str(Path(__file__).parents[1]):
        sys.path.append(sys.path.pop(0))  # the working folder: `-m` puts it before installed packages
    if any(option.startswith("error") for option in sys.warnoptions):
        _keep_warnings_harmless()
    os.environ["MPLBACKEND"] = "agg"  # figures go to files; a notebook names a backend that may not be installed here
    try:
        from bench.cli import main
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] in {"attacks", "bench", "victims"}:
            raise
        fix = f"activate the environment, or run: {sys.executable} -m pip install -e '{Path(__file__).parents[1]}[run]'"
        return _refuse(f"{error.name} is not installed for {sys.executable}; {fix}")
    return main()


def _refuse(why: str) -> int:
    print(f"error: {why}", file=sys.stderr)
    return 2


def _is_module() -> bool:
    return sys.modules["__main__"].__spec__ is not None


def _open_closed_streams() -> None:
    """Redirect closed streams to the null device: the next file opened would get their number, and our output."""
    for number, (name, mode) in enumerate({"stdin": "r", "stdout": "w", "stderr": "w"}.items()):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def _keep_warnings_harmless() -> None:
    """Stop treating warnings as errors, here and in workers: those of other packages must not end a run."""
    sys.warnoptions.clear()
    os.environ.pop("PYTHONWARNINGS", None)
    warnings.resetwarnings()
    for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", category)  # as Python itself does


if __name__ == "__main__":
    sys.exit(start())
