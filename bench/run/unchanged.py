"""Check that what a job reads is still what was planned, possibly days before it starts."""

from attacks.core.errors import RequestError
from attacks.methods import method
from bench.config.cells import ABSENT, identity_of, weights_of_surrogate
from bench.config.models import NoiseCell
from bench.data.dataset import Entry, Places
from bench.run.job import Job
from victims.networks.names import parse_victim


def check_images(found: Entry, places: Places, planned: str) -> None:
    """Check that the images of a dataset are still those that were planned.

    Args:
        found: the dataset.
        places: where it is.
        planned: the identity of the planned images.

    Raises:
        RequestError: if they are not.
    """
    if found.identity(places) != planned:
        raise _changed(f"the images of {found.name}", planned)


def check_as_planned(job: Job) -> None:
    """Check that a noise's method, and the weights that a noise or victim starts from, are still those planned.

    Raises:
        RequestError: if one of their files has changed since.
    """
    planned = job.cell.inputs
    if isinstance(job.cell, NoiseCell):
        known = method(job.method)
        if known.identity != planned["method"]:
            raise RequestError(f"{job.method} changed while it was in use; rerun")
        if known.recipe.pretrained and identity_of(weights_of_surrogate(known, job.setup)) != planned["noise_weights"]:
            raise _changed(f"the weights that {job.method} starts from", planned["noise_weights"])
        return
    weights = parse_victim(str(job.network)).weights  # none for those that this benchmark trains
    if weights and weights.identity != planned["weights"]:
        raise _changed(f"the weights that {job.network} starts from", planned["weights"])


def _changed(what: str, planned: str) -> RequestError:
    """Build the error for images or weights that are no longer those that were planned."""
    return RequestError(
        f"{what} {'were fetched only now' if planned == ABSENT else 'changed while they were in use'}; rerun"
    )
