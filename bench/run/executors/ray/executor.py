"""Submit jobs to a Ray cluster as it has room for them, and resubmit those whose node or worker was lost."""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import ray
from ray.exceptions import NodeDiedError, OutOfMemoryError, RayError, TaskCancelledError, WorkerCrashedError
from ray.util.queue import Queue as Told
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from attacks.core.errors import RequestError, first_line
from bench.records.store import Store
from bench.run.executors import ExecutorRequest
from bench.run.executors.event import Event
from bench.run.executors.message import Message, conclude, failure
from bench.run.executors.queue import Queue
from bench.run.executors.ray.cluster import joined, nodes
from bench.run.executors.ray.share import count_fitting, options, share_of
from bench.run.executors.ray.task import run_ray_task
from bench.run.job import Job, protocols_of
from bench.run.workplace import Workplace

MOST_DEATHS = 3  # of workers on one cell: other work on the node may cause some deaths, but hardly all of them
SECONDS_BETWEEN_LOOKS = 0.5  # between checks for messages from tasks
SECONDS_OF_GRACE = 30.0

log = logging.getLogger(__name__)

# Each task has a process of its own, since one in which something went wrong (especially on a GPU) may no longer be
# sound. We do the retries: Ray's would not tell lost nodes from dead workers.
_TASK = ray.remote(max_calls=1, max_retries=0)(run_ray_task)


class RayExecutor:
    """Runs each job as a task of a Ray cluster."""

    def __init__(self, request: ExecutorRequest) -> None:
        self._request = request

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """Run jobs, and yield events.

        There is no event for a victim whose noise or pretraining failed. Jobs that another runner is working on are
        waited for.

        Raises:
            RequestError: if there is no such cluster, no node has what a cell needs, or the run cannot continue.
        """
        queue = Queue(jobs, Store(self._request.results, protocols_of(jobs)))
        try:
            with joined():
                yield from _Run(self._request, queue).events()
        finally:
            queue.close()


class _Run:
    """One run on a cluster that we have joined."""

    def __init__(self, request: ExecutorRequest, queue: Queue) -> None:
        self._share = share_of(request.device, request.resources, gpus=any("GPU" in node for node in nodes()))
        if not count_fitting(self._share, nodes()):
            wanted = " ".join(f"{name}={amount:g}" for name, amount in self._share.items())
            raise RequestError(f"no node of the Ray cluster has the {wanted} that a cell needs; change --resources")
        self._workplace = Workplace(
            results=request.results,
            places=request.places,
            device="cuda:0" if "GPU" in self._share else "cpu",  # a task sees its own GPU only
            threads=max(1, int(self._share["CPU"])),
            by=request.by,
            time_limit=request.time_limit,
        )
        self._most = request.jobs
        self._queue = queue
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self._told = Told(actor_options={"num_cpus": 0, "scheduling_strategy": here})
        self._under_way: dict[ray.ObjectRef[Message], Job] = {}
        self._let_go_of: set[ray.ObjectRef[Message]] = set()
        self._deaths: Counter[str] = Counter()

    def events(self) -> Iterator[Event]:
        """Run the jobs of the queue, and yield events."""
        try:
            while True:
                yield from self._hand_out()
                self._let_go()
                if self._under_way:
                    yield from self._listen()
                elif not self._queue.wait(SECONDS_BETWEEN_LOOKS):
                    return
        finally:
            self._stop()

    def _hand_out(self) -> Iterator[Event]:
        """Submit as many jobs as the cluster has room for; the rest stay unleased for other runners."""
        room = max(1, count_fitting(self._share, nodes()))
        while len(self._under_way) < min(room, self._most or room) and (found := self._queue.next()):
            if isinstance(found, Event):
                yield found
            else:
                task = _TASK.options(name=found.cell.label, **options(self._share))
                reply = task.remote(found, self._workplace, str(Path.cwd()), self._told)
                self._under_way[reply] = found

    def _let_go(self) -> None:
        """Cancel the tasks whose jobs another runner has: we were suspended, or cut off from the folder."""
        for reply, job in self._under_way.items():
            if reply not in self._let_go_of and self._queue.lost(job):
                ray.cancel(reply)
                self._let_go_of.add(reply)

    def _listen(self) -> Iterator[Event]:
        done, _ = ray.wait(list(self._under_way), timeout=SECONDS_BETWEEN_LOOKS)
        yield from self._told.get_nowait_batch(self._told.size())
        for reply in done:
            job = self._under_way.pop(reply)
            yield from conclude(self._outcome(reply, job), job, self._queue)

    def _outcome(self, reply: "ray.ObjectRef[Message]", job: Job) -> Message:
        """Return the message of a task, or one on its behalf if its worker or node was lost.

        A job that goes back to the queue resumes from its state in the cache, or is done if it had left its record.
        """
        try:
            return ray.get(reply)
        except TaskCancelledError:
            log.warning("another runner took over %s", job.cell.label)
        except NodeDiedError:
            log.warning("the node running %s was lost; the cell resumes on another", job.cell.label)
        except (WorkerCrashedError, OutOfMemoryError) as error:
            self._deaths[job.cell.key] += 1
            if self._deaths[job.cell.key] == MOST_DEATHS:
                why = f"{type(error).__name__}: {first_line(str(error))}"
                reason = f"its worker died {MOST_DEATHS} times, possibly out of memory ({why})"
                return failure(job, replace(self._workplace, device="cpu"), reason)  # this node may have no GPU
            log.warning("the worker running %s died; the cell resumes in another", job.cell.label)
        except RayError as error:
            reason = " ".join(str(error).split())
            return Message(kind="impossible", reason=f"Ray cannot run {job.cell.label}: {reason[-500:]}")
        return Message(kind="stopped")

    def _stop(self) -> None:
        """Cancel running tasks, and give them time to save their state."""
        for reply in self._under_way:
            ray.cancel(reply)
        if self._under_way:
            ray.wait(list(self._under_way), num_returns=len(self._under_way), timeout=SECONDS_OF_GRACE)
