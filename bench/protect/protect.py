"""Protect a folder of images: read them, make their noise, write PNGs, and compare those with the originals."""

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from attacks.core.errors import RequestError, UntrainableError
from attacks.core.files import check_writable
from attacks.core.optimiser import DivergedError
from attacks.engine import noise as noise_files
from attacks.engine.noise import Noise
from attacks.methods import method
from attacks.task import NoiseResult
from bench.config.cells import noise_cell
from bench.data.decode import pixel_limit, unwarned
from bench.data.resources import in_threads
from bench.protect.fits import FITS, Fit
from bench.protect.listing import Listing, list_images
from bench.protect.metadata.draft import Metadata
from bench.protect.metadata.read import read_metadata
from bench.protect.output import new_folder
from bench.protect.picture import Pixels, read_picture, write_picture
from bench.protect.request import ProtectRequest, check_request
from bench.protect.stack import Stack, read_stack
from bench.run.job import Job
from bench.run.keeper import FileKeeper
from bench.run.making import UnusableNoiseError, make_noise, placed, runtime_of, seeded
from bench.run.plan import noise_job
from bench.run.preflight import check_networks
from bench.run.process import set_up
from bench.run.progress import duration, loading, progress_view
from bench.run.rates import Rates, estimate_or_borrow
from bench.run.workplace import Workplace, state_file

NAME = "images"  # the dataset's name for a user's images


@dataclass(frozen=True, kw_only=True)
class Protected:
    """The result of protecting a folder.

    Attributes:
        listing: the images.
        tiles: how many training images they yielded.
        turned: how many greyscale images were written as RGB because others are in colour.
        largest: the largest difference between a pixel and its protected one, in 1/255, read from the files.
        unchanged: images that did not change at all, whose noise is zero.
        metadata: what was not kept, for each image.
        exhausted: whether the step budget ended the generation of the noise.
        seconds: from beginning to end.
    """

    listing: Listing
    tiles: int
    turned: int
    largest: int
    unchanged: tuple[str, ...]
    metadata: tuple[Metadata, ...]
    exhausted: bool
    seconds: float


@unwarned()
def protect(request: ProtectRequest, workplace: Workplace) -> Protected:
    """Protect the requested images; the same request gives the same bytes. Interrupted work resumes.

    Raises:
        RequestError: for a wrong request, before any noise is made; if the method fails or the memory of a GPU is too
            small; or if the folder cannot be written.
    """
    began = time.monotonic()
    check_request(request)
    with pixel_limit(request.most_pixels):
        return _protected(request, workplace, began)


def _protected(request: ProtectRequest, workplace: Workplace, began: float) -> Protected:
    fit = FITS[request.fit](size=request.size)
    listing = list_images(request.images, request.labels)
    with loading(f"{len(listing.sources):,} images") as progress:
        stack = read_stack(listing, fit, request.size, progress)
    job = _job(request, listing, stack)
    check_networks([job])
    check_writable(workplace.places.cache)
    for line in (*listing.notes, cost_text(job, len(listing.sources), len(stack.images), workplace)):
        print(line, file=sys.stderr, flush=True)
    keeper = FileKeeper(state_file(workplace, job.cell), workplace.device, lambda: False)
    with new_folder(request.out) as folder:
        made = _make(job, stack, workplace, keeper)
        metadata = _write(listing, stack, fit, made.noise.cpu().numpy(), folder)
        differences = largest_differences(listing, folder, stack.channels)
        largest = max(differences)
        if largest > job.setup.noise.rho_u:
            raise RequestError(f"{request.method} made noise of {largest}/255, over its bound; choose another method")
    keeper.forget()
    return Protected(
        listing=listing,
        tiles=len(stack.images),
        turned=sum(shape.grey for shape in stack.shapes) if stack.channels == 3 else 0,
        largest=largest,
        unchanged=tuple(source.name for source, most in zip(listing.sources, differences, strict=True) if not most),
        metadata=tuple(metadata),
        exhausted=made.exhausted,
        seconds=time.monotonic() - began,
    )


def _job(request: ProtectRequest, listing: Listing, stack: Stack) -> Job:
    """Return the job that makes the noise of these images; its cell covers whatever changes a number."""
    setup, classes = request.protocol.setup, len(listing.classes)
    cell = noise_cell(
        method(request.method),
        dataset=NAME,
        identity=stack.digest,
        seed=request.seed,
        protocol=request.protocol,
        setup=setup,
        inputs={"classes": str(classes)},
    )
    shape = stack.channels, request.size
    return noise_job(cell, request.method, NAME, setup, images=len(stack.images), shape=shape, classes=classes)


