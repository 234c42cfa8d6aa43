"""Run one cell: make a noise or train a victim, and save its record."""

import logging
import traceback
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from attacks.core.arrays import empty
from attacks.core.errors import RequestError, StoppedError, UntrainableError, escaped
from attacks.core.optimiser import DivergedError
from attacks.core.tensors import digest_of_tensors
from attacks.engine import noise as noise_files
from bench.config.models import NoiseCell, VictimCell
from bench.data import entry
from bench.data.dataset import Dataset, Places, Split
from bench.records.metrics import OF_NOISES, OF_VICTIMS, MeasuredNoise, Trained, measure_all
from bench.records.noise_cache import find_noise, forget_noise, noise_file, read_noise
from bench.records.schema import Cost, Metrics, NoiseMetrics, Point, Record
from bench.records.store import Store
from bench.run import process
from bench.run.draws import draw_protected, stream
from bench.run.environment import code
from bench.run.job import Job
from bench.run.keeper import FileKeeper
from bench.run.making import (
    Report,
    UnusableNoiseError,
    generator_of,
    make_noise,
    network_of,
    placed,
    runtime_of,
    seeded,
)
from bench.run.preparing import Splits, prepare_images
from bench.run.pretraining import PretrainingFailedError, keep_weights, pretrain, recorded_weights, start_from
from bench.run.progress import work
from bench.run.recording import record_of, save_record
from bench.run.time_limit import TimeLimitError, timed_out
from bench.run.unchanged import check_as_planned, check_images
from bench.run.visibility import measure_visibility
from bench.run.workplace import Workplace, state_file
from victims.countermeasures import countermeasure
from victims.recipes import training
from victims.train import Outcome, Training, train

GENERATED = 0.99  # share of a noise job that is generation; the rest is measuring visibility and writing the file

log = logging.getLogger(__name__)


class NoiseLostError(Exception):
    """The noise of a victim is missing from the cache or damaged; it has to be regenerated first."""


class OtherNoiseError(Exception):
    """A noise differs from the one recorded in the results, so victims cannot be trained on it."""


def run_cell(job: Job, workplace: Workplace, report: Report, stopping: Callable[[], bool]) -> Record:
    """Run a job, write its record and return it; a failure of the cell itself is recorded too.

    Args:
        job: what to do.
        workplace: where.
        report: called with (steps done, all steps).
        stopping: says whether to stop.

    Raises:
        RequestError: if the run cannot continue, e.g. because of a full disk or missing data.
        NoiseLostError: if the noise of a victim has to be regenerated first.
        StoppedError: if the work was asked to stop; the job resumes from there when it is rerun.
    """
    code()  # noted now: the checkout may have moved on by the end
    keeper = FileKeeper.at(workplace, state_file(workplace, job.cell), stopping)
    try:
        if job.pretraining:  # before this cell is timed or takes any memory
            run = partial(run_cell, workplace=workplace, report=lambda _done, _total: None, stopping=stopping)
            pretrain(job.pretraining, workplace, run, stopping)
            keeper.begin()
        process.reset_peak(workplace.device)
        with seeded(job, workplace):
            record = _make(job, workplace, report, keeper, stopping)
    except (RequestError, StoppedError, NoiseLostError):
        raise
    except Exception as error:
        log.debug("%s failed", job.cell.label, exc_info=True)
        record = record_of(job, workplace, status="failed", error=_reason(error))
    kept = save_record(record, Store(workplace.results, job.protocols))
    if not timed_out(record):
        keeper.forget()
    return kept


_CLEAR = (DivergedError, OtherNoiseError, PretrainingFailedError, UntrainableError, UnusableNoiseError)


def _reason(error: Exception) -> str:
    """Return what went wrong in one line, followed by a traceback unless that line says enough."""
    if isinstance(error, _CLEAR):
        return str(error)
    if isinstance(error, TimeLimitError):
        return f"{type(error).__name__}: {error}"
    first = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {first}\n\n{traceback.format_exc()}"


