"""See that the networks of a plan exist and take its images."""

from collections.abc import Iterable

from bench.run.plan import Job


def check_names(jobs: Iterable[Job]) -> None:
    """See that each network that jobs need exists; none is built, so that this is quick.

    Raises:
        RequestError: for one that does not exist, with the nearest that does, or a width that its family does not take.
    """
    from victims.networks.names import find

    for network in sorted({job.network for job in jobs if job.network}):
        find(network)


def check_networks(jobs: Iterable[Job]) -> None:
    """Try each network that jobs need, at the size of their images.

    Raises:
        RequestError: for one that does not exist, or does not take that size.
    """
    from victims.networks.build import check

    for network, side, stem in sorted({(job.network, job.shape[1], job.setup.stem) for job in jobs if job.network}):
        check(network, size=side, stem=stem)