def cost_text(job: Job, images: int, tiles: int, workplace: Workplace) -> str:
    """Say what the noise costs at most: image-passes, and the time where the speed of such a device is known.

    Args:
        job: what makes the noise.
        images: how many there are.
        tiles: how many training images they are cut into.
        workplace: where it is made.
    """
    found = estimate_or_borrow([job], Rates(workplace), [workplace])
    where = f", {found.borrowed}" if found.borrowed else ""
    is_known = job.passes.full and not found.unknown  # some noise takes time, but no image-passes
    time_text = f"about {duration(found.seconds)}{where}" if is_known else "progress will show the time"
    parts = f"{tiles:,} tiles of " if tiles != images else ""
    return f"{job.cell.method}: at most {job.passes.full:,} image-passes for {parts}{images:,} images; {time_text}"


def _make(job: Job, stack: Stack, workplace: Workplace, keeper: FileKeeper) -> NoiseResult:
    set_up(workplace.threads)
    runtime = runtime_of(job, workplace)
    try:
        train = placed(stack.images, stack.labels, runtime)
        with progress_view([job]) as shown, seeded(job, workplace):
            shown.began(job)
            made = make_noise(
                job,
                train,
                job.cell.inputs["dataset"],
                runtime,
                workplace,
                lambda done, total: shown.progress(job, done / total),
                keeper,
            )
            shown.ended(job, "ok", "")
    except (UntrainableError, UnusableNoiseError) as error:
        raise RequestError(str(error)) from error
    except DivergedError as error:
        fix = "try another --seed, or a lower learning rate in the numbers of this method"
        raise RequestError(f"{error}; {fix}") from error
    except torch.OutOfMemoryError as error:  # only of a GPU
        fix = "use --device cpu, --fit resize or a smaller --size, or protect the folder in parts"
        raise RequestError(
            f"the images and their noise do not fit in the memory of {workplace.device}; {fix}"
        ) from error
    return made


def _write(listing: Listing, stack: Stack, fit: Fit, noise: Noise, folder: Path) -> list[Metadata]:
    """Write the PNG of every image, its pixels plus their noise, clipped to 0 to 255; return the dropped metadata."""

    def write(number: int) -> Metadata:
        source, shape, part = listing.sources[number], stack.shapes[number], stack.parts[number]
        path = listing.paths[number]
        picture, metadata = read_picture(path, stack.channels), read_metadata(path, stack.channels)
        if not np.array_equal(fit.cut(picture.pixels), stack.images[part]):
            raise RequestError(f"{path} changed while it was in use; rerun")
        own = fit.lay(noise[part], shape.height, shape.width)
        pixels = noise_files.apply_noise(picture.pixels[None], own[None])[0]
        write_picture(folder / source.target, replace(picture, pixels=pixels), metadata)
        return replace(metadata, chunks=())  # which would take much memory

    return in_threads(write, range(len(stack.parts)))


def largest_differences(listing: Listing, written: Path, channels: int) -> list[int]:
    """Return the largest difference between a pixel of each original and of its PNG, in 1/255.

    Args:
        listing: the originals.
        written: the folder of PNGs.
        channels: 1 where the PNGs are grey, 3 where they are in colour.

    Raises:
        RequestError: if an image is missing or unexpected, or differs in more than its pixels' values.
    """
    found = {path.relative_to(written).as_posix() for path in written.rglob("*") if path.is_file()}
    strange = found ^ {source.target for source in listing.sources}
    if strange:
        raise RequestError(f"{min(strange)} is missing from the output or should not be there; rerun")

    def compare(number: int) -> int:
        source, original = listing.sources[number], listing.paths[number]
        png = written / source.target
        before, after = read_picture(original, channels), read_picture(png, channels)
        same = before.pixels.shape == after.pixels.shape and _same(before.alpha, after.alpha)
        if not same or not _is_kept(read_metadata(original, channels), read_metadata(png, channels)):
            raise RequestError(f"{source.target} is not {source.name} plus its noise; nothing was kept, rerun")
        return int(np.abs(after.pixels.astype(np.int16) - before.pixels).max())

    return in_threads(compare, range(len(listing.paths)))


def _same(one: Pixels | None, other: Pixels | None) -> bool:
    return one is other if one is None or other is None else np.array_equal(one, other)


def _is_kept(original: Metadata, png: Metadata) -> bool:
    """Return whether a PNG has the metadata that is kept of its original, and nothing that would have been dropped."""
    return png.chunks == original.chunks and not (png.pictures or png.others or png.lost)
