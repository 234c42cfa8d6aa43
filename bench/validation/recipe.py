"""Check that a record agrees with its recipe: image-passes, evaluations, the noise's bound."""

import math
from collections.abc import Iterator

from attacks.core.cost import Passes
from attacks.spec import Method
from bench.records.schema import NoiseRecord, Point, VictimRecord
from bench.run.job import Job
from bench.validation.finding import Finding, Subject
from bench.validation.values import RUN_AGAIN
from victims.recipes import training
from victims.settings import VictimSettings


def check_recipe(subject: Subject, job: Job, known: Method | None) -> Iterator[Finding]:
    """Yield how a finished record differs from what the job planned for its cell would leave.

    Args:
        subject: the record.
        job: the planned job.
        known: the cell's method; None for a noise from elsewhere, whose cost is not known.
    """
    record = subject.record
    if record.status == "failed":
        return
    whats = _of_noise(record, job, known) if isinstance(record, NoiseRecord) else _of_victim(record, job)
    for what in whats:
        yield Finding(path=subject.path, what=what, fix=RUN_AGAIN)


def _of_noise(record: NoiseRecord, job: Job, known: Method | None) -> Iterator[str]:
    cost = record.costs.get("generation")
    made, most = cost.passes if cost else Passes(), job.passes
    if known is not None:
        exact = not known.recipe.stops_early
        if (made != most) if exact else not _within(made, most):
            yield f"its image-passes are {_text(made)}, not {'' if exact else 'at most '}{_text(most)}"
    if record.metrics is None:
        return
    if record.bounded != (record.metrics.linf <= job.setup.noise.rho_u):
        yield f"its largest entry is {record.metrics.linf:g}/255, but it claims to be {_bounded(record)}"
    if known is not None and known.bounded and not record.bounded:
        yield f"its method stays within {job.setup.noise.rho_u}/255, but it claims not to"


def _of_victim(record: VictimRecord, job: Job) -> Iterator[str]:
    settings = job.setup.victim
    made = sum((cost.passes for phase, cost in record.costs.items() if phase != "preparation"), Passes())
    if made != job.passes - job.preparation:
        yield f"its image-passes are {_text(made)}, not {_text(job.passes - job.preparation)}"
    prepared = record.costs["preparation"].passes if "preparation" in record.costs else Passes()
    if not _within(prepared, job.preparation):
        yield f"its preparation took {_text(prepared)} image-passes, not at most {_text(job.preparation)}"
    steps = [point.step for point in record.curve]
    planned = list(training(record.cell.training).evaluations(settings))
    if steps != planned:
        yield f"its curve does not have a point every {settings.evaluate_every} steps up to {planned[-1]:,}"
    elif record.metrics and not math.isclose(record.metrics.accuracy_last_mean, mean_of_last(record.curve, settings)):
        yield f"`accuracy_last_mean` is not the mean of the last {settings.last_mean} of its curve"
    robust = record.metrics.accuracy_robust if record.metrics else None
    if (robust is None) != (record.cell.rho_a == 0 or settings.robust_images == 0):
        yield (
            "it has no robust accuracy"
            if robust is None
            else "it has a robust accuracy, but its protocol measures none"
        )


def mean_of_last(curve: tuple[Point, ...], settings: VictimSettings) -> float:
    """Return the mean accuracy of the last evaluations, in percent."""
    tail = [point.accuracy for point in curve[-settings.last_mean :]]
    return sum(tail) / len(tail)


def _within(made: Passes, most: Passes) -> bool:
    """Return whether no count of passes exceeds its maximum, and each is positive where its maximum is."""
    counts = [(getattr(made, name), getattr(most, name)) for name in Passes.model_fields]
    return all(count <= limit and (count > 0) == (limit > 0) for count, limit in counts)


def _text(passes: Passes) -> str:
    return " + ".join(f"{count:,} {name}" for name, count in passes.model_dump().items() if count) or "none"


def _bounded(record: NoiseRecord) -> str:
    return "within the radius" if record.bounded else "outside the radius"
