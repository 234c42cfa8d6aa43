"""Slurm's own commands."""

import re
import subprocess

from attacks.core.errors import RequestError

SECONDS_AT_MOST = 120.0  # a busy controller answers late


def call(*words: str) -> str:
    """Run a command and return what it prints.

    Raises:
        RequestError: if it fails, with its own reason, or if it is not there.
    """
    try:
        done = subprocess.run(
            words, capture_output=True, encoding="utf-8", errors="replace", check=True, timeout=SECONDS_AT_MOST
        )
    except subprocess.CalledProcessError as error:
        raise refused(error.stderr) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RequestError(f"cannot run {words[0]}: {error}") from error
    return done.stdout


def refused(said: str) -> RequestError:
    """Return the error for a request that Slurm refused, from what it printed."""
    lines = [re.sub(r"^\w+: (error: )?", "", line).strip() for line in said.splitlines()]
    return RequestError(f"Slurm says: {'; '.join(filter(None, lines))}")


def most_tasks() -> int:
    """Return how many tasks an array may have on this cluster."""
    found = re.search(r"^MaxArraySize\s*=\s*(\d+)", call("scontrol", "show", "config"), re.MULTILINE)
    return max(1, int(found[1])) if found else 1
