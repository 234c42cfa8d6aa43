"""What becomes of a victim whose weights could not be made."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bench.data import Places
from bench.records.schema import Record
from bench.run.devices import workplaces
from bench.run.job import Job
from bench.run.pretraining import PretrainingFailedError, pretrain
from bench.run.time_limit import TimeLimitError


@pytest.mark.parametrize(
    ("reason", "raised"),
    [
        ("TimeLimitError: it took longer than 5 s; --retry timeout resumes it", TimeLimitError),
        ("RuntimeError: no\n\ntraceback", PretrainingFailedError),
    ],
)
def test_the_victim_fails_for_the_same_reason(
    reason: str,
    raised: type[Exception],
    tmp_path: Path,
    places: Places,
    jobs: Sequence[Job],
    record_for: Callable[..., Record],
) -> None:
    """After a time limit `--retry timeout` thus takes the victim, and with it the pretraining."""
    job = next(job for job in jobs if job.cell is not job.noise)
    (place, *_) = workplaces("cpu", 1, results=tmp_path / "results", places=places, by="test")
    first = reason.partition("\n")[0]
    with pytest.raises(raised, match=f"whose weights it starts from, failed: {first}$"):
        pretrain(job, place, lambda part: record_for(part, "failed", reason), lambda: False)
