"""Carry out one cell: make a noise or train a victim, and leave the record."""

import logging
import traceback
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from attacks import noise as noise_files
from attacks.errors import RequestError, StoppedError
from attacks.files import set_aside
from attacks.methods import method
from attacks.optimiser import DivergedError
from attacks.runtime import Runtime
from attacks.spec import Task
from bench.config.models import NoiseCell, VictimCell
from bench.data import entry
from bench.data.dataset import Dataset, Places
from bench.records.schema import Cost, Metrics, NoiseMetrics, NoiseRecord, Point, Record
from bench.records.store import Store
from bench.run import memory
from bench.run.keeper import FileKeeper
from bench.run.plan import Job, stream
from bench.run.recording import record_of
from bench.run.workplace import Workplace, noise_file, state_file
from victims.network import build
from victims.train import Images, Outcome, Training, train

log = logging.getLogger(__name__)
Report = Callable[[int, int], None]


def carry_out(job: Job, workplace: Workplace, report: Report, stopping: Callable[[], bool]) -> Record:
    """Carry out a job and write its record; a failure of the cell itself is a record too.

    Args:
        job: what to do.
        workplace: where.
        report: told (steps done, all steps).
        stopping: says whether to stop.

    Raises:
        RequestError: where the run cannot go on, e.g. a full disk or missing data.
        StoppedError: where the work was asked to stop; the job goes on from there when it is carried out again.
    """
    keeper = FileKeeper(state_file(workplace, job.cell), stopping)
    memory.reset_peak(workplace.device)
    with torch.random.fork_rng(devices=_gpus(workplace)):  # for networks that draw while they train, e.g. dropout
        torch.manual_seed(stream(job.cell.seed, "global", job.cell.key))
        try:
            record = _make(job, workplace, report, keeper)
        except (RequestError, StoppedError):
            raise
        except Exception as error:
            log.debug("%s failed", job.cell.label, exc_info=True)
            record = record_of(job, workplace, status="failed", error=_reason(error))
    store = Store(workplace.results)
    known = store.read(job.cell)
    if known and known.status == "ok" and record.status == "ok":
        keeper.forget()
        return known  # a noise that was made again because the cache lost it: records are append-only
    store.write(record)
    keeper.forget()
    return record


def _gpus(workplace: Workplace) -> list[torch.device]:
    return [] if workplace.device == "cpu" else [torch.device(workplace.device)]


def _reason(error: Exception) -> str:
    """Return what went wrong in one line, then, unless that says it all, where."""
    if isinstance(error, DivergedError):
        return str(error)
    first = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {first}\n\n{traceback.format_exc()}"


def _make(job: Job, workplace: Workplace, report: Report, keeper: FileKeeper) -> Record:
    if isinstance(job.cell, NoiseCell):
        return _make_noise(job, workplace, report, keeper)
    return _train_victim(job, job.cell, workplace, report, keeper)


def _make_noise(job: Job, workplace: Workplace, report: Report, keeper: FileKeeper) -> Record:
    """Make a noise, or take the cached one with the record of how it was made."""
    path = noise_file(workplace.places, job.noise)
    if path.exists() and (cached := _cached(path, job.noise)):
        return cached
    dataset, runtime = _dataset(job.dataset, workplace.places), _runtime(job, workplace)
    train_images = _placed(dataset.train.images, dataset.train.labels, runtime)
    task = Task(
        images=train_images.images,
        labels=train_images.labels,
        classes=job.classes,
        settings=job.setup.noise,
        augment=job.setup.augment,
        network=lambda: _network(job, job.setup.noise.surrogate, "surrogate"),
        generator=_generator(job, workplace, "noise"),
        runtime=runtime,
        report=report,
        keeper=keeper,
    )
    keeper.begin()
    made = method(job.cell.method).recipe.make(task)
    runtime.synchronise()
    seconds = keeper.seconds
    noise = made.noise.cpu().numpy()
    record = record_of(
        job,
        workplace,
        status="ok",
        metrics=_sizes(noise),
        costs={"generation": Cost(seconds=seconds, passes=made.passes)},
        digests={"dataset": dataset.digest, "noise": noise_files.digest(noise)},
    )
    noise_files.save(path, noise, record.model_dump_json())
    return record


