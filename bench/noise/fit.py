"""Whether the noise files that a plan names fit its images."""

from collections.abc import Iterable

from attacks.core.errors import RequestError
from attacks.methods import method
from bench.data.dataset import Dataset
from bench.run.plan import Job


def check_given(jobs: Iterable[Job], dataset: Dataset) -> None:
    """Read the noise files that jobs on a dataset name.

    Raises:
        RequestError: where one is damaged or for other images, or where two of different noise have one name.
    """
    specs = {job.method: job.cell.method for job in jobs}
    versions: dict[str, tuple[str, int | str]] = {}
    for spec, name in specs.items():
        known = method(spec)
        other, version = versions.setdefault(name, (spec, known.version))
        if version != known.version:
            raise RequestError(f"{other} and {spec} have one name, {name!r}; import one of them under another")
        known.recipe.check(dataset.digest, dataset.train.images.shape)
