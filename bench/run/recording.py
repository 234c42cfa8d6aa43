"""Build and save the record of a job."""

from datetime import UTC, datetime
from typing import Any

from attacks.methods import method
from bench.config.models import NoiseCell
from bench.records.schema import NoiseMetrics, NoiseRecord, Record, VictimRecord
from bench.records.store import Store
from bench.records.texts import legible
from bench.run import process
from bench.run.environment import environment
from bench.run.job import Job
from bench.run.workplace import Workplace


def save_record(record: Record, store: Store) -> Record:
    """Write a record, and return the one that tells how this work ended.

    That is the record in the store, or the given one if it failed: jobs waiting for its noise must see the failure,
    even though the store keeps the record of an earlier success.
    """
    kept = store.write(record)
    return record if record.status == "failed" else kept


def record_of(
    job: Job, workplace: Workplace, *, eager: str | None = None, resumed_from: tuple[str, ...] = (), **fields: Any
) -> Record:
    """Return the record of a job that this process ran.

    Args:
        job, workplace: what was done, and where.
        eager: why CUDA graphs were not used on a GPU, if so.
        resumed_from: the other places where it ran before.
        fields: further fields of the record's schema, from the job's results.
    """
    kind: type[Record] = VictimRecord
    if isinstance(job.cell, NoiseCell):
        kind, known = NoiseRecord, method(job.method)
        sizes: NoiseMetrics | None = fields.get("metrics")
        bounded = sizes.linf <= job.setup.noise.rho_u if sizes else known.bounded
        fields |= {"bound": known.bound, "bounded": bounded}
    if "error" in fields:
        fields["error"] = legible(fields["error"])
    if "peak_memory" not in fields:
        fields["peak_memory"] = process.peak(workplace.device)
    return kind(
        cell=job.cell,
        precision=job.setup.precision,
        notes=job.notes,
        environment=environment(workplace.device, workplace.threads, eager, resumed_from),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        by=workplace.by,
        **fields,
    )