def _make(job: Job, workplace: Workplace, report: Report, keeper: FileKeeper, stopping: Callable[[], bool]) -> Record:
    if isinstance(job.cell, NoiseCell):
        return _make_noise(job, workplace, report, keeper)
    if job.keeps_weights and (made := recorded_weights(job, workplace.places)):
        return made
    return _train_victim(job, job.cell, workplace, report, keeper, stopping)


def _make_noise(job: Job, workplace: Workplace, report: Report, keeper: FileKeeper) -> Record:
    """Make a noise, or take it from the cache, and return the record of how it was made."""
    forget_noise()  # that of another cell would only take memory
    path = find_noise(workplace.places, job.noise, job.protocols)
    if cached := read_noise(path, job.noise, job.protocols):
        return _as_recorded(cached[1], str(path), job, workplace)
    path = noise_file(workplace.places, job.noise)
    check_as_planned(job)
    dataset, runtime = _dataset_of(job, workplace), runtime_of(job, workplace)
    train_images = placed(dataset.train.images, dataset.train.labels, runtime)
    keeper.begin()
    generating = _part(report, 0.0, GENERATED)
    made = make_noise(job, train_images, dataset.digest, runtime, workplace, generating, keeper)
    seconds = keeper.seconds - made.warm_up
    noise = noise_files.narrow(made.noise.cpu().numpy())
    digest = noise_files.digest(noise)
    found = MeasuredNoise(noise, made.sign_agreement, measure_visibility(dataset, noise, runtime))
    record = record_of(
        job,
        workplace,
        status="budget_exhausted" if made.exhausted else "ok",
        metrics=NoiseMetrics.model_validate(measure_all(OF_NOISES, found)),
        costs={"generation": Cost(seconds=seconds, passes=made.passes)} if made.passes else {},
        digests={"dataset": dataset.digest, "noise": digest},
        eager=made.eager,
        resumed_from=keeper.resumed_from,
    )
    provenance = noise_files.Provenance(
        name=job.cell.method,
        dataset=job.cell.dataset,
        dataset_digest=dataset.digest,
        origin=record.model_dump(mode="json"),
    )
    _as_recorded(record, "the noise made now", job, workplace)
    if cached := read_noise(path, job.noise, job.protocols):  # made meanwhile by a run with another results folder
        return _as_recorded(cached[1], str(path), job, workplace)
    noise_files.save_noise(path, noise, provenance, digest)
    return record


def _as_recorded(made: Record, what: str, job: Job, workplace: Workplace) -> Record:
    """Return the record of a noise, after checking that the results have no record of a different noise.

    Args:
        made: the noise's own record.
        what: the noise, in words.
        job: the job of the noise or of a victim.
        workplace: where the results are.

    Raises:
        OtherNoiseError: if they have: victims of two different noises would be compared as if they shared one.
    """
    recorded = Store(workplace.results, job.protocols).read(made.cell)
    if recorded and recorded.digests.get("noise", made.digests["noise"]) != made.digests["noise"]:
        made_at = f" at commit {commit[:7]}" if (commit := recorded.environment.commit) else ""
        raise OtherNoiseError(
            f"{what} differs from the noise recorded in {workplace.results}, made on "
            f"{escaped(recorded.environment.place + made_at)}; give the --cache with that noise, regenerate it with "
            "the same code on the same model of GPU, or of processor with as many threads, or give other seeds or "
            "another --results"
        )
    return made


