"""A real Slurm of one node on loopback, with folders, ports and a key of its own."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "scancel", "squeue")
# More CPUs than the machine may have, so that tasks run side by side; arrays of at most two tasks. The partition
# `closed` accepts jobs and runs none.
CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={root}/munge.socket
SlurmctldPort={controller}
SlurmdPort={node}
SlurmctldPidFile={root}/slurmctld.pid
SlurmdPidFile={root}/slurmd.pid
SlurmdSpoolDir={root}/spool
StateSaveLocation={root}/state
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1
MaxArraySize=2
NodeName=one NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=main Nodes=one Default=YES
PartitionName=closed Nodes=one State=DOWN
"""


class Cluster:
    """The cluster, controlled by its own commands."""

    def ask(self, *words: str) -> list[str]:
        """Run a command and return the lines that it prints."""
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()

    def queue(self, what: str = "%i") -> list[str]:
        """Return a line in the format `what` for each waiting or running job, with one line per array task."""
        return sorted(self.ask("squeue", "--array", "--noheader", f"--format={what}"))

    def clear(self) -> None:
        """Cancel all jobs."""
        self.ask("scancel", "--partition=main")
        self.ask("scancel", "--partition=closed")
        self.wait()

    def wait(self) -> None:
        """Wait until the queue is empty."""
        self.wait_for(lambda: not self.queue(), "the queue is still not empty")

    def wait_for(self, happened: Callable[[], object], complaint: str) -> None:
        """Wait, and make requeued jobs begin soon: Slurm would hold them for two minutes."""
        try:
            wait_for(lambda: happened() or self._hurry(), complaint, seconds=240)
        except AssertionError:
            print(*self.ask("scontrol", "--oneliner", "show", "jobs"), sep="\n")
            raise

    def _hurry(self) -> None:
        """Start requeued jobs soon, not at once: a node refuses one in the second it ended ("credential revoked")."""
        soon = (datetime.now() + timedelta(seconds=10)).isoformat()  # noqa: DTZ005 - as squeue says it
        for job, reason, begins in (line.split(maxsplit=2) for line in self.queue("%i %r %S")):
            if reason == "BeginTime" and begins != "N/A" and begins > soon:  # N/A: about to begin
                subprocess.run(
                    ["scontrol", "update", f"JobId={job}", "StartTime=now+3"], capture_output=True, check=False
                )  # unless it has begun meanwhile


def wait_for(happened: Callable[[], object], complaint: str, *, seconds: float) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, complaint
        time.sleep(0.2)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def daemon(root: Path, *words: str) -> Iterator[None]:
    """Run a daemon, with its output in a log file named after it."""
    with (root / f"{words[0]}.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)  # no Ctrl-C
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="session")
def started() -> Iterator[Cluster]:
    if missing := [program for program in PROGRAMS if not shutil.which(program)]:
        pytest.skip(f"a Slurm to test against needs the packages slurmctld, slurmd, munge: no {', '.join(missing)}")
    if os.geteuid() != 0:
        pytest.skip("Slurm's daemons need root")
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm-")))  # a socket's path must be short
        root.chmod(0o755)
        for folder in ("spool", "state"):
            (root / folder).mkdir()
        (root / "munge.key-file").write_bytes(os.urandom(1024))
        (root / "munge.key-file").chmod(0o600)
        conf = root / "slurm.conf"
        conf.write_text(CONF.format(root=root, host=socket.gethostname(), controller=free_port(), node=free_port()))
        stack.enter_context(pytest.MonkeyPatch.context()).setenv("SLURM_CONF", str(conf))
        munge = [
            f"--{name}={root}/munge.{name}" for name in ("socket", "key-file", "pid-file", "log-file", "seed-file")
        ]
        stack.enter_context(daemon(root, "munged", "--foreground", "--force", *munge))
        cluster = Cluster()
        wait_for((root / "munge.socket").exists, "munged does not start", seconds=30)
        stack.enter_context(daemon(root, "slurmctld", "-D", "-c"))
        stack.enter_context(daemon(root, "slurmd", "-D", "-N", "one"))
        wait_for(idle, "the node does not start", seconds=30)
        stack.callback(cluster.clear)
        yield cluster


def idle() -> bool:
    """Return whether the node is up and idle."""
    said = subprocess.run(["sinfo", "--noheader", "--format=%T"], capture_output=True, text=True, check=False)
    return set(said.stdout.split()) == {"idle"}


@pytest.fixture
def slurm(started: Cluster) -> Iterator[Cluster]:
    """The cluster, with an empty queue."""
    yield started
    started.clear()


@pytest.fixture(scope="session")
def outcomes() -> Callable[[Path], dict[str, Any]]:
    """Return the outcomes of cells, by the paths of their records."""

    def read(results: Path) -> dict[str, Any]:
        files = [file for part in ("noise", "records") for file in (results / part).rglob("*.json")]
        records = {str(file.relative_to(results)): json.loads(file.read_text()) for file in files}
        return {name: outcome(record) for name, record in records.items()}

    return read


def outcome(record: Any) -> dict[str, Any]:
    kept = {field: record.get(field) for field in ("cell", "status", "metrics", "curve", "digests")}
    return kept | {"passes": {phase: cost["passes"] for phase, cost in record["costs"].items()}}
