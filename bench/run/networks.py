"""See that the networks of a plan exist and take its images."""

from collections.abc import Iterable

from bench.run.plan import Job


def check_networks(jobs: Iterable[Job]) -> None:
    """Try each network that jobs need, at the size of their images.

    Raises:
        RequestError: for one that does not exist, or does not take that size.
    """
    from victims.network import check

    for network, side in sorted({(job.network, job.shape[1]) for job in jobs if job.network}):
        check(network, size=side)
