"""Make one noise, as `run` would, and copy it to a file."""

import shutil
import tempfile
from pathlib import Path

from attacks.core.files import check_writable, write_whole
from bench.config.models import Grid, NoiseCell, Protocol, check_seed
from bench.data.dataset import Places
from bench.noise.exchange import check_out
from bench.records.noise_cache import find_noise
from bench.records.schema import NoiseRecord
from bench.records.store import Store
from bench.run.devices import workplaces
from bench.run.environment import whoami
from bench.run.executors.local import LocalExecutor
from bench.run.job import Job
from bench.run.plan import make_plan
from bench.run.preflight import prepare_run
from bench.run.runner import run_todo
from bench.run.todo import partition


def plan_noise(dataset: str, method: str, protocol: Protocol, seed: int, places: Places) -> Job:
    """Return the job of one noise.

    Raises:
        RequestError: for a wrong name or seed.
    """
    check_seed(seed)
    lists = {
        "datasets": (dataset,),
        "methods": (method,),
        "victims": ("resnet18",),  # a grid needs one; it is not trained here
        "radii": (0,),
        "seeds": (seed,),
    }
    grid = Grid.model_validate({"name": "noise", "protocol": protocol.name, **lists})
    (job,) = (job for job in make_plan(grid, protocol, places).jobs if job.cell is job.noise)
    return job


def make_noise_file(job: Job, out: Path, *, device: str, places: Places) -> tuple[NoiseRecord, Path]:
    """Make a noise, or take it from the cache, and write its file.

    Returns:
        Its record, and its file in the cache; if the noise failed, nothing is written.

    Raises:
        RequestError: if it cannot start or the file cannot be written.
        KeyboardInterrupt: after saying that repeating the command resumes it.
    """
    check_out(out)
    check_writable(out.parent)
    with tempfile.TemporaryDirectory() as folder:  # the noise file keeps the record
        store = Store(Path(folder))
        todo = partition([job], store)
        places_of_work = workplaces(device, 1, results=store.root, places=places, by=whoami())
        prepare_run(todo.work, store.root, places)
        run_todo(todo, LocalExecutor(places_of_work), places)
        record = store.read(job.cell)
    assert isinstance(record, NoiseRecord)
    assert isinstance(job.cell, NoiseCell)
    cached = find_noise(places, job.cell, job.protocols)
    if record.status != "failed":
        write_whole(out, lambda temporary: shutil.copyfile(cached, temporary))
    return record, cached
