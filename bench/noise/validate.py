"""Check whether a file holds usable noise."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from attacks.core.errors import RequestError
from attacks.engine.noise import LARGEST, Head, Noise, digest, largest_value, mean_norm, read_head
from attacks.methods import method_names, methods
from bench.data.dataset import Dataset
from bench.noise.convention import (
    SCALES,
    Values,
    count_not_finite,
    exceeds,
    find_arrangement,
    find_unit,
    greatest,
    to_grid,
)
from bench.noise.exchange import ImportHints, order_of, stated_record
from bench.noise.foreign import KEY, Foreign, is_noise_file, read_foreign


@dataclass(frozen=True, kw_only=True)
class NoiseFinding:
    """One line of a report: what was checked, what was found, and whether that is right."""

    what: str
    found: str
    right: bool = True


def validate_noise(path: Path, dataset: Dataset | None, hints: ImportHints) -> list[NoiseFinding]:
    """Check one of our noise files or a foreign tensor.

    Args:
        path: the file.
        dataset: the images that it should be for; without one, less is checked.
        hints: as for importing.

    Raises:
        RequestError: if the file cannot be read as a tensor of numbers.
    """
    head = read_head(path) if is_noise_file(path) else None
    found = read_foreign(path, KEY if head else hints.key)
    values = found.values
    findings = [
        _file(head) if head else NoiseFinding(what="file", found="a tensor, not a noise file"),
        NoiseFinding(what="type", found=str(values.dtype)),
        *_shape(found, dataset, hints, head),
        *_sizes(values, hints, dataset, head),
    ]
    return findings + (_identity(values, head, dataset) if head else [])


def _file(head: Head) -> NoiseFinding:
    """Check the name of a noise file; a method's name is right if that method made the noise."""
    name = head.provenance.name
    right = name not in method_names(methods()) or stated_record(head) is not None
    found = f"noise file of {name!r}"
    return NoiseFinding(
        what="file",
        found=found if right else f"{found}, the name of a method; import it under another name",
        right=right,
    )


def _shape(found: Foreign, dataset: Dataset | None, hints: ImportHints, head: Head | None) -> Iterator[NoiseFinding]:
    """Check the arrangement, and the order if files are listed."""
    values = found.values
    shape = str(values.shape)
    if dataset is None:
        right = values.ndim == 4
        yield NoiseFinding(what="shape", found=shape if right else f"{shape}, expected four axes", right=right)
        return
    images = dataset.train.images.shape
    if head:
        right = values.shape == images
        yield NoiseFinding(what="shape", found=shape if right else f"{shape}, but the images are {images}", right=right)
        return
    try:
        arrangement = find_arrangement(values.shape, images, len(dataset.classes), hints.layout)
    except RequestError as error:
        yield NoiseFinding(what="shape", found=str(error), right=False)
        return
    per = "class" if arrangement.per_class else "image"
    yield NoiseFinding(what="shape", found=f"{shape}: {arrangement.layout}, one noise per {per}")
    try:
        order = order_of(found, arrangement, dataset)
    except RequestError as error:
        yield NoiseFinding(what="order", found=str(error), right=False)
        return
    if order:
        yield NoiseFinding(what="order", found=order)


def _sizes(values: Values, hints: ImportHints, dataset: Dataset | None, head: Head | None) -> Iterator[NoiseFinding]:
    """Check the entries; if some are not finite, the other checks are skipped."""
    wrong = count_not_finite(values)
    yield NoiseFinding(
        what="finite", found=f"{wrong} of {values.size} entries are not finite" if wrong else "yes", right=not wrong
    )
    if wrong:
        return
    unit = find_unit(values, hints.unit)
    most = greatest(values) * SCALES[unit]
    before = (
        ""
        if values.dtype.kind == "i"
        else f" ({most:.6g} before rounding, read in units of {'1' if unit == '1' else '1/255'})"
    )
    limit = hints.limit_of(head)
    within = isinstance(limit, str) or not exceeds(most, limit)
    verdict = f"at most {limit}" if within else f"over the bound of {limit}"
    if isinstance(limit, str):
        verdict = f"its method's own bound: {limit}"
    yield NoiseFinding(what="largest entry", found=f"{most:.0f}{before}, {verdict}", right=within)
    if exceeds(most, LARGEST) or values.ndim != 4:
        return
    noise = to_grid(values, unit)
    yield NoiseFinding(what="L2 norm", found=f"{mean_norm(noise):.2f} on average")
    yield NoiseFinding(what="variety", found=_variety(noise, dataset))


def _variety(noise: Noise, dataset: Dataset | None) -> str:
    """State how many noises are distinct, and whether they differ by class only."""
    found = [hashlib.sha256(one.tobytes()).digest() for one in noise]
    text = f"{len(set(found))} distinct among {len(found)}"
    labels: npt.NDArray[np.int64] | None = dataset.train.labels if dataset else None
    if labels is None or len(labels) != len(found):
        return text
    per_class = len(set(zip(labels.tolist(), found, strict=True))) == len(set(labels.tolist()))
    return f"{text}: one per {'class' if per_class else 'image'}"


def _identity(values: Values, head: Head, dataset: Dataset | None) -> list[NoiseFinding]:
    """Check what a noise file states about its noise and its images."""
    whole = (digest(values), largest_value(values)) == (head.digest, head.largest)
    name, stated = head.provenance.dataset, head.provenance.dataset_digest
    findings = [NoiseFinding(what="digest", found=head.digest if whole else "does not match the noise", right=whole)]
    if dataset is None:
        return [*findings, NoiseFinding(what="images", found=f"for {name} {stated[:12]}; give --dataset to compare")]
    same = stated == dataset.digest
    found = (
        f"those of {dataset.name}, in this order"
        if same
        else f"different: for {name} {stated[:12]}, not {dataset.digest[:12]}"
    )
    return [*findings, NoiseFinding(what="images", found=found, right=same)]