def _train_victim(
    job: Job,
    cell: VictimCell,
    workplace: Workplace,
    report: Report,
    keeper: FileKeeper,
    stopping: Callable[[], bool],
) -> Record:
    check_as_planned(job)
    dataset, runtime = _dataset_of(job, workplace), runtime_of(job, workplace)
    path = find_noise(workplace.places, job.noise, job.protocols)
    if not (cached := read_noise(path, job.noise, job.protocols)):
        raise NoiseLostError
    noise, noise_record = cached
    images, labels = _learnt(cell, dataset.train, noise, workplace.places.cache)
    share = job.preparation.work / work(job)
    splits = prepare_images(
        job,
        cell,
        Splits(train=placed(images, labels, runtime), test=placed(dataset.test.images, dataset.test.labels, runtime)),
        images if cell.part == "unprotected" else dataset.train.images,
        noise_record.digests["noise"],
        runtime,
        workplace,
        _part(report, 0, share),
        stopping,
    )
    if countermeasure(cell.countermeasure).passes:
        # learned: whichever victim made it, that is not part of this one's time and memory
        keeper.begin()
        process.reset_peak(workplace.device)
    network = network_of(job, str(job.network), "victim")
    if job.pretraining:
        start_from(network, job.pretraining, workplace.places)
    # the key names noise, preparation and weights; made again, perhaps on another machine, they may differ
    made = {"noise": noise_record.digests["noise"], "learned": splits.learned}
    keeper.depends_on(digest_of_tensors(network.state_dict(), made))
    outcome = train(
        Training(
            network=network,
            train=splits.train,
            test=splits.test,
            classes=job.classes,
            rho_a=cell.rho_a,
            recipe=training(cell.training),
            countermeasure=countermeasure(cell.countermeasure),
            settings=job.setup.victim,
            augment=job.setup.victim.augment or job.setup.augment,
            generator=generator_of(job, workplace),
            runtime=runtime,
            report=_part(report, share, 1),
            keeper=keeper,
        )
    )
    record = record_of(
        job,
        workplace,
        status="ok",
        metrics=_metrics(outcome, job.setup.victim.last_mean),
        curve=tuple(Point(step=step, accuracy=score.accuracy, loss=score.loss) for step, score in outcome.curve),
        costs=_costs(splits, outcome),
        digests={"dataset": dataset.digest, "noise": noise_record.digests["noise"]},
        eager=outcome.eager,
        resumed_from=keeper.resumed_from,
    )
    return keep_weights(job, workplace.places, network, record) if job.keeps_weights else record


def _part(report: Report, start: float, end: float) -> Report:
    """Return a report function for one part of a job, which runs from share `start` to share `end` of it."""
    return lambda done, total: report(start + (end - start) * done / total, 1)


def _costs(splits: Splits, outcome: Outcome) -> dict[str, Cost]:
    """Return the cost of each phase."""
    training, evaluation = (
        Cost(seconds=seconds, passes=passes) for seconds, passes in (outcome.training, outcome.evaluation)
    )
    found = {"training": training, "evaluation": evaluation}
    return found if splits.cost is None else {"preparation": splits.cost, **found}


def _learnt(cell: VictimCell, train: Split, noise: noise_files.Noise, scratch: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the images and labels that a victim is trained on; large arrays are files in `scratch`."""
    chosen = draw_protected(len(train.images), cell.share, stream(cell, "protected"))
    if cell.part == "unprotected":
        index = np.flatnonzero(~chosen)
        images = empty((len(index), *train.images.shape[1:]), np.uint8, scratch)
        return np.take(train.images, index, axis=0, out=images, mode="clip"), train.labels[index]
    return noise_files.apply_noise(train.images, noise, chosen, scratch), train.labels


def _metrics(outcome: Outcome, last: int) -> Metrics:
    found = Trained(
        steps=[step for step, _ in outcome.curve],
        accuracies=[score.accuracy for _, score in outcome.curve],
        losses=[score.loss for _, score in outcome.curve],
        last=last,
        robust=outcome.accuracy_robust,
        train=outcome.accuracy_train,
    )
    return Metrics.model_validate(measure_all(OF_VICTIMS, found))


def _dataset_of(job: Job, workplace: Workplace) -> Dataset:
    """Return the dataset of a job; its images are those that were planned."""
    return _dataset(job.dataset, workplace.places, job.cell.inputs["dataset"])


@lru_cache(maxsize=1)
def _dataset(name: str, places: Places, planned: str) -> Dataset:
    found = entry(name, places)
    check_images(found, places, planned)
    return found.load(places)
