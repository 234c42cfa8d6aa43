"""Slurm's own commands."""

import re
import subprocess

from attacks.core.errors import RequestError

SECONDS_AT_MOST = 120.0  # a controller that is busy answers late


def call(*words: str) -> str:
    """Run a command and return what it prints.

    Raises:
        RequestError: with the command's own reason where it fails, or is not there.
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
    """Build the error of a request that Slurm did not take, from what it said about that."""
    lines = [re.sub(r"^\w+: (error: )?", "", line).strip() for line in said.splitlines()]
    return RequestError(f"Slurm says: {'; '.join(filter(None, lines))}")


def most_tasks() -> int:
    """Return how many tasks one array may have on this cluster."""
    found = re.search(r"^MaxArraySize\s*=\s*(\d+)", call("scontrol", "show", "config"), re.MULTILINE)
    return max(1, int(found[1])) if found else 1
