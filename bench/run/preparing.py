"""Prepare a victim's images with its countermeasure; a learned preparation is cached for other victims."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from attacks.core.cost import Passes
from attacks.core.errors import RequestError, StoppedError
from attacks.core.runtime import Runtime
from attacks.core.state import Keeper, NullKeeper
from attacks.core.tensors import read_tensors, write_tensors
from bench.config.cells import numbers_of
from bench.config.models import VictimCell, digest_of
from bench.data.resources import check_memory
from bench.records.schema import Cost
from bench.records.store import Store
from bench.run.draws import stream
from bench.run.job import Job
from bench.run.keeper import FileKeeper
from bench.run.leases import make_once
from bench.run.making import Report, gpus_of, network_of
from bench.run.time_limit import TimeLimitError
from bench.run.workplace import Workplace, unfinished_file
from victims.countermeasures import countermeasure
from victims.countermeasures.spec import Countermeasure, Pairs, Preparation, Prepared
from victims.train import LabelledImages


@dataclass(frozen=True, kw_only=True)
class Splits:
    """The images that a victim is trained and tested on.

    Attributes:
        train, test: the prepared images.
        cost: the cost of the preparation, whoever made it; None if there is none.
        learned: the digest of what was learned for it; empty if nothing was.
    """

    train: LabelledImages
    test: LabelledImages
    cost: Cost | None = None
    learned: str = ""


def prepare_images(
    job: Job,
    cell: VictimCell,
    splits: Splits,
    clean: np.ndarray,
    noise: str,
    runtime: Runtime,
    workplace: Workplace,
    report: Report,
    stopping: Callable[[], bool],
) -> Splits:
    """Return the images as prepared by the cell's countermeasure.

    A learned preparation is made once per noise, and its result is kept in the cache.

    Args:
        job, cell: the victim's.
        splits: its images before the preparation.
        clean: its training images without noise, uint8 (N, C, H, W); the countermeasure sees only the leaked ones.
        noise: the digest of the noise that the images carry.
        runtime, workplace: where.
        report: called with (steps done, all steps) of the preparation.
        stopping: says whether to stop.

    Raises:
        StoppedError: if the work was asked to stop; it resumes from there.
        TimeLimitError: if the work exceeded its time limit.
    """
    against = countermeasure(cell.countermeasure)
    if against.prepare is None:
        return splits
    make = partial(_make, job, against, against.prepare, splits, clean, runtime, workplace, report)
    if against.passes is None:
        start = time.perf_counter()
        made = make(NullKeeper())
        runtime.synchronise()
        if made.passes != Passes():
            raise ValueError(f"{against.name} counts image-passes in `prepare` but declares none; set its `passes`")
        return _applied(splits, made, Cost(seconds=time.perf_counter() - start, passes=Passes()))
    key = _key(job, cell, against, noise)
    path = workplace.places.cached("prepared") / cell.dataset / cell.method / f"{against.name}-{key[:16]}.safetensors"
    keeper = FileKeeper.at(workplace, unfinished_file(workplace, key), stopping)
    made, cost, digest = make_once(path, _read, partial(_learn, path, make, keeper, runtime), stopping)
    return replace(_applied(splits, made, cost), learned=digest)


def unfinished_preparation(job: Job, workplace: Workplace) -> Path | None:
    """Return where the state of a victim's learned preparation is kept; None if it learns none.

    None also before the victim's noise is recorded, whose digest names the file.
    """
    cell = job.cell
    if not isinstance(cell, VictimCell) or not (against := countermeasure(cell.countermeasure)).passes:
        return None
    record = Store(workplace.results, job.protocols).read(job.noise)
    if record is None or "noise" not in record.digests:
        return None
    return unfinished_file(workplace, _key(job, cell, against, record.digests["noise"]))


def _key(job: Job, cell: VictimCell, against: Countermeasure, noise: str) -> str:
    """Return the digest of what decides a preparation; victim, recipe and radius are not part of it.

    The key of a noise is not enough: one regenerated on another machine may differ.
    """
    return digest_of(
        {
            "noise": [cell.inputs["noise"], noise],
            "share": cell.share,
            "part": cell.part,
            "countermeasure": against.identity,
            "numbers": numbers_of(against.reads, job.setup, "countermeasure"),
        }
    )


def _make(
    job: Job,
    against: Countermeasure,
    prepare: Callable[[Preparation], Prepared],
    splits: Splits,
    clean: np.ndarray,
    runtime: Runtime,
    workplace: Workplace,
    report: Report,
    keeper: Keeper,
) -> Prepared:
    if against.memory and workplace.device == "cpu":  # a GPU that has too little says so itself
        _, channels, height, width = splits.train.images.shape
        needed, fix = against.memory(job.setup.countermeasure, (channels, height, width), job.classes)
        _check_memory(needed, fix, against.name)
    seed = partial(stream, job.cell)
    purpose = f"preparation/{against.name}"
    with torch.random.fork_rng(devices=gpus_of(workplace)):
        torch.manual_seed(seed("global", purpose))
        return prepare(
            Preparation(
                images=splits.train.images,
                labels=splits.train.labels,
                test=splits.test.images,
                pairs=_leak(job, against, splits.train.images, clean),
                classes=job.classes,
                settings=job.setup.countermeasure,
                network=lambda name: network_of(job, name, purpose),
                generator=torch.Generator(workplace.device).manual_seed(seed(purpose)),
                runtime=runtime,
                report=report,
                keeper=keeper,
            )
        )


def _check_memory(needed: int, fix: str, name: str) -> None:
    """Check that this machine has the memory for a preparation; if not, only its cells fail.

    Raises:
        MemoryError: if it has less.
    """
    try:
        check_memory(needed, f"countermeasure {name!r}", fix)
    except RequestError as error:
        raise MemoryError(str(error)) from None


def _leak(job: Job, against: Countermeasure, protected: Tensor, clean: np.ndarray) -> Pairs | None:
    """Draw the pairs that a trainer is assumed to hold; for the same seed, a larger draw includes a smaller one."""
    if against.pairs is None:
        return None
    order = np.random.default_rng(stream(job.cell, "pairs")).permutation(len(clean))
    index = np.sort(order[: against.pairs(job.setup.countermeasure)])
    return Pairs(
        clean=torch.from_numpy(clean[index]).to(protected.device),
        protected=protected[torch.from_numpy(index).to(protected.device)],
    )


def _learn(path: Path, make: Callable[[Keeper], Prepared], keeper: FileKeeper, runtime: Runtime) -> None:
    """Learn a preparation, and save it with its cost."""
    keeper.begin()
    try:
        made = make(keeper)
    except (StoppedError, TimeLimitError, RequestError):  # a RequestError ends the run, e.g. because of a full disk
        raise
    except Exception:
        keeper.forget()  # like the state of a cell that failed: it starts over
        raise
    runtime.synchronise()
    cost = Cost(seconds=keeper.seconds, passes=made.passes)
    tensors = {"images": made.images, **({} if made.test is None else {"test": made.test})}
    write_tensors(path, tensors, {"cost": cost.model_dump_json()})
    keeper.forget()


def _applied(splits: Splits, made: Prepared, cost: Cost) -> Splits:
    device = splits.train.images.device
    test = splits.test if made.test is None else replace(splits.test, images=made.test.to(device))
    return Splits(
        train=replace(splits.train, images=made.images.to(device)),
        test=test,
        cost=cost,
    )


def _read(path: Path) -> tuple[Prepared, Cost, str]:
    """Return a saved preparation, its cost and the file's digest."""
    tensors, texts = read_tensors(path)
    made = Prepared(images=tensors["images"], test=tensors.get("test"))
    return made, Cost.model_validate_json(texts["cost"]), texts["digest"]
