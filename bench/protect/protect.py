"""Protect a folder of images: read them, make their noise, write PNGs, and compare those with the originals."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from attacks.core.errors import RequestError
from attacks.core.files import check_writable
from attacks.core.optimiser import DivergedError
from attacks.engine import noise as noise_files
from attacks.engine.noise import Noise
from attacks.methods import method
from attacks.task import NoiseResult
from bench.config.cells import noise_cell
from bench.data.decode import unwarned
from bench.data.parallel import in_threads
from bench.protect.check import largest_difference
from bench.protect.fits import FITS, Fit
from bench.protect.listing import Listing, list_images
from bench.protect.output import new_folder
from bench.protect.picture import read_picture, write_picture
from bench.protect.request import Request, check
from bench.protect.stack import Stack, read_stack
from bench.run.arithmetic import set_up
from bench.run.keeper import FileKeeper
from bench.run.making import make_noise, placed, runtime_of, seeded
from bench.run.plan import Job, noise_job
from bench.run.preflight import check_networks
from bench.run.progress import loading, view
from bench.run.workplace import Workplace, state_file

NAME = "images"  # what a user's images are called where a dataset has its name


@dataclass(frozen=True, kw_only=True)
class Protected:
    """What was done.

    Attributes:
        listing: the images.
        tiles: how many training images they gave.
        turned: how many grey ones were written in colour, as others have colours.
        largest: the largest difference between a pixel and its protected one, in 1/255, read from the files.
        exhausted: whether a budget ended the making of the noise.
        seconds: from beginning to end.
    """

    listing: Listing
    tiles: int
    turned: int
    largest: int
    exhausted: bool
    seconds: float


@unwarned()
def protect(request: Request, workplace: Workplace) -> Protected:
    """Fulfil a request; the same one gives the same bytes. Interrupted work resumes.

    Raises:
        RequestError: for a wrong request, before any noise is made; or where the folder cannot be written.
    """
    began = time.monotonic()
    check(request)
    fit = FITS[request.fit](size=request.size)
    listing = list_images(request.images, request.labels)
    with loading(f"{len(listing.sources):,} images") as progress:
        stack = read_stack(listing, fit, request.size, progress)
    job = _job(request, listing, stack)
    check_networks([job])
    check_writable(workplace.places.cache)
    keeper = FileKeeper(state_file(workplace, job.cell), workplace.device, lambda: False)
    with new_folder(request.out) as folder:
        made = _make(job, stack, workplace, keeper)
        _write(listing, stack, fit, made.noise.cpu().numpy(), folder)
        largest = largest_difference(listing, folder, stack.channels)
        if largest > job.setup.noise.rho_u:
            raise RequestError(f"{request.method} made noise of {largest}/255, over its bound; choose another method")
    keeper.forget()
    return Protected(
        listing=listing,
        tiles=len(stack.images),
        turned=sum(shape.grey for shape in stack.shapes) if stack.channels == 3 else 0,
        largest=largest,
        exhausted=made.exhausted,
        seconds=time.monotonic() - began,
    )


def _job(request: Request, listing: Listing, stack: Stack) -> Job:
    """Return the job that makes the noise of these images; whatever changes a number is in its cell."""
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


def _make(job: Job, stack: Stack, workplace: Workplace, keeper: FileKeeper) -> NoiseResult:
    set_up(workplace.threads)
    runtime = runtime_of(job, workplace)
    train = placed(stack.images, stack.labels, runtime)
    try:
        with view([job]) as shown, seeded(job, workplace):
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
    except DivergedError as error:
        raise RequestError(f"{error}; try another --seed or a lower rate (--set setup.noise.sgd.lr=0.01)") from error
    return made


def _write(listing: Listing, stack: Stack, fit: Fit, noise: Noise, folder: Path) -> None:
    """Write the PNG of every image: its pixels as stored, with their noise, clipped to 0 to 255."""

    def write(number: int) -> None:
        source, shape, part = listing.sources[number], stack.shapes[number], stack.parts[number]
        picture = read_picture(listing.root / source.name, stack.channels)
        if not np.array_equal(fit.cut(picture.pixels), stack.images[part]):
            raise RequestError(f"{listing.root / source.name} changed while it was in use; rerun")
        own = fit.lay(noise[part], shape.height, shape.width)
        pixels = noise_files.protect(picture.pixels[None], own[None])[0]
        write_picture(folder / source.target, replace(picture, pixels=pixels))

    in_threads(write, range(len(stack.parts)))
