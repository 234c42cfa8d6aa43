"""Import noise from foreign files, and export it for other code."""

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from attacks.core.errors import RequestError
from attacks.core.files import file_digest
from attacks.core.settings import Name
from attacks.engine.noise import LARGEST, Head, Noise, Provenance, load_noise, narrow, read_head, save_noise
from attacks.methods import method_names, methods
from attacks.recipes.from_file import NoiseFromFile
from bench.data.dataset import Dataset
from bench.noise.convention import (
    IMAGES,
    SCALES,
    Arrangement,
    Layout,
    Unit,
    Values,
    arranged,
    check_order,
    count_not_finite,
    exceeds,
    expand,
    find_arrangement,
    find_unit,
    greatest,
    may_be_images,
    to_grid,
)
from bench.noise.foreign import Foreign, is_noise_file, read_foreign, write_foreign
from bench.records.schema import NoiseRecord, parse_record
from bench.records.texts import encodable
from bench.records.upgrades import Upgrader

SUFFIX = ".safetensors"  # of our own noise files
USUAL_BOUND = 8  # 1/255


@dataclass(frozen=True, kw_only=True)
class ImportHints:
    """What a user states about a file: what the file leaves open, and how large its noise may be.

    Attributes:
        key: the tensor's name, if the file holds several.
        layout, unit: if they are ambiguous.
        bound: the largest entry allowed, in 1/255; if absent, what the file states, or else `USUAL_BOUND`.

    Raises:
        RequestError: for a bound that no noise can have.
    """

    key: str | None = None
    layout: Layout | None = None
    unit: Unit | None = None
    bound: int | None = None

    def __post_init__(self) -> None:
        if self.bound is not None and not 0 <= self.bound <= LARGEST:
            raise RequestError(f"--bound takes a whole number from 0 to {LARGEST}, not {self.bound}")

    def check_for(self, source: Path) -> None:
        """Refuse to be told about a noise file what it states itself.

        Raises:
            RequestError: if a key, layout or unit is given for one.
        """
        if (self.key or self.layout or self.unit) and is_noise_file(source):
            raise RequestError(
                f"{source} is a noise file and states its layout and unit; leave out --key, --layout and --unit"
            )

    def limit_of(self, head: Head | None) -> int | str:
        """Return the largest entry allowed in a file, in 1/255, or in words if its method has another bound.

        Args:
            head: the metadata, if it is a noise file.
        """
        if self.bound is not None:
            return self.bound
        stated = stated_bound(head) if head else None
        return USUAL_BOUND if stated is None else stated


def check_target(name: str, source: Path, out: Path) -> None:
    """Check that noise from one file may have a name and be written to another file.

    Raises:
        RequestError: if the name is not valid in records or is a method's, or the output has a wrong suffix or exists.
    """
    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError as error:
        raise RequestError(
            f"--name {name!r}: start with a letter or digit and use at most 80 of A-Z a-z 0-9 . _ + -"
        ) from error
    if name in method_names(methods()):
        raise RequestError(f"--name {name!r} is the name of a method; choose another")
    _check_apart(source, out)
    check_out(out)


def check_out(out: Path) -> None:
    """Check that a file has the suffix of noise files and does not exist yet.

    Raises:
        RequestError: otherwise.
    """
    if out.suffix != SUFFIX:
        raise RequestError(f"{out}: noise files end in {SUFFIX}; `noise export` writes other formats")
    check_new(out)


def _check_apart(source: Path, out: Path) -> None:
    """Refuse an output that is the input itself, rather than advise removing it."""
    if source.exists() and out.exists() and out.samefile(source):
        raise RequestError(f"{out} is also the input file; choose another output")


def check_new(out: Path) -> None:
    """Check that a file to be written does not exist yet, even as a folder.

    Raises:
        RequestError: if it does.
    """
    if out.is_dir():
        raise RequestError(f"{out} is a folder; give a file inside it")
    if os.path.lexists(out):
        raise RequestError(f"{out} exists; remove it first")