def _sizes(noise: noise_files.Noise) -> NoiseMetrics:
    parts = np.array_split(noise, max(1, len(noise) // 1000))  # in parts, since floats take four times the memory
    norms = [np.linalg.norm(part.reshape(len(part), -1).astype(np.float32), axis=1) for part in parts]
    largest = max(abs(int(noise.min())), int(noise.max()))
    return NoiseMetrics(linf=largest, l2_mean=float(np.concatenate(norms).mean()))


def _cached(path: Any, cell: NoiseCell) -> NoiseRecord | None:
    try:
        _, provenance = noise_files.load(path)
        record = NoiseRecord.model_validate_json(provenance)
    except ValueError as error:  # a RequestError of the file, or a ValidationError of its provenance
        log.warning("%s; set aside as %s, made again", " ".join(str(error).split()), set_aside(path).name)
        return None
    return record if record.cell == cell else None


def _train_victim(job: Job, cell: VictimCell, workplace: Workplace, report: Report, keeper: FileKeeper) -> Record:
    dataset, runtime = _dataset(job.dataset, workplace.places), _runtime(job, workplace)
    noise, _ = noise_files.load(noise_file(workplace.places, job.noise))
    protected = noise_files.protect(dataset.train.images, noise)
    outcome = train(
        Training(
            network=_network(job, cell.victim, "victim"),
            train=_placed(protected, dataset.train.labels, runtime),
            test=_placed(dataset.test.images, dataset.test.labels, runtime),
            rho_a=cell.rho_a,
            settings=job.setup.victim,
            augment=job.setup.augment,
            generator=_generator(job, workplace, f"victim/{cell.victim}/{cell.rho_a:g}"),
            runtime=runtime,
            report=report,
            keeper=keeper,
        )
    )
    return record_of(
        job,
        workplace,
        status="ok",
        metrics=_metrics(outcome, job.setup.victim.last_mean),
        curve=tuple(Point(step=step, accuracy=score.accuracy, loss=score.loss) for step, score in outcome.curve),
        costs={
            "training": Cost(seconds=outcome.training[0], passes=outcome.training[1]),
            "evaluation": Cost(seconds=outcome.evaluation[0], passes=outcome.evaluation[1]),
        },
        digests={"dataset": dataset.digest, "noise": noise_files.digest(noise)},
    )


def _metrics(outcome: Outcome, last: int) -> Metrics:
    accuracies = [score.accuracy for _, score in outcome.curve]
    tail = accuracies[-last:]
    return Metrics(
        accuracy_final=accuracies[-1],
        accuracy_last_mean=sum(tail) / len(tail),
        accuracy_peak=max(accuracies),
        accuracy_robust=outcome.accuracy_robust,
        accuracy_train=outcome.accuracy_train,
    )


def _runtime(job: Job, workplace: Workplace) -> Runtime:
    device = torch.device(workplace.device)
    return Runtime(device=device, precision=job.setup.precision, chunk=128 if device.type == "cpu" else 1024)


def _generator(job: Job, workplace: Workplace, purpose: str) -> torch.Generator:
    seed = stream(job.cell.seed, job.cell.dataset, job.cell.protocol, purpose)
    return torch.Generator(workplace.device).manual_seed(seed)


def _network(job: Job, name: str, purpose: str) -> torch.nn.Module:
    channels, side = job.shape
    setup = job.setup
    return build(
        name,
        classes=job.classes,
        channels=channels,
        size=side,
        init=setup.init,
        mean=setup.mean,
        std=setup.std,
        seed=stream(job.cell.seed, job.cell.dataset, job.cell.protocol, purpose, name),
    )


@lru_cache(maxsize=1)
def _dataset(name: str, places: Places) -> Dataset:
    return entry(name, places).load(places)


def _placed(images: np.ndarray, labels: np.ndarray, runtime: Runtime) -> Images:
    return Images(
        images=torch.from_numpy(images).to(runtime.device), labels=torch.from_numpy(labels).to(runtime.device)
    )
