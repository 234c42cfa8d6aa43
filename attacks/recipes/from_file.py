"""`noise:PATH`: existing noise, read from a noise file under the name stored there."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import ClassVar

from attacks.core.errors import RequestError
from attacks.engine.noise import Noise, Provenance, load_noise, read_head
from attacks.spec import Method, Recipe
from attacks.task import NoiseResult, Task

PREFIX = "noise:"


@dataclass(frozen=True, kw_only=True)
class NoiseFromFile(Recipe):
    """The recipe that reads its noise from a file."""

    ready_made: ClassVar[bool] = True

    path: Path

    def make(self, task: Task) -> NoiseResult:
        """Read the noise; its cost is unknown."""
        import torch

        noise = self.load(task.dataset, tuple(task.images.shape))
        task.report(1, 1)
        return NoiseResult(noise=torch.from_numpy(noise), passes=None)

    def check(self, dataset: str | None, shape: tuple[int, ...]) -> None:
        """Check that the noise is intact and for these images, or, if they are not read yet, that its shape fits."""
        if dataset is None:
            head = read_head(self.path)
            self._check_shape(head.shape, shape, head.provenance)
        else:
            self.load(dataset, shape)

    def load(self, dataset: str, shape: tuple[int, ...]) -> Noise:
        """Read the noise for the training images of a dataset.

        Args:
            dataset: the dataset's digest.
            shape: (N, C, H, W) of its training images.

        Raises:
            RequestError: if the file cannot be used, or is for other images.
        """
        noise, head = load_noise(self.path)
        provenance = head.provenance
        self._check_shape(head.shape, shape, provenance)
        if provenance.dataset_digest != dataset:
            raise RequestError(
                f"{self.path} is for other images, or the same in another order ({provenance.dataset}, digest "
                f"{provenance.dataset_digest[:12]}, not {dataset[:12]}); choose the dataset it was made for"
            )
        return noise

    def _check_shape(self, found: tuple[int, ...], wanted: tuple[int, ...], provenance: Provenance) -> None:
        if found != wanted:
            raise RequestError(
                f"{self.path} has shape {found}, the training images have {wanted}; "
                f"choose its dataset ({provenance.dataset}) or another noise file"
            )


def method_from_file(spec: str, taken: Collection[str]) -> Method:
    """Return the method whose noise is in the file named by `noise:PATH`; only the file's head is read.

    Args:
        spec: `noise:PATH`.
        taken: names and aliases of the other methods.

    Raises:
        RequestError: if there is no noise file, or its name is that of another method.
    """
    path = Path(spec.removeprefix(PREFIX)).expanduser()
    if path.is_dir():  # true of the empty path too
        raise RequestError(f"{spec!r} does not name a file; write {PREFIX}PATH")
    head = read_head(path)
    name = head.provenance.name
    if name in taken:
        raise RequestError(
            f"{path} has the name of a method, {name!r}; rename it: "
            f"python -m bench noise import {quote(str(path))} OUT --name NAME --dataset DATASET"
        )
    return Method(
        name=name,
        title="a noise from a file",
        bound=f"L-inf {head.largest}",
        bounded=False,  # not guaranteed; its record states the measured maximum
        source="noise file",
        recipe=NoiseFromFile(path=path),
        version=head.digest,
    )
