"""Put a record together from what a job gave and where it ran."""

from datetime import UTC, datetime
from typing import Any

from attacks.methods import method
from bench.config.models import NoiseCell
from bench.records.schema import NoiseMetrics, NoiseRecord, Record, VictimRecord
from bench.run import memory
from bench.run.environment import environment
from bench.run.plan import Job
from bench.run.workplace import Workplace


def record_of(job: Job, workplace: Workplace, **fields: Any) -> Record:
    """Return the record of a job that this process carried out; `fields` are those of its schema that it gave."""
    kind: type[Record] = VictimRecord
    if isinstance(job.cell, NoiseCell):
        kind, known = NoiseRecord, method(job.method)
        sizes: NoiseMetrics | None = fields.get("metrics")
        bounded = sizes.linf <= job.setup.noise.rho_u if sizes else known.bounded
        fields |= {"bound": known.bound, "bounded": bounded}
    return kind(
        cell=job.cell,
        precision=job.setup.precision,
        environment=environment(workplace.device, workplace.threads),
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        by=workplace.by,
        **({"peak_memory": memory.peak(workplace.device)} | fields),
    )