def take(source: Path, out: Path, *, name: str, dataset: Dataset, hints: ImportHints) -> Provenance:
    """Write the noise in a file as a noise file for a dataset, and return its provenance.

    Raises:
        RequestError: if the file cannot be used, or its noise does not fit the images, is not finite or exceeds the
            bound; nothing is written then.
    """
    check_target(name, source, out)
    understood: dict[str, object] = {}
    if is_noise_file(source):  # it states what it is for
        noise = NoiseFromFile(path=source).load(dataset.digest, dataset.train.images.shape)
        bound = hints.limit_of(read_head(source))
        _check_bound(noise, greatest(noise), bound, "--bound")
    else:
        bound = hints.limit_of(None)
        noise, understood = _understand(read_foreign(source, hints.key), dataset, hints, bound)
    origin = {"file": encodable(source.name), "sha256": file_digest(source)} | understood | {"bound": bound}
    provenance = Provenance(name=name, dataset=dataset.name, dataset_digest=dataset.digest, origin=origin)
    save_noise(out, noise, provenance)
    return provenance


def give(source: Path, out: Path, *, layout: Layout, unit: Unit) -> Values:
    """Write the noise of a noise file as a file for other code, and return the array in it.

    Raises:
        RequestError: if the noise file cannot be read, or the other cannot be written.
    """
    _check_apart(source, out)
    check_new(out)
    noise, _ = load_noise(source)
    values = arranged(noise, layout, unit)
    write_foreign(out, values)
    return values


def order_of(found: Foreign, arrangement: Arrangement, dataset: Dataset) -> str | None:
    """State how a tensor's order was compared with that of the training images; None where nothing states an order.

    Raises:
        RequestError: if the two differ.
    """
    if arrangement.per_class:
        return None
    if not dataset.files:
        return "not checked (the images have no file names)" if found.files else None
    if not found.files:
        return "not checked (no file names)"
    check_order(found.files, dataset.files)
    return "checked by file names"


def _understand(
    found: Foreign, dataset: Dataset, hints: ImportHints, bound: int | str
) -> tuple[Noise, dict[str, object]]:
    """Return the noise (N, C, H, W) that a tensor holds, and how it was interpreted."""
    values = found.values
    arrangement = find_arrangement(values.shape, dataset.train.images.shape, len(dataset.classes), hints.layout)
    order = order_of(found, arrangement, dataset)
    if wrong := count_not_finite(values):
        raise RequestError(f"{wrong} of {values.size} entries of the noise are NaN or infinite; regenerate it")
    unit = find_unit(values, hints.unit)
    largest = greatest(values) * SCALES[unit]
    _check_bound(values, largest, bound, "--bound or --unit")
    noise = narrow(expand(to_grid(values, unit), arrangement, dataset.train.labels))
    per = "class" if arrangement.per_class else "image"
    understood = {"layout": arrangement.layout, "unit": unit, "per": per, "largest": largest}
    return noise, understood | ({"order": order} if order else {})


def stated_record(head: Head) -> NoiseRecord | None:
    """Return the record of the method that made a noise; None for noise that was imported, or of a newer version."""
    try:
        record = parse_record(Upgrader().upgrade(head.provenance.origin))
    except ValueError:
        return None
    said = (record.cell.method, record.digests.get("noise"))
    return record if isinstance(record, NoiseRecord) and said == (head.provenance.name, head.digest) else None


def stated_bound(head: Head) -> int | str | None:
    """Return the bound of a noise: in 1/255, or in words if its method has another; None if none is stated.

    A method's is `rho_u` or its own, an imported noise's the one that it was imported with.
    """
    record, origin = stated_record(head), head.provenance.origin
    if record is None:
        accepted = origin.get("bound") if "sha256" in origin else None  # a record that is not understood has one too
        return accepted if isinstance(accepted, int | str) else None
    known = methods().get(head.provenance.name)
    if known is None:
        return None
    if not known.bounded:
        return known.bound
    found = record.cell.numbers.get("noise", {}).get("rho_u")
    return found if isinstance(found, int) else None


def _check_bound(values: Values, largest: float, bound: int | str, hints: str) -> None:
    if isinstance(bound, int) and exceeds(largest, bound):
        fix = f"{IMAGES};" if may_be_images(values) else "clip it, or"
        raise RequestError(
            f"the noise's largest entry is {largest:.6g}/255, over the bound of {bound}/255; "
            f"{fix} give {hints} if that is intended"
        )
