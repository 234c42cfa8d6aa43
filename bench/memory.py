"""Whether something fits in this machine's memory."""

import os

from attacks.core.errors import RequestError


def check_memory(needed: int, what: str, fix: str) -> None:
    """Refuse what cannot be held, rather than be ended by the system.

    Args:
        needed: bytes.
        what: what takes them.
        fix: what to do instead.

    Raises:
        RequestError: where the machine has less.
    """
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        raise RequestError(f"{what} would need {needed / 1e9:.1f} GB; this machine has {there / 1e9:.1f} GB: {fix}")
